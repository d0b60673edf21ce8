package stillframe

import (
	"context"
	"sync"
	"time"
)

const defaultMaxAbsence = 60 * time.Second

// SaverOptions are those of a background saver.
type SaverOptions struct {
	// WriterEpoch and Overwrite are as in ExecutionOptions.
	WriterEpoch *uint64
	Overwrite   bool
	// MaxAbsence is how long a server's absence is ridden out, see Saver. 60 s if zero.
	MaxAbsence time.Duration
}

// SubmitOptions are as in SaveOptions.
type SubmitOptions struct {
	TTL                     *time.Duration
	AllowSequenceRegression bool
}

// Saver saves the states of one execution in the background. The newest wins: while a save is
// under way one state waits, and a newer one takes its place.
//
// The server's absence is ridden out for MaxAbsence, counted from the beginning of the first save
// that failed, however long the server asks to be left alone. After that, or after an error that
// waiting does not mend (ReasonFenced, ReasonSnapshotTooLarge), the saver has stopped for good,
// and every Submit and Flush returns the error.
//
// It is safe for concurrent use. Close it: what was not flushed when the process ends is lost.
type Saver struct {
	execution  *Execution
	maxAbsence time.Duration
	// wake has room for one: the saver's goroutine has something to do.
	wake chan struct{}
	life context.Context
	end  context.CancelFunc
	// done is closed when the goroutine has ended.
	done chan struct{}

	mu sync.Mutex
	// changed is closed, and made anew, when a state was settled.
	changed     chan struct{}
	started     bool
	closed      bool
	submitted   uint64
	durable     uint64
	waiting     *job
	failures    int
	absentSince time.Time
	last        *Saved
	err         error
}

// job is a state to save; ticket counts the states submitted.
type job struct {
	ticket   uint64
	snapshot *encodedSnapshot
	options  SaveOptions
}

// Saver gives a background saver of one execution. Nothing runs before the first Submit.
func (c *Client) Saver(executionID string, options *SaverOptions) *Saver {
	o := orZero(options)
	if o.MaxAbsence == 0 {
		o.MaxAbsence = defaultMaxAbsence
	}
	life, end := context.WithCancel(c.life)
	return &Saver{
		execution: c.Execution(executionID, &ExecutionOptions{
			WriterEpoch: o.WriterEpoch, Overwrite: o.Overwrite,
		}),
		maxAbsence: o.MaxAbsence,
		wake:       make(chan struct{}, 1),
		life:       life, end: end,
		done:    make(chan struct{}),
		changed: make(chan struct{}),
	}
}

// Execution gives the handle that it saves through; its Claim gives the saves their epoch.
func (s *Saver) Execution() *Execution { return s.execution }

// Submit takes a copy of the snapshot, but for the bytes of a Payload, to be saved as soon as can
// be, and returns at once. It fails with a ValueEncodeError and the like for this snapshot, and
// with the error that stopped the saver.
func (s *Saver) Submit(snapshot *Snapshot, options *SubmitOptions) error {
	encoded, err := encodeSnapshot(snapshot, s.execution.client.codec)
	if err != nil {
		return err
	}
	o := orZero(options)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return closedError("saver")
	}
	if s.err != nil {
		return s.err
	}
	if s.life.Err() != nil {
		return closedError("client")
	}
	s.submitted++
	s.waiting = &job{s.submitted, encoded, SaveOptions{
		TTL: copiedPtr(o.TTL), AllowSequenceRegression: o.AllowSequenceRegression,
	}}
	if !s.started {
		s.started = true
		go s.run()
	}
	select {
	case s.wake <- struct{}{}:
	default:
	}
	return nil
}

// Flush waits until the newest submitted state is durable, and returns the answer to it, or to a
// newer one; nil when nothing was submitted. It fails with the error that stopped the saver; when
// its context ends, the saver goes on.
func (s *Saver) Flush(ctx context.Context) (*Saved, error) {
	s.mu.Lock()
	ticket := s.submitted
	for s.durable < ticket && s.err == nil {
		changed := s.changed
		s.mu.Unlock()
		select {
		case <-changed:
		case <-ctx.Done():
			return nil, contextError(ctx, nil)
		}
		s.mu.Lock()
	}
	defer s.mu.Unlock()
	if s.err != nil {
		return nil, s.err
	}
	return s.last, nil
}

// Close flushes, and ends the saver, also when the context ends before what was submitted is
// durable. It fails as Flush does. Idempotent.
func (s *Saver) Close(ctx context.Context) error {
	s.mu.Lock()
	s.closed = true
	started := s.started
	s.mu.Unlock()
	_, err := s.Flush(ctx)
	s.end()
	if started {
		<-s.done
	}
	return err
}

func (s *Saver) run() {
	defer close(s.done)
	defer s.end()
	for {
		next, ended := s.take()
		if ended {
			return
		}
		if next == nil {
			select {
			case <-s.wake:
			case <-s.life.Done():
			}
			continue
		}
		delay, goOn := s.try(next)
		if !goOn {
			return
		}
		if delay > 0 {
			s.execution.client.clock.sleep(s.life, delay)
		}
	}
}

// take gives the state to save now, nil if there is none, and says whether the saver has ended.
func (s *Saver) take() (next *job, ended bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.life.Err() != nil {
		if s.durable < s.submitted {
			s.stop(closedError("saver"))
		}
		return nil, true
	}
	next, s.waiting = s.waiting, nil
	return next, false
}

// try makes one try of a save; how long to wait before the next one, and whether there is one.
func (s *Saver) try(job *job) (time.Duration, bool) {
	began := s.execution.client.clock.now()
	ctx, cancel := context.WithTimeout(s.life, s.timeLeft())
	defer cancel()
	saved, err := s.execution.saveEncoded(ctx, job.snapshot, job.options)
	s.mu.Lock()
	defer s.mu.Unlock()
	if err != nil {
		return s.failed(job, began, err)
	}
	s.durable, s.last, s.failures = job.ticket, saved, 0
	s.broadcast()
	return 0, true
}

// timeLeft is how long the next try may take: an absence ends in time also when the server
// swallows calls.
func (s *Saver) timeLeft() time.Duration {
	s.mu.Lock()
	defer s.mu.Unlock()
	left := s.maxAbsence
	if s.failures > 0 {
		left -= s.execution.client.clock.now().Sub(s.absentSince)
	}
	left = max(left, time.Millisecond)
	if timeout := s.execution.client.config.Timeout; timeout > 0 {
		left = min(left, timeout)
	}
	return left
}

// failed settles what follows a failed try. An absence counts from when its first try began: the
// server may have been away all that time.
func (s *Saver) failed(job *job, began time.Time, err error) (time.Duration, bool) {
	client := s.execution.client
	failure := asError(err)
	if s.life.Err() != nil {
		// Its own end, and not an error of the server's.
		s.stop(closedError("saver"))
		return 0, false
	}
	if s.failures == 0 {
		s.absentSince = began
	}
	s.failures++
	left := s.maxAbsence - client.clock.now().Sub(s.absentSince)
	if failure == nil || !isAbsence(failure) || left <= 0 {
		s.stop(err)
		return 0, false
	}
	if s.waiting == nil {
		s.waiting = job
	}
	// However long the server wants to be left alone, the absence ends in time.
	return min(client.config.Retry.delay(s.failures, client.clock.jitter(), failure), left), true
}

// stop ends the saver for good.
func (s *Saver) stop(err error) {
	s.err = err
	s.broadcast()
}

func (s *Saver) broadcast() {
	close(s.changed)
	s.changed = make(chan struct{})
}
