package stillframe

import (
	"fmt"
	"strings"
	"testing"
	"time"

	pb "github.com/stillframe/stillframe/generated/go/stillframe/v1"
)

func openedFrame(token string) *pb.WatchFrame {
	return &pb.WatchFrame{ResumeToken: token, Frame: &pb.WatchFrame_Opened{Opened: &pb.WatchOpened{
		Mode: pb.WatchMode_WATCH_MODE_EVERY_CHANGE, View: pb.SnapshotView_SNAPSHOT_VIEW_FULL,
		MaxMessageBytes: 99,
	}}}
}

func changeFrame(token string) *pb.WatchFrame {
	return &pb.WatchFrame{ResumeToken: token, Frame: &pb.WatchFrame_Change{Change: &pb.SnapshotChange{
		Kind:     pb.ChangeKind_CHANGE_KIND_SAVED,
		Snapshot: &pb.ExecutionSnapshot{ExecutionId: "run"},
	}}}
}

func initialStateEndFrame(token string, count uint64) *pb.WatchFrame {
	return &pb.WatchFrame{ResumeToken: token, Frame: &pb.WatchFrame_InitialStateEnd{
		InitialStateEnd: &pb.WatchInitialStateEnd{ExecutionCount: count},
	}}
}

func progressFrame(token string) *pb.WatchFrame {
	return &pb.WatchFrame{ResumeToken: token, Frame: &pb.WatchFrame_Progress{Progress: &pb.WatchProgress{}}}
}

func caughtUpFrame(token string) *pb.WatchFrame {
	return &pb.WatchFrame{ResumeToken: token, Frame: &pb.WatchFrame_CaughtUp{CaughtUp: &pb.WatchCaughtUp{}}}
}

func goodbyeFrame() *pb.WatchFrame {
	return &pb.WatchFrame{Frame: &pb.WatchFrame_Goodbye{Goodbye: &pb.WatchGoodbye{}}}
}

func watchingFrom(start string, restartIfLost bool) *watching {
	request := &pb.WatchSnapshotsRequest{TenantId: "acme", Mode: pb.WatchMode_WATCH_MODE_EVERY_CHANGE}
	switch start {
	case "now":
	case "initial":
		request.Start = &pb.WatchSnapshotsRequest_InitialState{InitialState: &pb.WatchFromInitialState{}}
	default:
		request.Start = &pb.WatchSnapshotsRequest_ResumeToken{ResumeToken: start}
	}
	client := &Client{
		codec: JSONCodec{}, clock: clock{jitter: func() float64 { return 1 }},
		config: Config{Retry: RetryPolicy{
			MaxAttempts: 3, InitialBackoff: time.Second, MaxBackoff: 4 * time.Second,
		}.withDefaults()},
	}
	return newWatching(request, client, restartIfLost)
}

func received(w *watching, frames ...*pb.WatchFrame) []Event {
	w.receive(&pb.WatchSnapshotsResponse{Frames: frames})
	var events []Event
	for event := w.nextEvent(); event != nil; event = w.nextEvent() {
		events = append(events, event)
	}
	return events
}

// kinds gives the types of events, such as "WatchOpened Change".
func kinds(events []Event) string {
	var names []string
	for _, each := range events {
		names = append(names, strings.TrimPrefix(fmt.Sprintf("%T", each), "*stillframe."))
	}
	return strings.Join(names, " ")
}

func startOf(request *pb.WatchSnapshotsRequest) string {
	switch start := request.GetStart().(type) {
	case *pb.WatchSnapshotsRequest_ResumeToken:
		return start.ResumeToken
	case *pb.WatchSnapshotsRequest_InitialState:
		return "initial"
	case *pb.WatchSnapshotsRequest_Now:
		return "now"
	}
	return "unset"
}

func expectStart(t *testing.T, w *watching, want string) {
	t.Helper()
	if got := startOf(w.nextRequest()); got != want {
		t.Errorf("starts with %s, not %s", got, want)
	}
}

func expectKinds(t *testing.T, events []Event, want string) {
	t.Helper()
	if got := kinds(events); got != want {
		t.Errorf("%s, not %s", got, want)
	}
}
