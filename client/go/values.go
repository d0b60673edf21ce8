package stillframe

import (
	"errors"
	"fmt"
	"maps"
	"slices"

	pb "github.com/stillframe/stillframe/generated/go/stillframe/v1"
)

// Payload is a value as the server stores it, byte for byte.
type Payload struct {
	// Data is the value's bytes, after every codec was applied.
	Data []byte
	// Encoding says how the bytes below all codecs are to be read; empty is `json/utf8`. At most
	// 512 bytes.
	Encoding string
	// Codecs say what was done to the encoded bytes, outermost last. At most 16 of 512 bytes.
	Codecs []string
}

// Codec turns values into payloads and back; what a user plugs in for other encodings,
// compression or encryption. It must be safe for concurrent use. Whatever error it returns
// reaches the caller in a ValueEncodeError or ValueDecodeError.
type Codec interface {
	// Encode gives the payload of a value. Equal values should give equal bytes, so that deltas
	// are small.
	Encode(value any) (Payload, error)
	// Decode stores the value of a payload in what into points to; a *any takes every value.
	Decode(payload Payload, into any) error
}

// ErrNoEntry is returned for a key that a map of a snapshot does not have.
var ErrNoEntry = errors.New("stillframe: no such entry")

// Values is one map of a snapshot that was loaded: payloads, decoded when they are asked for, so
// that one which cannot be decoded spoils no other.
type Values struct {
	name     string
	payloads map[string]*pb.Payload
	codec    Codec
	partial  bool
}

// Len gives how many entries there are.
func (v Values) Len() int { return len(v.payloads) }

// Keys gives the keys, in the order of their bytes.
func (v Values) Keys() []string { return slices.Sorted(maps.Keys(v.payloads)) }

// IsPartial says whether the answer left entries of its snapshot out. A save refuses such a map.
func (v Values) IsPartial() bool { return v.partial }

// Payload gives the raw payload of a key, whatever its encoding, and whether there is one.
func (v Values) Payload(key string) (Payload, bool) {
	payload, found := v.payloads[key]
	return payloadOf(payload), found
}

// Get decodes the value of a key. With JSONCodec that is nil, a bool, string, json.Number, []any
// or map[string]any, which is the caller's own. It fails with ErrNoEntry or a ValueDecodeError.
func (v Values) Get(key string) (any, error) {
	var value any
	err := v.Decode(key, &value)
	return value, err
}

// Decode decodes the value of a key into what into points to, as json.Unmarshal does. It fails
// with ErrNoEntry or a ValueDecodeError.
func (v Values) Decode(key string, into any) error {
	message, found := v.payloads[key]
	if !found {
		return fmt.Errorf("%w: %s", ErrNoEntry, v.entry(key))
	}
	payload := payloadOf(message)
	if err := v.codec.Decode(payload, into); err != nil {
		return &ValueDecodeError{Key: v.entry(key), Payload: payload, Err: decodeCause(err)}
	}
	return nil
}

func (v Values) entry(key string) string { return fmt.Sprintf("%s[%q]", v.name, key) }

// entries are the payloads, which a save takes as values too.
func (v Values) entries() map[string]any {
	entries := make(map[string]any, len(v.payloads))
	for key, payload := range v.payloads {
		entries[key] = payloadOf(payload)
	}
	return entries
}

// decodeCause takes apart what JSONCodec has wrapped already.
func decodeCause(err error) error {
	var wrapped *ValueDecodeError
	if errors.As(err, &wrapped) {
		return wrapped.Err
	}
	return err
}

// encodeEntries gives the payloads of one map of a snapshot.
func encodeEntries(name string, values map[string]any, codec Codec) (map[string]*pb.Payload, error) {
	payloads := make(map[string]*pb.Payload, len(values))
	for key, value := range values {
		payload, err := encodeEntry(value, codec)
		if err != nil {
			var wrapped *ValueEncodeError
			if errors.As(err, &wrapped) {
				err = wrapped.Err
			}
			return nil, &ValueEncodeError{Key: fmt.Sprintf("%s[%q]", name, key), Err: err}
		}
		payloads[key] = &pb.Payload{
			Data: payload.Data, Encoding: payload.Encoding, Codecs: payload.Codecs,
		}
	}
	return payloads, nil
}

func encodeEntry(value any, codec Codec) (Payload, error) {
	switch value := value.(type) {
	case Payload:
		return value, nil
	case *Payload:
		if value != nil {
			return *value, nil
		}
	}
	return codec.Encode(value)
}

func payloadOf(message *pb.Payload) Payload {
	return Payload{
		Data: message.GetData(), Encoding: message.GetEncoding(), Codecs: message.GetCodecs(),
	}
}
