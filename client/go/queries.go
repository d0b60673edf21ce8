package stillframe

import (
	"time"

	pb "github.com/stillframe/stillframe/generated/go/stillframe/v1"
)

// Criteria are bounds that select snapshots: inclusive, all must hold, nil is no bound, zero is a
// value. Criteria{SequenceMax: Ptr(uint64(41))} reads "at or before sequence 41".
type Criteria struct {
	SequenceMin *uint64
	SequenceMax *uint64
	// TimestampMin and TimestampMax bound the engine's clock; a snapshot without a timestamp
	// does not meet such a bound.
	TimestampMin *time.Time
	TimestampMax *time.Time
	// CommitTimeMin and CommitTimeMax bound the store's clock.
	CommitTimeMin *time.Time
	CommitTimeMax *time.Time
}

// Filter selects executions by their head. Fields are ANDed, the values of one are ORed, and
// labels must all hold. Nil is no condition; a slice that is empty is refused with
// ReasonInvalidField, because the contract cannot tell it from nil and would match all. At most
// 1,000 values a field.
type Filter struct {
	ExecutionIDs      []string
	ExecutionIDPrefix *string
	States            []ExecutionState
	StateClasses      []StateClass
	WaitReasons       []WaitReason
	UserID            *string
	ParentExecutionID *string
	Labels            map[string]string
	Criteria          *Criteria
}

// Selector names one snapshot of an execution: by version, by snapshot id, or as the one with the
// highest version of those that meet the criteria. At most one is set; none selects the head.
type Selector struct {
	Version    *uint64
	SnapshotID *string
	Criteria   *Criteria
}

// AtVersion selects the snapshot with this version.
func AtVersion(version uint64) Selector { return Selector{Version: &version} }

// Projection says which entries of a snapshot an answer carries. The header is always there; nil
// carries no entry of that map, so that &Projection{} is the header only.
type Projection struct {
	StepOutputs *MapProjection
	Variables   *MapProjection
}

// MapProjection says which entries of one map an answer carries: all, or those that any key or
// key prefix names; at most 1,000 keys and prefixes. A key that does not exist is passed over.
type MapProjection struct {
	All         bool
	Keys        []string
	KeyPrefixes []string
}

func (c *Criteria) message() *pb.SnapshotCriteria {
	if c == nil {
		return nil
	}
	return &pb.SnapshotCriteria{
		SequenceMin: c.SequenceMin, SequenceMax: c.SequenceMax,
		TimestampMin: timestamp(c.TimestampMin), TimestampMax: timestamp(c.TimestampMax),
		CommitTimeMin: timestamp(c.CommitTimeMin), CommitTimeMax: timestamp(c.CommitTimeMax),
	}
}

func (f *Filter) message() (*pb.ExecutionFilter, error) {
	if f == nil {
		return nil, nil
	}
	err := firstError(
		refuseEmpty("filter.execution_ids", f.ExecutionIDs),
		refuseEmpty("filter.states", f.States),
		refuseEmpty("filter.state_classes", f.StateClasses),
		refuseEmpty("filter.wait_reasons", f.WaitReasons),
	)
	if err != nil {
		return nil, err
	}
	return &pb.ExecutionFilter{
		ExecutionIds: f.ExecutionIDs, ExecutionIdPrefix: f.ExecutionIDPrefix,
		States:       numbers[pb.ExecutionState](f.States),
		StateClasses: numbers[pb.StateClass](f.StateClasses),
		WaitReasons:  numbers[pb.WaitReason](f.WaitReasons),
		UserId:       f.UserID, ParentExecutionId: f.ParentExecutionID,
		Labels: f.Labels, Criteria: f.Criteria.message(),
	}, nil
}

// message is the selector of a request; field is its name there.
func (s Selector) message(field string) (*pb.SnapshotSelector, error) {
	var found []*pb.SnapshotSelector
	if s.Version != nil {
		found = append(found, &pb.SnapshotSelector{
			Selector: &pb.SnapshotSelector_Version{Version: *s.Version},
		})
	}
	if s.SnapshotID != nil {
		found = append(found, &pb.SnapshotSelector{
			Selector: &pb.SnapshotSelector_SnapshotId{SnapshotId: *s.SnapshotID},
		})
	}
	if s.Criteria != nil {
		found = append(found, &pb.SnapshotSelector{
			Selector: &pb.SnapshotSelector_LatestMatching{LatestMatching: s.Criteria.message()},
		})
	}
	switch len(found) {
	case 0:
		return nil, nil
	case 1:
		return found[0], nil
	default:
		return nil, invalidField(field, "takes one of Version, SnapshotID and Criteria")
	}
}

func (p *Projection) message() *pb.SnapshotProjection {
	if p == nil {
		return nil
	}
	return &pb.SnapshotProjection{
		StepOutputs: p.StepOutputs.message(), Variables: p.Variables.message(),
	}
}

func (p *MapProjection) message() *pb.MapProjection {
	if p == nil {
		return nil
	}
	return &pb.MapProjection{All: p.All, Keys: p.Keys, KeyPrefixes: p.KeyPrefixes}
}

// viewOf is that of a list or watch; a projection means nothing without the full one.
func viewOf(full bool, projection *Projection) (pb.SnapshotView, error) {
	switch {
	case full:
		return pb.SnapshotView_SNAPSHOT_VIEW_FULL, nil
	case projection != nil:
		return 0, invalidField("projection", "needs Full")
	default:
		return pb.SnapshotView_SNAPSHOT_VIEW_METADATA, nil
	}
}

// refuseEmpty refuses what selects nothing, where the contract would read it as no condition: a
// list of wanted ids that came out empty would match everything.
func refuseEmpty[T any](field string, values []T) error {
	if values != nil && len(values) == 0 {
		return invalidField(field, "is empty; nil is no condition")
	}
	return nil
}

func firstError(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

func numbers[To, From ~int32](values []From) []To {
	if values == nil {
		return nil
	}
	made := make([]To, len(values))
	for i, value := range values {
		made[i] = To(value)
	}
	return made
}
