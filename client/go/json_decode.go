package stillframe

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// Decode stores the value of a payload in what into points to. It fails with a ValueDecodeError.
func (JSONCodec) Decode(payload Payload, into any) error {
	if err := decodeJSON(payload, into); err != nil {
		return &ValueDecodeError{Payload: payload, Err: err}
	}
	return nil
}

func decodeJSON(payload Payload, into any) error {
	if len(payload.Codecs) > 0 {
		return fmt.Errorf("codecs are not undone here: %q", payload.Codecs)
	}
	if payload.Encoding != "" && payload.Encoding != "json/utf8" {
		return fmt.Errorf("the encoding is %q, not json/utf8", payload.Encoding)
	}
	if !utf8.Valid(payload.Data) {
		return errors.New("not UTF-8")
	}
	if err := scan(payload.Data, MaxDepth); err != nil {
		return err
	}
	settled, err := settleNumbers(payload.Data)
	if err != nil {
		return err
	}
	decoder := json.NewDecoder(bytes.NewReader(settled))
	decoder.UseNumber()
	if err := decoder.Decode(into); err != nil {
		return notJSON(err)
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return errors.New("not JSON: something follows the value")
	}
	return nil
}

func notJSON(err error) error {
	var mismatch *json.UnmarshalTypeError
	if errors.As(err, &mismatch) {
		return err // it is JSON, and not of the type asked for
	}
	return fmt.Errorf("not JSON: %w", err)
}

// scan refuses what encoding/json would let pass, or change without a word: depth, NUL, and
// escapes of lone surrogates. What is not JSON at all is left to encoding/json.
func scan(data []byte, maxDepth int) error {
	depth, inText := 0, false
	for i := 0; i < len(data); i++ {
		switch char := data[i]; {
		case char == '"':
			inText = !inText
		case inText && char == '\\':
			skip, err := scanEscape(data[i:])
			if err != nil {
				return err
			}
			i += skip - 1
		case inText:
		case char == '[' || char == '{':
			if depth++; depth > maxDepth {
				return errDepth
			}
		case char == ']' || char == '}':
			depth--
		}
	}
	return nil
}

// scanEscape gives the length of the escape that data begins with, both halves of a pair of
// surrogates taken together.
func scanEscape(data []byte) (int, error) {
	unit, ok := escapedUnit(data)
	switch {
	case !ok:
		return 2, nil
	case unit == 0:
		return 0, errNUL
	case !utf16.IsSurrogate(unit):
		return 6, nil
	}
	low, ok := escapedUnit(data[6:])
	if !ok || utf16.DecodeRune(unit, low) == utf8.RuneError {
		return 0, errors.New("text contains a lone surrogate")
	}
	return 12, nil
}

// escapedUnit reads \uXXXX.
func escapedUnit(data []byte) (rune, bool) {
	if len(data) < 6 || data[0] != '\\' || data[1] != 'u' {
		return 0, false
	}
	unit, err := strconv.ParseUint(string(data[2:6]), 16, 16)
	return rune(unit), err == nil
}

// settleNumbers gives JSON in which every integer outside of the int64 and uint64 ranges is
// written as the float64 that it is; the same bytes if there is none. It refuses numbers outside
// of float64. What is not JSON does not become JSON by it.
func settleNumbers(data []byte) ([]byte, error) {
	var settled []byte
	copied, inText := 0, false
	for i := 0; i < len(data); i++ {
		switch char := data[i]; {
		case char == '"':
			inText = !inText
		case inText && char == '\\':
			i++
		case inText:
		case char == '-' || '0' <= char && char <= '9':
			start := i
			for i+1 < len(data) && strings.IndexByte("0123456789+-.eE", data[i+1]) >= 0 {
				i++
			}
			literal := string(data[start : i+1])
			fit, err := settleNumber(literal)
			if err != nil {
				return nil, err
			}
			if fit != literal {
				settled = append(append(settled, data[copied:start]...), fit...)
				copied = i + 1
			}
		}
	}
	if copied == 0 {
		return data, nil
	}
	return append(settled, data[copied:]...), nil
}

func settleNumber(literal string) (string, error) {
	integer := isInteger(literal)
	if integer && fitsInteger(literal) {
		return literal, nil
	}
	double, err := strconv.ParseFloat(literal, 64)
	switch {
	case err == nil && !integer, !json.Valid([]byte(literal)):
		return literal, nil
	case err != nil:
		return "", rangeError(literal)
	default:
		return strconv.FormatFloat(double, 'e', -1, 64), nil
	}
}

func isInteger(literal string) bool { return !strings.ContainsAny(literal, ".eE") }

func fitsInteger(literal string) bool {
	if _, err := strconv.ParseInt(literal, 10, 64); err == nil {
		return true
	}
	_, err := strconv.ParseUint(literal, 10, 64)
	return err == nil
}

func rangeError(literal string) error {
	return fmt.Errorf("the number %.40s is outside the range of a float64", literal)
}
