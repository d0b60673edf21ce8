"""How a gRPC status becomes an error: by the reason of its ErrorInfo if that is one of
Stillframe's (error.proto), otherwise by its code.

The `grpc-status-details-bin` trailer is parsed here, because grpcio-status would be one more
dependency for three lines.
"""

from google.protobuf.message import DecodeError
from google.rpc import error_details_pb2, status_pb2

from stillframe.client import _errors as e

DETAILS_TRAILER = "grpc-status-details-bin"

_DOMAIN = "stillframe"

BY_REASON: dict[str, type[e.StillframeError]] = {
    "INVALID_FIELD": e.InvalidFieldError,
    "MALFORMED_MESSAGE": e.MalformedMessageError,
    "PAGE_TOKEN_MISMATCH": e.PageTokenMismatchError,
    "REQUEST_ID_REUSED": e.RequestIdReusedError,
    "EXECUTION_NOT_FOUND": e.ExecutionNotFoundError,
    "SNAPSHOT_NOT_FOUND": e.SnapshotNotFoundError,
    "EXECUTION_EXISTS": e.ExecutionExistsError,
    "SNAPSHOT_ID_EXISTS": e.SnapshotIdExistsError,
    "ETAG_MISMATCH": e.EtagMismatchError,
    "DELTA_BASE_MISMATCH": e.DeltaBaseMismatchError,
    "FENCED": e.FencedError,
    "SEQUENCE_REGRESSION": e.SequenceRegressionError,
    "SNAPSHOT_STALE": e.SnapshotStaleError,
    "SNAPSHOT_AHEAD": e.SnapshotAheadError,
    "HISTORY_COMPACTED": e.HistoryCompactedError,
    "STORE_REPLACED": e.StoreReplacedError,
    "REVISION_IN_FUTURE": e.RevisionInFutureError,
    "SNAPSHOT_TOO_LARGE": e.SnapshotTooLargeError,
    "QUOTA_EXCEEDED": e.QuotaExceededError,
    "RATE_LIMITED": e.RateLimitedError,
    "SERVER_BUSY": e.ServerBusyError,
    "CREDENTIALS_REQUIRED": e.CredentialsRequiredError,
    "CREDENTIALS_INVALID": e.CredentialsInvalidError,
    "TENANT_DENIED": e.TenantDeniedError,
    "SCOPE_DENIED": e.ScopeDeniedError,
    "STORE_UNAVAILABLE": e.StoreUnavailableError,
    "SHUTTING_DOWN": e.ShuttingDownError,
    "INTERNAL": e.InternalError,
    "UNIMPLEMENTED": e.UnimplementedError,
    "VALUE_NOT_FOUND": e.ValueNotFoundError,
    "VALUE_EXISTS": e.ValueExistsError,
    "VALUE_TOO_LARGE": e.ValueTooLargeError,
}

BY_CODE: dict[str, type[e.StillframeError]] = {
    error.status: error
    for error in (
        e.InvalidArgumentError,
        e.NotFoundError,
        e.AlreadyExistsError,
        e.AbortedError,
        e.FailedPreconditionError,
        e.OutOfRangeError,
        e.ResourceExhaustedError,
        e.UnauthenticatedError,
        e.PermissionDeniedError,
        e.UnavailableError,
        e.InternalError,
        e.UnimplementedError,
        e.DeadlineExceededError,
        e.CallCancelledError,
        e.DataLossError,
        e.UnknownError,
    )
}


def error_from_status(code: str, message: str, details: bytes | None) -> e.StillframeError:
    """The error of a status: the name of its code, its message, and the bytes of its
    google.rpc.Status, if it came with one.
    """
    reason, metadata, violations, retry_after = _read_details(details)
    kind = BY_REASON.get(reason) or BY_CODE.get(code, e.UnknownError)
    return kind(
        message,
        reason=reason,
        metadata=metadata,
        violations=violations,
        retry_after=retry_after,
    )


def _read_details(
    details: bytes | None,
) -> tuple[str, dict[str, str], list[e.FieldViolation], float | None]:
    reason = ""
    metadata: dict[str, str] = {}
    violations: list[e.FieldViolation] = []
    retry_after: float | None = None
    status = status_pb2.Status()
    try:
        status.ParseFromString(details or b"")
        for detail in status.details:
            info = error_details_pb2.ErrorInfo()
            retry = error_details_pb2.RetryInfo()
            bad = error_details_pb2.BadRequest()
            if detail.Unpack(info):
                # Another domain is a proxy's or a mesh's: its reasons are not ours.
                if info.domain == _DOMAIN:
                    reason, metadata = info.reason, dict(info.metadata)
            elif detail.Unpack(retry):
                retry_after = max(0.0, retry.retry_delay.ToTimedelta().total_seconds())
            elif detail.Unpack(bad):
                violations += [
                    e.FieldViolation(each.field, each.description) for each in bad.field_violations
                ]
    except DecodeError:
        # Details that cannot be read must not hide the status that they came with.
        pass
    return reason, metadata, violations, retry_after
