package stillframe

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

func TestAnAbsenceIsRiddenOutWithTheSameRequest(t *testing.T) {
	stage, client := newStage(t, func(config *Config) { config.Retry.MaxAttempts = 2 })
	saver := client.Saver("run", nil)
	submit(t, saver, vars{"n": 1})
	flushed := flushing(t, saver)
	ids := map[string]bool{}
	for range 5 {
		call := stage.take()
		ids[call.request.RequestId] = true
		call.answer <- status.Error(codes.Unavailable, "away")
	}
	// What was owed, and then the state itself.
	owed := stage.take()
	ids[owed.request.RequestId] = true
	owed.reply(1)
	stage.take().reply(2)

	if saved, err := flushed(); err != nil || saved.Version != 2 || len(ids) != 1 {
		t.Errorf("%+v, %v, %v", saved, err, ids)
	}
	closeSaver(t, saver)
}

func TestAnAbsenceThatLastsIsAnError(t *testing.T) {
	stage, client := newStage(t, func(config *Config) { config.Retry.MaxAttempts = 1 })
	now := time.Now()
	times := make(chan time.Time, 16)
	client.clock.now = func() time.Time {
		select {
		case now = <-times:
		default:
		}
		return now
	}
	saver := client.Saver("run", &SaverOptions{MaxAbsence: time.Hour})
	submit(t, saver, nil)
	stage.take().answer <- status.Error(codes.Unavailable, "away")
	again := stage.take()
	times <- now.Add(time.Hour)
	again.answer <- status.Error(codes.Unavailable, "away")

	if _, err := saver.Flush(timeout(t)); !errors.Is(err, CodeUnavailable) {
		t.Errorf("%v", err)
	}
	if err := saver.Close(timeout(t)); !errors.Is(err, CodeUnavailable) {
		t.Errorf("%v", err)
	}
}

func TestAnAbsenceBeginsWithTheTryThatFailed(t *testing.T) {
	stage, client := newStage(t, func(config *Config) { config.Retry.MaxAttempts = 1 })
	start := time.Now()
	var passed atomic.Int64
	client.clock.now = func() time.Time { return start.Add(time.Duration(passed.Load())) }
	saver := client.Saver("run", &SaverOptions{MaxAbsence: time.Hour})
	submit(t, saver, nil)
	call := stage.take()
	passed.Store(int64(time.Hour))
	call.answer <- status.Error(codes.Unavailable, "away")

	if _, err := saver.Flush(timeout(t)); !errors.Is(err, CodeUnavailable) {
		t.Errorf("%v", err)
	}
}

func TestAServerThatWantsLongerDoesNotMakeTheAbsenceLonger(t *testing.T) {
	stage, client := newStage(t, func(config *Config) { config.Retry.MaxAttempts = 1 })
	start := time.Now()
	var passed atomic.Int64
	client.clock.now = func() time.Time { return start.Add(time.Duration(passed.Load())) }
	slept := make(chan time.Duration, 16)
	client.clock.sleep = func(_ context.Context, delay time.Duration) {
		slept <- delay
		passed.Add(int64(delay))
	}
	saver := client.Saver("run", &SaverOptions{MaxAbsence: time.Hour})
	submit(t, saver, nil)
	call := stage.take()
	passed.Store(int64(time.Minute))
	call.answer <- refusal(codes.Unavailable, ReasonShuttingDown, retryInfo(24*time.Hour))

	// One more try is made, and has no time left.
	if _, err := saver.Flush(timeout(t)); !errors.Is(err, CodeDeadlineExceeded) {
		t.Errorf("%v", err)
	}
	expectEqual(t, <-slept, 59*time.Minute)
	expectEqual(t, len(slept), 0)
}

func TestATryEndsWithTheAbsence(t *testing.T) {
	_, client := newStage(t)
	now := time.Now()
	client.clock.now = func() time.Time { return now }
	saver := client.Saver("run", &SaverOptions{MaxAbsence: 10 * time.Second})
	expectEqual(t, saver.timeLeft(), 10*time.Second)
	saver.failures, saver.absentSince = 1, now
	now = now.Add(7 * time.Second)
	expectEqual(t, saver.timeLeft(), 3*time.Second)
	now = now.Add(7 * time.Second)
	expectEqual(t, saver.timeLeft(), time.Millisecond)
	client.config.Timeout = time.Second
	saver.failures = 0
	expectEqual(t, saver.timeLeft(), time.Second)
}
