package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"regexp"
	"strconv"
	"time"

	stillframe "github.com/stillframe/stillframe/client/go"
)

type snapshotArg struct {
	State             string            `json:"state"`
	WaitReason        string            `json:"wait_reason"`
	SequenceNumber    number            `json:"sequence_number"`
	UserID            *string           `json:"user_id"`
	CurrentStepID     *string           `json:"current_step_id"`
	StepOutputs       map[string]value  `json:"step_outputs"`
	Variables         map[string]value  `json:"variables"`
	Timestamp         *time.Time        `json:"timestamp"`
	Labels            map[string]string `json:"labels"`
	SnapshotID        *string           `json:"snapshot_id"`
	ParentSnapshotID  *string           `json:"parent_snapshot_id"`
	ParentExecutionID *string           `json:"parent_execution_id"`
	SchemaVersion     string            `json:"schema_version"`
}

func (s *snapshotArg) snapshot() (*stillframe.Snapshot, error) {
	if s == nil {
		return nil, errors.New("there is no snapshot")
	}
	state, err := enum[stillframe.ExecutionState](s.State)
	if err != nil {
		return nil, err
	}
	reason, err := enum[stillframe.WaitReason](s.WaitReason)
	if err != nil {
		return nil, err
	}
	return &stillframe.Snapshot{
		State: state, WaitReason: reason, SequenceNumber: uint64(s.SequenceNumber),
		StepOutputs: plain(s.StepOutputs), Variables: plain(s.Variables),
		Timestamp: s.Timestamp, Labels: s.Labels, UserID: s.UserID, CurrentStepID: s.CurrentStepID,
		SnapshotID: s.SnapshotID, ParentSnapshotID: s.ParentSnapshotID,
		ParentExecutionID: s.ParentExecutionID, SchemaVersion: s.SchemaVersion,
	}, nil
}

func plain(values map[string]value) map[string]any {
	made := make(map[string]any, len(values))
	for key, each := range values {
		made[key] = each.it
	}
	return made
}

// value is a value in the notation of the scenes.
type value struct{ it any }

func (v *value) UnmarshalJSON(data []byte) error {
	var kinds struct {
		Bool    *bool             `json:"bool"`
		String  *string           `json:"string"`
		Int     *string           `json:"int"`
		Double  *string           `json:"double"`
		Array   *[]value          `json:"array"`
		Object  *map[string]value `json:"object"`
		Payload *payloadArg       `json:"payload"`
	}
	if err := json.Unmarshal(data, &kinds); err != nil {
		return err
	}
	var err error
	switch {
	case kinds.Bool != nil:
		v.it = *kinds.Bool
	case kinds.String != nil:
		v.it = withSurrogates(*kinds.String)
	case kinds.Int != nil:
		v.it, err = integer(*kinds.Int)
	case kinds.Double != nil:
		var bits uint64
		bits, err = strconv.ParseUint(*kinds.Double, 16, 64)
		v.it = math.Float64frombits(bits)
	case kinds.Array != nil:
		items := make([]any, len(*kinds.Array))
		for i, each := range *kinds.Array {
			items[i] = each.it
		}
		v.it = items
	case kinds.Object != nil:
		entries := make(map[string]any, len(*kinds.Object))
		for key, each := range *kinds.Object {
			entries[withSurrogates(key)] = each.it
		}
		v.it = entries
	case kinds.Payload != nil:
		v.it = stillframe.Payload(*kinds.Payload)
	default:
		v.it = nil // {"null": null}
	}
	return err
}

func integer(digits string) (any, error) {
	if signed, err := strconv.ParseInt(digits, 10, 64); err == nil {
		return signed, nil
	}
	return strconv.ParseUint(digits, 10, 64)
}

type payloadArg struct {
	Data     []byte   `json:"data"`
	Encoding string   `json:"encoding"`
	Codecs   []string `json:"codecs"`
}

func payloadOut(payload stillframe.Payload) object {
	return object{
		"data": append([]byte{}, payload.Data...), "encoding": payload.Encoding,
		"codecs": append([]string{}, payload.Codecs...),
	}
}

// valuesOut gives every entry of a map.
func valuesOut(values stillframe.Values) object {
	made := object{}
	for _, key := range values.Keys() {
		made[key] = entryOut(values, key)
	}
	return made
}

func entryOut(values stillframe.Values, key string) any {
	payload, _ := values.Payload(key)
	if payload.Encoding != "" && payload.Encoding != "json/utf8" {
		return object{"payload": payloadOut(payload)}
	}
	found, err := values.Get(key)
	if errors.Is(err, stillframe.ReasonValueDecode) {
		return object{"undecodable": payloadOut(payload)}
	}
	return valueOut(found)
}

func valueOut(found any) object {
	switch found := found.(type) {
	case nil:
		return object{"null": nil}
	case bool:
		return object{"bool": found}
	case string:
		return object{"string": found}
	case json.Number:
		return numberOut(found)
	case []any:
		items := make([]any, len(found))
		for i, each := range found {
			items[i] = valueOut(each)
		}
		return object{"array": items}
	case map[string]any:
		entries := object{}
		for key, each := range found {
			entries[key] = valueOut(each)
		}
		return object{"object": entries}
	default:
		panic(fmt.Sprintf("a value of the type %T", found))
	}
}

func numberOut(found json.Number) object {
	if whole, err := integer(found.String()); err == nil {
		return object{"int": fmt.Sprint(whole)}
	}
	double, err := found.Float64()
	if err != nil {
		panic(err)
	}
	return object{"double": fmt.Sprintf("%016x", math.Float64bits(double))}
}

// A lone surrogate can be written in JSON, but encoding/json reads it as a replacement character.
// So it is marked before, and made what a Go program could hold of it: bytes that are not UTF-8.
const mark = "\U0010FFFF"

var (
	lone   = regexp.MustCompile(`^\\u[dD][89a-fA-F][0-9a-fA-F]{2}`)
	pair   = regexp.MustCompile(`^\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}`)
	marked = regexp.MustCompile(mark + "([0-9a-fA-F]{4})")
)

func keepSurrogates(line []byte) []byte {
	var out []byte
	for len(line) > 0 {
		escape := bytes.IndexByte(line, '\\')
		if escape < 0 {
			escape = len(line)
		}
		out, line = append(out, line[:escape]...), line[escape:]
		switch {
		case pair.Match(line):
			out, line = append(out, line[:12]...), line[12:]
		case lone.Match(line):
			out, line = append(append(out, mark...), line[2:6]...), line[6:]
		case len(line) >= 2:
			out, line = append(out, line[:2]...), line[2:]
		default:
			return append(out, line...)
		}
	}
	return out
}

func withSurrogates(text string) string {
	return marked.ReplaceAllStringFunc(text, func(found string) string {
		unit, _ := strconv.ParseUint(found[len(mark):], 16, 16)
		return string([]byte{0xed, 0x80 | byte(unit>>6&0x3f), 0x80 | byte(unit&0x3f)})
	})
}
