package stillframe

import (
	"bytes"
	"encoding/json"
	"errors"
	"math"
	"math/big"
	"reflect"
	"strings"
	"testing"
	"time"
)

func nested(depth int) any {
	var value any = int64(0)
	for range depth {
		value = []any{value}
	}
	return value
}

func cyclic() any {
	items := make([]any, 1)
	items[0] = items
	return items
}

func reference() any {
	var pointer any
	pointer = &pointer
	return pointer
}

type step struct {
	Name  string          `json:"name"`
	Count int             `json:"count,omitempty"`
	Raw   json.RawMessage `json:"raw,omitempty"`
}

type state string

type shouting struct{ text string }

func (s *shouting) MarshalJSON() ([]byte, error) { return json.Marshal(strings.ToUpper(s.text)) }

func TestEncode(t *testing.T) {
	for _, each := range []struct {
		value any
		want  string
	}{
		{nil, `null`},
		{true, `true`},
		{0, `0`},
		{int64(math.MinInt64), `-9223372036854775808`},
		{uint64(math.MaxUint64), `18446744073709551615`},
		{int8(-1), `-1`},
		{0.1, `0.1`},
		{1.0, `1.0`},
		{math.Copysign(0, -1), `-0.0`},
		{1e20, `1e+20`},
		{5e-324, `5e-324`},
		{math.MaxFloat64, `1.7976931348623157e+308`},
		{float32(0.1), `0.1`},
		{"", `""`},
		{"\x01 \u2028 é 😀 \"\\</>\ufffd", "\"\\u0001 \u2028 é 😀 \\\"\\\\</>\ufffd\""},
		{json.Number("-5"), `-5`},
		{json.Number("1.50"), `1.50`},
		{[]any{}, `[]`},
		{[]any(nil), `null`},
		{map[string]any{"b": []any{1, nil}, "a": 2.0}, `{"a":2.0,"b":[1,null]}`},
		{map[string]any(nil), `null`},
		{[]float64{1, math.Copysign(0, -1)}, `[1.0,-0.0]`},
		{map[state][2]state{"k": {"x", "y"}}, `{"k":["x","y"]}`},
		{map[int]string{2: "b", 1: "a"}, `{"1":"a","2":"b"}`},
		{[]byte("hi"), `"aGk="`},
		{step{Name: "<a>\ufffd", Raw: json.RawMessage(`[1, 2]`)}, "{\"name\":\"<a>\ufffd\",\"raw\":[1,2]}"},
		{struct {
			A string `json:"-"`
			b string
		}{"\xff", "\xff"}, `{}`},
		{[]*step{nil, {Name: "a", Count: 1}}, `[null,{"name":"a","count":1}]`},
		{StateRunning, `3`},
		{&shouting{"a"}, `"A"`},
		{[]shouting{{"a"}}, `["A"]`},
		{&struct{ S shouting }{shouting{"a"}}, `{"S":"A"}`},
		{time.Unix(0, 1).UTC(), `"1970-01-01T00:00:00.000000001Z"`},
		{big.NewInt(7), `7`},
		{struct{ F float64 }{1e20}, `{"F":1e+20}`},
		{map[int]float64{1: -1e19, 2: 0x1p64}, `{"1":-1e+19,"2":1.8446744073709552e+19}`},
		{[]any{&struct{ F float32 }{1e20}}, `[{"F":1e+20}]`},
		{struct {
			F float64
			T string
			R json.RawMessage
			N json.Number
			B *big.Int
		}{1e20, `"100000000000000000000`, json.RawMessage(`[1]`), "", nil},
			`{"F":1e+20,"T":"\"100000000000000000000","R":[1],"N":0,"B":null}`},
	} {
		payload, err := JSONCodec{}.Encode(each.value)
		if err != nil || string(payload.Data) != each.want || payload.Encoding != "" {
			t.Errorf("%#v: %s (%q), %v; want %s", each.value, payload.Data, payload.Encoding, err, each.want)
		}
	}
	if _, err := (JSONCodec{}).Encode(nested(MaxDepth)); err != nil {
		t.Errorf("depth %d: %v", MaxDepth, err)
	}
}

