package stillframe

import (
	"context"
	"errors"
	"math"
	"reflect"
	"testing"
	"time"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/durationpb"

	pb "github.com/stillframe/stillframe/generated/go/stillframe/v1"
)

func retryInfo(delay time.Duration) *errdetails.RetryInfo {
	return &errdetails.RetryInfo{RetryDelay: durationpb.New(delay)}
}

func TestWhatPassesIsTriedAgainWithTheSameRequest(t *testing.T) {
	server := answering(t,
		status.Error(codes.Unavailable, "away"),
		refusal(codes.Unavailable, ReasonShuttingDown, retryInfo(time.Second)),
		refusal(codes.ResourceExhausted, ReasonServerBusy),
		refusal(codes.ResourceExhausted, ReasonRateLimited, retryInfo(2*time.Second)),
		status.Error(codes.Canceled, "the drain is over"),
		&pb.SaveSnapshotResponse{Version: 7},
	)
	client, waited := connect(t, server)

	saved, err := client.Save(timeout(t), "run", running(nil), nil)

	if err != nil || saved.Version != 7 {
		t.Fatalf("%+v, %v", saved, err)
	}
	const ms = time.Millisecond
	want := []time.Duration{100 * ms, 1200 * ms, 400 * ms, 2800 * ms, 1600 * ms}
	if !reflect.DeepEqual(waited.taken, want) {
		t.Errorf("%v", waited.taken)
	}
	requests := server.received()
	first := requests[0].(*pb.SaveSnapshotRequest)
	if len(first.RequestId) != 32 {
		t.Errorf("the request id is %q", first.RequestId)
	}
	for _, each := range requests {
		if !proto.Equal(each, first) {
			t.Errorf("%v", each)
		}
	}
}

func TestWhatDoesNotPassIsNotTriedAgain(t *testing.T) {
	for _, err := range []error{
		refusal(codes.FailedPrecondition, ReasonFenced),
		refusal(codes.ResourceExhausted, ReasonQuotaExceeded),
		refusal(codes.Internal, ReasonInternal),
		status.Error(codes.Internal, "RST_STREAM"),
		status.Error(codes.DeadlineExceeded, "a proxy's"),
	} {
		client, waited := connect(t, answering(t, err))
		_, got := client.Info(timeout(t))
		if !errors.Is(got, Code(status.Code(err))) || len(waited.taken) != 0 {
			t.Errorf("%v: %v after %v", err, got, waited.taken)
		}
	}
}

func TestTheTriesAreCounted(t *testing.T) {
	away := status.Error(codes.Unavailable, "away")
	client, waited := connect(t, answering(t, away, away, away), func(config *Config) {
		config.Retry.MaxAttempts = 3
	})

	_, err := client.Info(timeout(t))

	if !errors.Is(err, CodeUnavailable) || len(waited.taken) != 2 {
		t.Errorf("%v after %v", err, waited.taken)
	}
}

func TestAWaitThatUsesTheTimeUpIsNotBegun(t *testing.T) {
	busy := refusal(codes.ResourceExhausted, ReasonServerBusy, retryInfo(time.Hour))
	client, waited := connect(t, answering(t, busy))

	_, err := client.Info(context.Background())

	if !errors.Is(err, ReasonServerBusy) || asError(err).RetryAfter != time.Hour || len(waited.taken) != 0 {
		t.Errorf("%v after %v", err, waited.taken)
	}
}

func TestBackoff(t *testing.T) {
	policy := RetryPolicy{}.withDefaults()
	for failures, want := range map[int]time.Duration{
		1: 50 * time.Millisecond, 2: 100 * time.Millisecond, 5: 800 * time.Millisecond,
		6: time.Second, 1_000_000: time.Second,
	} {
		if got := policy.delay(failures, 0.5, nil); got != want {
			t.Errorf("%d: %v", failures, got)
		}
	}
	forever := &Error{Code: CodeUnavailable, RetryAfter: math.MaxInt64}
	if got := policy.delay(1, 0.5, forever); got != math.MaxInt64 {
		t.Errorf("%v", got)
	}
	if policy.MaxAttempts != 24 {
		t.Errorf("%+v", policy)
	}
}

// holding starts a server that answers no call before the test ends.
func holding(t *testing.T) (server *fake, arrived <-chan struct{}) {
	t.Helper()
	calls, end := make(chan struct{}, 16), make(chan struct{})
	server = serve(t, &fake{unary: func(ctx context.Context, _ string, _ proto.Message) (proto.Message, error) {
		calls <- struct{}{}
		select {
		case <-ctx.Done():
		case <-end:
		}
		return nil, status.Error(codes.Aborted, "the test is over")
	}})
	t.Cleanup(func() { close(end) })
	return server, calls
}

func TestTheCallersContextEndsACall(t *testing.T) {
	server, arrived := holding(t)
	client, _ := connect(t, server)

	expired, cancel := context.WithTimeout(context.Background(), time.Millisecond)
	defer cancel()
	_, err := client.Info(expired)
	if !errors.Is(err, ReasonDeadline) || !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("%v", err)
	}

	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() {
		_, err := client.Load(ctx, "run", nil)
		ended <- err
	}()
	<-arrived
	cancel()
	err = <-ended
	if !errors.Is(err, context.Canceled) || !errors.Is(err, CodeCanceled) || errors.Is(err, ReasonDeadline) {
		t.Errorf("%v", err)
	}
}

func TestTheClientsTimeoutBoundsACallWithoutDeadline(t *testing.T) {
	server, _ := holding(t)
	client, _ := connect(t, server, func(config *Config) { config.Timeout = time.Millisecond })

	if _, err := client.Info(context.Background()); !errors.Is(err, ReasonDeadline) {
		t.Errorf("%v", err)
	}
}

func TestCloseEndsCallsAndWaits(t *testing.T) {
	server, arrived := holding(t)
	client, _ := connect(t, server)
	ended := make(chan error, 2)
	go func() {
		_, err := client.Info(context.Background())
		ended <- err
	}()
	<-arrived

	// And one that waits for its second try.
	waiting, _ := connect(t, answering(t, status.Error(codes.Unavailable, "away")))
	begun := make(chan struct{})
	waiting.clock.sleep = func(ctx context.Context, _ time.Duration) {
		close(begun)
		<-ctx.Done()
	}
	go func() {
		_, err := waiting.Info(context.Background())
		ended <- err
	}()
	<-begun

	for _, each := range []*Client{client, waiting} {
		if err := each.Close(); err != nil {
			t.Error(err)
		}
		if err := <-ended; !errors.Is(err, ReasonClosed) {
			t.Errorf("%v", err)
		}
		if err := each.Close(); err != nil {
			t.Error(err)
		}
		if _, err := each.Info(context.Background()); !errors.Is(err, ReasonClosed) {
			t.Errorf("%v", err)
		}
	}
}

func TestTextThatFitsNoMessageIsAFieldError(t *testing.T) {
	client, _ := connect(t, answering(t))

	_, err := client.Load(timeout(t), "\xff", nil)

	if !errors.Is(err, ReasonInvalidField) || !errors.Is(err, CodeInvalidArgument) {
		t.Errorf("%v", err)
	}
}
