package stillframe

import (
	"context"
	"iter"
)

// ExecutionOptions are those of a handle on an execution.
type ExecutionOptions struct {
	// WriterEpoch goes with every save; a claim of the handle sets it.
	WriterEpoch *uint64
	// Overwrite saves the whole snapshot over what somebody else has written, instead of failing.
	Overwrite bool
}

// Execution is one execution, as one engine sees it. It is safe for concurrent use; saves go one
// at a time.
//
// A save sends what changed since the last save, load or claim of this handle, if that is less
// than the whole. If somebody else has written in between, it fails with ReasonDeltaBaseMismatch
// or ReasonETagMismatch (ReasonExecutionNotFound after a delete), until a load or claim; with
// Overwrite it saves the whole snapshot over it instead. Before anything is known of the
// execution, a save replaces whatever is there.
//
// After an error that leaves open whether a save took effect (CodeUnavailable, ReasonDeadline,
// the caller's own cancellation), the next save first repeats it under its own request id.
type Execution struct {
	client *Client
	id     string
	// turn is a lock that can be waited for no longer than a context lasts; it guards the rest.
	turn        chan struct{}
	tracker     tracker
	writerEpoch *uint64
}

// Execution gives a handle on one execution that saves deltas where they are smaller.
func (c *Client) Execution(executionID string, options *ExecutionOptions) *Execution {
	o := orZero(options)
	return &Execution{
		client: c, id: executionID, turn: make(chan struct{}, 1),
		tracker: tracker{
			tenant: c.config.Tenant, executionID: executionID, overwrite: o.Overwrite, send: c.save,
		},
		writerEpoch: copiedPtr(o.WriterEpoch),
	}
}

// ID gives the id of the execution.
func (e *Execution) ID() string { return e.id }

// Save saves a snapshot, as a delta if that is smaller, and returns once it is durable. The
// options are as in Client.Save, but for the WriterEpoch, which is the handle's.
func (e *Execution) Save(ctx context.Context, snapshot *Snapshot, options *SaveOptions) (*Saved, error) {
	encoded, err := encodeSnapshot(snapshot, e.client.codec)
	if err != nil {
		return nil, err
	}
	return e.saveEncoded(ctx, encoded, orZero(options))
}

func (e *Execution) saveEncoded(
	ctx context.Context, snapshot *encodedSnapshot, options SaveOptions,
) (*Saved, error) {
	if err := e.lock(ctx); err != nil {
		return nil, err
	}
	defer e.unlock()
	options.WriterEpoch = e.writerEpoch
	return e.tracker.save(ctx, snapshot, options)
}

// Load loads a snapshot, as Client.Load. The head, loaded whole, is what the next save is worked
// out against.
func (e *Execution) Load(ctx context.Context, options *LoadOptions) (*StoredSnapshot, error) {
	if err := e.lock(ctx); err != nil {
		return nil, err
	}
	defer e.unlock()
	snapshot, err := e.client.Load(ctx, e.id, options)
	if err == nil && orZero(options).Selector == (Selector{}) {
		e.tracker.know(snapshot)
	}
	return snapshot, err
}

// Claim takes over the execution, as Client.Claim. The epoch goes with every save from now on;
// the head, if it came whole, is what the next save is worked out against.
func (e *Execution) Claim(ctx context.Context, options *ClaimOptions) (*Claim, error) {
	if err := e.lock(ctx); err != nil {
		return nil, err
	}
	defer e.unlock()
	claim, err := e.client.Claim(ctx, e.id, options)
	if err == nil {
		e.writerEpoch = Ptr(claim.WriterEpoch)
		e.tracker.know(claim.Snapshot)
	}
	return claim, err
}

// Delete deletes the execution, as Client.Delete with the handle's WriterEpoch. The next save
// makes it anew.
func (e *Execution) Delete(ctx context.Context, options *DeleteOptions) (*Deleted, error) {
	if err := e.lock(ctx); err != nil {
		return nil, err
	}
	defer e.unlock()
	o := orZero(options)
	o.WriterEpoch = e.writerEpoch
	deleted, err := e.client.Delete(ctx, e.id, &o)
	if err == nil {
		e.tracker.forget()
	}
	return deleted, err
}

// Prune deletes history of the execution, as Client.Prune with the handle's WriterEpoch. The next
// save is worked out as if nothing had happened.
func (e *Execution) Prune(ctx context.Context, options PruneOptions) (uint64, error) {
	if err := e.lock(ctx); err != nil {
		return 0, err
	}
	defer e.unlock()
	options.WriterEpoch = e.writerEpoch
	return e.client.Prune(ctx, e.id, options)
}

// History iterates over the execution's snapshots, newest first, as Client.History.
func (e *Execution) History(ctx context.Context, options *HistoryOptions) iter.Seq2[*StoredSnapshot, error] {
	o := orZero(options)
	o.ExecutionID = &e.id
	return e.client.History(ctx, &o)
}

// Diff compares two snapshots of the execution, as Client.Diff.
func (e *Execution) Diff(ctx context.Context, from, to *Selector) (*Diff, error) {
	return e.client.Diff(ctx, e.id, from, to)
}

// Fork creates another execution from a snapshot of this one, as Client.Fork. The handle stays
// with this one.
func (e *Execution) Fork(ctx context.Context, newExecutionID string, options *ForkOptions) (*Forked, error) {
	return e.client.Fork(ctx, e.id, newExecutionID, options)
}

func (e *Execution) lock(ctx context.Context) error {
	select {
	case e.turn <- struct{}{}:
		return nil
	default:
	}
	ctx, cancel := e.client.bound(ctx)
	defer cancel()
	select {
	case e.turn <- struct{}{}:
		return nil
	case <-ctx.Done():
		return e.client.ended(ctx, nil)
	}
}

func (e *Execution) unlock() { <-e.turn }
