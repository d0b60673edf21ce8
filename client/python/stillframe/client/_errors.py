"""The errors of the client: one class for each status code, one for each reason.

    StillframeError
    ├── InvalidArgumentError
    │   ├── InvalidFieldError
    │   │   └── IncompleteSnapshotError     (raised by the client itself)
    │   ├── MalformedMessageError
    │   ├── PageTokenMismatchError
    │   ├── RequestIdReusedError
    │   └── ValueEncodeError                (raised by the client itself)
    ├── NotFoundError
    │   ├── ExecutionNotFoundError
    │   ├── SnapshotNotFoundError
    │   └── ValueNotFoundError
    ├── AlreadyExistsError
    │   ├── ExecutionExistsError
    │   ├── SnapshotIdExistsError
    │   └── ValueExistsError
    ├── AbortedError
    │   ├── EtagMismatchError
    │   └── DeltaBaseMismatchError
    ├── FailedPreconditionError
    │   ├── FencedError
    │   ├── SequenceRegressionError
    │   ├── SnapshotStaleError
    │   ├── SnapshotAheadError
    │   └── ClosedError                     (raised by the client itself)
    ├── OutOfRangeError
    │   ├── HistoryCompactedError
    │   ├── StoreReplacedError
    │   └── RevisionInFutureError
    ├── ResourceExhaustedError
    │   ├── SnapshotTooLargeError
    │   ├── ValueTooLargeError
    │   ├── QuotaExceededError
    │   ├── RateLimitedError
    │   └── ServerBusyError
    ├── UnauthenticatedError
    │   ├── CredentialsRequiredError
    │   └── CredentialsInvalidError
    ├── PermissionDeniedError
    │   ├── TenantDeniedError
    │   └── ScopeDeniedError
    ├── UnavailableError
    │   ├── StoreUnavailableError
    │   └── ShuttingDownError
    ├── InternalError                       (reason INTERNAL)
    ├── UnimplementedError                  (reason UNIMPLEMENTED)
    ├── DeadlineExceededError
    ├── CallCancelledError
    ├── DataLossError
    │   └── ValueDecodeError                (raised by the client itself)
    └── UnknownError

How a status becomes one of these stands in `_statuses`. gRPC is not imported here: reading
the tree must not cost what loading gRPC costs.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

if TYPE_CHECKING:
    import grpc

    from stillframe.v1.snapshot_pb2 import Payload


@dataclass(frozen=True, slots=True)
class FieldViolation:
    """One field of a request that the server refused, by its path, and why."""

    field: str
    description: str


class StillframeError(Exception):
    """The base of every error that the client raises for a call.

    `message`: English, for the developer. `reason`: the name in error.proto, such as
    `ETAG_MISMATCH`; empty when the failure has none (a broken connection, a proxy).
    `metadata`: the values that the message mentions, under the keys that error.proto gives
    for the reason. `violations`: the refused fields. `retry_after`: seconds to wait before
    another try, None when the server named none.
    """

    status: ClassVar[str] = "UNKNOWN"

    def __init__(
        self,
        message: str = "",
        *,
        reason: str = "",
        metadata: Mapping[str, str] | None = None,
        violations: Sequence[FieldViolation] = (),
        retry_after: float | None = None,
    ) -> None:
        # Only the message goes into args, so that pickle can make the error again: the rest
        # travels in __dict__.
        super().__init__(message)
        self.message = message
        self.reason = reason
        self.metadata: dict[str, str] = dict(metadata or {})
        self.violations = tuple(violations)
        self.retry_after = retry_after

    @property
    def code(self) -> "grpc.StatusCode":
        """The gRPC status code of the failure; of an error that the client raises itself,
        the code that a server would have answered with.
        """
        import grpc  # noqa: PLC0415 - see the module's docstring

        return grpc.StatusCode[self.status]

    def __str__(self) -> str:
        return f"{self.reason}: {self.message}" if self.reason else self.message


class InvalidArgumentError(StillframeError):
    """INVALID_ARGUMENT: the request can never succeed as it is."""

    status = "INVALID_ARGUMENT"


class InvalidFieldError(InvalidArgumentError):
    """A field is missing, out of bounds or contradicts another; `violations` names each."""


class IncompleteSnapshotError(InvalidFieldError):
    """A snapshot that leaves something out cannot be saved: it would delete what it does not
    carry. Load it whole, or save a Snapshot of the values that are meant.
    """


class MalformedMessageError(InvalidArgumentError):
    """The server could not read the request."""


class PageTokenMismatchError(InvalidArgumentError):
    """The page token was given by another request (AIP-158)."""


class RequestIdReusedError(InvalidArgumentError):
    """The request_id was used for a request with another body."""


class ValueEncodeError(InvalidArgumentError, ValueError):
    """A value cannot be encoded (DESIGN section 6).

    `key` is the entry it was meant for, such as `variables['x']`; empty when the codec was
    called directly.
    """

    def __init__(self, message: str = "", *, key: str = "") -> None:
        super().__init__(f"{key}: {message}" if key else message)
        self.key = key


class NotFoundError(StillframeError):
    """NOT_FOUND."""

    status = "NOT_FOUND"


class ExecutionNotFoundError(NotFoundError):
    """There is no such execution."""


class SnapshotNotFoundError(NotFoundError):
    """The execution has no such snapshot."""


class ValueNotFoundError(NotFoundError):
    """There is no such value in the working memory, or its ttl is over."""


class AlreadyExistsError(StillframeError):
    """ALREADY_EXISTS."""

    status = "ALREADY_EXISTS"


class ExecutionExistsError(AlreadyExistsError):
    """There is a head where a save with must_not_exist, or the new id of a fork, wants none;
    metadata has its etag.
    """


class SnapshotIdExistsError(AlreadyExistsError):
    """Another snapshot of the execution has this snapshot_id."""


class ValueExistsError(AlreadyExistsError):
    """There is a value in the working memory where a set with must_not_exist wants none;
    metadata has its etag.
    """


class AbortedError(StillframeError):
    """ABORTED: somebody else has written. Load, decide, save again."""

    status = "ABORTED"


class EtagMismatchError(AbortedError):
    """The head, or the value of the working memory, is not the one that expected_etag names."""


class DeltaBaseMismatchError(AbortedError):
    """The head is not the base of the delta."""


class FailedPreconditionError(StillframeError):
    """FAILED_PRECONDITION."""

    status = "FAILED_PRECONDITION"


class FencedError(FailedPreconditionError):
    """Another engine has claimed the execution; the caller must stop working on it."""


class SequenceRegressionError(FailedPreconditionError):
    """The sequence_number is lower than the head's."""


