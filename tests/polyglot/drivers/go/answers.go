package main

import (
	"strconv"
	"time"

	stillframe "github.com/stillframe/stillframe/client/go"
)

func digits(number uint64) string { return strconv.FormatUint(number, 10) }

func timeOut(value time.Time) string { return value.UTC().Format(time.RFC3339Nano) }

// set puts a value that is there into an answer.
func set[T any](answer object, key string, value *T, out func(T) any) {
	if value != nil {
		answer[key] = out(*value)
	}
}

func asIs(text string) any { return text }

func asTime(value time.Time) any { return timeOut(value) }

func snapshotOut(snapshot *stillframe.StoredSnapshot) object {
	if snapshot == nil {
		return nil
	}
	answer := object{
		"execution_id": snapshot.ExecutionID, "version": digits(snapshot.Version),
		"revision": digits(snapshot.Revision), "commit_time": timeOut(snapshot.CommitTime),
		"sequence_number": digits(snapshot.SequenceNumber), "labels": object{},
		"step_outputs": valuesOut(snapshot.StepOutputs), "variables": valuesOut(snapshot.Variables),
	}
	if len(snapshot.Labels) > 0 {
		answer["labels"] = snapshot.Labels
	}
	if snapshot.State != 0 {
		answer["state"] = snapshot.State.String()
	}
	if snapshot.WaitReason != 0 {
		answer["wait_reason"] = snapshot.WaitReason.String()
	}
	if snapshot.ETag != "" {
		answer["etag"] = snapshot.ETag
	}
	if snapshot.SchemaVersion != "" {
		answer["schema_version"] = snapshot.SchemaVersion
	}
	set(answer, "user_id", snapshot.UserID, asIs)
	set(answer, "current_step_id", snapshot.CurrentStepID, asIs)
	set(answer, "snapshot_id", snapshot.SnapshotID, asIs)
	set(answer, "parent_snapshot_id", snapshot.ParentSnapshotID, asIs)
	set(answer, "parent_execution_id", snapshot.ParentExecutionID, asIs)
	set(answer, "timestamp", snapshot.Timestamp, asTime)
	set(answer, "origin", snapshot.Origin, originOut)
	set(answer, "omission", snapshot.Omission, omissionOut)
	return answer
}

func snapshotsOut(snapshots []*stillframe.StoredSnapshot) []object {
	out := []object{}
	for _, each := range snapshots {
		out = append(out, snapshotOut(each))
	}
	return out
}

func originOut(origin stillframe.Origin) any {
	return object{
		"execution_id": origin.ExecutionID, "version": digits(origin.Version),
		"etag": origin.ETag, "commit_time": timeOut(origin.CommitTime),
	}
}

func omissionOut(omission stillframe.Omission) any {
	entries := []object{}
	for _, each := range omission.Entries {
		entries = append(entries, object{
			"map": each.Map.String(), "key": each.Key,
			"size_bytes": digits(each.SizeBytes), "reason": each.Reason.String(),
		})
	}
	return object{
		"count": digits(omission.Count), "size_bytes": digits(omission.SizeBytes), "entries": entries,
	}
}

func freshnessOut(freshness stillframe.Freshness) any {
	return object{
		"execution_id": freshness.ExecutionID, "status": freshness.Status.String(),
		"event_store_head":  digits(freshness.EventStoreHead),
		"snapshot_sequence": digits(freshness.SnapshotSequence),
		"distance":          digits(freshness.Distance), "version": digits(freshness.Version),
	}
}

func savedOut(saved *stillframe.Saved, err error) (object, error) {
	if err != nil || saved == nil {
		return object{}, err
	}
	return object{
		"version": digits(saved.Version), "etag": saved.ETag, "revision": digits(saved.Revision),
		"resume_token": saved.ResumeToken, "outcome": saved.Outcome.String(),
	}, nil
}

func loadedOut(snapshot *stillframe.StoredSnapshot, err error) (object, error) {
	if err != nil {
		return nil, err
	}
	answer := object{"snapshot": snapshotOut(snapshot)}
	set(answer, "freshness", snapshot.Freshness, freshnessOut)
	return answer, nil
}

func claimOut(claim *stillframe.Claim, err error) (object, error) {
	if err != nil {
		return nil, err
	}
	answer := object{"writer_epoch": digits(claim.WriterEpoch)}
	if claim.Snapshot != nil {
		answer["snapshot"] = snapshotOut(claim.Snapshot)
	}
	set(answer, "freshness", claim.Freshness, freshnessOut)
	return answer, nil
}

func eventOut(event stillframe.Event) object {
	answer, token := object{}, ""
	switch event := event.(type) {
	case *stillframe.WatchOpened:
		answer["event"], token = "opened", event.ResumeToken
	case *stillframe.Change:
		answer = object{
			"event": "change", "kind": event.Kind.String(), "snapshot": snapshotOut(event.Snapshot),
		}
		if event.Initial {
			answer["initial"] = true
		}
		if event.ContentGone {
			answer["content_gone"] = true
		}
		token = event.ResumeToken
	case *stillframe.InitialStateEnd:
		answer["event"], token = "initial_state_end", event.ResumeToken
		answer["execution_count"] = digits(event.ExecutionCount)
	case *stillframe.CaughtUp:
		answer["event"], token = "caught_up", event.ResumeToken
	case *stillframe.Restarted:
		answer["event"], answer["reason"] = "restarted", event.Reason
	default:
		return nil // progress
	}
	if token != "" {
		answer["resume_token"] = token
	}
	return answer
}
