package stillframe

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"hash"

	"google.golang.org/protobuf/proto"

	pb "github.com/stillframe/stillframe/generated/go/stillframe/v1"
)

// A tracker works out deltas against one execution's head, and stays safe while doing so.
//
// What it knows of the head, it knows from its own saves and loads: the etag, and a digest of
// every entry, not the entries themselves. A save then is
//
//   - a delta against that etag, if that is less to send than the whole;
//   - otherwise the whole, with that etag as the expected one, so that it cannot overwrite what
//     somebody else wrote in between;
//   - the whole without any expectation, if nothing is known of the head.
//
// A refusal because somebody else has written (DELTA_BASE_MISMATCH, ETAG_MISMATCH; or
// EXECUTION_NOT_FOUND, because the execution was deleted) is the caller's to see, unless it chose
// overwrite: then the whole is sent without expectation.
//
// When no answer came, nobody knows whether the save took effect, and the head may be the old one
// or the new one. The next save first settles that, by sending the same request again under the
// same request id: where it took effect the server gives its first answer, where it did not it
// takes effect now, in its right place before the next. Both ways the head is known again. The
// old etag in it keeps even a request id that the server has forgotten from overwriting somebody
// else's save.
type tracker struct {
	tenant      string
	executionID string
	overwrite   bool
	send        func(context.Context, *pb.SaveSnapshotRequest) (*Saved, error)

	base      *trackedBase
	unsettled *unsettledSave
}

// trackedBase is what the head is taken to be.
type trackedBase struct {
	etag  string
	known digests
}

// unsettledSave is a save without an answer, and what the head is if it took effect.
type unsettledSave struct {
	request *pb.SaveSnapshotRequest
	known   digests
}

// forget: nothing is known of the head any more, and nothing is owed.
func (t *tracker) forget() { t.base, t.unsettled = nil, nil }

// know: the head was read. One that leaves something out is no base for a delta.
func (t *tracker) know(head *StoredSnapshot) {
	t.forget()
	if head != nil && !head.StepOutputs.partial && !head.Variables.partial {
		t.base = &trackedBase{head.ETag, digestsOf(head.StepOutputs.payloads, head.Variables.payloads)}
	}
}

func (t *tracker) save(
	ctx context.Context, snapshot *encodedSnapshot, options SaveOptions,
) (*Saved, error) {
	if t.unsettled != nil {
		if err := t.settle(ctx); err != nil {
			return nil, err
		}
	}
	known := digestsOf(snapshot.stepOutputs, snapshot.variables)
	saved, err := t.sendOwed(ctx, &unsettledSave{t.request(snapshot, known, options), known})
	if err == nil || !t.overwrite || options.ExpectedETag != nil || !isOvertaken(err) {
		return saved, err
	}
	options.RequestID = "" // another body needs another one
	return t.sendOwed(ctx, &unsettledSave{t.whole(snapshot, options), known})
}

// settle finds out what became of the save that is owed.
func (t *tracker) settle(ctx context.Context) error {
	_, err := t.sendOwed(ctx, t.unsettled)
	if t.unsettled != nil {
		return err // without an answer again, it is still owed
	}
	// Refused, it never took effect, and the snapshot that comes now will meet the same refusal
	// if it stands for it too.
	return nil
}

// sendOwed sends a save that is owed until it is answered.
func (t *tracker) sendOwed(ctx context.Context, save *unsettledSave) (*Saved, error) {
	t.unsettled = save
	saved, err := t.send(ctx, save.request)
	if err != nil {
		if failure := asError(err); failure != nil && !isAbsence(failure) {
			t.unsettled = nil
		}
		return nil, err
	}
	t.unsettled = nil
	t.base = &trackedBase{saved.ETag, save.known}
	return saved, nil
}

