package stillframe

import (
	"context"
	"errors"
	"testing"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	pb "github.com/stillframe/stillframe/generated/go/stillframe/v1"
)

type watchStream = grpc.ServerStreamingServer[pb.WatchSnapshotsResponse]

// scripted starts a fake whose watches are one script after the other. After its script a watch
// stays open until the client leaves, which left tells.
func scripted(t *testing.T, scripts ...func(watchStream) error) (server *fake, left <-chan struct{}) {
	t.Helper()
	leaving := make(chan struct{}, 16)
	calls := make(chan func(watchStream) error, len(scripts))
	for _, each := range scripts {
		calls <- each
	}
	return serve(t, &fake{watch: func(_ *pb.WatchSnapshotsRequest, stream watchStream) error {
		select {
		case script := <-calls:
			if err := script(stream); !errors.Is(err, errStay) {
				return err
			}
		default:
		}
		<-stream.Context().Done()
		leaving <- struct{}{}
		return status.FromContextError(stream.Context().Err()).Err()
	}}), leaving
}

var errStay = errors.New("the watch stays open")

// sends sends frames, each in a message of its own, and then ends with err.
func sends(err error, frames ...*pb.WatchFrame) func(watchStream) error {
	return func(stream watchStream) error {
		for _, each := range frames {
			if err := stream.Send(&pb.WatchSnapshotsResponse{Frames: []*pb.WatchFrame{each}}); err != nil {
				return err
			}
		}
		return err
	}
}

func startsOf(server *fake) []string {
	var starts []string
	for _, each := range server.received() {
		starts = append(starts, startOf(each.(*pb.WatchSnapshotsRequest)))
	}
	return starts
}

func TestAWatchGoesOnAfterEveryEndOfACall(t *testing.T) {
	server, left := scripted(t,
		sends(status.Error(codes.Unavailable, "cut"), openedFrame("r0"), changeFrame("r1")),
		sends(nil, openedFrame("r1"), changeFrame("r2"), goodbyeFrame()),
		sends(refusal(codes.Unavailable, ReasonShuttingDown)),
		sends(errStay, openedFrame("r2"), changeFrame("r3")),
	)
	client, waited := connect(t, server)
	watch, err := client.Watch(timeout(t), &WatchOptions{Mode: ModeEveryChange, Full: true})
	if err != nil {
		t.Fatal(err)
	}

	var tokens []string
	for change, err := range watch.Changes() {
		if err != nil {
			t.Fatal(err)
		}
		tokens = append(tokens, change.ResumeToken)
		if watch.ResumeToken() != change.ResumeToken {
			t.Errorf("%s at %s", watch.ResumeToken(), change.ResumeToken)
		}
		if len(tokens) == 3 {
			break
		}
	}
	<-left // leaving the loop cancelled the call

	expectEqual(t, tokens, []string{"r1", "r2", "r3"})
	expectEqual(t, startsOf(server), []string{"now", "r1", "r2", "r2"})
	if len(waited.taken) != 3 {
		t.Errorf("%v", waited.taken)
	}
	request := server.received()[0].(*pb.WatchSnapshotsRequest)
	if request.TenantId != "acme" || request.Mode != pb.WatchMode_WATCH_MODE_EVERY_CHANGE ||
		request.View != pb.SnapshotView_SNAPSHOT_VIEW_FULL || request.GetMaxMessageBytes() != 64<<20 {
		t.Errorf("%v", request)
	}
	if _, err := watch.Next(timeout(t)); !errors.Is(err, ReasonClosed) {
		t.Errorf("%v", err)
	}
}

