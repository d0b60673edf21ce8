package main

import (
	"context"
	"iter"

	stillframe "github.com/stillframe/stillframe/client/go"
)

type call func(context.Context, *driver, *args) (object, error)

var calls = map[string]call{
	"info": info, "save": save, "load": load, "claim": claim, "check_freshness": checkFreshness,
	"list": list, "list_page": listPage, "history": history, "diff": diff, "fork": fork,
	"prune": prune, "delete": remove,
	"set_value": setValue, "get_value": getValue, "delete_value": deleteValue, "list_keys": listKeys,
	"open": openHandle, "handle_save": handleSave, "handle_load": handleLoad,
	"handle_claim": handleClaim,
	"saver_open":   saverOpen, "saver_submit": saverSubmit, "saver_flush": saverFlush,
	"saver_close": saverClose,
	"watch_open":  watchOpen, "watch_take": watchTake, "watch_token": watchToken,
	"watch_close": watchClose,
}

func info(ctx context.Context, d *driver, _ *args) (object, error) {
	info, err := d.client.Info(ctx)
	if err != nil {
		return nil, err
	}
	limits := info.Limits
	return object{
		"server_version": info.ServerVersion, "store_kind": info.StoreKind,
		"features": append([]string{}, info.Features...),
		"limits": object{
			"max_request_bytes":    digits(limits.MaxRequestBytes),
			"max_snapshot_bytes":   digits(limits.MaxSnapshotBytes),
			"max_payload_bytes":    digits(limits.MaxPayloadBytes),
			"max_entries":          digits(limits.MaxEntries),
			"max_watches":          digits(limits.MaxWatches),
			"max_inflight_bytes":   digits(limits.MaxInflightBytes),
			"max_executions":       digits(limits.MaxExecutions),
			"change_log_size":      digits(limits.ChangeLogSize),
			"progress_interval_ms": digits(uint64(limits.ProgressInterval.Milliseconds())),
			"max_value_bytes":      digits(limits.MaxValueBytes),
		},
	}, nil
}

func (a *args) saveOptions() *stillframe.SaveOptions {
	return &stillframe.SaveOptions{
		ExpectedETag: a.ExpectedETag, MustNotExist: a.MustNotExist,
		WriterEpoch: a.WriterEpoch.uint64(), TTL: optionalSeconds(a.TTL),
		AllowSequenceRegression: a.AllowRegression, RequestID: a.RequestID,
	}
}

func (a *args) loadOptions() *stillframe.LoadOptions {
	return &stillframe.LoadOptions{
		Selector: a.selector(), Projection: a.Projection.projection(),
		EventStoreHead: a.EventStoreHead.uint64(), RequireFresh: a.RequireFresh,
		MaxBehind: a.MaxBehind.uint64(), MaxMessageBytes: a.MaxMessageBytes.uint64(),
	}
}

func (a *args) claimOptions() *stillframe.ClaimOptions {
	return &stillframe.ClaimOptions{
		AllowMissing: a.AllowMissing, Projection: a.Projection.projection(),
		EventStoreHead: a.EventStoreHead.uint64(),
	}
}

func save(ctx context.Context, d *driver, a *args) (object, error) {
	snapshot, err := a.Snapshot.snapshot()
	if err != nil {
		return nil, err
	}
	return savedOut(d.client.Save(ctx, a.ExecutionID, snapshot, a.saveOptions()))
}

func load(ctx context.Context, d *driver, a *args) (object, error) {
	return loadedOut(d.client.Load(ctx, a.ExecutionID, a.loadOptions()))
}

func claim(ctx context.Context, d *driver, a *args) (object, error) {
	return claimOut(d.client.Claim(ctx, a.ExecutionID, a.claimOptions()))
}

func checkFreshness(ctx context.Context, d *driver, a *args) (object, error) {
	heads := map[string]uint64{}
	for id, head := range a.Heads {
		heads[id] = uint64(head)
	}
	results, err := d.client.CheckFreshness(ctx, heads)
	if err != nil {
		return nil, err
	}
	out := []any{}
	for _, each := range results {
		out = append(out, freshnessOut(each))
	}
	return object{"results": out}, nil
}