// request is the delta, or the whole.
func (t *tracker) request(
	snapshot *encodedSnapshot, known digests, options SaveOptions,
) *pb.SaveSnapshotRequest {
	// MustNotExist contradicts a base, and the caller knows better.
	if t.base == nil || options.MustNotExist {
		return t.whole(snapshot, options)
	}
	if delta := differenceOf(t.base.known, known, snapshot); delta != nil {
		delta.Base = &pb.SnapshotDelta_BaseEtag{BaseEtag: t.base.etag}
		request := saveRequest(t.tenant, t.executionID, options)
		request.Content = &pb.SaveSnapshotRequest_Delta{Delta: delta}
		return request
	}
	if options.ExpectedETag == nil && !t.overwrite {
		options.ExpectedETag = &t.base.etag
	}
	return t.whole(snapshot, options)
}

func (t *tracker) whole(snapshot *encodedSnapshot, options SaveOptions) *pb.SaveSnapshotRequest {
	request := saveRequest(t.tenant, t.executionID, options)
	request.Content = &pb.SaveSnapshotRequest_Snapshot{Snapshot: snapshot.message()}
	return request
}

// isOvertaken says whether a save was refused because somebody else has written.
func isOvertaken(err error) bool {
	return errors.Is(err, ReasonDeltaBaseMismatch) || errors.Is(err, ReasonETagMismatch) ||
		errors.Is(err, ReasonExecutionNotFound)
}

// digest stands for a payload.
type digest [16]byte

// digests are what is known of a snapshot's entries.
type digests struct {
	stepOutputs map[string]digest
	variables   map[string]digest
}

func digestsOf(stepOutputs, variables map[string]*pb.Payload) digests {
	of := func(payloads map[string]*pb.Payload) map[string]digest {
		made := make(map[string]digest, len(payloads))
		for key, payload := range payloads {
			made[key] = digestOf(payload)
		}
		return made
	}
	return digests{of(stepOutputs), of(variables)}
}

// digestOf hashes every field with its length before it, so that no two payloads look the same.
func digestOf(payload *pb.Payload) digest {
	hasher := sha256.New()
	writeField(hasher, []byte(payload.GetEncoding()))
	for _, codec := range payload.GetCodecs() {
		writeField(hasher, []byte(codec))
	}
	// The data comes last, under a length that no other field can have.
	_, _ = hasher.Write(binary.BigEndian.AppendUint64(nil, ^uint64(0)))
	_, _ = hasher.Write(payload.GetData())
	return digest(hasher.Sum(nil)[:len(digest{})])
}

func writeField(hasher hash.Hash, field []byte) {
	_, _ = hasher.Write(binary.BigEndian.AppendUint64(nil, uint64(len(field))))
	_, _ = hasher.Write(field)
}

// differenceOf is the delta from base to snapshot, of which now is known; nil if it is no less to
// send than the whole. It still lacks its base.
func differenceOf(base, now digests, snapshot *encodedSnapshot) *pb.SnapshotDelta {
	outputs := changesOf(base.stepOutputs, now.stepOutputs, snapshot.stepOutputs)
	variables := changesOf(base.variables, now.variables, snapshot.variables)
	whole := sizeOf(snapshot.stepOutputs) + sizeOf(snapshot.variables)
	if outputs.size+variables.size >= whole {
		return nil
	}
	return &pb.SnapshotDelta{
		Snapshot:           snapshot.with(outputs.set, variables.set),
		RemovedStepOutputs: outputs.removed,
		RemovedVariables:   variables.removed,
	}
}

// changes are what a map has to set and to remove, and about how many bytes that is to send.
type changes struct {
	set     map[string]*pb.Payload
	removed []string
	size    int
}

func changesOf(base, now map[string]digest, payloads map[string]*pb.Payload) changes {
	made := changes{set: map[string]*pb.Payload{}}
	for key, payload := range payloads {
		if before, known := base[key]; !known || before != now[key] {
			made.set[key] = payload
		}
	}
	made.size = sizeOf(made.set)
	for key := range base {
		if _, kept := now[key]; !kept {
			made.removed = append(made.removed, key)
			made.size += len(key)
		}
	}
	return made
}

func sizeOf(payloads map[string]*pb.Payload) int {
	size := 0
	for key, payload := range payloads {
		size += len(key) + proto.Size(payload)
	}
	return size
}
