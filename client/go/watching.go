package stillframe

import (
	"time"

	"google.golang.org/protobuf/proto"

	pb "github.com/stillframe/stillframe/generated/go/stillframe/v1"
)

type phase int

const (
	phaseOpening phase = iota
	phaseInitial
	phaseLive
)

// watching is the state of a watch over its connections; it does no I/O.
//
// A watch is one stream of events made of many calls. watching says which request to send next,
// turns the frames that come back into events, and decides what the end of a call means. What it
// guarantees: with ModeEveryChange no change is lost or delivered twice over reconnections. That
// holds because the resume token moves when an event is handed out, not when its message arrives:
// frames that came and were not handed out come again.
//
// Drive it so: send nextRequest; for each response receive it and take nextEvent until nil; when
// the call ends ask ended, wait as long as it says, and begin again.
type watching struct {
	template      *pb.WatchSnapshotsRequest
	codec         Codec
	policy        RetryPolicy
	jitter        func() float64
	restartIfLost bool

	fromInitialState bool
	token            string // of the last event that carried one
	phase            phase
	frames           []*pb.WatchFrame
	restartReason    Reason
	wasOpen          bool
	shownInitial     bool
	failures         int
}

func newWatching(request *pb.WatchSnapshotsRequest, c *Client, restartIfLost bool) *watching {
	_, fromInitialState := request.GetStart().(*pb.WatchSnapshotsRequest_InitialState)
	return &watching{
		template: request, codec: c.codec, policy: c.config.Retry, jitter: c.clock.jitter,
		restartIfLost: restartIfLost, fromInitialState: fromInitialState,
		token: request.GetResumeToken(),
	}
}

// nextRequest is the request of the next call.
func (w *watching) nextRequest() *pb.WatchSnapshotsRequest {
	if w.phase == phaseInitial && w.shownInitial && w.restartReason == "" {
		w.restartReason = ReasonInterrupted
	}
	w.phase = phaseOpening
	w.frames = nil
	request := proto.CloneOf(w.template)
	switch {
	case w.token != "":
		request.Start = &pb.WatchSnapshotsRequest_ResumeToken{ResumeToken: w.token}
	case w.fromInitialState:
		request.Start = &pb.WatchSnapshotsRequest_InitialState{InitialState: &pb.WatchFromInitialState{}}
	default:
		request.Start = &pb.WatchSnapshotsRequest_Now{Now: &pb.WatchFromNow{}}
	}
	return request
}

// receive takes the frames of a response.
func (w *watching) receive(response *pb.WatchSnapshotsResponse) {
	w.frames = append(w.frames, response.GetFrames()...)
}

// nextEvent is the next event to hand to the consumer; nil when another response is needed.
func (w *watching) nextEvent() Event {
	for len(w.frames) > 0 {
		frame := w.frames[0]
		if frame.GetOpened() != nil && w.restartReason != "" {
			// Said only now, when a new view is about to come: until then the consumer's old view
			// is the best that there is. The frame itself stays for next time.
			reason := w.restartReason
			w.restartReason, w.shownInitial = "", false
			return &Restarted{Reason: reason}
		}
		w.frames[0] = nil
		w.frames = w.frames[1:]
		event := w.event(frame)
		if token := w.safe(frame); token != "" {
			w.token = token
		}
		if event != nil {
			return event
		}
	}
	return nil
}

// ended decides what the end of a call means: how long to wait before the next one, or the error
// if there is none. failure is nil when the server ended the stream with OK, which it does only
// to be resumed elsewhere.
func (w *watching) ended(failure *Error) (time.Duration, error) {
	w.failures++
	if failure != nil {
		if failure.Code == CodeOutOfRange && w.restartIfLost {
			w.lose(failure)
		} else if !isAbsence(failure) {
			return 0, failure
		}
		// A watch that never opened may have a wrong address, which waiting does not mend; one
		// that was open once waits for its server as long as it takes.
		if !w.wasOpen && w.failures >= w.policy.MaxAttempts {
			return 0, failure
		}
	}
	return w.policy.delay(w.failures, w.jitter(), failure), nil
}

func (w *watching) lose(failure *Error) {
	w.token = ""
	w.fromInitialState = true
	w.restartReason = failure.Reason
	if w.restartReason == "" {
		w.restartReason = Reason(failure.Code.String())
	}
}

// safe is the token of a frame. Inside the initial state none is safe, whatever a frame says:
// after a cut all of its heads must come again.
func (w *watching) safe(frame *pb.WatchFrame) string {
	if w.phase == phaseInitial {
		return ""
	}
	return frame.GetResumeToken()
}

func (w *watching) event(frame *pb.WatchFrame) Event {
	switch kind := frame.GetFrame().(type) {
	case *pb.WatchFrame_Opened:
		return w.opened(frame, kind.Opened)
	case *pb.WatchFrame_Change:
		return w.change(frame, kind.Change)
	case *pb.WatchFrame_InitialStateEnd:
		w.phase = phaseLive
		count := kind.InitialStateEnd.GetExecutionCount()
		return &InitialStateEnd{ExecutionCount: count, ResumeToken: w.safe(frame)}
	case *pb.WatchFrame_CaughtUp:
		return &CaughtUp{ResumeToken: w.safe(frame)}
	case *pb.WatchFrame_Progress:
		return &Progress{ResumeToken: w.safe(frame)}
	default:
		// Goodbye announces the end that follows; a kind that this version does not know is
		// passed over, but its token still counts.
		return nil
	}
}

func (w *watching) opened(frame *pb.WatchFrame, opened *pb.WatchOpened) Event {
	w.phase = phaseLive
	if w.token == "" && w.fromInitialState {
		w.phase = phaseInitial
	}
	w.wasOpen = true
	w.failures = 0
	return &WatchOpened{
		Mode: WatchMode(opened.GetMode()), Full: opened.GetView() == pb.SnapshotView_SNAPSHOT_VIEW_FULL,
		MaxMessageBytes:  opened.GetMaxMessageBytes(),
		ProgressInterval: opened.GetProgressInterval().AsDuration(),
		ResumeToken:      w.safe(frame),
	}
}

func (w *watching) change(frame *pb.WatchFrame, change *pb.SnapshotChange) Event {
	isInitial := w.phase == phaseInitial
	w.shownInitial = w.shownInitial || isInitial
	whole := change.GetKind() == pb.ChangeKind_CHANGE_KIND_SAVED && !change.GetContentGone()
	return &Change{
		Kind:        ChangeKind(change.GetKind()),
		Snapshot:    storedSnapshot(change.GetSnapshot(), w.codec, !whole),
		Initial:     isInitial,
		ContentGone: change.GetContentGone(),
		ResumeToken: w.safe(frame),
	}
}
