package stillframe

import "time"

// Event is what a watch delivers: *WatchOpened, *Change, *InitialStateEnd, *CaughtUp, *Progress
// or *Restarted.
//
// A ResumeToken is a point up to which everything was delivered: a watch that starts with it goes
// on from there. It is empty in events of the initial state.
type Event interface{ event() }

// WatchOpened: the watch is open, with these settings. Comes again after every reconnection.
type WatchOpened struct {
	Mode WatchMode
	// Full says whether snapshots carry entries.
	Full bool
	// MaxMessageBytes is the bound on response messages in force.
	MaxMessageBytes uint64
	// ProgressInterval is the time between progress events, at most.
	ProgressInterval time.Duration
	ResumeToken      string
}

// Change: an execution changed, or, with Initial, is part of the initial state.
type Change struct {
	Kind ChangeKind
	// Snapshot is, for SAVED and LEFT_FILTER, the new head; for DELETED and EXPIRED the ids, the
	// version, and what filters test of the head that is gone.
	Snapshot *StoredSnapshot
	Initial  bool
	// ContentGone: the entries were asked for and are no longer there.
	ContentGone bool
	ResumeToken string
}

// InitialStateEnd: the changes so far, applied in order, are the state at the resume token.
type InitialStateEnd struct {
	ExecutionCount uint64
	ResumeToken    string
}

// CaughtUp: the stream has reached the present.
type CaughtUp struct {
	ResumeToken string
}

// Progress: everything up to the resume token was delivered, whether or not anything matched.
type Progress struct {
	ResumeToken string
}

// ReasonInterrupted is the reason of a Restarted after a cut during the initial state.
const ReasonInterrupted Reason = "INTERRUPTED"

// Restarted: the watch starts over with the initial state: forget what it delivered so far.
type Restarted struct {
	// Reason is ReasonInterrupted, or that of the error which the watch was told to survive:
	// ReasonHistoryCompacted, ReasonStoreReplaced, ReasonRevisionInFuture.
	Reason Reason
}

func (*WatchOpened) event()     {}
func (*Change) event()          {}
func (*InitialStateEnd) event() {}
func (*CaughtUp) event()        {}
func (*Progress) event()        {}
func (*Restarted) event()       {}
