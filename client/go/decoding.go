package stillframe

import (
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	pb "github.com/stillframe/stillframe/generated/go/stillframe/v1"
)

// storedSnapshot is the snapshot of a message. partial: its entries are not all there although
// it has no omission, as in a change by which an execution ends.
func storedSnapshot(message *pb.ExecutionSnapshot, codec Codec, partial bool) *StoredSnapshot {
	partial = partial || message.GetOmission() != nil
	values := func(name string, payloads map[string]*pb.Payload) Values {
		return Values{name: name, payloads: payloads, codec: codec, partial: partial}
	}
	return &StoredSnapshot{
		State:             ExecutionState(message.GetState()),
		WaitReason:        WaitReason(message.GetWaitReason()),
		SequenceNumber:    message.GetSequenceNumber(),
		StepOutputs:       values("step_outputs", message.GetStepOutputs()),
		Variables:         values("variables", message.GetVariables()),
		Timestamp:         optionalTime(message.GetTimestamp()),
		Labels:            message.GetLabels(),
		UserID:            message.UserId,
		CurrentStepID:     message.CurrentStepId,
		SnapshotID:        message.SnapshotId,
		ParentSnapshotID:  message.ParentSnapshotId,
		ParentExecutionID: message.ParentExecutionId,
		SchemaVersion:     message.GetSchemaVersion(),
		TenantID:          message.GetTenantId(),
		ExecutionID:       message.GetExecutionId(),
		Version:           message.GetVersion(),
		ETag:              message.GetEtag(),
		Revision:          message.GetRevision(),
		CommitTime:        message.GetCommitTime().AsTime(),
		Origin:            originOf(message.GetOrigin()),
		Omission:          omissionOf(message.GetOmission()),
	}
}

func storedSnapshots(messages []*pb.ExecutionSnapshot, codec Codec) []*StoredSnapshot {
	snapshots := make([]*StoredSnapshot, len(messages))
	for i, message := range messages {
		snapshots[i] = storedSnapshot(message, codec, false)
	}
	return snapshots
}

func originOf(message *pb.SnapshotOrigin) *Origin {
	if message == nil {
		return nil
	}
	return &Origin{
		ExecutionID: message.GetExecutionId(), Version: message.GetVersion(),
		ETag: message.GetEtag(), CommitTime: message.GetCommitTime().AsTime(),
	}
}

func omissionOf(message *pb.Omission) *Omission {
	if message == nil {
		return nil
	}
	omission := &Omission{Count: message.GetCount(), SizeBytes: message.GetSizeBytes()}
	for _, each := range message.GetEntries() {
		omission.Entries = append(omission.Entries, OmittedEntry{
			Map: SnapshotMap(each.GetMap()), Key: each.GetKey(),
			SizeBytes: each.GetSizeBytes(), Reason: OmissionReason(each.GetReason()),
		})
	}
	return omission
}

func freshnessOf(message *pb.Freshness) *Freshness {
	if message == nil {
		return nil
	}
	return &Freshness{
		ExecutionID: message.GetExecutionId(), Status: FreshnessStatus(message.GetStatus()),
		EventStoreHead: message.GetEventStoreHead(), SnapshotSequence: message.GetSnapshotSequence(),
		Distance: message.GetDistance(), Version: message.GetVersion(),
	}
}

func serverInfo(message *pb.GetServerInfoResponse) *ServerInfo {
	limits := message.GetLimits()
	return &ServerInfo{
		ServerVersion: message.GetServerVersion(),
		StoreKind:     message.GetStoreKind(),
		Features:      message.GetFeatures(),
		Limits: ServerLimits{
			MaxRequestBytes:  limits.GetMaxRequestBytes(),
			MaxSnapshotBytes: limits.GetMaxSnapshotBytes(),
			MaxPayloadBytes:  limits.GetMaxPayloadBytes(),
			MaxEntries:       limits.GetMaxEntries(),
			MaxWatches:       limits.GetMaxWatches(),
			MaxInflightBytes: limits.GetMaxInflightBytes(),
			MaxExecutions:    limits.GetMaxExecutions(),
			ChangeLogSize:    limits.GetChangeLogSize(),
			ProgressInterval: time.Duration(limits.GetProgressIntervalMs()) * time.Millisecond,
			MaxValueBytes:    limits.GetMaxValueBytes(),
		},
	}
}

func optionalTime(message *timestamppb.Timestamp) *time.Time {
	if message == nil {
		return nil
	}
	return Ptr(message.AsTime())
}
