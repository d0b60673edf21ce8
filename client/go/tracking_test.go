package stillframe

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"reflect"
	"slices"
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

func TestTheFirstSaveIsWholeAndExpectsNothing(t *testing.T) {
	head := newFakeHead()
	newEngine(head, false).mustSave(t, vars{"a": 1})

	if head.last().GetSnapshot() == nil || head.last().ExpectedEtag != nil {
		t.Errorf("%v", head.last())
	}
}

func TestLaterSavesAreWhatChanged(t *testing.T) {
	head := newFakeHead()
	engine := newEngine(head, false)
	first := running(vars{"a": large, "b": 1, "c": 2})
	first.StepOutputs = vars{"s1": large, "s2": 1}
	second := running(vars{"a": large, "b": 2})
	second.StepOutputs = vars{"s1": large, "s3": 3}
	for _, each := range []*Snapshot{first, second} {
		if _, err := engine.save(each, SaveOptions{}); err != nil {
			t.Fatal(err)
		}
	}
	want := &pb.SnapshotDelta{
		Base: &pb.SnapshotDelta_BaseEtag{BaseEtag: "e1"},
		Snapshot: &pb.ExecutionSnapshot{
			State: pb.ExecutionState_EXECUTION_STATE_RUNNING, Labels: map[string]string{"a": "b"},
			Variables:   map[string]*pb.Payload{"b": {Data: []byte("2")}},
			StepOutputs: map[string]*pb.Payload{"s3": {Data: []byte("3")}},
		},
		RemovedVariables: []string{"c"}, RemovedStepOutputs: []string{"s2"},
	}
	if !proto.Equal(head.last().GetDelta(), want) {
		t.Errorf("%v", head.last())
	}
}

func TestAPayloadOfOtherFieldsIsAnotherPayload(t *testing.T) {
	head := newFakeHead()
	engine := newEngine(head, false)
	payloads := []Payload{
		{Data: []byte("1")},
		{Data: []byte("1"), Encoding: "e"},
		{Data: []byte("1"), Codecs: []string{"e"}},
		{Data: []byte("1"), Codecs: []string{"e", ""}},
		{Data: []byte("1"), Encoding: "e", Codecs: []string{""}},
	}
	for _, each := range payloads {
		engine.mustSave(t, vars{"a": each, "large": large})
	}
	if head.version != uint64(len(payloads)) {
		t.Fatal(head.version)
	}
	for _, each := range head.requests[1:] {
		if keys := slices.Collect(maps.Keys(each.GetDelta().GetSnapshot().GetVariables())); !reflect.DeepEqual(keys, []string{"a"}) {
			t.Errorf("%v", keys)
		}
	}
}

func TestADeltaThatIsNoSmallerIsNotMade(t *testing.T) {
	head := newFakeHead()
	engine := newEngine(head, false)
	engine.mustSave(t, vars{"a": large})
	engine.mustSave(t, vars{"a": large + "y"})

	if head.last().GetSnapshot() == nil || head.last().GetExpectedEtag() != "e1" {
		t.Errorf("%v", head.last())
	}
}

func TestALoadIsABaseIfItIsWhole(t *testing.T) {
	head := newFakeHead()
	newEngine(head, false).mustSave(t, vars{"a": large, "b": 1})
	engine := newEngine(head, false)
	engine.load(head)
	engine.mustSave(t, vars{"a": large, "b": 2})
	if len(head.last().GetDelta().GetSnapshot().GetVariables()) != 1 {
		t.Errorf("%v", head.last())
	}

	omission := &pb.ExecutionSnapshot{Etag: "e2", Omission: &pb.Omission{Count: 1}}
	engine.tracker.know(storedSnapshot(omission, JSONCodec{}, false))
	engine.mustSave(t, vars{"a": large})
	if head.last().GetSnapshot() == nil || head.last().ExpectedEtag != nil {
		t.Errorf("%v", head.last())
	}
}

