package main

import (
	"encoding/json"
	"fmt"
	"strconv"
	"time"

	stillframe "github.com/stillframe/stillframe/client/go"
)

// args are the arguments of every command; what a command does not take is unset.
type args struct {
	Timeout *float64 `json:"timeout"`

	ExecutionID     string            `json:"execution_id"`
	NewExecutionID  string            `json:"new_execution_id"`
	Snapshot        *snapshotArg      `json:"snapshot"`
	ExpectedETag    *string           `json:"expected_etag"`
	MustNotExist    bool              `json:"must_not_exist"`
	WriterEpoch     *number           `json:"writer_epoch"`
	TTL             *float64          `json:"ttl"`
	AllowRegression bool              `json:"allow_sequence_regression"`
	RequestID       string            `json:"request_id"`
	Version         *number           `json:"version"`
	SnapshotID      *string           `json:"snapshot_id"`
	Criteria        *criteriaArg      `json:"criteria"`
	Projection      *projectionArg    `json:"projection"`
	EventStoreHead  *number           `json:"event_store_head"`
	RequireFresh    bool              `json:"require_fresh"`
	MaxBehind       *number           `json:"max_behind"`
	MaxMessageBytes *number           `json:"max_message_bytes"`
	AllowMissing    bool              `json:"allow_missing"`
	Heads           map[string]number `json:"heads"`

	Filter       *filterArg        `json:"filter"`
	Full         bool              `json:"full"`
	PageSize     number            `json:"page_size"`
	PageToken    string            `json:"page_token"`
	IncludeCount bool              `json:"include_count"`
	Labels       map[string]string `json:"labels"`

	From               *selectorArg `json:"from"`
	To                 *selectorArg `json:"to"`
	IncludeHistory     bool         `json:"include_history"`
	SequenceNumber     *number      `json:"sequence_number"`
	Versions           []number     `json:"versions"`
	SnapshotIDs        []string     `json:"snapshot_ids"`
	AllHistory         bool         `json:"all_history"`
	IncludeDescendants bool         `json:"include_descendants"`

	Key       string  `json:"key"`
	KeyPrefix *string `json:"key_prefix"`
	Value     []byte  `json:"value"`

	Handle     string   `json:"handle"`
	Saver      string   `json:"saver"`
	Watch      string   `json:"watch"`
	Overwrite  bool     `json:"overwrite"`
	MaxAbsence *float64 `json:"max_absence"`

	InitialState  bool    `json:"initial_state"`
	ResumeToken   *string `json:"resume_token"`
	Mode          string  `json:"mode"`
	RestartIfLost bool    `json:"restart_if_lost"`
	Changes       *int    `json:"changes"`
	Until         string  `json:"until"`
}

// number is a 64-bit integer, which stands in a string.
type number uint64

func (n *number) UnmarshalJSON(data []byte) error {
	var digits string
	if err := json.Unmarshal(data, &digits); err != nil {
		// A small one, such as a page_size, may come as a number.
		digits = string(data)
	}
	value, err := strconv.ParseUint(digits, 10, 64)
	*n = number(value)
	return err
}

func (n *number) uint64() *uint64 { return (*uint64)(n) }

func seconds(value float64) time.Duration { return time.Duration(value * float64(time.Second)) }

func optionalSeconds(value *float64) *time.Duration {
	if value == nil {
		return nil
	}
	return stillframe.Ptr(seconds(*value))
}

type selectorArg struct {
	Version    *number      `json:"version"`
	SnapshotID *string      `json:"snapshot_id"`
	Criteria   *criteriaArg `json:"criteria"`
}

func (s *selectorArg) selector() *stillframe.Selector {
	if s == nil {
		return nil
	}
	return &stillframe.Selector{
		Version: s.Version.uint64(), SnapshotID: s.SnapshotID, Criteria: s.Criteria.criteria(),
	}
}

