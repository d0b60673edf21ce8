package stillframe

import (
	"context"
	"errors"
	"maps"
	"reflect"
	"slices"
	"testing"

	"google.golang.org/protobuf/proto"

	pb "github.com/stillframe/stillframe/generated/go/stillframe/v1"
)

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
