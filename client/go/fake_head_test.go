package stillframe

import (
	"context"
	"fmt"
	"maps"
	"strings"
	"testing"

	"google.golang.org/protobuf/proto"

	pb "github.com/stillframe/stillframe/generated/go/stillframe/v1"
)

var large = strings.Repeat("x", 1_000)

// fakeHead is one execution by the rules of a save, as far as deltas go.
type fakeHead struct {
	head     *pb.ExecutionSnapshot
	version  uint64
	answers  map[string]*Saved
	bodies   map[string]*pb.SaveSnapshotRequest
	requests []*pb.SaveSnapshotRequest
}

func newFakeHead() *fakeHead {
	return &fakeHead{answers: map[string]*Saved{}, bodies: map[string]*pb.SaveSnapshotRequest{}}
}

func (h *fakeHead) last() *pb.SaveSnapshotRequest { return h.requests[len(h.requests)-1] }

func (h *fakeHead) save(request *pb.SaveSnapshotRequest) (*Saved, error) {
	h.requests = append(h.requests, request)
	if before, answered := h.bodies[request.RequestId]; answered {
		if !proto.Equal(before, request) {
			return nil, &Error{Code: CodeInvalidArgument, Reason: ReasonRequestIDReused}
		}
		return h.answers[request.RequestId], nil
	}
	if request.ExpectedEtag != nil && request.GetExpectedEtag() != h.head.GetEtag() {
		return nil, &Error{Code: CodeAborted, Reason: ReasonETagMismatch}
	}
	next := request.GetSnapshot()
	if delta := request.GetDelta(); delta != nil {
		switch {
		case h.head == nil:
			return nil, &Error{Code: CodeNotFound, Reason: ReasonExecutionNotFound}
		case delta.GetBaseEtag() != h.head.Etag:
			return nil, &Error{Code: CodeAborted, Reason: ReasonDeltaBaseMismatch}
		}
		next = proto.CloneOf(delta.Snapshot)
		next.Variables = applied(h.head.Variables, next.Variables, delta.RemovedVariables)
		next.StepOutputs = applied(h.head.StepOutputs, next.StepOutputs, delta.RemovedStepOutputs)
	}
	h.version++
	h.head = proto.CloneOf(next)
	h.head.Version, h.head.Etag = h.version, fmt.Sprintf("e%d", h.version)
	saved := &Saved{Version: h.version, ETag: h.head.Etag}
	h.answers[request.RequestId], h.bodies[request.RequestId] = saved, proto.CloneOf(request)
	return saved, nil
}

func applied(old, set map[string]*pb.Payload, removed []string) map[string]*pb.Payload {
	made := maps.Clone(old)
	if made == nil {
		made = map[string]*pb.Payload{}
	}
	for _, key := range removed {
		delete(made, key)
	}
	maps.Copy(made, set)
	return made
}

func (h *fakeHead) values() map[string]string {
	made := map[string]string{}
	for key, payload := range h.head.GetVariables() {
		made[key] = string(payload.Data)
	}
	return made
}

// engine is a tracker, and the carrying of its calls, which may be lost on the way.
type engine struct {
	tracker tracker
	before  func() error
	after   func() error
}

func newEngine(h *fakeHead, overwrite bool) *engine {
	e := &engine{}
	e.tracker = tracker{tenant: "acme", executionID: "run", overwrite: overwrite}
	e.tracker.send = func(_ context.Context, request *pb.SaveSnapshotRequest) (*Saved, error) {
		if e.before != nil {
			if err := e.before(); err != nil {
				return nil, err
			}
		}
		saved, err := h.save(request)
		if err == nil && e.after != nil {
			if err := e.after(); err != nil {
				return nil, err
			}
		}
		return saved, err
	}
	return e
}

func (e *engine) save(snapshot *Snapshot, options SaveOptions) (*Saved, error) {
	encoded, err := encodeSnapshot(snapshot, JSONCodec{})
	if err != nil {
		return nil, err
	}
	return e.tracker.save(context.Background(), encoded, options)
}

func (e *engine) mustSave(t *testing.T, variables map[string]any) *Saved {
	t.Helper()
	saved, err := e.save(running(variables), SaveOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return saved
}

func (e *engine) load(h *fakeHead) { e.tracker.know(storedSnapshot(h.head, JSONCodec{}, false)) }

func lose() error { return &Error{Code: CodeUnavailable} }

type vars = map[string]any
