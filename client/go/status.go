package stillframe

import (
	"context"
	"errors"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// errorDomain is the domain of the server's ErrorInfo. Another one is a proxy's or a mesh's, and
// its reasons are not ours.
const errorDomain = "stillframe"

// statusError is the error of a gRPC status. Details that cannot be read do not hide the status
// that they came with.
func statusError(st *status.Status) *Error {
	err := &Error{Code: Code(st.Code()), Message: st.Message()}
	for _, detail := range st.Details() {
		switch detail := detail.(type) {
		case *errdetails.ErrorInfo:
			if detail.GetDomain() == errorDomain {
				err.Reason, err.Metadata = Reason(detail.GetReason()), detail.GetMetadata()
			}
		case *errdetails.RetryInfo:
			err.RetryAfter = max(0, detail.GetRetryDelay().AsDuration())
		case *errdetails.BadRequest:
			for _, each := range detail.GetFieldViolations() {
				violation := FieldViolation{Field: each.GetField(), Description: each.GetDescription()}
				err.Violations = append(err.Violations, violation)
			}
		}
	}
	if st.Code() == codes.DeadlineExceeded && err.Reason == "" {
		err.Reason, err.cause = ReasonDeadline, context.DeadlineExceeded
	}
	return err
}

// contextError is the error of a context that is done. before is what had failed until then, if
// anything.
func contextError(ctx context.Context, before *Error) *Error {
	cause := ctx.Err()
	err := &Error{Code: CodeCanceled, Message: cause.Error(), cause: cause}
	if errors.Is(cause, context.DeadlineExceeded) {
		err.Code, err.Reason = CodeDeadlineExceeded, ReasonDeadline
	}
	if before != nil {
		err.Message += "; before that: " + before.Error()
	}
	return err
}
