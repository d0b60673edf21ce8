package stillframe

import (
	"bytes"
	"encoding/json"
	"reflect"
	"unicode/utf8"
)

// appendMarshaled writes what encoding/json makes of a value, if that is fit to be read again.
func appendMarshaled(data []byte, value reflect.Value, depth int) ([]byte, error) {
	var out bytes.Buffer
	encoder := json.NewEncoder(&out)
	encoder.SetEscapeHTML(false)
	if value.CanAddr() {
		value = value.Addr() // a copy would lose the MarshalJSON that parts of it have by address
	}
	if err := encoder.Encode(value.Interface()); err != nil {
		return nil, err
	}
	made := bytes.TrimSuffix(out.Bytes(), []byte("\n"))
	if eachPart(value, 0, checkText) != nil || !utf8.Valid(made) {
		return nil, errUnicode
	}
	if err := scan(made, MaxDepth-depth); err != nil {
		return nil, err
	}
	settled, err := settleNumbers(made)
	if err != nil {
		return nil, err
	}
	if !bytes.Equal(settled, made) {
		// encoding/json writes a float64 below 1e21 as an integer; what else is out of range?
		if err := eachPart(value, 0, checkInteger); err != nil {
			return nil, err
		}
	}
	return append(data, settled...), nil
}

// checkText refuses text that is not UTF-8: encoding/json replaces it without a word. What has
// rules of its own has written its text itself.
func checkText(part reflect.Value) error {
	if part.Kind() == reflect.String && !hasOwnRules(part.Type()) && !utf8.ValidString(part.String()) {
		return errUnicode
	}
	return nil
}

// checkInteger refuses integers out of range in what can hold such ones: a json.Number, and what
// has rules of its own.
func checkInteger(part reflect.Value) error {
	if part.Type() != jsonNumber && !hasOwnRules(part.Type()) || !part.CanInterface() {
		return nil
	}
	made, err := json.Marshal(part.Interface())
	if err != nil {
		return nil // it was left out, or encoding would have failed
	}
	if settled, err := settleNumbers(made); err != nil || !bytes.Equal(settled, made) {
		return errRange
	}
	return nil
}

// eachPart calls check for every part of a value that encoding/json knows the type of, until it
// fails.
func eachPart(value reflect.Value, hops int, check func(reflect.Value) error) error {
	value, err := follow(value)
	// Encoding has found no cycle, but what encoding leaves out may have one.
	if err != nil || !value.IsValid() || hops > 5*MaxDepth {
		return nil
	}
	if err := check(value); err != nil || hasOwnRules(value.Type()) {
		return err
	}
	switch value.Kind() {
	case reflect.Slice, reflect.Array:
		if value.Type().Elem().Kind() == reflect.Uint8 {
			return nil // base64 or numbers
		}
		for i := range value.Len() {
			if err := eachPart(value.Index(i), hops+1, check); err != nil {
				return err
			}
		}
	case reflect.Map:
		for each := value.MapRange(); each.Next(); {
			if err := eachPart(each.Key(), hops+1, check); err != nil {
				return err
			}
			if err := eachPart(each.Value(), hops+1, check); err != nil {
				return err
			}
		}
	case reflect.Struct:
		for i := range value.NumField() {
			field := value.Type().Field(i)
			if field.Tag.Get("json") == "-" || !field.IsExported() && !field.Anonymous {
				continue
			}
			if err := eachPart(value.Field(i), hops+1, check); err != nil {
				return err
			}
		}
	}
	return nil
}
