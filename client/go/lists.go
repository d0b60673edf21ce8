package stillframe

import (
	"context"
	"iter"

	pb "github.com/stillframe/stillframe/generated/go/stillframe/v1"
)

// ListOptions say which executions are listed, and how much of them.
type ListOptions struct {
	// Filter selects the executions; nil is all.
	Filter *Filter
	// Full gives entries, those that the Projection selects; otherwise the header, and an
	// Omission that counts the entries.
	Full bool
	// Projection says which entries; nil is all. Needs Full.
	Projection *Projection
	// PageSize is how many executions a call asks for; 0 is 100, at most 1,000.
	PageSize uint32
	// PageToken is the NextPageToken of the page before, which must have been asked for in the
	// same way (ReasonPageTokenMismatch).
	PageToken string
	// IncludeCount counts what the filter matches, exactly up to 10,000.
	IncludeCount bool
}

// List iterates over the heads that the filter matches, in order of the bytes of the execution
// id. An execution that changes meanwhile is neither skipped nor given twice. Pages are loaded as
// the loop gets to them; an error ends it.
func (c *Client) List(ctx context.Context, options *ListOptions) iter.Seq2[*StoredSnapshot, error] {
	o := orZero(options)
	return pages(o.PageToken, func(token string) ([]*StoredSnapshot, string, error) {
		o := o
		o.PageToken = token
		page, err := c.ListPage(ctx, &o)
		if err != nil {
			return nil, "", err
		}
		return page.Snapshots, page.NextPageToken, nil
	})
}

// ListPage gives one page of List.
func (c *Client) ListPage(ctx context.Context, options *ListOptions) (*Page, error) {
	o := orZero(options)
	filter, err := o.Filter.message()
	if err != nil {
		return nil, err
	}
	view, err := viewOf(o.Full, o.Projection)
	if err != nil {
		return nil, err
	}
	answer, err := call(ctx, c, c.snapshots.ListExecutions, &pb.ListExecutionsRequest{
		TenantId: c.config.Tenant, Filter: filter, View: view, Projection: o.Projection.message(),
		PageSize: o.PageSize, PageToken: o.PageToken, IncludeCount: o.IncludeCount,
		MaxMessageBytes: c.maxMessageBytes(nil),
	})
	if err != nil {
		return nil, err
	}
	page := &Page{
		Snapshots:     storedSnapshots(answer.GetExecutions(), c.codec),
		NextPageToken: answer.GetNextPageToken(),
	}
	if count := answer.GetCount(); count != nil {
		page.Count = &MatchCount{Value: count.GetValue(), AtLeast: count.GetAtLeast()}
	}
	return page, nil
}

// HistoryOptions say which snapshots are listed, and how much of them.
type HistoryOptions struct {
	// ExecutionID is the execution; nil is every execution whose head the Filter matches.
	ExecutionID *string
	// Filter is tested on heads; nil is all.
	Filter *Filter
	// Criteria and Labels are tested on the snapshots.
	Criteria *Criteria
	Labels   map[string]string
	// Full, Projection, PageSize and PageToken are as in ListOptions.
	Full       bool
	Projection *Projection
	PageSize   uint32
	PageToken  string
}

// History iterates over snapshots by revision, newest first, as List does over heads. It fails
// with ReasonExecutionNotFound when an ExecutionID is given.
func (c *Client) History(ctx context.Context, options *HistoryOptions) iter.Seq2[*StoredSnapshot, error] {
	o := orZero(options)
	return pages(o.PageToken, func(token string) ([]*StoredSnapshot, string, error) {
		o := o
		o.PageToken = token
		page, err := c.HistoryPage(ctx, &o)
		if err != nil {
			return nil, "", err
		}
		return page.Snapshots, page.NextPageToken, nil
	})
}

// HistoryPage gives one page of History.
func (c *Client) HistoryPage(ctx context.Context, options *HistoryOptions) (*Page, error) {
	o := orZero(options)
	filter, err := o.Filter.message()
	if err != nil {
		return nil, err
	}
	view, err := viewOf(o.Full, o.Projection)
	if err != nil {
		return nil, err
	}
	answer, err := call(ctx, c, c.snapshots.ListSnapshots, &pb.ListSnapshotsRequest{
		TenantId: c.config.Tenant, ExecutionId: o.ExecutionID, Filter: filter,
		Criteria: o.Criteria.message(), Labels: o.Labels,
		View: view, Projection: o.Projection.message(),
		PageSize: o.PageSize, PageToken: o.PageToken, MaxMessageBytes: c.maxMessageBytes(nil),
	})
	if err != nil {
		return nil, err
	}
	return &Page{
		Snapshots:     storedSnapshots(answer.GetSnapshots(), c.codec),
		NextPageToken: answer.GetNextPageToken(),
	}, nil
}

// pages iterates over what fetch gives, page by page, beginning with the one that token names.
func pages[T any](token string, fetch func(token string) ([]T, string, error)) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		// A copy, so that a second loop begins again.
		token := token
		for {
			items, next, err := fetch(token)
			if err != nil {
				var none T
				yield(none, err)
				return
			}
			for _, item := range items {
				if !yield(item, nil) {
					return
				}
			}
			if token = next; token == "" {
				return
			}
		}
	}
}