func TestWhatSomebodyElseWroteIsNotOverwritten(t *testing.T) {
	for want, mine := range map[Reason]vars{
		ReasonDeltaBaseMismatch: {"a": large, "b": 2}, ReasonETagMismatch: {"b": 2},
	} {
		head := newFakeHead()
		engine := newEngine(head, false)
		engine.mustSave(t, vars{"a": large})
		newEngine(head, false).mustSave(t, vars{"other": large})

		for range 2 {
			if _, err := engine.save(running(mine), SaveOptions{}); !errors.Is(err, want) {
				t.Errorf("%v, not %s", err, want)
			}
		}
		if _, kept := head.values()["other"]; !kept {
			t.Errorf("%s: overwritten", want)
		}
		engine.load(head)
		engine.mustSave(t, mine)
		if len(head.values()) != len(mine) {
			t.Errorf("%v", head.values())
		}
	}
}

func TestOverwriteSavesTheWholeOverIt(t *testing.T) {
	head := newFakeHead()
	engine := newEngine(head, true)
	engine.mustSave(t, vars{"a": large})
	newEngine(head, false).mustSave(t, vars{"other": large})

	if _, err := engine.save(running(vars{"a": large, "b": 2}), SaveOptions{RequestID: "mine"}); err != nil {
		t.Fatal(err)
	}
	refused, last := head.requests[len(head.requests)-2], head.last()
	if refused.GetDelta() == nil || refused.RequestId != "mine" || last.GetSnapshot() == nil ||
		last.RequestId == "mine" || last.RequestId == "" || last.ExpectedEtag != nil {
		t.Errorf("%v, then %v", refused, last)
	}
	engine.mustSave(t, vars{"a": large, "b": 3})
	if head.last().GetDelta() == nil {
		t.Errorf("%v", head.last())
	}
}

func TestADeletedExecutionComesBackOnlyByOverwrite(t *testing.T) {
	for _, overwrite := range []bool{false, true} {
		head := newFakeHead()
		engine := newEngine(head, overwrite)
		engine.mustSave(t, vars{"a": large})
		head.head = nil

		_, err := engine.save(running(vars{"a": large, "b": 1}), SaveOptions{})

		if overwrite != (err == nil) || !overwrite && !errors.Is(err, ReasonExecutionNotFound) {
			t.Errorf("overwrite %v: %v", overwrite, err)
		}
	}
}

func TestTheCallersOwnPreconditionIsNotOverridden(t *testing.T) {
	head := newFakeHead()
	engine := newEngine(head, true)
	engine.mustSave(t, vars{"a": large})

	_, err := engine.save(running(vars{"a": large, "b": 1}), SaveOptions{ExpectedETag: Ptr("e7")})
	if !errors.Is(err, ReasonETagMismatch) || len(head.requests) != 2 {
		t.Errorf("%v after %d", err, len(head.requests))
	}
	if _, err := engine.save(running(vars{"a": large}), SaveOptions{MustNotExist: true}); err != nil {
		t.Error(err)
	}
	if head.last().GetSnapshot() == nil {
		t.Errorf("%v", head.last())
	}
}

func TestASaveWithoutAnAnswerIsSettledByTheNext(t *testing.T) {
	lost := map[string]error{
		"unavailable": lose(), "cancelled": contextError(cancelled(), nil),
		"timeout": &Error{Code: CodeDeadlineExceeded, Reason: ReasonDeadline},
		"broken":  &Error{Code: CodeInternal},
	}
	for name, failure := range lost {
		for _, arrived := range []bool{false, true} {
			head := newFakeHead()
			engine := newEngine(head, false)
			engine.mustSave(t, vars{"a": large})
			fail := func() error { return failure }
			if arrived {
				engine.after = fail
			} else {
				engine.before = fail
			}
			if _, err := engine.save(running(vars{"a": large, "b": 1}), SaveOptions{}); err != failure {
				t.Fatal(err)
			}
			engine.before, engine.after = nil, nil

			engine.mustSave(t, vars{"a": large, "b": 1, "c": 2})

			repeat, last := head.requests[len(head.requests)-2], head.last()
			if head.version != 3 || repeat.GetDelta().GetBaseEtag() != "e1" ||
				last.GetDelta().GetBaseEtag() != "e2" || len(last.GetDelta().Snapshot.Variables) != 1 {
				t.Errorf("%s, arrived %v: %v, then %v", name, arrived, repeat, last)
			}
		}
	}
}

