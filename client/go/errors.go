package stillframe

import (
	"fmt"
	"strconv"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// Error is the failure of a call: what the server answered, or what the client found before it
// asked. errors.As takes one out of an error, errors.Is compares it with a [Reason] or a [Code].
type Error struct {
	// Code is the gRPC status code; of an error of the client's own, the code that a server
	// would have answered with.
	Code Code
	// Reason is the name in error.proto, such as FENCED, or one of the client's own. It is kept
	// when this version does not know it, and empty when the failure has none (a broken
	// connection, a proxy).
	Reason Reason
	// Message is English, for the developer.
	Message string
	// Metadata has the values that the message mentions, under the keys that error.proto gives
	// for the reason.
	Metadata map[string]string
	// Violations are the refused fields.
	Violations []FieldViolation
	// RetryAfter is the time to wait before another try; 0 when the server named none.
	RetryAfter time.Duration

	cause error
}

// FieldViolation is one field of a request that was refused, by its path, and why.
type FieldViolation struct {
	Field       string
	Description string
}

func (e *Error) Error() string {
	name := string(e.Reason)
	if name == "" {
		name = e.Code.String()
	}
	return "stillframe: " + name + ": " + e.Message
}

// Is reports whether target is the error's Reason or its Code.
func (e *Error) Is(target error) bool { return isReasonOrCode(target, e.Reason, e.Code) }

// Unwrap gives context.Canceled or context.DeadlineExceeded where the context ended the call.
func (e *Error) Unwrap() error { return e.cause }

// GRPCStatus gives the error to status.FromError and status.Code.
func (e *Error) GRPCStatus() *status.Status { return status.New(codes.Code(e.Code), e.Error()) }

// ValueEncodeError is a value that cannot be encoded; its reason is ReasonValueEncode, its code
// CodeInvalidArgument.
type ValueEncodeError struct {
	// Key is the entry that the value was meant for, such as `variables["x"]`; empty when the
	// codec was called directly.
	Key string
	// Err says why.
	Err error
}

func (e *ValueEncodeError) Error() string { return valueMessage("encode", e.Key, e.Err) }

// Is reports whether target is the error's reason or its code.
func (e *ValueEncodeError) Is(target error) bool {
	return isReasonOrCode(target, ReasonValueEncode, CodeInvalidArgument)
}

// Unwrap gives Err.
func (e *ValueEncodeError) Unwrap() error { return e.Err }

// ValueDecodeError is a payload that is not a value which the codec can read; its reason is
// ReasonValueDecode, its code CodeDataLoss.
type ValueDecodeError struct {
	// Key is the entry that the payload stands in, such as `variables["x"]`; empty when the
	// codec was called directly.
	Key string
	// Payload is the raw payload, whole.
	Payload Payload
	// Err says why.
	Err error
}

func (e *ValueDecodeError) Error() string { return valueMessage("decode", e.Key, e.Err) }

// Is reports whether target is the error's reason or its code.
func (e *ValueDecodeError) Is(target error) bool {
	return isReasonOrCode(target, ReasonValueDecode, CodeDataLoss)
}

// Unwrap gives Err.
func (e *ValueDecodeError) Unwrap() error { return e.Err }

// Code is a gRPC status code. It is an error so that errors.Is can compare with it.
type Code uint32

// The codes that a call can fail with, and what has them.
const (
	CodeCanceled           = Code(codes.Canceled)           // the call was cancelled, here or by the server
	CodeUnknown            = Code(codes.Unknown)            // something that is no Stillframe server
	CodeInvalidArgument    = Code(codes.InvalidArgument)    // the request can never succeed as it is
	CodeDeadlineExceeded   = Code(codes.DeadlineExceeded)   // whether the call took effect is unknown
	CodeNotFound           = Code(codes.NotFound)           // no such execution, snapshot or value
	CodeAlreadyExists      = Code(codes.AlreadyExists)      // there is one already
	CodePermissionDenied   = Code(codes.PermissionDenied)   // the credentials do not allow it
	CodeResourceExhausted  = Code(codes.ResourceExhausted)  // too large, too many, or too busy
	CodeFailedPrecondition = Code(codes.FailedPrecondition) // the state of the execution forbids it
	CodeAborted            = Code(codes.Aborted)            // somebody else has written: load, decide, save again
	CodeOutOfRange         = Code(codes.OutOfRange)         // a watch cannot go on from its resume token
	CodeUnimplemented      = Code(codes.Unimplemented)      // this server does not have the RPC
	CodeInternal           = Code(codes.Internal)           // a fault of the server's own
	CodeUnavailable        = Code(codes.Unavailable)        // not reached, or whether it took effect is unknown
	CodeDataLoss           = Code(codes.DataLoss)           // a payload that cannot be read
	CodeUnauthenticated    = Code(codes.Unauthenticated)    // no credentials, or unknown ones
)

var codeNames = [...]string{
	"OK", "CANCELLED", "UNKNOWN", "INVALID_ARGUMENT", "DEADLINE_EXCEEDED", "NOT_FOUND",
	"ALREADY_EXISTS", "PERMISSION_DENIED", "RESOURCE_EXHAUSTED", "FAILED_PRECONDITION",
	"ABORTED", "OUT_OF_RANGE", "UNIMPLEMENTED", "INTERNAL", "UNAVAILABLE", "DATA_LOSS",
	"UNAUTHENTICATED",
}

// String gives the name that the contract uses, such as NOT_FOUND.
func (c Code) String() string {
	if int(c) < len(codeNames) {
		return codeNames[c]
	}
	return "CODE_" + strconv.Itoa(int(c))
}

func (c Code) Error() string { return c.String() }

func isReasonOrCode(target error, reason Reason, code Code) bool {
	switch target := target.(type) {
	case Reason:
		return target != "" && target == reason
	case Code:
		return target == code
	}
	return false
}

func valueMessage(verb, key string, err error) string {
	if key == "" {
		return fmt.Sprintf("stillframe: cannot %s a value: %v", verb, err)
	}
	return fmt.Sprintf("stillframe: cannot %s %s: %v", verb, key, err)
}

// invalidField is the error that the server would answer with, for what the client sees first.
func invalidField(field, description string) *Error {
	return &Error{
		Code:       CodeInvalidArgument,
		Reason:     ReasonInvalidField,
		Message:    field + ": " + description,
		Metadata:   map[string]string{"field": field},
		Violations: []FieldViolation{{Field: field, Description: description}},
	}
}

func incompleteSnapshot(field string) *Error {
	err := invalidField(field, "leaves entries of its snapshot out, and a save would delete them")
	err.Reason = ReasonIncompleteSnapshot
	return err
}

func closedError(what string) *Error {
	return &Error{
		Code: CodeFailedPrecondition, Reason: ReasonClosed, Message: "the " + what + " is closed",
	}
}
