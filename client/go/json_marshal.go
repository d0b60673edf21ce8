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
	if err := encoder.Encode(value.Interface()); err != nil {
		return nil, err
	}
	made := bytes.TrimSuffix(out.Bytes(), []byte("\n"))
	if !validText(value, 0) || !utf8.Valid(made) {
		return nil, errUnicode
	}
	if err := scan(made, MaxDepth-depth); err != nil {
		return nil, err
	}
	// Numbers too can be such that no reader would take them for what they are.
	return append(data, made...), eachNumber(made, func(number json.Number) error {
		_, err := appendNumber(nil, number.String())
		return err
	})
}

// validText says whether the text in a value is UTF-8: where it is not, encoding/json replaces it
// without a word. What has rules of its own has written its text itself.
func validText(value reflect.Value, hops int) bool {
	// Encoding has found no cycle, but what encoding leaves out may have one.
	if !value.IsValid() || hasOwnRules(value.Type()) || hops > 5*MaxDepth {
		return true
	}
	switch value.Kind() {
	case reflect.String:
		return utf8.ValidString(value.String())
	case reflect.Interface, reflect.Pointer:
		return validText(value.Elem(), hops+1)
	case reflect.Slice, reflect.Array:
		if value.Type().Elem().Kind() == reflect.Uint8 {
			return true // base64 or numbers
		}
		for i := range value.Len() {
			if !validText(value.Index(i), hops+1) {
				return false
			}
		}
	case reflect.Map:
		for each := value.MapRange(); each.Next(); {
			if !validText(each.Key(), hops+1) || !validText(each.Value(), hops+1) {
				return false
			}
		}
	case reflect.Struct:
		for i := range value.NumField() {
			field := value.Type().Field(i)
			written := field.Tag.Get("json") != "-" && (field.IsExported() || field.Anonymous)
			if written && !validText(value.Field(i), hops+1) {
				return false
			}
		}
	}
	return true
}

// eachNumber calls check for every number of valid JSON, until it fails.
func eachNumber(data []byte, check func(json.Number) error) error {
	decoder := json.NewDecoder(bytes.NewReader(data))
	decoder.UseNumber()
	for {
		token, err := decoder.Token()
		if err != nil {
			return nil // the end
		}
		if number, is := token.(json.Number); is {
			if err := check(number); err != nil {
				return err
			}
		}
	}
}