func cancelled() context.Context {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	return ctx
}

func TestASaveStaysOwedUntilItIsAnswered(t *testing.T) {
	head := newFakeHead()
	engine := newEngine(head, false)
	engine.mustSave(t, vars{"a": large})
	engine.after = lose
	for n := range 3 {
		if _, err := engine.save(running(vars{"a": large, "b": n}), SaveOptions{}); err == nil {
			t.Fatal("not lost")
		}
	}
	engine.after = nil
	engine.mustSave(t, vars{"a": large, "b": 9})

	// The first was owed; the two after it never got their turn.
	if head.version != 3 || head.values()["b"] != "9" {
		t.Errorf("%d, %v", head.version, head.values())
	}
}

func TestAnOwedSaveThatIsRefusedNeverWas(t *testing.T) {
	head := newFakeHead()
	engine := newEngine(head, false)
	engine.mustSave(t, vars{"a": large})
	engine.before = lose
	if _, err := engine.save(running(vars{"a": large, "b": 1}), SaveOptions{}); err == nil {
		t.Fatal("not lost")
	}
	engine.before = nil
	newEngine(head, false).mustSave(t, vars{"other": 1})

	_, err := engine.save(running(vars{"a": large, "b": 2}), SaveOptions{})
	if !errors.Is(err, ReasonDeltaBaseMismatch) || head.values()["other"] != "1" {
		t.Errorf("%v, %v", err, head.values())
	}
}

func TestARefusalIsNotOwed(t *testing.T) {
	head := newFakeHead()
	engine := newEngine(head, false)
	engine.mustSave(t, vars{"a": large})
	engine.before = func() error { return &Error{Code: CodeFailedPrecondition, Reason: ReasonFenced} }
	if _, err := engine.save(running(vars{"a": large, "b": 1}), SaveOptions{}); !errors.Is(err, ReasonFenced) {
		t.Fatal(err)
	}
	engine.before = nil
	engine.mustSave(t, vars{"a": large, "b": 2})

	if head.version != 2 {
		t.Error(head.version)
	}
}

func TestALoadClearsWhatWasOwed(t *testing.T) {
	head := newFakeHead()
	engine := newEngine(head, false)
	engine.mustSave(t, vars{"a": large})
	engine.after = lose
	if _, err := engine.save(running(vars{"a": large, "b": 1}), SaveOptions{}); err == nil {
		t.Fatal("not lost")
	}
	engine.after = nil
	engine.load(head)
	engine.mustSave(t, vars{"a": large, "b": 2})

	if head.version != 3 || len(head.requests) != 3 {
		t.Errorf("%d after %d", head.version, len(head.requests))
	}
}

func TestWhateverGetsLostTheHeadIsTheLastSaveThatSucceeded(t *testing.T) {
	for seed := range uint64(60) {
		chance := rand.New(rand.NewPCG(seed, 0))
		head := newFakeHead()
		engine := newEngine(head, false)
		engine.before = func() error {
			if chance.Float64() < 0.3 {
				return lose()
			}
			return nil
		}
		engine.after = engine.before
		state, accepted := vars{}, 0
		for n := range 40 {
			state[fmt.Sprintf("k%d", chance.IntN(6))] = []any{n, large, nil}[chance.IntN(3)]
			delete(state, fmt.Sprintf("k%d", chance.IntN(6)))
			saved, err := engine.save(running(maps.Clone(state)), SaveOptions{})
			if errors.Is(err, CodeUnavailable) {
				continue
			}
			if err != nil {
				t.Fatalf("seed %d: %v", seed, err)
			}
			accepted++
			want, _ := encodeEntries("variables", state, JSONCodec{})
			if saved.ETag != head.head.Etag || !proto.Equal(
				&pb.ExecutionSnapshot{Variables: head.head.Variables}, &pb.ExecutionSnapshot{Variables: want},
			) {
				t.Fatalf("seed %d, save %d: %v", seed, n, head.values())
			}
		}
		if accepted == 0 {
			t.Fatalf("seed %d: nothing was accepted", seed)
		}
	}
}
