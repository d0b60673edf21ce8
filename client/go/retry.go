package stillframe

import (
	"context"
	"errors"
	"math"
	"math/rand/v2"
	"time"
)

// RetryPolicy says how often and how patiently a call is repeated, within its timeout. Every call
// is: most of what changes state carries a request id, by which the server gives its first answer
// again; a claim that is repeated gives a higher epoch; what a repeated DeleteValue may do is said
// there.
//
// The delay before try n + 1 is random between 0 and min(MaxBackoff, InitialBackoff *
// Multiplier^(n-1)) ("full jitter"), so that clients do not come back in step; where the server
// names a time to wait, that much comes on top. The defaults, which stand for zero values, ride
// out about 20 s, the restart of a server on a busy machine. A watch that was open once
// reconnects without counting.
type RetryPolicy struct {
	// MaxAttempts counts the first try; 1 retries nothing. 24 if zero.
	MaxAttempts int
	// InitialBackoff is 100 ms if zero.
	InitialBackoff time.Duration
	// MaxBackoff is 2 s if zero.
	MaxBackoff time.Duration
	// Multiplier is 2 if zero.
	Multiplier float64
}

func (p RetryPolicy) withDefaults() RetryPolicy {
	if p.MaxAttempts <= 0 {
		p.MaxAttempts = 24
	}
	if p.InitialBackoff <= 0 {
		p.InitialBackoff = 100 * time.Millisecond
	}
	if p.MaxBackoff <= 0 {
		p.MaxBackoff = 2 * time.Second
	}
	if p.Multiplier <= 0 {
		p.Multiplier = 2
	}
	return p
}

// delay is how long to wait after so many failures in a row, of which err is the last; jitter is
// in [0, 1).
func (p RetryPolicy) delay(failures int, jitter float64, err *Error) time.Duration {
	// The exponent is bounded because a watch may fail without end.
	ceiling := float64(p.InitialBackoff) * math.Pow(p.Multiplier, float64(min(failures-1, 64)))
	delay := time.Duration(jitter * min(float64(p.MaxBackoff), ceiling))
	if err != nil {
		// What the server names may be longer than any time that fits.
		delay += min(err.RetryAfter, math.MaxInt64-delay)
	}
	return delay
}

// clock is the time and the chance that retries depend on; tests bring their own.
type clock struct {
	now    func() time.Time
	jitter func() float64
	// sleep passes so much time, or ends early when the context is done.
	sleep func(context.Context, time.Duration)
}

func systemClock() clock { return clock{now: time.Now, jitter: rand.Float64, sleep: sleep} }

func sleep(ctx context.Context, delay time.Duration) {
	timer := time.NewTimer(delay)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}

// isTransient says whether another try of the same call may succeed soon. A server answers
// CANCELLED when its time to drain is over; the caller's own cancellation never comes here as a
// transient error, because its context is done.
func isTransient(err *Error) bool {
	switch {
	case err.Code == CodeUnavailable:
		return true
	case err.Code == CodeCanceled:
		return err.cause == nil
	default:
		return err.Reason == ReasonServerBusy || err.Reason == ReasonRateLimited
	}
}

// isAbsence says whether no answer of a working server was had: what a background saver rides
// out, and after which nobody knows whether the call took effect.
//
// Besides transient errors: the timeout, the caller's own cancellation, and statuses without a
// Stillframe reason that broken connections and proxies make up.
func isAbsence(err *Error) bool {
	if isTransient(err) || err.Code == CodeDeadlineExceeded {
		return true
	}
	madeUp := err.Code == CodeCanceled || err.Code == CodeInternal || err.Code == CodeUnknown
	return madeUp && err.Reason == ""
}

// asError takes the Error out of an error, nil if there is none.
func asError(err error) *Error {
	var found *Error
	errors.As(err, &found)
	return found
}
