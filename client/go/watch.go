package stillframe

import (
	"context"
	"errors"
	"io"
	"iter"
	"sync"
	"time"

	pb "github.com/stillframe/stillframe/generated/go/stillframe/v1"
)

// WatchOptions say what a watch delivers.
type WatchOptions struct {
	// Filter selects the executions; nil is all.
	Filter *Filter
	// InitialState starts with the heads that the filter matches, then the changes after them.
	// Without it and without ResumeToken the watch starts now.
	InitialState bool
	// ResumeToken starts with the first change after it. Contradicts InitialState.
	ResumeToken *string
	// Mode says which changes may be skipped; the zero value is ModeLatest.
	Mode WatchMode
	// Full gives entries, those that the Projection selects; otherwise the header.
	Full bool
	// Projection says which entries; nil is all. Needs Full.
	Projection *Projection
	// MaxMessageBytes is as in LoadOptions.
	MaxMessageBytes *uint64
	// RestartIfLost starts over with the initial state where the watch cannot go on from its
	// token (ReasonHistoryCompacted, ReasonStoreReplaced, ReasonRevisionInFuture), and says so by
	// a Restarted event, instead of failing.
	RestartIfLost bool
}

// Watch is a stream of events that resumes by itself: over broken connections and restarts of the
// server, without a gap or a duplicate where its mode promises that. A server that was never
// reached is an error after RetryPolicy.MaxAttempts; once open, the watch waits for its server as
// long as it takes.
//
// Close it, or end its context: what is left open holds a call. One goroutine at a time takes
// events; Close and ResumeToken may be called from any.
type Watch struct {
	client *Client
	given  context.Context // the caller's
	life   context.Context // ends with the caller's, with the client, and with Close
	end    context.CancelFunc

	// What follows belongs to the goroutine that takes events.
	watching *watching
	call     *watchCall
	// notBefore is when the next call may be made.
	notBefore time.Time
	err       error

	mu    sync.Mutex
	token string
	// reading is closed when the goroutine of the latest call has ended; nil before the first.
	reading chan struct{}
}

// watchCall is one call. Its goroutine holds one response at most, so that a slow consumer slows
// the server down.
type watchCall struct {
	responses chan watchResponse
	cancel    context.CancelFunc
}

type watchResponse struct {
	message *pb.WatchSnapshotsResponse
	err     error // the last one has it
}

// Watch watches the executions that the filter matches, until Close or the end of ctx. Nothing is
// sent before the first event is asked for: a watch that starts now has begun when it gives
// WatchOpened.
func (c *Client) Watch(ctx context.Context, options *WatchOptions) (*Watch, error) {
	o := orZero(options)
	filter, err := o.Filter.message()
	if err != nil {
		return nil, err
	}
	view, err := viewOf(o.Full, o.Projection)
	if err != nil {
		return nil, err
	}
	request := &pb.WatchSnapshotsRequest{
		TenantId: c.config.Tenant, Filter: filter, Mode: pb.WatchMode(o.Mode), View: view,
		Projection: o.Projection.message(), MaxMessageBytes: c.maxMessageBytes(o.MaxMessageBytes),
	}
	switch {
	case o.ResumeToken != nil && o.InitialState:
		return nil, invalidField("start", "takes one of ResumeToken and InitialState")
	case o.ResumeToken != nil && *o.ResumeToken == "":
		return nil, invalidField("resume_token", "is empty; nil starts now")
	case o.ResumeToken != nil:
		request.Start = &pb.WatchSnapshotsRequest_ResumeToken{ResumeToken: *o.ResumeToken}
	case o.InitialState:
		request.Start = &pb.WatchSnapshotsRequest_InitialState{InitialState: &pb.WatchFromInitialState{}}
	}
	life, cancel := context.WithCancel(c.withMetadata(ctx))
	stop := context.AfterFunc(c.life, cancel)
	watching := newWatching(request, c, o.RestartIfLost)
	return &Watch{
		client: c, given: ctx, life: life, end: func() { stop(); cancel() },
		watching: watching, token: watching.token,
	}, nil
}

// ResumeToken is the point up to which everything was handed out, to start another watch with;
// empty before the first event that has one.
func (w *Watch) ResumeToken() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.token
}