func TestNextIsBoundedByItsContextAndTheWatchGoesOn(t *testing.T) {
	more := make(chan struct{})
	server, left := scripted(t, func(stream watchStream) error {
		if err := sends(nil, openedFrame("r0"))(stream); err != nil {
			return err
		}
		<-more
		return sends(errStay, changeFrame("r1"))(stream)
	})
	client, _ := connect(t, server)
	watch, err := client.Watch(context.Background(), nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := watch.Next(timeout(t)); err != nil {
		t.Fatal(err)
	}

	if _, err := watch.Next(cancelled()); !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
	waiting, cancel := context.WithCancel(context.Background())
	defer cancel()
	failed := make(chan error, 1)
	go func() {
		_, err := watch.Next(waiting)
		failed <- err
	}()
	cancel()
	if err := <-failed; !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
	close(more)
	if event, err := watch.Next(timeout(t)); err != nil || event.(*Change).ResumeToken != "r1" {
		t.Errorf("%+v, %v", event, err)
	}
	expectEqual(t, startsOf(server), []string{"now"})
	watch.Close()
	<-left
}

func TestCloseFromElsewhereEndsTheLoop(t *testing.T) {
	server, left := scripted(t, sends(errStay, openedFrame("r0")))
	client, _ := connect(t, server)
	watch, err := client.Watch(context.Background(), nil)
	if err != nil {
		t.Fatal(err)
	}
	opened, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		for _, err := range watch.Events() {
			if err != nil {
				t.Errorf("%v", err)
			}
			close(opened)
		}
	}()
	<-opened
	watch.Close()
	watch.Close()
	<-ended
	<-left
}

func TestTheEndOfTheContextEndsTheWatch(t *testing.T) {
	server, left := scripted(t, sends(errStay, openedFrame("r0")))
	client, _ := connect(t, server)
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	watch, err := client.Watch(ctx, nil)
	if err != nil {
		t.Fatal(err)
	}
	var last error
	for _, err := range watch.Events() {
		last = err
		cancel()
	}
	<-left
	if !errors.Is(last, context.Canceled) {
		t.Errorf("%v", last)
	}
}

func TestTheEndOfTheClientEndsTheWatch(t *testing.T) {
	server, left := scripted(t, sends(errStay, openedFrame("r0")))
	client, _ := connect(t, server)
	watch, err := client.Watch(context.Background(), nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := watch.Next(timeout(t)); err != nil {
		t.Fatal(err)
	}
	_ = client.Close()
	if _, err := watch.Next(timeout(t)); !errors.Is(err, ReasonClosed) {
		t.Errorf("%v", err)
	}
	<-left
	watch.Close()
}

func TestAFatalErrorIsFinal(t *testing.T) {
	server, _ := scripted(t, sends(refusal(codes.OutOfRange, ReasonStoreReplaced)))
	client, _ := connect(t, server)
	watch, err := client.Watch(context.Background(), &WatchOptions{ResumeToken: Ptr("r1")})
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if _, err := watch.Next(timeout(t)); !errors.Is(err, ReasonStoreReplaced) {
			t.Errorf("%v", err)
		}
	}
	watch.Close()
	expectEqual(t, startsOf(server), []string{"r1"})
}

func TestAWatchStartsOverIfTold(t *testing.T) {
	server, _ := scripted(t,
		sends(refusal(codes.OutOfRange, ReasonHistoryCompacted)),
		sends(errStay, openedFrame("r8"), changeFrame(""), initialStateEndFrame("r9", 1)),
	)
	client, _ := connect(t, server)
	watch, err := client.Watch(context.Background(), &WatchOptions{
		ResumeToken: Ptr("r1"), RestartIfLost: true,
	})
	if err != nil {
		t.Fatal(err)
	}
	defer watch.Close()
	var events []Event
	for range 4 {
		event, err := watch.Next(timeout(t))
		if err != nil {
			t.Fatal(err)
		}
		events = append(events, event)
	}
	expectKinds(t, events, "Restarted WatchOpened Change InitialStateEnd")
	expectEqual(t, startsOf(server), []string{"r1", "initial"})
}

func TestAWatchIsRefusedBeforeItIsSent(t *testing.T) {
	client, _ := connect(t, answering(t))
	for field, options := range map[string]*WatchOptions{
		"start":                {InitialState: true, ResumeToken: Ptr("r1")},
		"resume_token":         {ResumeToken: Ptr("")},
		"projection":           {Projection: &Projection{}},
		"filter.execution_ids": {Filter: &Filter{ExecutionIDs: []string{}}},
	} {
		_, err := client.Watch(context.Background(), options)
		if !errors.Is(err, ReasonInvalidField) || asError(err).Violations[0].Field != field {
			t.Errorf("%s: %v", field, err)
		}
	}
}