func (a *args) listOptions() (*stillframe.ListOptions, error) {
	filter, err := a.Filter.filter()
	return &stillframe.ListOptions{
		Filter: filter, Full: a.Full, Projection: a.Projection.projection(), PageSize: uint32(a.PageSize),
		PageToken: a.PageToken, IncludeCount: a.IncludeCount,
	}, err
}

func list(ctx context.Context, d *driver, a *args) (object, error) {
	options, err := a.listOptions()
	if err != nil {
		return nil, err
	}
	return all(d.client.List(ctx, options))
}

func all(snapshots iter.Seq2[*stillframe.StoredSnapshot, error]) (object, error) {
	out := []object{}
	for snapshot, err := range snapshots {
		if err != nil {
			return nil, err
		}
		out = append(out, snapshotOut(snapshot))
	}
	return object{"snapshots": out}, nil
}

func listPage(ctx context.Context, d *driver, a *args) (object, error) {
	options, err := a.listOptions()
	if err != nil {
		return nil, err
	}
	page, err := d.client.ListPage(ctx, options)
	if err != nil {
		return nil, err
	}
	answer := object{
		"snapshots": snapshotsOut(page.Snapshots), "next_page_token": page.NextPageToken,
	}
	if page.Count != nil {
		answer["count"] = object{"value": digits(page.Count.Value), "at_least": page.Count.AtLeast}
	}
	return answer, nil
}

func history(ctx context.Context, d *driver, a *args) (object, error) {
	filter, err := a.Filter.filter()
	if err != nil {
		return nil, err
	}
	options := &stillframe.HistoryOptions{
		Filter: filter, Criteria: a.Criteria.criteria(), Labels: a.Labels, Full: a.Full,
		Projection: a.Projection.projection(), PageSize: uint32(a.PageSize),
	}
	if a.ExecutionID != "" {
		options.ExecutionID = &a.ExecutionID
	}
	return all(d.client.History(ctx, options))
}

func diff(ctx context.Context, d *driver, a *args) (object, error) {
	diff, err := d.client.Diff(ctx, a.ExecutionID, a.From.selector(), a.To.selector())
	if err != nil {
		return nil, err
	}
	entries := []object{}
	for _, each := range diff.Entries {
		entries = append(entries, object{
			"map": each.Map.String(), "key": each.Key, "kind": each.Kind.String(),
		})
	}
	return object{
		"from_version": digits(diff.FromVersion), "to_version": digits(diff.ToVersion),
		"header_fields": append([]string{}, diff.HeaderFields...), "entries": entries,
	}, nil
}

func fork(ctx context.Context, d *driver, a *args) (object, error) {
	forked, err := d.client.Fork(ctx, a.ExecutionID, a.NewExecutionID, &stillframe.ForkOptions{
		Selector: a.selector(), IncludeHistory: a.IncludeHistory,
		SequenceNumber: a.SequenceNumber.uint64(), RequestID: a.RequestID,
	})
	if err != nil {
		return nil, err
	}
	return object{
		"version": digits(forked.Version), "etag": forked.ETag, "revision": digits(forked.Revision),
		"resume_token": forked.ResumeToken, "snapshot_count": digits(forked.SnapshotCount),
	}, nil
}

func prune(ctx context.Context, d *driver, a *args) (object, error) {
	options := stillframe.PruneOptions{
		SnapshotIDs: a.SnapshotIDs, Criteria: a.Criteria.criteria(), Labels: a.Labels,
		AllHistory: a.AllHistory, WriterEpoch: a.WriterEpoch.uint64(), RequestID: a.RequestID,
	}
	if a.Versions != nil {
		options.Versions = []uint64{}
	}
	for _, each := range a.Versions {
		options.Versions = append(options.Versions, uint64(each))
	}
	count, err := d.client.Prune(ctx, a.ExecutionID, options)
	return object{"deleted_count": digits(count)}, err
}

func remove(ctx context.Context, d *driver, a *args) (object, error) {
	deleted, err := d.client.Delete(ctx, a.ExecutionID, &stillframe.DeleteOptions{
		ExpectedETag: a.ExpectedETag, WriterEpoch: a.WriterEpoch.uint64(),
		IncludeDescendants: a.IncludeDescendants, RequestID: a.RequestID,
	})
	if err != nil {
		return nil, err
	}
	return object{
		"deleted_count": digits(deleted.DeletedCount), "revision": digits(deleted.Revision),
		"resume_token": deleted.ResumeToken,
	}, nil
}
