package stillframe

import (
	"context"
	"errors"
	"testing"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

func submit(t *testing.T, saver *Saver, variables vars) {
	t.Helper()
	if err := saver.Submit(running(variables), nil); err != nil {
		t.Fatal(err)
	}
}

func closeSaver(t *testing.T, saver *Saver) {
	t.Helper()
	if err := saver.Close(timeout(t)); err != nil {
		t.Error(err)
	}
}

// flushing flushes in the background.
func flushing(t *testing.T, saver *Saver) func() (*Saved, error) {
	t.Helper()
	var saved *Saved
	var err error
	done, ctx := make(chan struct{}), timeout(t)
	go func() {
		defer close(done)
		saved, err = saver.Flush(ctx)
	}()
	return func() (*Saved, error) {
		<-done
		return saved, err
	}
}

func TestOneIsUnderWayAndTheNewestFollows(t *testing.T) {
	stage, client := newStage(t)
	saver := client.Saver("run", &SaverOptions{WriterEpoch: Ptr(uint64(3))})
	state := vars{"large": large, "n": 0}
	submit(t, saver, state)
	first := stage.take()
	for n := 1; n < 5; n++ {
		state["n"] = n
		submit(t, saver, state)
	}
	flushed := flushing(t, saver)
	first.reply(1)
	second := stage.take()
	second.reply(2)

	if saved, err := flushed(); err != nil || saved.Version != 2 {
		t.Errorf("%+v, %v", saved, err)
	}
	delta := second.request.GetDelta()
	if second.request.GetWriterEpoch() != 3 || delta.GetBaseEtag() != "e1" ||
		len(delta.Snapshot.Variables) != 1 || string(delta.Snapshot.Variables["n"].Data) != "4" {
		t.Errorf("%v", second.request)
	}
	closeSaver(t, saver)
}

func TestASaverThatHadNothingToDo(t *testing.T) {
	_, client := newStage(t)
	saver := client.Saver("run", nil)
	if saved, err := saver.Flush(timeout(t)); saved != nil || err != nil {
		t.Errorf("%+v, %v", saved, err)
	}
	closeSaver(t, saver)
}

func TestASaverMayBeClosedTwice(t *testing.T) {
	stage, client := newStage(t)
	saver := client.Saver("run", nil)
	submit(t, saver, nil)
	flushed := flushing(t, saver)
	stage.take().reply(1)
	if _, err := flushed(); err != nil {
		t.Fatal(err)
	}
	closeSaver(t, saver)
	closeSaver(t, saver)
	if saved, err := saver.Flush(timeout(t)); err != nil || saved.Version != 1 {
		t.Errorf("%+v, %v", saved, err)
	}
	if err := saver.Submit(running(nil), nil); !errors.Is(err, ReasonClosed) {
		t.Errorf("%v", err)
	}
}

func TestCloseWaitsForWhatWasSubmitted(t *testing.T) {
	stage, client := newStage(t)
	saver := client.Saver("run", nil)
	submit(t, saver, nil)
	call := stage.take()
	closed := make(chan error, 1)
	go func() { closed <- saver.Close(timeout(t)) }()
	select {
	case err := <-closed:
		t.Fatalf("closed before it was durable: %v", err)
	default:
	}
	call.reply(1)
	if err := <-closed; err != nil {
		t.Error(err)
	}
}

func TestTheStateIsTheOneAtTheSubmit(t *testing.T) {
	stage, client := newStage(t)
	saver := client.Saver("run", nil)
	messages := []any{"a"}
	submit(t, saver, vars{"messages": messages})
	messages[0] = "b"

	call := stage.take()
	call.reply(1)
	if got := string(call.request.GetSnapshot().Variables["messages"].Data); got != `["a"]` {
		t.Error(got)
	}
	closeSaver(t, saver)
}

func TestAFatalErrorIsGivenToFlushAndSubmit(t *testing.T) {
	stage, client := newStage(t)
	saver := client.Saver("run", nil)
	submit(t, saver, nil)
	stage.take().answer <- refusal(codes.FailedPrecondition, ReasonFenced)

	for range 2 {
		if _, err := saver.Flush(timeout(t)); !errors.Is(err, ReasonFenced) {
			t.Errorf("%v", err)
		}
	}
	if err := saver.Submit(running(nil), nil); !errors.Is(err, ReasonFenced) {
		t.Errorf("%v", err)
	}
	if err := saver.Close(timeout(t)); !errors.Is(err, ReasonFenced) {
		t.Errorf("%v", err)
	}
}

func TestAfterAFailureTheNewestStateIsTried(t *testing.T) {
	stage, client := newStage(t, func(config *Config) { config.Retry.MaxAttempts = 1 })
	saver := client.Saver("run", nil)
	submit(t, saver, vars{"n": 1})
	call := stage.take()
	submit(t, saver, vars{"n": 2})
	call.answer <- status.Error(codes.Unavailable, "away")
	stage.take().reply(1) // what was owed
	newest := stage.take()
	newest.reply(2)

	if got := string(newest.request.GetSnapshot().Variables["n"].Data); got != "2" {
		t.Error(got)
	}
	closeSaver(t, saver)
}

func TestFlushIsBoundedByItsContextAndTheSaverGoesOn(t *testing.T) {
	stage, client := newStage(t)
	saver := client.Saver("run", nil)
	submit(t, saver, nil)
	call := stage.take()
	if _, err := saver.Flush(cancelled()); !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
	call.reply(1)
	if saved, err := saver.Flush(timeout(t)); err != nil || saved.Version != 1 {
		t.Errorf("%+v, %v", saved, err)
	}
	closeSaver(t, saver)
}

func TestACloseThatMayNotWaitEndsTheSaver(t *testing.T) {
	stage, client := newStage(t)
	saver := client.Saver("run", nil)
	submit(t, saver, nil)
	stage.take()

	if err := saver.Close(cancelled()); !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
	if _, err := saver.Flush(timeout(t)); !errors.Is(err, ReasonClosed) {
		t.Errorf("%v", err)
	}
}

func TestTheEndOfTheClientEndsTheSaver(t *testing.T) {
	stage, client := newStage(t)
	busy, idle := client.Saver("run", nil), client.Saver("other", nil)
	submit(t, idle, nil)
	flushed := flushing(t, idle)
	stage.take().reply(1)
	if _, err := flushed(); err != nil {
		t.Fatal(err)
	}
	submit(t, busy, nil)
	stage.take()

	_ = client.Close()

	if _, err := busy.Flush(timeout(t)); !errors.Is(err, ReasonClosed) {
		t.Errorf("%v", err)
	}
	if err := idle.Submit(running(nil), nil); !errors.Is(err, ReasonClosed) {
		t.Errorf("%v", err)
	}
	if saved, err := idle.Flush(timeout(t)); err != nil || saved.Version != 1 {
		t.Errorf("%+v, %v", saved, err)
	}
}

func TestWhatCannotBeEncodedIsTheSubmittersError(t *testing.T) {
	_, client := newStage(t)
	saver := client.Saver("run", nil)
	if err := saver.Submit(running(vars{"n": make(chan int)}), nil); !errors.Is(err, ReasonValueEncode) {
		t.Errorf("%v", err)
	}
	closeSaver(t, saver)
}
