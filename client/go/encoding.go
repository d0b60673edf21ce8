package stillframe

import (
	"maps"
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/timestamppb"

	pb "github.com/stillframe/stillframe/generated/go/stillframe/v1"
)

// encodedSnapshot is a snapshot ready to be sent: every value encoded, the two maps apart from
// the header, so that a full save and a delta are cut from the same cloth.
type encodedSnapshot struct {
	header      *pb.ExecutionSnapshot // with labels and no entries
	stepOutputs map[string]*pb.Payload
	variables   map[string]*pb.Payload
}

// encodeSnapshot encodes a snapshot, and so takes a copy of everything in it. The bytes of a
// Payload are not copied.
func encodeSnapshot(snapshot *Snapshot, codec Codec) (*encodedSnapshot, error) {
	if snapshot == nil {
		return nil, invalidField("snapshot", "is nil")
	}
	if snapshot.partial != "" {
		return nil, incompleteSnapshot(snapshot.partial)
	}
	stepOutputs, err := encodeEntries("step_outputs", snapshot.StepOutputs, codec)
	if err != nil {
		return nil, err
	}
	variables, err := encodeEntries("variables", snapshot.Variables, codec)
	if err != nil {
		return nil, err
	}
	header := &pb.ExecutionSnapshot{
		UserId:            copiedPtr(snapshot.UserID),
		State:             pb.ExecutionState(snapshot.State),
		WaitReason:        pb.WaitReason(snapshot.WaitReason),
		CurrentStepId:     copiedPtr(snapshot.CurrentStepID),
		Timestamp:         timestamp(snapshot.Timestamp),
		SequenceNumber:    snapshot.SequenceNumber,
		Labels:            copied(snapshot.Labels),
		SnapshotId:        copiedPtr(snapshot.SnapshotID),
		ParentSnapshotId:  copiedPtr(snapshot.ParentSnapshotID),
		ParentExecutionId: copiedPtr(snapshot.ParentExecutionID),
		SchemaVersion:     snapshot.SchemaVersion,
	}
	return &encodedSnapshot{header: header, stepOutputs: stepOutputs, variables: variables}, nil
}

// message is the whole snapshot.
func (s *encodedSnapshot) message() *pb.ExecutionSnapshot {
	return s.with(s.stepOutputs, s.variables)
}

// with is the snapshot with these entries.
func (s *encodedSnapshot) with(stepOutputs, variables map[string]*pb.Payload) *pb.ExecutionSnapshot {
	message := proto.CloneOf(s.header)
	message.StepOutputs, message.Variables = stepOutputs, variables
	return message
}

func copied(labels map[string]string) map[string]string {
	if len(labels) == 0 {
		return nil
	}
	return maps.Clone(labels)
}

func copiedPtr[T any](value *T) *T {
	if value == nil {
		return nil
	}
	return Ptr(*value)
}

func timestamp(value *time.Time) *timestamppb.Timestamp {
	if value == nil {
		return nil
	}
	return timestamppb.New(*value)
}

func duration(value *time.Duration) *durationpb.Duration {
	if value == nil {
		return nil
	}
	return durationpb.New(*value)
}