class SnapshotStaleError(FailedPreconditionError):
    """The snapshot is further behind the event store than the caller allows."""


class SnapshotAheadError(FailedPreconditionError):
    """The snapshot includes events that the event store does not have."""


class ClosedError(FailedPreconditionError):
    """The client, or the saver, was closed before."""


class OutOfRangeError(StillframeError):
    """OUT_OF_RANGE: a watch cannot go on from its resume token."""

    status = "OUT_OF_RANGE"


class HistoryCompactedError(OutOfRangeError):
    """The change log no longer reaches back to the resume token."""


class StoreReplacedError(OutOfRangeError):
    """The store does not know the resume token: it was restored or replaced."""


class RevisionInFutureError(OutOfRangeError):
    """The resume token names a revision that the store has not reached."""


class ResourceExhaustedError(StillframeError):
    """RESOURCE_EXHAUSTED."""

    status = "RESOURCE_EXHAUSTED"


class SnapshotTooLargeError(ResourceExhaustedError):
    """The snapshot, or a part of it, is larger than the server accepts."""


class ValueTooLargeError(ResourceExhaustedError):
    """The value of the working memory is larger than the server accepts."""


class QuotaExceededError(ResourceExhaustedError):
    """The tenant has used up a quota."""


class RateLimitedError(ResourceExhaustedError):
    """Too many calls in a time."""


class ServerBusyError(ResourceExhaustedError):
    """The server has as much work as it can hold."""


class UnauthenticatedError(StillframeError):
    """UNAUTHENTICATED."""

    status = "UNAUTHENTICATED"


class CredentialsRequiredError(UnauthenticatedError):
    """The call carries no credentials."""


class CredentialsInvalidError(UnauthenticatedError):
    """The credentials are unknown or no longer valid."""


class PermissionDeniedError(StillframeError):
    """PERMISSION_DENIED."""

    status = "PERMISSION_DENIED"


class TenantDeniedError(PermissionDeniedError):
    """The credentials are not for this tenant."""


class ScopeDeniedError(PermissionDeniedError):
    """The credentials do not allow this RPC."""


class UnavailableError(StillframeError):
    """UNAVAILABLE: the server was not reached, or the connection broke. Whether a save or
    delete took effect is unknown; a repeat with the same request_id is safe.
    """

    status = "UNAVAILABLE"


class StoreUnavailableError(UnavailableError):
    """The server's store cannot be reached or cannot write."""


class ShuttingDownError(UnavailableError):
    """The server is stopping."""


class InternalError(StillframeError):
    """INTERNAL: a fault of the server's own; metadata `error_id` stands in its log."""

    status = "INTERNAL"


class UnimplementedError(StillframeError):
    """UNIMPLEMENTED: this server does not have the RPC."""

    status = "UNIMPLEMENTED"


class DeadlineExceededError(StillframeError):
    """DEADLINE_EXCEEDED: the timeout passed. Whether the call took effect is unknown."""

    status = "DEADLINE_EXCEEDED"


class CallCancelledError(StillframeError):
    """CANCELLED: the call was cancelled, here or by the server."""

    status = "CANCELLED"


class DataLossError(StillframeError):
    """DATA_LOSS."""

    status = "DATA_LOSS"


class ValueDecodeError(DataLossError, ValueError):
    """A payload is not a value that the codec can read (DESIGN section 6).

    `payload` is the raw payload, whole; `key` the entry it stands in, empty when the codec
    was called directly.
    """

    def __init__(
        self, message: str = "", *, key: str = "", payload: "Payload | None" = None
    ) -> None:
        super().__init__(f"{key}: {message}" if key else message)
        self.key = key
        self.payload = payload


class UnknownError(StillframeError):
    """UNKNOWN: a status from something that is not a Stillframe server."""

    status = "UNKNOWN"
