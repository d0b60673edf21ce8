package stillframe

import (
	"errors"
	"reflect"
	"slices"
	"testing"
	"time"

	pb "github.com/stillframe/stillframe/generated/go/stillframe/v1"
)

var (
	errAway = &Error{Code: CodeUnavailable}
	errGone = &Error{Code: CodeOutOfRange, Reason: ReasonHistoryCompacted}
)

func TestFramesBecomeEvents(t *testing.T) {
	w := watchingFrom("now", false)
	expectStart(t, w, "now")

	got := received(w, openedFrame("r0"), caughtUpFrame("r1"), changeFrame("r2"), progressFrame("r3"))

	expectKinds(t, got, "WatchOpened CaughtUp Change Progress")
	opened := &WatchOpened{Mode: ModeEveryChange, Full: true, MaxMessageBytes: 99, ResumeToken: "r0"}
	if !reflect.DeepEqual(got[0], opened) {
		t.Errorf("%+v", got[0])
	}
	change := got[2].(*Change)
	if change.Kind != ChangeSaved || change.Initial || change.ResumeToken != "r2" || change.Snapshot.ExecutionID != "run" {
		t.Errorf("%+v", change)
	}
	if w.token != "r3" {
		t.Error(w.token)
	}
}

func TestTheRestOfTheRequestStaysAsItWas(t *testing.T) {
	request := watchingFrom("r5", false).nextRequest()
	if request.TenantId != "acme" || request.Mode != pb.WatchMode_WATCH_MODE_EVERY_CHANGE || startOf(request) != "r5" {
		t.Errorf("%v", request)
	}
}

func TestTheTokenMovesWhenAnEventIsHandedOut(t *testing.T) {
	w := watchingFrom("now", false)
	w.nextRequest()
	w.receive(&pb.WatchSnapshotsResponse{Frames: []*pb.WatchFrame{
		openedFrame("r0"), changeFrame("r1"), changeFrame("r2"), changeFrame("r3"),
	}})
	w.nextEvent()
	w.nextEvent()
	if w.token != "r1" {
		t.Error(w.token)
	}
	w.ended(errAway)
	// What came and was not handed out is asked for again, and not handed out twice.
	expectStart(t, w, "r1")
	if event := w.nextEvent(); event != nil {
		t.Errorf("%+v", event)
	}
}

func TestAWatchThatWasCutBeforeItOpenedStartsNowAgain(t *testing.T) {
	w := watchingFrom("now", false)
	w.nextRequest()
	w.ended(errAway)
	expectStart(t, w, "now")
	received(w, openedFrame("r7"))
	w.ended(errAway)
	expectStart(t, w, "r7")
}

func TestTheInitialState(t *testing.T) {
	w := watchingFrom("initial", false)
	expectStart(t, w, "initial")

	got := received(w, openedFrame("r1"), changeFrame(""), changeFrame("r2"), progressFrame("r3"),
		initialStateEndFrame("r4", 2), changeFrame("r5"))

	expectKinds(t, got, "WatchOpened Change Change Progress InitialStateEnd Change")
	// No token of the initial state is trusted.
	for i, initial := range []bool{true, true} {
		if change := got[i+1].(*Change); change.Initial != initial || change.ResumeToken != "" {
			t.Errorf("%+v", change)
		}
	}
	if got[0].(*WatchOpened).ResumeToken != "" || got[3].(*Progress).ResumeToken != "" {
		t.Errorf("%+v, %+v", got[0], got[3])
	}
	if end := got[4].(*InitialStateEnd); *end != (InitialStateEnd{2, "r4"}) {
		t.Errorf("%+v", end)
	}
	if got[5].(*Change).Initial {
		t.Error("initial after its end")
	}
	w.ended(nil)
	expectStart(t, w, "r5")
	expectKinds(t, received(w, openedFrame(""), changeFrame("r6")), "WatchOpened Change")
}

func TestACutInTheInitialStateStartsOverAndSaysSo(t *testing.T) {
	for name, cut := range map[string]func(*watching){
		"ended": func(w *watching) { w.ended(errAway) }, "dropped": func(*watching) {},
	} {
		w := watchingFrom("initial", false)
		w.nextRequest()
		received(w, openedFrame("r1"), changeFrame("r2"))
		cut(w)
		if w.token != "" {
			t.Errorf("%s: %s", name, w.token)
		}
		expectStart(t, w, "initial")
		// Said when the new state begins, not while the server is away.
		if event := w.nextEvent(); event != nil {
			t.Errorf("%s: %+v", name, event)
		}
		got := received(w, openedFrame(""), changeFrame(""), initialStateEndFrame("r3", 1))
		expectKinds(t, got, "Restarted WatchOpened Change InitialStateEnd")
		if got[0].(*Restarted).Reason != ReasonInterrupted {
			t.Errorf("%s: %+v", name, got[0])
		}
	}
}

func TestACutThatNobodySawNeedsNoRestart(t *testing.T) {
	w := watchingFrom("initial", false)
	w.nextRequest()
	received(w, openedFrame(""))
	w.ended(errAway)
	w.nextRequest()
	expectKinds(t, received(w, openedFrame(""), initialStateEndFrame("r1", 0)), "WatchOpened InitialStateEnd")
}