// Close ends the watch and its call. Next fails with ReasonClosed from then on. Idempotent.
func (w *Watch) Close() {
	w.end()
	w.mu.Lock()
	reading := w.reading
	w.mu.Unlock()
	if reading != nil {
		<-reading
	}
}

// Events iterates over the events until the watch is closed. Leaving the loop closes it. An error
// is the last thing that the loop gets.
func (w *Watch) Events() iter.Seq2[Event, error] {
	return func(yield func(Event, error) bool) {
		defer w.Close()
		for {
			event, err := w.Next(context.Background())
			if errors.Is(err, ReasonClosed) {
				return
			}
			if !yield(event, err) || err != nil {
				return
			}
		}
	}
}

// Changes iterates over the changes alone, as Events. With an initial state, prefer Events: a
// Restarted among them says to start anew.
func (w *Watch) Changes() iter.Seq2[*Change, error] {
	return func(yield func(*Change, error) bool) {
		for event, err := range w.Events() {
			change, is := event.(*Change)
			if (is || err != nil) && !yield(change, err) {
				return
			}
		}
	}
}

// Next waits for the next event. When ctx ends, it fails and the watch stays as it is: a later
// Next goes on. Any other error is final.
func (w *Watch) Next(ctx context.Context) (Event, error) {
	for {
		if err := w.over(ctx); err != nil {
			return nil, err
		}
		if event := w.watching.nextEvent(); event != nil {
			w.mu.Lock()
			w.token = w.watching.token
			w.mu.Unlock()
			return event, nil
		}
		if w.call == nil && !w.open(ctx) {
			continue
		}
		select {
		case response := <-w.call.responses:
			w.take(response)
		case <-ctx.Done():
		case <-w.life.Done():
		}
	}
}

// over is the error of a watch that has ended, or of a Next that has.
func (w *Watch) over(ctx context.Context) error {
	switch {
	case w.err != nil:
		return w.err
	case w.life.Err() == nil:
		if ctx.Err() != nil {
			return contextError(ctx, nil)
		}
		return nil
	case w.client.life.Err() != nil:
		w.err = closedError("client")
	case w.given.Err() != nil:
		w.err = contextError(w.given, nil)
	default:
		w.err = closedError("watch")
	}
	return w.err
}

// open starts the next call, once it may be made; false if something ended before.
func (w *Watch) open(ctx context.Context) bool {
	if delay := w.notBefore.Sub(w.client.clock.now()); delay > 0 {
		ctx, cancel := context.WithCancel(ctx)
		defer cancel()
		defer context.AfterFunc(w.life, cancel)()
		w.client.clock.sleep(ctx, delay)
		if ctx.Err() != nil {
			return false
		}
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.life.Err() != nil {
		return false // Close need not wait for what was not begun
	}
	ctx, cancel := context.WithCancel(w.life)
	call, reading := &watchCall{make(chan watchResponse), cancel}, make(chan struct{})
	w.call, w.reading = call, reading
	request := w.watching.nextRequest()
	go func() {
		defer close(reading)
		w.client.readWatch(ctx, request, call.responses)
	}()
	return true
}

// readWatch makes one call, and passes on what comes of it.
func (c *Client) readWatch(
	ctx context.Context, request *pb.WatchSnapshotsRequest, responses chan<- watchResponse,
) {
	stream, err := c.snapshots.WatchSnapshots(ctx, request)
	for {
		var response watchResponse
		if err == nil {
			response.message, err = stream.Recv()
		}
		response.err = err
		select {
		case responses <- response:
		case <-ctx.Done():
			return
		}
		if err != nil {
			return
		}
	}
}

// take takes what came of the call.
func (w *Watch) take(response watchResponse) {
	if response.err == nil {
		w.watching.receive(response.message)
		return
	}
	w.call.cancel()
	w.call = nil
	var failure *Error
	if !errors.Is(response.err, io.EOF) {
		failure = w.client.failure(w.life, response.err, w.watching.template)
	}
	if w.life.Err() != nil {
		return
	}
	delay, err := w.watching.ended(failure)
	if err != nil {
		w.err = err
		w.end()
		return
	}
	w.notBefore = w.client.clock.now().Add(delay)
}
