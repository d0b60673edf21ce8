package stillframe

import (
	"bytes"
	"encoding"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// MaxDepth is how many arrays and objects of a JSON value may stand in one another; a scalar has
// depth 0.
const MaxDepth = 200

// JSONCodec reads and writes JSON values as every Stillframe client does.
//
// It encodes what encoding/json does, and decodes into what encoding/json does; numbers in an any
// are json.Number. Integers of the int64 and uint64 ranges are exact, every other number is a
// float64: an integer outside of both is refused by Encode, and decodes as if 1e+30 were written,
// also into a json.RawMessage and what has an UnmarshalJSON, so that a json.Number without
// fraction and exponent always fits one of them. Depth over MaxDepth, NUL in text, text that is no
// Unicode (invalid UTF-8, lone surrogates) and numbers outside float64 are refused. Of equal keys
// of an object the last wins.
//
// A float64 is written so that every reader takes it for one, 1.0 and not 1. Within a struct, a
// map whose keys are not strings, and what has a MarshalJSON, it is written as encoding/json does:
// there a whole number in the ranges of integers looks like one.
type JSONCodec struct{}

// Encode gives the payload of a value. It fails with a ValueEncodeError.
func (JSONCodec) Encode(value any) (Payload, error) {
	data, err := appendValue(nil, reflect.ValueOf(value), 0)
	if err != nil {
		return Payload{}, &ValueEncodeError{Err: err}
	}
	return Payload{Data: data}, nil
}

var (
	errNUL       = errors.New("text contains NUL")
	errDepth     = fmt.Errorf("nested deeper than %d", MaxDepth)
	errUnicode   = errors.New("text is not valid UTF-8")
	errRange     = errors.New("an integer is outside the int64 and uint64 ranges")
	errReference = errors.New("a pointer leads to itself")
)

var (
	marshaler     = reflect.TypeFor[json.Marshaler]()
	textMarshaler = reflect.TypeFor[encoding.TextMarshaler]()
	jsonNumber    = reflect.TypeFor[json.Number]()
)

// appendValue writes what it can itself, so that a float64 stays one for every reader ("1.0",
// "-0.0"), and leaves to encoding/json what has rules of its own.
func appendValue(data []byte, value reflect.Value, depth int) ([]byte, error) {
	value, err := follow(value)
	switch {
	case err != nil:
		return nil, err
	case !value.IsValid():
		return append(data, "null"...), nil
	case value.Type() == jsonNumber:
		return appendNumber(data, value.String())
	case hasOwnRules(value.Type()):
		return appendMarshaled(data, value, depth)
	}
	switch value.Kind() {
	case reflect.Bool:
		return strconv.AppendBool(data, value.Bool()), nil
	case reflect.String:
		return appendText(data, value.String())
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		return strconv.AppendInt(data, value.Int(), 10), nil
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64, reflect.Uintptr:
		return strconv.AppendUint(data, value.Uint(), 10), nil
	case reflect.Float32:
		return appendFloat(data, value.Float(), 32)
	case reflect.Float64:
		return appendFloat(data, value.Float(), 64)
	case reflect.Slice, reflect.Array:
		return appendArray(data, value, depth)
	case reflect.Map:
		return appendObject(data, value, depth)
	default:
		return appendMarshaled(data, value, depth)
	}
}

// follow gives what pointers and interfaces lead to, as far as encoding/json follows them.
func follow(value reflect.Value) (reflect.Value, error) {
	for range MaxDepth {
		if !value.IsValid() || hasOwnRules(value.Type()) {
			return value, nil
		}
		if value.CanAddr() && hasOwnRules(reflect.PointerTo(value.Type())) {
			return value.Addr(), nil
		}
		if value.Kind() != reflect.Interface && value.Kind() != reflect.Pointer {
			return value, nil
		}
		value = value.Elem()
	}
	return reflect.Value{}, errReference
}

func hasOwnRules(t reflect.Type) bool {
	if t.Kind() == reflect.Interface {
		return false // what it holds counts
	}
	return t != jsonNumber && (t.Implements(marshaler) || t.Implements(textMarshaler))
}

func appendArray(data []byte, value reflect.Value, depth int) ([]byte, error) {
	if value.Kind() == reflect.Slice {
		if value.IsNil() {
			return append(data, "null"...), nil
		}
		if value.Type().Elem().Kind() == reflect.Uint8 {
			return appendMarshaled(data, value, depth) // base64
		}
	}
	if depth == MaxDepth {
		return nil, errDepth
	}
	data = append(data, '[')
	for i := range value.Len() {
		if i > 0 {
			data = append(data, ',')
		}
		var err error
		if data, err = appendValue(data, value.Index(i), depth+1); err != nil {
			return nil, err
		}
	}
	return append(data, ']'), nil
}

// appendObject writes an object in the order of its keys, so that equal ones have equal bytes.
func appendObject(data []byte, value reflect.Value, depth int) ([]byte, error) {
	if value.IsNil() {
		return append(data, "null"...), nil
	}
	if key := value.Type().Key(); key.Kind() != reflect.String || hasOwnRules(key) {
		return appendMarshaled(data, value, depth)
	}
	if depth == MaxDepth {
		return nil, errDepth
	}
	keys := value.MapKeys()
	slices.SortFunc(keys, func(a, b reflect.Value) int { return strings.Compare(a.String(), b.String()) })
	data = append(data, '{')
	for i, key := range keys {
		if i > 0 {
			data = append(data, ',')
		}
		var err error
		if data, err = appendText(data, key.String()); err != nil {
			return nil, err
		}
		data = append(data, ':')
		if data, err = appendValue(data, value.MapIndex(key), depth+1); err != nil {
			return nil, err
		}
	}
	return append(data, '}'), nil
}

func appendText(data []byte, text string) ([]byte, error) {
	if !utf8.ValidString(text) {
		return nil, errUnicode
	}
	const hexadecimal = "0123456789abcdef"
	data = append(data, '"')
	for i := range len(text) {
		switch char := text[i]; {
		case char == 0:
			return nil, errNUL
		case char == '"' || char == '\\':
			data = append(data, '\\', char)
		case char < 0x20:
			data = append(data, '\\', 'u', '0', '0', hexadecimal[char>>4], hexadecimal[char&0xf])
		default:
			data = append(data, char)
		}
	}
	return append(data, '"'), nil
}

func appendFloat(data []byte, number float64, bits int) ([]byte, error) {
	if math.IsNaN(number) || math.IsInf(number, 0) {
		return nil, fmt.Errorf("%v is not a JSON number", number)
	}
	start := len(data)
	data = strconv.AppendFloat(data, number, 'g', -1, bits)
	if !bytes.ContainsAny(data[start:], ".e") {
		data = append(data, ".0"...)
	}
	return data, nil
}

// appendNumber writes the literal of a json.Number.
func appendNumber(data []byte, literal string) ([]byte, error) {
	if !json.Valid([]byte(literal)) || !strings.ContainsAny(literal[:1], "-0123456789") {
		return nil, fmt.Errorf("%.40q is not a JSON number", literal)
	}
	if isInteger(literal) {
		if !fitsInteger(literal) {
			return nil, errRange
		}
	} else if _, err := strconv.ParseFloat(literal, 64); err != nil {
		return nil, rangeError(literal)
	}
	return append(data, literal...), nil
}