func TestEncodeRefuses(t *testing.T) {
	tooLarge := new(big.Int).Lsh(big.NewInt(1), 64)
	for name, each := range map[string]struct {
		value any
		why   string
	}{
		"NaN":               {math.NaN(), "NaN"},
		"infinity":          {map[string]any{"a": math.Inf(-1)}, "Inf"},
		"NUL":               {"a\x00b", "NUL"},
		"NUL in key":        {map[string]any{"a\x00b": 1}, "NUL"},
		"surrogate":         {"\xed\xa0\x80", "UTF-8"},
		"surrogate key":     {map[string]any{"\xed\xbf\xbf": 1}, "UTF-8"},
		"UTF-8 in struct":   {step{Name: "\xff"}, "UTF-8"},
		"UTF-8 in a field":  {[]any{struct{ A map[int]*state }{map[int]*state{1: Ptr(state("\xff"))}}}, "UTF-8"},
		"UTF-8 of raw":      {json.RawMessage("\"\xff\""), "UTF-8"},
		"NUL in struct":     {step{Name: "\x00"}, "NUL"},
		"raw surrogate":     {json.RawMessage(`"\ud800"`), "surrogate"},
		"raw number":        {json.RawMessage(`[1e400]`), "range"},
		"depth":             {nested(MaxDepth + 1), "deeper than 200"},
		"depth of raw":      {[]any{json.RawMessage(strings.Repeat("[", 200) + strings.Repeat("]", 200))}, "deeper"},
		"cycle":             {cyclic(), "deeper than 200"},
		"pointer to itself": {reference(), "itself"},
		"big integer":       {tooLarge, "integer"},
		"big in a struct":   {struct{ B *big.Int }{tooLarge}, "integer"},
		"big by address":    {&struct{ B big.Int }{*tooLarge}, "integer"},
		"big beside floats": {map[int]any{1: 1e20, 2: big.NewInt(0).Exp(big.NewInt(10), big.NewInt(20), nil)}, "integer"},
		"raw beside floats": {struct {
			F float64
			R json.RawMessage
		}{1e20, json.RawMessage(`[100000000000000000000]`)}, "integer"},
		"number in struct":  {struct{ N json.Number }{"100000000000000000000"}, "integer"},
		"number too large":  {json.Number("18446744073709551616"), "integer"},
		"number too small":  {json.Number("-9223372036854775809"), "integer"},
		"number infinite":   {json.Number("1e400"), "range"},
		"no number":         {json.Number(`"x"`), "not a JSON number"},
		"empty number":      {json.Number(""), "not a JSON number"},
		"channel":           {make(chan int), "unsupported type"},
		"complex in a list": {[]any{1i}, "unsupported type"},
	} {
		_, err := JSONCodec{}.Encode(each.value)
		var typed *ValueEncodeError
		if !errors.As(err, &typed) || !strings.Contains(err.Error(), each.why) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func decode(text string) (any, error) {
	var value any
	err := JSONCodec{}.Decode(Payload{Data: []byte(text)}, &value)
	return value, err
}

func TestDecode(t *testing.T) {
	for text, want := range map[string]any{
		`null`:                                nil,
		` true `:                              true,
		`18446744073709551615`:                json.Number("18446744073709551615"),
		`-9223372036854775808`:                json.Number("-9223372036854775808"),
		`18446744073709551616`:                json.Number("1.8446744073709552e+19"),
		`-9223372036854775809`:                json.Number("-9.223372036854776e+18"),
		strings.Repeat("9", 300):              json.Number("1e+300"),
		`1e2`:                                 json.Number("1e2"),
		`1.0`:                                 json.Number("1.0"),
		`1e-400`:                              json.Number("1e-400"),
		`"\ud83d\ude00"`:                      "😀",
		`["\"",18446744073709551616,"9\\"]`:   []any{`"`, json.Number("1.8446744073709552e+19"), `9\`},
		`"\u0001\\u0000"`:                     "\x01\\u0000",
		`"😀"`:                                 "😀",
		` [1 , {"a":[]}] `:                    []any{json.Number("1"), map[string]any{"a": []any{}}},
		`{"a":1,"b":2,"a":3}`:                 map[string]any{"a": json.Number("3"), "b": json.Number("2")},
		`"` + strings.Repeat("[", 1000) + `"`: strings.Repeat("[", 1000),
	} {
		got, err := decode(text)
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%.40s: %#v, %v; want %#v", text, got, err, want)
		}
	}
	if _, err := decode(strings.Repeat("[", 200) + strings.Repeat("]", 200)); err != nil {
		t.Error(err)
	}
}

func TestDecodeRefuses(t *testing.T) {
	for text, why := range map[string]string{
		`1e400`:                       "outside the range",
		`[-1e400]`:                    "outside the range",
		strings.Repeat("9", 5000):     "outside the range",
		`NaN`:                         "not JSON",
		`[Infinity]`:                  "not JSON",
		`1e+-400`:                     "not JSON",
		strings.Repeat("0", 30):       "not JSON",
		"0" + strings.Repeat("9", 30): "not JSON",
		"+" + strings.Repeat("9", 30): "not JSON",
		strings.Repeat("9", 30) + "-": "not JSON",
		strings.Repeat("9", 30) + `"`: "not JSON",
		`{"a": -Infinity}`:            "not JSON",
		`"\u0000"`:                    "NUL",
		`{"\u0000": 1}`:               "NUL",
		`["\ud800"]`:                  "surrogate",
		`["\ud800\ud800"]`:            "surrogate",
		`"\ud83dx\ude00"`:             "surrogate",
		`{"\udfff": 1}`:               "surrogate",
		"\"\x00\"":                    "not JSON",
		"\"\xff\"":                    "not UTF-8",
		"\"\xed\xa0\x80\"":            "not UTF-8",
		``:                            "not JSON",
		`1 2`:                         "not JSON",
		`{"a":1}}`:                    "not JSON",
		"\ufeff1":                     "not JSON",
		`01`:                          "not JSON",
		strings.Repeat("[", 201) + strings.Repeat("]", 201):           "deeper than 200",
		strings.Repeat(`{"a":`, 201) + "1" + strings.Repeat("}", 201): "deeper than 200",
		strings.Repeat("[", 100_000):                                  "deeper than 200",
	} {
		_, err := decode(text)
		var typed *ValueDecodeError
		if !errors.As(err, &typed) || !strings.Contains(err.Error(), why) {
			t.Errorf("%.40q: %v", text, err)
		} else if string(typed.Payload.Data) != text {
			t.Errorf("%.40q: the payload is not readable", text)
		}
	}
	for _, payload := range []Payload{
		{Data: []byte("1"), Encoding: "msgpack"},
		{Data: []byte("1"), Codecs: []string{"zstd"}},
		{Data: []byte("1"), Encoding: "json/utf8", Codecs: []string{"aes-256-gcm;kid=7"}},
	} {
		var value any
		if err := (JSONCodec{}).Decode(payload, &value); !errors.Is(err, ReasonValueDecode) {
			t.Errorf("%v: %v", payload, err)
		}
	}
}

func TestDecodeIntoTypes(t *testing.T) {
	payload := Payload{Data: []byte(`{"name":"a","count":7}`), Encoding: "json/utf8"}
	var got step
	if err := (JSONCodec{}).Decode(payload, &got); err != nil || got.Name != "a" || got.Count != 7 {
		t.Errorf("%+v, %v", got, err)
	}
	var count int8
	for _, text := range []string{`"text"`, `300`} {
		if err := (JSONCodec{}).Decode(Payload{Data: []byte(text)}, &count); !errors.Is(err, ReasonValueDecode) {
			t.Errorf("%s: %v", text, err)
		}
	}
	var open struct{ A any }
	if err := (JSONCodec{}).Decode(Payload{Data: []byte(`{"A":1e400}`)}, &open); !errors.Is(err, ReasonValueDecode) {
		t.Errorf("%+v, %v", open, err)
	}
}

// What decodes, encodes again to what decodes to the same; what does not is a typed error.
func FuzzJSON(f *testing.F) {
	for _, seed := range []string{`{"a":[1,2.5,"x\u00e9",null,true]}`, `1e400`, `"\ud800"`, `-0`, `1e20`} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		value, err := decode(string(data))
		if err != nil {
			if !errors.Is(err, ReasonValueDecode) {
				t.Fatalf("%v", err)
			}
			return
		}
		payload, err := JSONCodec{}.Encode(value)
		if err != nil {
			t.Fatalf("%q decodes to %#v: %v", data, value, err)
		}
		again, err := decode(string(payload.Data))
		if err != nil || !reflect.DeepEqual(again, value) {
			t.Fatalf("%q: %#v, then %#v, %v", data, value, again, err)
		}
		once, err := JSONCodec{}.Encode(again)
		if err != nil || !bytes.Equal(once.Data, payload.Data) {
			t.Fatalf("%q: %s, then %s, %v", data, payload.Data, once.Data, err)
		}
	})
}
