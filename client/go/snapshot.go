package stillframe

import (
	"time"
)

// Snapshot is the whole state of an execution at one moment, as an engine saves it.
type Snapshot struct {
	// State is the state of the execution. Required.
	State ExecutionState
	// WaitReason is required exactly when State is StateWaiting.
	WaitReason WaitReason
	// SequenceNumber is that of the last event of the engine's event store that this includes.
	SequenceNumber uint64
	// StepOutputs is step id to output. A value is what the client's codec encodes, or a
	// Payload, which is saved byte for byte.
	StepOutputs map[string]any
	// Variables is variable name to value, as in StepOutputs.
	Variables map[string]any
	// Timestamp is the engine's clock when it made the snapshot.
	Timestamp *time.Time
	// Labels are what lists and watches filter on; at most 64.
	Labels map[string]string
	// UserID is the user on whose behalf the execution runs.
	UserID *string
	// CurrentStepID is the step that the engine is at.
	CurrentStepID *string
	// SnapshotID is the engine's own id for this snapshot, unique within the execution.
	SnapshotID *string
	// ParentSnapshotID is the engine's own id of the snapshot that this came from. Not checked.
	ParentSnapshotID *string
	// ParentExecutionID is the execution of the same tenant that started this one. Not checked.
	ParentExecutionID *string
	// SchemaVersion is the shape of the state; empty means unknown.
	SchemaVersion string

	// partial names what a StoredSnapshot that this was made of leaves out.
	partial string
}

// StoredSnapshot is a snapshot as the server has it. Fields that Snapshot has too mean the same.
type StoredSnapshot struct {
	State             ExecutionState
	WaitReason        WaitReason
	SequenceNumber    uint64
	StepOutputs       Values
	Variables         Values
	Timestamp         *time.Time
	Labels            map[string]string
	UserID            *string
	CurrentStepID     *string
	SnapshotID        *string
	ParentSnapshotID  *string
	ParentExecutionID *string
	SchemaVersion     string

	TenantID    string
	ExecutionID string
	// Version is 1, 2, 3 … per execution; never used twice.
	Version uint64
	// ETag is opaque text that names this snapshot for good; preconditions name it.
	ETag string
	// Revision is the tenant's revision that committed this snapshot.
	Revision uint64
	// CommitTime is the store's clock at the commit.
	CommitTime time.Time
	// Origin says where the snapshot was forked from; nil unless it came with a fork.
	Origin *Origin
	// Omission says what this answer leaves out; nil when it is whole.
	Omission *Omission
	// Freshness says how it compares with the EventStoreHead that the call gave; nil without.
	Freshness *Freshness
}

// Snapshot gives a copy to change and save again. Its entries are the payloads, so that those
// which are not assigned to go back byte for byte. A save of it fails with
// ReasonIncompleteSnapshot if this snapshot leaves something out.
func (s *StoredSnapshot) Snapshot() *Snapshot {
	partial := ""
	switch {
	case s.Omission != nil:
		partial = "snapshot.omission"
	case s.StepOutputs.partial:
		partial = "snapshot.step_outputs"
	case s.Variables.partial:
		partial = "snapshot.variables"
	}
	return &Snapshot{
		State: s.State, WaitReason: s.WaitReason, SequenceNumber: s.SequenceNumber,
		StepOutputs: s.StepOutputs.entries(), Variables: s.Variables.entries(),
		Timestamp: s.Timestamp, Labels: copied(s.Labels), UserID: s.UserID,
		CurrentStepID: s.CurrentStepID, SnapshotID: s.SnapshotID,
		ParentSnapshotID: s.ParentSnapshotID, ParentExecutionID: s.ParentExecutionID,
		SchemaVersion: s.SchemaVersion, partial: partial,
	}
}

// Origin is where a forked snapshot came from.
type Origin struct {
	ExecutionID string
	Version     uint64
	ETag        string
	CommitTime  time.Time
}

