package stillframe

import (
	"context"
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/anypb"
	"google.golang.org/protobuf/types/known/durationpb"

	spb "google.golang.org/genproto/googleapis/rpc/status"

	pb "github.com/stillframe/stillframe/generated/go/stillframe/v1"
)

// declaredReasons gives the values of the constants of the type Reason.
func declaredReasons(t *testing.T) []string {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), "reasons.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	var found []string
	ast.Inspect(file, func(node ast.Node) bool {
		spec, is := node.(*ast.ValueSpec)
		if !is {
			return true
		}
		text, err := strconv.Unquote(spec.Values[0].(*ast.BasicLit).Value)
		if err != nil {
			t.Fatal(err)
		}
		found = append(found, text)
		return true
	})
	return found
}

func TestEveryReasonOfTheContractHasAConstant(t *testing.T) {
	declared := declaredReasons(t)
	for number, name := range pb.ErrorReason_name {
		reason := strings.TrimPrefix(name, "ERROR_REASON_")
		if number != 0 && !slices.Contains(declared, reason) {
			t.Errorf("%s has none", reason)
		}
	}
}

func TestAStatusBecomesAnError(t *testing.T) {
	err := statusError(status.Convert(refusal(codes.Aborted, "",
		&errdetails.ErrorInfo{
			Domain: "stillframe", Reason: "ETAG_MISMATCH", Metadata: map[string]string{"head_etag": "e7"},
		},
		&errdetails.RetryInfo{RetryDelay: durationpb.New(1500 * time.Millisecond)},
		&errdetails.BadRequest{FieldViolations: []*errdetails.BadRequest_FieldViolation{
			{Field: "a.b", Description: "is bad"}, {Field: "c"},
		}},
	)))
	want := &Error{
		Code: CodeAborted, Reason: ReasonETagMismatch, Message: "refused",
		Metadata:   map[string]string{"head_etag": "e7"},
		Violations: []FieldViolation{{"a.b", "is bad"}, {"c", ""}},
		RetryAfter: 1500 * time.Millisecond,
	}
	if !reflect.DeepEqual(err, want) {
		t.Errorf("%#v", err)
	}
	if err.Error() != "stillframe: ETAG_MISMATCH: refused" {
		t.Error(err.Error())
	}
}

func TestErrorsAreToldApartByReasonAndByCode(t *testing.T) {
	err := fmt.Errorf("step 3: %w", statusError(status.Convert(refusal(codes.Aborted, ReasonETagMismatch))))
	for target, want := range map[error]bool{
		ReasonETagMismatch: true, CodeAborted: true,
		ReasonDeltaBaseMismatch: false, CodeNotFound: false, Reason(""): false,
	} {
		if errors.Is(err, target) != want {
			t.Errorf("%q: %v", target, !want)
		}
	}
	if status.Code(err) != codes.Aborted {
		t.Errorf("%v", status.Code(err))
	}
	if errors.Is(&Error{Code: CodeUnavailable}, Reason("")) {
		t.Error("no reason is a reason")
	}
}

func TestAReasonThatIsNotKnownKeepsItsText(t *testing.T) {
	err := statusError(status.Convert(refusal(codes.FailedPrecondition, "OF_A_LATER_VERSION")))
	if err.Reason != "OF_A_LATER_VERSION" || !errors.Is(err, Reason("OF_A_LATER_VERSION")) {
		t.Errorf("%#v", err)
	}
}

func TestAnothersReasonIsNotOurs(t *testing.T) {
	err := statusError(status.Convert(refusal(codes.PermissionDenied, "",
		&errdetails.ErrorInfo{Domain: "istio.io", Reason: "FENCED"})))
	if err.Reason != "" || err.Metadata != nil || err.Error() != "stillframe: PERMISSION_DENIED: refused" {
		t.Errorf("%#v", err)
	}
}

func TestDetailsThatCannotBeReadDoNotHideTheStatus(t *testing.T) {
	err := statusError(status.FromProto(&spb.Status{
		Code: int32(codes.NotFound), Message: "gone",
		Details: []*anypb.Any{{TypeUrl: "type.googleapis.com/google.rpc.ErrorInfo", Value: []byte{0xff}}},
	}))
	if err.Code != CodeNotFound || err.Message != "gone" || err.Reason != "" {
		t.Errorf("%#v", err)
	}
}

func TestTheTimeoutIsAReason(t *testing.T) {
	err := statusError(status.New(codes.DeadlineExceeded, "too late"))
	for _, target := range []error{ReasonDeadline, CodeDeadlineExceeded, context.DeadlineExceeded} {
		if !errors.Is(err, target) {
			t.Errorf("%v is not %v", err, target)
		}
	}
}

func TestNames(t *testing.T) {
	for code := codes.OK; code <= codes.Unauthenticated; code++ {
		var byName codes.Code
		if err := byName.UnmarshalJSON([]byte(strconv.Quote(Code(code).String()))); err != nil || byName != code {
			t.Errorf("%d is %s: %v", code, Code(code), err)
		}
	}
	for got, want := range map[string]string{
		Code(99).String():                    "CODE_99",
		StateCancelled.String():              "CANCELLED",
		WaitSubAgent.String():                "SUB_AGENT",
		ClassResumable.String():              "RESUMABLE",
		MapStepOutputs.String():              "STEP_OUTPUTS",
		DifferenceChanged.String():           "CHANGED",
		OmissionTooLarge.String():            "TOO_LARGE",
		FreshnessMissing.String():            "MISSING",
		OutcomeReplayed.String():             "REPLAYED",
		ModeEveryChange.String():             "EVERY_CHANGE",
		ChangeLeftFilter.String():            "LEFT_FILTER",
		ExecutionState(99).String():          "UNRECOGNIZED_99",
		fmt.Sprint(StateWaiting.IsActive()):  "true",
		fmt.Sprint(StatePaused.IsTerminal()): "false",
	} {
		if got != want {
			t.Errorf("%s, not %s", got, want)
		}
	}
	if !StateWaiting.CanResume() || !StateFailed.IsTerminal() || StatePaused.IsActive() {
		t.Error("classes of states")
	}
}
