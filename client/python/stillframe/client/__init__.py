"""The Python client of Stillframe: `Client` on grpc, `AsyncClient` on grpc.aio, with the same
methods.

    with Client("127.0.0.1:50051", tenant="acme") as client:
        client.save("run-1", Snapshot(state=ExecutionState.RUNNING, variables={"n": 1}))
        print(client.load("run-1").variables["n"])

What the modules are: requests, answers, errors, values, deltas, retries, watches, savers and
pipelines each stand in one module that does no I/O; `_sync` and `_aio` are the two shells that carry
their calls. gRPC is loaded at the first call, the asyncio shell when it is asked for.
"""

from typing import TYPE_CHECKING

from stillframe.client._enums import (
    ChangeKind,
    DifferenceKind,
    ExecutionState,
    FreshnessStatus,
    OmissionReason,
    SaveOutcome,
    SnapshotMap,
    StateClass,
    WaitReason,
    WatchMode,
)
from stillframe.client._errors import (
    AbortedError,
    AlreadyExistsError,
    CallCancelledError,
    ClosedError,
    CredentialsInvalidError,
    CredentialsRequiredError,
    DataLossError,
    DeadlineExceededError,
    DeltaBaseMismatchError,
    EtagMismatchError,
    ExecutionExistsError,
    ExecutionNotFoundError,
    FailedPreconditionError,
    FencedError,
    FieldViolation,
    HistoryCompactedError,
    IncompleteSnapshotError,
    InternalError,
    InvalidArgumentError,
    InvalidFieldError,
    MalformedMessageError,
    NotFoundError,
    OutOfRangeError,
    PageTokenMismatchError,
    PermissionDeniedError,
    QuotaExceededError,
    RateLimitedError,
    RequestIdReusedError,
    ResourceExhaustedError,
    RevisionInFutureError,
    ScopeDeniedError,
    SequenceRegressionError,
    ServerBusyError,
    ShuttingDownError,
    SnapshotAheadError,
    SnapshotIdExistsError,
    SnapshotNotFoundError,
    SnapshotStaleError,
    SnapshotTooLargeError,
    StillframeError,
    StoreReplacedError,
    StoreUnavailableError,
    TenantDeniedError,
    UnauthenticatedError,
    UnavailableError,
    UnimplementedError,
    UnknownError,
    ValueDecodeError,
    ValueEncodeError,
    ValueExistsError,
    ValueNotFoundError,
    ValueTooLargeError,
)
from stillframe.client._events import (
    CaughtUp,
    Change,
    InitialStateEnd,
    Progress,
    Restarted,
    WatchEvent,
    WatchOpened,
)
from stillframe.client._queries import ALL_ENTRIES, Criteria, Filter, MapProjection, Projection
from stillframe.client._retry import Clock, RetryPolicy
from stillframe.client._sync.client import Client
from stillframe.client._sync.execution import Execution
from stillframe.client._sync.pipeline import Pipeline
from stillframe.client._sync.saver import Saver
from stillframe.client._sync.watch import Watch
from stillframe.client._types import (
    Claim,
    Deleted,
    Diff,
    EntryDifference,
    Forked,
    Freshness,
    KeyInfo,
    MatchCount,
    Omission,
    OmittedEntry,
    Origin,
    Page,
    Saved,
    ServerInfo,
    ServerLimits,
    Snapshot,
    StoredSnapshot,
    StoredValue,
    ValueCommit,
)
from stillframe.client._values import MAX_DEPTH, Codec, JsonCodec, Values
from stillframe.v1.snapshot_pb2 import Payload

if TYPE_CHECKING:
    from stillframe.client._aio.client import AsyncClient
    from stillframe.client._aio.execution import AsyncExecution
    from stillframe.client._aio.pipeline import AsyncPipeline
    from stillframe.client._aio.saver import AsyncSaver
    from stillframe.client._aio.watch import AsyncWatch

_LAZY = {
    "AsyncClient": "client",
    "AsyncExecution": "execution",
    "AsyncPipeline": "pipeline",
    "AsyncSaver": "saver",
    "AsyncWatch": "watch",
}

__all__ = [
    "ALL_ENTRIES",
    "MAX_DEPTH",
    "AbortedError",
    "AlreadyExistsError",
    "AsyncClient",
    "AsyncExecution",
    "AsyncPipeline",
    "AsyncSaver",
    "AsyncWatch",
    "CallCancelledError",
    "CaughtUp",
    "Change",
    "ChangeKind",
    "Claim",
    "Client",
    "Clock",
    "ClosedError",
    "Codec",
    "CredentialsInvalidError",
    "CredentialsRequiredError",
    "Criteria",
    "DataLossError",
    "DeadlineExceededError",
    "Deleted",
    "DeltaBaseMismatchError",
    "Diff",
    "DifferenceKind",
    "EntryDifference",
    "EtagMismatchError",
    "Execution",
    "ExecutionExistsError",
    "ExecutionNotFoundError",
    "ExecutionState",
    "FailedPreconditionError",
    "FencedError",
    "FieldViolation",
    "Filter",
    "Forked",
    "Freshness",
    "FreshnessStatus",
    "HistoryCompactedError",
    "IncompleteSnapshotError",
    "InitialStateEnd",
    "InternalError",
    "InvalidArgumentError",
    "InvalidFieldError",
    "JsonCodec",
    "KeyInfo",
    "MalformedMessageError",
    "MapProjection",
    "MatchCount",
    "NotFoundError",
    "Omission",
    "OmissionReason",
    "OmittedEntry",
    "Origin",
    "OutOfRangeError",
    "Page",
    "PageTokenMismatchError",
    "Payload",
    "PermissionDeniedError",
    "Pipeline",
    "Progress",
    "Projection",
    "QuotaExceededError",
    "RateLimitedError",
    "RequestIdReusedError",
    "ResourceExhaustedError",
    "Restarted",
    "RetryPolicy",
    "RevisionInFutureError",
    "SaveOutcome",
    "Saved",
    "Saver",
    "ScopeDeniedError",
    "SequenceRegressionError",
    "ServerBusyError",
    "ServerInfo",
    "ServerLimits",
    "ShuttingDownError",
    "Snapshot",
    "SnapshotAheadError",
    "SnapshotIdExistsError",
    "SnapshotMap",
    "SnapshotNotFoundError",
    "SnapshotStaleError",
    "SnapshotTooLargeError",
    "StateClass",
    "StillframeError",
    "StoreReplacedError",
    "StoreUnavailableError",
    "StoredSnapshot",
    "StoredValue",
    "TenantDeniedError",
    "UnauthenticatedError",
    "UnavailableError",
    "UnimplementedError",
    "UnknownError",
    "ValueCommit",
    "ValueDecodeError",
    "ValueEncodeError",
    "ValueExistsError",
    "ValueNotFoundError",
    "ValueTooLargeError",
    "Values",
    "WaitReason",
    "Watch",
    "WatchEvent",
    "WatchMode",
    "WatchOpened",
]


def __getattr__(name: str) -> object:
    """Loads the asyncio shell when it is first asked for (PEP 562)."""
    if name in _LAZY:
        from importlib import import_module  # noqa: PLC0415

        module = import_module(f"stillframe.client._aio.{_LAZY[name]}")
        value: object = getattr(module, name)
        globals()[name] = value
        return value
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
