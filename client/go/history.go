package stillframe

import (
	"context"

	pb "github.com/stillframe/stillframe/generated/go/stillframe/v1"
)

// diffPage is the most entries of one page of DiffSnapshots, by the contract.
const diffPage = 10_000

// Diff compares two snapshots of an execution, without loading them. A nil to is the head; a nil
// from is refused with ReasonInvalidField. All pages of the answer compare the same two
// snapshots, whatever is saved meanwhile. It fails with ReasonExecutionNotFound and
// ReasonSnapshotNotFound.
func (c *Client) Diff(ctx context.Context, executionID string, from, to *Selector) (*Diff, error) {
	if from == nil {
		return nil, invalidField("from", "is nil")
	}
	request := &pb.DiffSnapshotsRequest{
		TenantId: c.config.Tenant, ExecutionId: executionID, PageSize: diffPage,
	}
	var err error
	if request.From, err = from.message("from"); err != nil {
		return nil, err
	}
	if request.From == nil {
		request.From = &pb.SnapshotSelector{}
	}
	if request.To, err = orZero(to).message("to"); err != nil {
		return nil, err
	}
	diff := &Diff{}
	for {
		page, err := call(ctx, c, c.snapshots.DiffSnapshots, request)
		if err != nil {
			return nil, err
		}
		diff.FromVersion, diff.ToVersion = page.GetFromVersion(), page.GetToVersion()
		diff.HeaderFields = page.GetHeaderFields()
		for _, each := range page.GetEntries() {
			diff.Entries = append(diff.Entries, EntryDifference{
				Map: SnapshotMap(each.GetMap()), Key: each.GetKey(), Kind: DifferenceKind(each.GetKind()),
				FromSizeBytes: each.GetFromSizeBytes(), ToSizeBytes: each.GetToSizeBytes(),
			})
		}
		if request.PageToken = page.GetNextPageToken(); request.PageToken == "" {
			return diff, nil
		}
	}
}

// ForkOptions are those of a fork.
type ForkOptions struct {
	// Selector says which snapshot becomes the new head; the zero value is the head.
	Selector Selector
	// IncludeHistory brings the snapshots before that one along.
	IncludeHistory bool
	// SequenceNumber replaces the new head's, for an engine that starts a new event log.
	SequenceNumber *uint64
	// RequestID is as in SaveOptions.
	RequestID string
}

// Fork creates an execution from a snapshot of another. The new execution has versions of its
// own, no writer epoch and no ttl; the Origin of its snapshots says where they came from. It
// fails with ReasonExecutionNotFound, ReasonSnapshotNotFound, ReasonExecutionExists and
// ReasonQuotaExceeded.
func (c *Client) Fork(
	ctx context.Context, executionID, newExecutionID string, options *ForkOptions,
) (*Forked, error) {
	o := orZero(options)
	selector, err := o.Selector.message("selector")
	if err != nil {
		return nil, err
	}
	answer, err := call(ctx, c, c.snapshots.ForkExecution, &pb.ForkExecutionRequest{
		TenantId: c.config.Tenant, ExecutionId: executionID, NewExecutionId: newExecutionID,
		Selector: selector, IncludeHistory: o.IncludeHistory, SequenceNumber: o.SequenceNumber,
		RequestId: requestID(o.RequestID),
	})
	if err != nil {
		return nil, err
	}
	return &Forked{
		Version: answer.GetVersion(), ETag: answer.GetEtag(), Revision: answer.GetRevision(),
		ResumeToken: answer.GetResumeToken(), SnapshotCount: answer.GetSnapshotCount(),
	}, nil
}

// PruneOptions select the snapshots to delete: those that all which are given select; at least
// one, or AllHistory, is required. One that is empty and not nil is refused with
// ReasonInvalidField, because it would select everything.
type PruneOptions struct {
	// Versions and SnapshotIDs name snapshots; at most 1,000 each.
	Versions    []uint64
	SnapshotIDs []string
	// Criteria and Labels are tested on the snapshots.
	Criteria *Criteria
	Labels   map[string]string
	// AllHistory selects every snapshot but the head; contradicts the others.
	AllHistory bool
	// WriterEpoch and RequestID are as in SaveOptions.
	WriterEpoch *uint64
	RequestID   string
}

// Prune deletes history of an execution, and returns how many snapshots that were. The head is
// never deleted, and what does not exist is passed over. It fails with ReasonExecutionNotFound
// and ReasonFenced.
func (c *Client) Prune(ctx context.Context, executionID string, options PruneOptions) (uint64, error) {
	o := options
	err := firstError(
		refuseEmpty("versions", o.Versions), refuseEmpty("snapshot_ids", o.SnapshotIDs),
	)
	if err == nil && o.Labels != nil && len(o.Labels) == 0 {
		err = invalidField("labels", "is empty; nil is no condition")
	}
	if err != nil {
		return 0, err
	}
	answer, err := call(ctx, c, c.snapshots.DeleteSnapshots, &pb.DeleteSnapshotsRequest{
		TenantId: c.config.Tenant, ExecutionId: executionID,
		Versions: o.Versions, SnapshotIds: o.SnapshotIDs, Criteria: o.Criteria.message(),
		Labels: o.Labels, AllHistory: o.AllHistory, WriterEpoch: o.WriterEpoch,
		RequestId: requestID(o.RequestID),
	})
	return answer.GetDeletedCount(), err
}
