package stillframe

import (
	"context"
	"maps"
	"slices"
	"time"

	pb "github.com/stillframe/stillframe/generated/go/stillframe/v1"
)

// freshnessBatch is the most executions of one CheckFreshness, by the contract.
const freshnessBatch = 1_000

// SaveOptions are what a save is told besides the snapshot.
type SaveOptions struct {
	// ExpectedETag refuses the save with ReasonETagMismatch unless the head has it.
	ExpectedETag *string
	// MustNotExist refuses the save with ReasonExecutionExists if there is a head; contradicts
	// ExpectedETag.
	MustNotExist bool
	// WriterEpoch is what a claim gave, at least 1. A lower one than the highest seen, or none
	// when there is one, is refused with ReasonFenced. An Execution has its own.
	WriterEpoch *uint64
	// TTL is how long the execution lives from this commit, at most 36,500 days. Nil keeps the
	// moment that was set before; zero clears it.
	TTL *time.Duration
	// AllowSequenceRegression accepts a sequence number below the head's, which is otherwise
	// refused with ReasonSequenceRegression.
	AllowSequenceRegression bool
	// RequestID makes a repeat by the caller safe. One is made for each call, and kept over its
	// retries, when empty.
	RequestID string
}

// Save saves the whole snapshot, and returns once it is durable. It fails with a
// ValueEncodeError, and with ReasonIncompleteSnapshot, ReasonSnapshotTooLarge,
// ReasonSnapshotIDExists, ReasonQuotaExceeded and what the options bring about.
func (c *Client) Save(
	ctx context.Context, executionID string, snapshot *Snapshot, options *SaveOptions,
) (*Saved, error) {
	encoded, err := encodeSnapshot(snapshot, c.codec)
	if err != nil {
		return nil, err
	}
	request := saveRequest(c.config.Tenant, executionID, orZero(options))
	request.Content = &pb.SaveSnapshotRequest_Snapshot{Snapshot: encoded.message()}
	return c.save(ctx, request)
}

func (c *Client) save(ctx context.Context, request *pb.SaveSnapshotRequest) (*Saved, error) {
	if err := c.refuseTooLarge(request, ReasonSnapshotTooLarge); err != nil {
		return nil, err
	}
	answer, err := call(ctx, c, c.snapshots.SaveSnapshot, request)
	if err != nil {
		return nil, err
	}
	return &Saved{
		Version: answer.GetVersion(), ETag: answer.GetEtag(), Revision: answer.GetRevision(),
		ResumeToken: answer.GetResumeToken(), Outcome: SaveOutcome(answer.GetOutcome()),
	}, nil
}

// saveRequest is the request of a save that still lacks its content.
func saveRequest(tenant, executionID string, options SaveOptions) *pb.SaveSnapshotRequest {
	return &pb.SaveSnapshotRequest{
		TenantId: tenant, ExecutionId: executionID,
		RequestId:               requestID(options.RequestID),
		ExpectedEtag:            options.ExpectedETag,
		MustNotExist:            options.MustNotExist,
		WriterEpoch:             options.WriterEpoch,
		Ttl:                     duration(options.TTL),
		AllowSequenceRegression: options.AllowSequenceRegression,
	}
}

// LoadOptions say what is loaded.
type LoadOptions struct {
	// Selector says which snapshot; the zero value is the head.
	Selector Selector
	// Projection says which entries; nil is all.
	Projection *Projection
	// EventStoreHead is the sequence number of the last event in the caller's event store; the
	// answer has the Freshness then.
	EventStoreHead *uint64
	// RequireFresh refuses what is not FRESH with ReasonSnapshotStale or ReasonSnapshotAhead.
	// Needs EventStoreHead.
	RequireFresh bool
	// MaxBehind refuses what is behind by more events than this, or ahead. Needs EventStoreHead;
	// contradicts RequireFresh.
	MaxBehind *uint64
	// MaxMessageBytes bounds the answer, at least 262,144; what does not fit stands in the
	// Omission. Nil is the client's own bound.
	MaxMessageBytes *uint64
}