// Omission is what an answer leaves out of a snapshot. Entries is cut at 64 KiB, and empty in
// answers of metadata; Count and SizeBytes are always those of everything left out.
type Omission struct {
	Entries   []OmittedEntry
	Count     uint64
	SizeBytes uint64
}

// OmittedEntry is one entry that an answer leaves out; SizeBytes is its serialised payload's.
type OmittedEntry struct {
	Map       SnapshotMap
	Key       string
	SizeBytes uint64
	Reason    OmissionReason
}

// Freshness is how a snapshot compares with an event store's head.
type Freshness struct {
	ExecutionID    string
	Status         FreshnessStatus
	EventStoreHead uint64
	// SnapshotSequence is 0 when MISSING.
	SnapshotSequence uint64
	// Distance is by how many events the snapshot is behind (STALE) or ahead (AHEAD), else 0.
	Distance uint64
	// Version is 0 when MISSING.
	Version uint64
}

// Saved is the answer to a save: it is durable.
type Saved struct {
	Version  uint64
	ETag     string
	Revision uint64
	// ResumeToken names the revision: a watch from it delivers what came after.
	ResumeToken string
	Outcome     SaveOutcome
}

// Claim is the answer to a claim.
type Claim struct {
	// WriterEpoch is what the caller's saves must carry from now on.
	WriterEpoch uint64
	// Snapshot is the head at that moment; nil when there is none.
	Snapshot *StoredSnapshot
	// Freshness compares the head with EventStoreHead; nil without one.
	Freshness *Freshness
}

// Deleted is the answer to a delete. Revision is 0 and ResumeToken empty when there was nothing
// to delete.
type Deleted struct {
	// DeletedCount includes descendants.
	DeletedCount uint64
	Revision     uint64
	ResumeToken  string
}

// Forked is the answer to a fork: the new execution's head.
type Forked struct {
	Version     uint64
	ETag        string
	Revision    uint64
	ResumeToken string
	// SnapshotCount is how many snapshots the new execution has, the head included.
	SnapshotCount uint64
}

// Diff is how two snapshots of an execution differ.
type Diff struct {
	FromVersion uint64
	ToVersion   uint64
	// HeaderFields are the names in the contract of the fields that differ, such as `state`;
	// what only the server sets is not compared.
	HeaderFields []string
	// Entries are in the order of the maps and of the bytes of their keys.
	Entries []EntryDifference
}

// EntryDifference is an entry that differs between two snapshots; a size is that of its
// serialised payload, 0 where it is not there.
type EntryDifference struct {
	Map           SnapshotMap
	Key           string
	Kind          DifferenceKind
	FromSizeBytes uint64
	ToSizeBytes   uint64
}

// Page is one page of a list. It may be empty without being the last: the last one is the one
// whose NextPageToken is empty.
type Page struct {
	Snapshots     []*StoredSnapshot
	NextPageToken string
	// Count is nil unless it was asked for.
	Count *MatchCount
}

// MatchCount is a count that is exact up to 10,000; AtLeast: there may be more than Value.
type MatchCount struct {
	Value   uint64
	AtLeast bool
}

// ServerInfo is what a server is.
type ServerInfo struct {
	ServerVersion string
	// StoreKind is `memory`, `sqlite`, or another's URL scheme.
	StoreKind string
	Limits    ServerLimits
	// Features are the parts of the contract that the server has, by name.
	Features []string
}

// ServerLimits are the limits in force; their names in the contract are those that errors give as
// `limit`.
type ServerLimits struct {
	MaxRequestBytes  uint64 // of a request message
	MaxSnapshotBytes uint64 // of a snapshot, so that every load fits one message
	MaxPayloadBytes  uint64 // of one payload
	MaxEntries       uint64 // of a snapshot, both maps together
	MaxWatches       uint64 // open at the same time
	MaxInflightBytes uint64 // of saves that wait for their commit
	MaxExecutions    uint64 // of a tenant; 0 is no limit
	ChangeLogSize    uint64 // changes of a tenant that are kept, about
	ProgressInterval time.Duration
	MaxValueBytes    uint64 // of a value of the working memory
}
