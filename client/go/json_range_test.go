package stillframe

import (
	"encoding/json"
	"testing"
)

// What other writers may write, and no client would: it is loaded as the float64 that it is, and
// saved again, whatever it is loaded into.
func TestAnIntegerOutOfRangeIsAFloatWherever(t *testing.T) {
	payload := Payload{Data: []byte(`{"A":1000000000000000000000000000000,"B":[18446744073709551615]}`)}
	const want = `{"A":1e+30,"B":[18446744073709551615]}`
	type open struct{ A, B any }
	for _, into := range []any{
		new(any), &map[string]any{}, &map[string]*any{}, &open{},
		&struct {
			A json.Number
			B []json.Number
		}{},
		&struct{ A, B json.RawMessage }{}, new(json.RawMessage),
		&struct {
			*open
			C []string `json:",omitempty"`
		}{open: &open{}},
	} {
		if err := (JSONCodec{}).Decode(payload, into); err != nil {
			t.Errorf("%T: %v", into, err)
		}
		again, err := JSONCodec{}.Encode(into)
		if err != nil || string(again.Data) != want {
			t.Errorf("%T: %s, %v", into, again.Data, err)
		}
	}
}
