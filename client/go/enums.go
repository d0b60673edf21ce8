package stillframe

import (
	"strconv"
	"strings"

	pb "github.com/stillframe/stillframe/generated/go/stillframe/v1"
)

// The enums have the numbers of the contract. A number that this version does not know, a newer
// server's, is kept, and has the name UNRECOGNIZED_n.

// ExecutionState is the state that an execution is in, as the engine reports it.
type ExecutionState int32

// The states of an execution. A save refuses the zero value.
const (
	StateCreated   ExecutionState = 1
	StatePlanning  ExecutionState = 2
	StateRunning   ExecutionState = 3
	StatePaused    ExecutionState = 4
	StateWaiting   ExecutionState = 5
	StateCompleted ExecutionState = 6
	StateFailed    ExecutionState = 7
	StateCancelled ExecutionState = 8
)

// IsTerminal says whether the execution has ended: COMPLETED, FAILED or CANCELLED.
func (s ExecutionState) IsTerminal() bool {
	return s == StateCompleted || s == StateFailed || s == StateCancelled
}

// CanResume says whether the execution stopped and can go on: PAUSED or WAITING.
func (s ExecutionState) CanResume() bool { return s == StatePaused || s == StateWaiting }

// IsActive says whether the execution is under way: RUNNING or WAITING.
func (s ExecutionState) IsActive() bool { return s == StateRunning || s == StateWaiting }

// String gives the name of the contract, without its prefix.
func (s ExecutionState) String() string {
	return enumName(pb.ExecutionState_name, "EXECUTION_STATE_", int32(s))
}

// WaitReason is what an execution in the state WAITING waits for.
type WaitReason int32

// The reasons to wait. Zero is none.
const (
	WaitApproval       WaitReason = 1
	WaitUserInput      WaitReason = 2
	WaitRateLimit      WaitReason = 3
	WaitExternal       WaitReason = 4
	WaitCheckpoint     WaitReason = 5
	WaitCostThreshold  WaitReason = 6
	WaitMemoryPressure WaitReason = 7
	WaitSubAgent       WaitReason = 8
)

// String gives the name of the contract, without its prefix.
func (r WaitReason) String() string { return enumName(pb.WaitReason_name, "WAIT_REASON_", int32(r)) }

// StateClass is a group of states, for filters.
type StateClass int32

// The classes of states, as the methods of ExecutionState tell them.
const (
	ClassTerminal  StateClass = 1
	ClassResumable StateClass = 2
	ClassActive    StateClass = 3
)

// String gives the name of the contract, without its prefix.
func (c StateClass) String() string { return enumName(pb.StateClass_name, "STATE_CLASS_", int32(c)) }

// SnapshotMap is one of the two maps of a snapshot.
type SnapshotMap int32

// The maps of a snapshot.
const (
	MapStepOutputs SnapshotMap = 1
	MapVariables   SnapshotMap = 2
)

// String gives the name of the contract, without its prefix.
func (m SnapshotMap) String() string {
	return enumName(pb.SnapshotMap_name, "SNAPSHOT_MAP_", int32(m))
}

// DifferenceKind is how an entry differs between two snapshots.
type DifferenceKind int32

// The kinds of differences: only the second snapshot has the entry; only the first has it; both
// have it, with different payloads.
const (
	DifferenceAdded   DifferenceKind = 1
	DifferenceRemoved DifferenceKind = 2
	DifferenceChanged DifferenceKind = 3
)

// String gives the name of the contract, without its prefix.
func (k DifferenceKind) String() string {
	return enumName(pb.DifferenceKind_name, "DIFFERENCE_KIND_", int32(k))
}

// OmissionReason is why an entry was left out of an answer.
type OmissionReason int32

// The reasons to leave an entry out: the projection did not select it; it did not fit.
const (
	OmissionNotSelected OmissionReason = 1
	OmissionTooLarge    OmissionReason = 2
)

// String gives the name of the contract, without its prefix.
func (r OmissionReason) String() string {
	return enumName(pb.OmissionReason_name, "OMISSION_REASON_", int32(r))
}

// FreshnessStatus is how a snapshot compares with the engine's event store.
type FreshnessStatus int32

// The outcomes of a comparison. STALE: replay the events after the snapshot's sequence number.
// AHEAD: the snapshot knows events that the event store lost; never resume from it silently.
const (
	FreshnessFresh   FreshnessStatus = 1
	FreshnessStale   FreshnessStatus = 2
	FreshnessAhead   FreshnessStatus = 3
	FreshnessMissing FreshnessStatus = 4
)

// String gives the name of the contract, without its prefix.
func (s FreshnessStatus) String() string {
	return enumName(pb.FreshnessStatus_name, "FRESHNESS_STATUS_", int32(s))
}

// SaveOutcome is what a save did.
type SaveOutcome int32

// The outcomes of a save. UNCHANGED: everything equals the head, no version was made. REPLAYED:
// the request id was seen before, and this is the first answer again.
const (
	OutcomeCreated   SaveOutcome = 1
	OutcomeUpdated   SaveOutcome = 2
	OutcomeUnchanged SaveOutcome = 3
	OutcomeReplayed  SaveOutcome = 4
)

// String gives the name of the contract, without its prefix.
func (o SaveOutcome) String() string {
	return enumName(pb.SaveOutcome_name, "SAVE_OUTCOME_", int32(o))
}

// WatchMode is how a watch treats changes that are superseded before they are delivered.
type WatchMode int32

// The modes of a watch. LATEST, also when unset, may skip a change that a later one of the same
// execution follows; EVERY_CHANGE delivers all of them, in the order of revisions, without gap
// or duplicate.
const (
	ModeLatest      WatchMode = 1
	ModeEveryChange WatchMode = 2
)

// String gives the name of the contract, without its prefix.
func (m WatchMode) String() string { return enumName(pb.WatchMode_name, "WATCH_MODE_", int32(m)) }

// ChangeKind is what happened to an execution, seen through the filter of a watch.
type ChangeKind int32

// The kinds of changes. LEFT_FILTER: the new head does not match the filter, the one before did.
const (
	ChangeSaved      ChangeKind = 1
	ChangeDeleted    ChangeKind = 2
	ChangeExpired    ChangeKind = 3
	ChangeLeftFilter ChangeKind = 4
)

// String gives the name of the contract, without its prefix.
func (k ChangeKind) String() string { return enumName(pb.ChangeKind_name, "CHANGE_KIND_", int32(k)) }

func enumName(names map[int32]string, prefix string, number int32) string {
	if name, known := names[number]; known {
		return strings.TrimPrefix(name, prefix)
	}
	return "UNRECOGNIZED_" + strconv.Itoa(int(number))
}