// Load loads one snapshot. It fails with ReasonExecutionNotFound and ReasonSnapshotNotFound.
func (c *Client) Load(ctx context.Context, executionID string, options *LoadOptions) (*StoredSnapshot, error) {
	o := orZero(options)
	selector, err := o.Selector.message("selector")
	if err != nil {
		return nil, err
	}
	answer, err := call(ctx, c, c.snapshots.LoadSnapshot, &pb.LoadSnapshotRequest{
		TenantId: c.config.Tenant, ExecutionId: executionID,
		Selector: selector, Projection: o.Projection.message(),
		EventStoreHead: o.EventStoreHead, RequireFresh: o.RequireFresh, MaxBehind: o.MaxBehind,
		MaxMessageBytes: c.maxMessageBytes(o.MaxMessageBytes),
	})
	if err != nil {
		return nil, err
	}
	snapshot := storedSnapshot(answer.GetSnapshot(), c.codec, false)
	snapshot.Freshness = freshnessOf(answer.GetFreshness())
	return snapshot, nil
}

// ClaimOptions are those of a claim.
type ClaimOptions struct {
	// AllowMissing claims an id without an execution: the first save must then carry the epoch.
	AllowMissing bool
	// Projection and EventStoreHead are as in LoadOptions.
	Projection     *Projection
	EventStoreHead *uint64
}

// Claim takes over an execution: raises its writer epoch, and gives it with the head. From then
// on saves with a lower epoch, or none, are refused with ReasonFenced. It fails with
// ReasonExecutionNotFound.
func (c *Client) Claim(ctx context.Context, executionID string, options *ClaimOptions) (*Claim, error) {
	o := orZero(options)
	answer, err := call(ctx, c, c.snapshots.ClaimExecution, &pb.ClaimExecutionRequest{
		TenantId: c.config.Tenant, ExecutionId: executionID,
		AllowMissing: o.AllowMissing, Projection: o.Projection.message(),
		EventStoreHead: o.EventStoreHead, MaxMessageBytes: c.maxMessageBytes(nil),
	})
	if err != nil {
		return nil, err
	}
	claim := &Claim{
		WriterEpoch: answer.GetWriterEpoch(), Freshness: freshnessOf(answer.GetFreshness()),
	}
	if answer.GetSnapshot() != nil {
		claim.Snapshot = storedSnapshot(answer.GetSnapshot(), c.codec, false)
		claim.Snapshot.Freshness = claim.Freshness
	}
	return claim, nil
}

// CheckFreshness compares executions with the heads of their event stores, by execution id,
// without loading anything. The results are in the order of the ids' bytes; an execution that
// does not exist is MISSING. More than 1,000 are asked for in several calls.
func (c *Client) CheckFreshness(ctx context.Context, heads map[string]uint64) ([]Freshness, error) {
	results := make([]Freshness, 0, len(heads))
	for ids := range slices.Chunk(slices.Sorted(maps.Keys(heads)), freshnessBatch) {
		request := &pb.CheckFreshnessRequest{TenantId: c.config.Tenant}
		for _, id := range ids {
			query := &pb.FreshnessQuery{ExecutionId: id, EventStoreHead: heads[id]}
			request.Executions = append(request.Executions, query)
		}
		answer, err := call(ctx, c, c.snapshots.CheckFreshness, request)
		if err != nil {
			return nil, err
		}
		for _, each := range answer.GetResults() {
			results = append(results, *freshnessOf(each))
		}
	}
	return results, nil
}

// DeleteOptions are those of a delete, and for the named execution alone.
type DeleteOptions struct {
	// ExpectedETag refuses the delete with ReasonETagMismatch if there is a head with another.
	ExpectedETag *string
	// WriterEpoch and RequestID are as in SaveOptions.
	WriterEpoch *uint64
	RequestID   string
	// IncludeDescendants deletes as well every execution whose head names this one as its
	// parent, and theirs, in several commits: after an error a repeated call goes on.
	IncludeDescendants bool
}

// Delete deletes an execution with its history. Where there is none, it counts 0.
func (c *Client) Delete(ctx context.Context, executionID string, options *DeleteOptions) (*Deleted, error) {
	o := orZero(options)
	answer, err := call(ctx, c, c.snapshots.DeleteExecution, &pb.DeleteExecutionRequest{
		TenantId: c.config.Tenant, ExecutionId: executionID,
		ExpectedEtag: o.ExpectedETag, WriterEpoch: o.WriterEpoch,
		RequestId: requestID(o.RequestID), IncludeDescendants: o.IncludeDescendants,
	})
	if err != nil {
		return nil, err
	}
	return &Deleted{
		DeletedCount: answer.GetDeletedCount(), Revision: answer.GetRevision(),
		ResumeToken: answer.GetResumeToken(),
	}, nil
}
