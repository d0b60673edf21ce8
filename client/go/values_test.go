package stillframe

import (
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"

	pb "github.com/stillframe/stillframe/generated/go/stillframe/v1"
)

func valuesOf(codec Codec, texts map[string]string) Values {
	payloads := map[string]*pb.Payload{}
	for key, text := range texts {
		payloads[key] = &pb.Payload{Data: []byte(text)}
	}
	return Values{name: "variables", payloads: payloads, codec: codec}
}

func TestOneBadPayloadSpoilsNoOther(t *testing.T) {
	values := valuesOf(JSONCodec{}, map[string]string{"good": `1`, "bad": `1e400`})

	if got, err := values.Get("good"); err != nil || got != json.Number("1") {
		t.Errorf("%v, %v", got, err)
	}
	_, err := values.Get("bad")
	var typed *ValueDecodeError
	if !errors.As(err, &typed) || typed.Key != `variables["bad"]` || string(typed.Payload.Data) != `1e400` {
		t.Errorf("%v", err)
	}
	if strings.Count(err.Error(), "cannot decode") != 1 {
		t.Errorf("said twice: %v", err)
	}
	if raw, found := values.Payload("bad"); !found || string(raw.Data) != `1e400` {
		t.Errorf("%v, %v", raw, found)
	}
	if keys := values.Keys(); !reflect.DeepEqual(keys, []string{"bad", "good"}) || values.Len() != 2 {
		t.Errorf("%v", keys)
	}
	if _, err := values.Get("other"); !errors.Is(err, ErrNoEntry) || errors.Is(err, ReasonValueDecode) {
		t.Errorf("%v", err)
	}
}

func TestAValueTakenOutIsTheCallersOwn(t *testing.T) {
	values := valuesOf(JSONCodec{}, map[string]string{"a": `[1]`})
	first, _ := values.Get("a")
	first.([]any)[0] = "changed"

	if second, _ := values.Get("a"); !reflect.DeepEqual(second, []any{json.Number("1")}) {
		t.Errorf("%v", second)
	}
}

func TestALoadedSnapshotGoesBackByteForByte(t *testing.T) {
	message := &pb.ExecutionSnapshot{
		State: pb.ExecutionState_EXECUTION_STATE_WAITING, WaitReason: pb.WaitReason_WAIT_REASON_SUB_AGENT,
		SequenceNumber: 7, UserId: Ptr("u"), SchemaVersion: "2", Labels: map[string]string{"a": "b"},
		Variables: map[string]*pb.Payload{
			"spaced": {Data: []byte(` 1 `)},
			"other":  {Data: []byte{0, 1}, Encoding: "raw", Codecs: []string{"zstd"}},
		},
	}
	next := storedSnapshot(message, JSONCodec{}, false).Snapshot()
	next.Variables["new"] = []any{1}

	encoded, err := encodeSnapshot(next, JSONCodec{})
	if err != nil {
		t.Fatal(err)
	}
	got := encoded.message()
	if string(got.Variables["spaced"].Data) != ` 1 ` || got.Variables["other"].Encoding != "raw" ||
		len(got.Variables["other"].Codecs) != 1 || string(got.Variables["new"].Data) != `[1]` {
		t.Errorf("%v", got.Variables)
	}
	if got.GetState() != message.State || got.GetWaitReason() != message.WaitReason ||
		got.GetSequenceNumber() != 7 || got.GetUserId() != "u" || got.GetSchemaVersion() != "2" ||
		got.CurrentStepId != nil || got.Labels["a"] != "b" {
		t.Errorf("%v", got)
	}
}

func TestAnIncompleteSnapshotIsNotSaved(t *testing.T) {
	omitted := &pb.ExecutionSnapshot{Omission: &pb.Omission{Count: 1}}
	for field, snapshot := range map[string]*StoredSnapshot{
		"snapshot.omission":     storedSnapshot(omitted, JSONCodec{}, false),
		"snapshot.step_outputs": storedSnapshot(&pb.ExecutionSnapshot{}, JSONCodec{}, true),
	} {
		_, err := encodeSnapshot(snapshot.Snapshot(), JSONCodec{})
		if !errors.Is(err, ReasonIncompleteSnapshot) || !errors.Is(err, CodeInvalidArgument) ||
			asError(err).Violations[0].Field != field {
			t.Errorf("%s: %v", field, err)
		}
		if !snapshot.Variables.IsPartial() {
			t.Errorf("%s: not partial", field)
		}
	}
}

type brokenCodec struct{}

func (brokenCodec) Encode(value any) (Payload, error) {
	return Payload{}, fmt.Errorf("no encoding of %v", value)
}

func (brokenCodec) Decode(payload Payload, _ any) error {
	return fmt.Errorf("no key for %s", payload.Encoding)
}

func TestAnErrorOfAUsersCodecBecomesATypedOne(t *testing.T) {
	_, decoding := valuesOf(brokenCodec{}, map[string]string{"a": `?`}).Get("a")
	if !errors.Is(decoding, ReasonValueDecode) || !errors.Is(decoding, CodeDataLoss) ||
		!strings.Contains(decoding.Error(), "no key for") {
		t.Errorf("%v", decoding)
	}
	_, encoding := encodeSnapshot(running(map[string]any{"a": 1}), brokenCodec{})
	var typed *ValueEncodeError
	if !errors.As(encoding, &typed) || typed.Key != `variables["a"]` ||
		!errors.Is(encoding, ReasonValueEncode) || !errors.Is(encoding, CodeInvalidArgument) {
		t.Errorf("%v", encoding)
	}
}

func TestAPayloadPassesTheCodec(t *testing.T) {
	payload := Payload{Data: []byte{0}, Encoding: "raw", Codecs: []string{"a", "b"}}
	encoded, err := encodeSnapshot(running(map[string]any{"a": payload, "b": &payload}), brokenCodec{})
	if err != nil {
		t.Fatal(err)
	}
	for _, key := range []string{"a", "b"} {
		if got := payloadOf(encoded.variables[key]); !reflect.DeepEqual(got, payload) {
			t.Errorf("%s: %v", key, got)
		}
	}
}