func TestARestartThatIsCutAgainIsSaidAgain(t *testing.T) {
	w := watchingFrom("initial", false)
	w.nextRequest()
	for range 2 {
		received(w, openedFrame(""), changeFrame(""))
		w.ended(errAway)
		w.nextRequest()
	}
	w.receive(&pb.WatchSnapshotsResponse{Frames: []*pb.WatchFrame{openedFrame(""), initialStateEndFrame("r1", 0)}})
	expectKinds(t, []Event{w.nextEvent(), w.nextEvent()}, "Restarted WatchOpened")
	// Cut before the consumer saw any of the new state: the view is empty already.
	w.ended(errAway)
	w.nextRequest()
	expectKinds(t, received(w, openedFrame(""), initialStateEndFrame("r1", 0)), "WatchOpened InitialStateEnd")
}

func TestALostPlaceIsAnErrorOrStartsOver(t *testing.T) {
	w := watchingFrom("r1", false)
	w.nextRequest()
	if _, err := w.ended(errGone); !errors.Is(err, ReasonHistoryCompacted) {
		t.Errorf("%v", err)
	}

	w = watchingFrom("r1", true)
	w.nextRequest()
	if _, err := w.ended(errGone); err != nil {
		t.Fatal(err)
	}
	expectStart(t, w, "initial")
	// Still so after another cut on the way.
	w.ended(errAway)
	expectStart(t, w, "initial")
	got := received(w, openedFrame(""), changeFrame(""), initialStateEndFrame("r9", 1), changeFrame("r10"))
	expectKinds(t, got, "Restarted WatchOpened Change InitialStateEnd Change")
	if got[0].(*Restarted).Reason != ReasonHistoryCompacted || w.token != "r10" {
		t.Errorf("%+v, %s", got[0], w.token)
	}
}

func TestAnAnswerOfTheServerEndsTheWatch(t *testing.T) {
	for _, failure := range []*Error{
		{Code: CodeFailedPrecondition, Reason: ReasonFenced}, {Code: CodeInternal, Reason: ReasonInternal},
	} {
		w := watchingFrom("now", false)
		w.nextRequest()
		received(w, openedFrame("r1"))
		if _, err := w.ended(failure); err != failure {
			t.Errorf("%v", err)
		}
	}
}

func TestWhatBreaksAConnectionIsSurvived(t *testing.T) {
	for _, failure := range []*Error{nil, errAway, {Code: CodeInternal}, {Code: CodeCanceled}} {
		w := watchingFrom("now", false)
		w.nextRequest()
		received(w, openedFrame("r1"), goodbyeFrame())
		if delay, err := w.ended(failure); delay != time.Second || err != nil {
			t.Errorf("%v: %v, %v", failure, delay, err)
		}
		expectStart(t, w, "r1")
	}
}

func TestAWatchThatNeverOpenedGivesUp(t *testing.T) {
	w := watchingFrom("now", false)
	for _, want := range []time.Duration{time.Second, 2 * time.Second} {
		w.nextRequest()
		if delay, err := w.ended(errAway); delay != want || err != nil {
			t.Errorf("%v, %v", delay, err)
		}
	}
	if _, err := w.ended(errAway); err != errAway {
		t.Errorf("%v", err)
	}
}

func TestAWatchThatWasOpenWaitsAsLongAsItTakes(t *testing.T) {
	w := watchingFrom("now", false)
	w.nextRequest()
	received(w, openedFrame("r1"))
	var delays []time.Duration
	for range 2_000 {
		delay, err := w.ended(errAway)
		if err != nil {
			t.Fatal(err)
		}
		delays = append(delays, delay/time.Second)
	}
	if !slices.Equal(delays[:4], []time.Duration{1, 2, 4, 4}) || delays[1_999] != 4 {
		t.Errorf("%v … %v", delays[:4], delays[1_999])
	}
	busy := &Error{Code: CodeUnavailable, Reason: ReasonShuttingDown, RetryAfter: time.Second}
	if delay, _ := w.ended(busy); delay != 5*time.Second {
		t.Error(delay)
	}
	received(w, openedFrame("r1"))
	if delay, _ := w.ended(errAway); delay != time.Second {
		t.Error(delay)
	}
}

func TestAnUnknownFrameMovesTheTokenAndIsPassedOver(t *testing.T) {
	w := watchingFrom("now", false)
	w.nextRequest()
	expectKinds(t, received(w, openedFrame("r1"), &pb.WatchFrame{ResumeToken: "r2"}), "WatchOpened")
	if w.token != "r2" {
		t.Error(w.token)
	}
}

func TestAChangeWithoutEntriesCannotBeSavedBack(t *testing.T) {
	for name, change := range map[string]*pb.SnapshotChange{
		"deleted": {Kind: pb.ChangeKind_CHANGE_KIND_DELETED},
		"gone":    {Kind: pb.ChangeKind_CHANGE_KIND_SAVED, ContentGone: true},
		"left":    {Kind: pb.ChangeKind_CHANGE_KIND_LEFT_FILTER},
	} {
		change.Snapshot = &pb.ExecutionSnapshot{}
		w := watchingFrom("now", false)
		w.nextRequest()
		frame := &pb.WatchFrame{ResumeToken: "r1", Frame: &pb.WatchFrame_Change{Change: change}}
		event := received(w, openedFrame("r0"), frame)[1].(*Change)
		if !event.Snapshot.Variables.IsPartial() || event.ContentGone != change.ContentGone {
			t.Errorf("%s: %+v", name, event)
		}
	}
}