func (a *args) selector() stillframe.Selector {
	return *(&selectorArg{a.Version, a.SnapshotID, a.Criteria}).selector()
}

type criteriaArg struct {
	SequenceMin   *number    `json:"sequence_min"`
	SequenceMax   *number    `json:"sequence_max"`
	TimestampMin  *time.Time `json:"timestamp_min"`
	TimestampMax  *time.Time `json:"timestamp_max"`
	CommitTimeMin *time.Time `json:"commit_time_min"`
	CommitTimeMax *time.Time `json:"commit_time_max"`
}

func (c *criteriaArg) criteria() *stillframe.Criteria {
	if c == nil {
		return nil
	}
	return &stillframe.Criteria{
		SequenceMin: c.SequenceMin.uint64(), SequenceMax: c.SequenceMax.uint64(),
		TimestampMin: c.TimestampMin, TimestampMax: c.TimestampMax,
		CommitTimeMin: c.CommitTimeMin, CommitTimeMax: c.CommitTimeMax,
	}
}

type projectionArg struct {
	StepOutputs *stillframe.MapProjection `json:"-"`
	Variables   *stillframe.MapProjection `json:"-"`
}

func (p *projectionArg) UnmarshalJSON(data []byte) error {
	type chosen struct {
		All         bool     `json:"all"`
		Keys        []string `json:"keys"`
		KeyPrefixes []string `json:"key_prefixes"`
	}
	var maps struct {
		StepOutputs *chosen `json:"step_outputs"`
		Variables   *chosen `json:"variables"`
	}
	err := json.Unmarshal(data, &maps)
	p.StepOutputs = (*stillframe.MapProjection)(maps.StepOutputs)
	p.Variables = (*stillframe.MapProjection)(maps.Variables)
	return err
}

func (p *projectionArg) projection() *stillframe.Projection {
	if p == nil {
		return nil
	}
	return &stillframe.Projection{StepOutputs: p.StepOutputs, Variables: p.Variables}
}

type filterArg struct {
	ExecutionIDs      []string          `json:"execution_ids"`
	ExecutionIDPrefix *string           `json:"execution_id_prefix"`
	States            []string          `json:"states"`
	StateClasses      []string          `json:"state_classes"`
	WaitReasons       []string          `json:"wait_reasons"`
	UserID            *string           `json:"user_id"`
	ParentExecutionID *string           `json:"parent_execution_id"`
	Labels            map[string]string `json:"labels"`
	Criteria          *criteriaArg      `json:"criteria"`
}

func (f *filterArg) filter() (*stillframe.Filter, error) {
	if f == nil {
		return nil, nil
	}
	filter := &stillframe.Filter{
		ExecutionIDs: f.ExecutionIDs, ExecutionIDPrefix: f.ExecutionIDPrefix,
		UserID: f.UserID, ParentExecutionID: f.ParentExecutionID,
		Labels: f.Labels, Criteria: f.Criteria.criteria(),
	}
	var err error
	if filter.States, err = enums[stillframe.ExecutionState](f.States); err != nil {
		return nil, err
	}
	if filter.StateClasses, err = enums[stillframe.StateClass](f.StateClasses); err != nil {
		return nil, err
	}
	filter.WaitReasons, err = enums[stillframe.WaitReason](f.WaitReasons)
	return filter, err
}

type named interface {
	~int32
	fmt.Stringer
}

// enum finds the value with a name; "" is zero.
func enum[E named](name string) (E, error) {
	if name == "" {
		return 0, nil
	}
	for value := E(0); value < 64; value++ {
		if value.String() == name {
			return value, nil
		}
	}
	return 0, fmt.Errorf("%T has no %q", E(0), name)
}

func enums[E named](names []string) ([]E, error) {
	if names == nil {
		return nil, nil
	}
	values := make([]E, len(names))
	for i, name := range names {
		var err error
		if values[i], err = enum[E](name); err != nil {
			return nil, err
		}
	}
	return values, nil
}
