"""What the tests say things with: builders of messages, the clock, expected refusals."""

from __future__ import annotations

import os
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import grpc
import grpc.aio
from google.protobuf.duration_pb2 import Duration
from google.protobuf.timestamp_pb2 import Timestamp
from google.rpc import error_details_pb2, status_pb2

from stillframe.server.stores.refusals import Refusal
from stillframe.v1 import error_pb2, snapshot_pb2
from stillframe.v1.snapshot_pb2 import ExecutionSnapshot, Payload
from stillframe.v1.snapshot_service_pb2 import (
    SaveSnapshotRequest,
    SnapshotDelta,
    SnapshotSelector,
)

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable, Mapping

TIMEOUT = 20.0
"""Seconds after which an awaited event is given up on. No test takes so long."""

SECOND = 10**9
"""In nanoseconds."""

MAX_NUMBER = 2**63 - 1

CREATED = snapshot_pb2.EXECUTION_STATE_CREATED
PLANNING = snapshot_pb2.EXECUTION_STATE_PLANNING
RUNNING = snapshot_pb2.EXECUTION_STATE_RUNNING
PAUSED = snapshot_pb2.EXECUTION_STATE_PAUSED
WAITING = snapshot_pb2.EXECUTION_STATE_WAITING
COMPLETED = snapshot_pb2.EXECUTION_STATE_COMPLETED
FAILED = snapshot_pb2.EXECUTION_STATE_FAILED
CANCELLED = snapshot_pb2.EXECUTION_STATE_CANCELLED

STEP_OUTPUTS = snapshot_pb2.SNAPSHOT_MAP_STEP_OUTPUTS
VARIABLES = snapshot_pb2.SNAPSHOT_MAP_VARIABLES

IDS_IN_BYTE_ORDER = [
    "%",
    "A",
    "Z",
    "_",
    "a",
    "a ",
    "a%",
    "aa",
    "e\u0301",
    "z",
    "\u00e9",
    "\u65e5\u672c",
    "\uff5e",
    "\U0001f600",
]
"""Ids that a collation, an order of UTF-16 units, a normalisation, a padding or a LIKE
would confuse or put in another order."""

STATUS_CODES = {
    "INVALID_FIELD": grpc.StatusCode.INVALID_ARGUMENT,
    "MALFORMED_MESSAGE": grpc.StatusCode.INVALID_ARGUMENT,
    "PAGE_TOKEN_MISMATCH": grpc.StatusCode.INVALID_ARGUMENT,
    "REQUEST_ID_REUSED": grpc.StatusCode.INVALID_ARGUMENT,
    "EXECUTION_NOT_FOUND": grpc.StatusCode.NOT_FOUND,
    "SNAPSHOT_NOT_FOUND": grpc.StatusCode.NOT_FOUND,
    "VALUE_NOT_FOUND": grpc.StatusCode.NOT_FOUND,
    "EXECUTION_EXISTS": grpc.StatusCode.ALREADY_EXISTS,
    "SNAPSHOT_ID_EXISTS": grpc.StatusCode.ALREADY_EXISTS,
    "VALUE_EXISTS": grpc.StatusCode.ALREADY_EXISTS,
    "ETAG_MISMATCH": grpc.StatusCode.ABORTED,
    "DELTA_BASE_MISMATCH": grpc.StatusCode.ABORTED,
    "FENCED": grpc.StatusCode.FAILED_PRECONDITION,
    "SEQUENCE_REGRESSION": grpc.StatusCode.FAILED_PRECONDITION,
    "SNAPSHOT_STALE": grpc.StatusCode.FAILED_PRECONDITION,
    "SNAPSHOT_AHEAD": grpc.StatusCode.FAILED_PRECONDITION,
    "HISTORY_COMPACTED": grpc.StatusCode.OUT_OF_RANGE,
    "STORE_REPLACED": grpc.StatusCode.OUT_OF_RANGE,
    "REVISION_IN_FUTURE": grpc.StatusCode.OUT_OF_RANGE,
    "SNAPSHOT_TOO_LARGE": grpc.StatusCode.RESOURCE_EXHAUSTED,
    "VALUE_TOO_LARGE": grpc.StatusCode.RESOURCE_EXHAUSTED,
    "QUOTA_EXCEEDED": grpc.StatusCode.RESOURCE_EXHAUSTED,
    "SERVER_BUSY": grpc.StatusCode.RESOURCE_EXHAUSTED,
    "STORE_UNAVAILABLE": grpc.StatusCode.UNAVAILABLE,
    "SHUTTING_DOWN": grpc.StatusCode.UNAVAILABLE,
    "INTERNAL": grpc.StatusCode.INTERNAL,
    "UNIMPLEMENTED": grpc.StatusCode.UNIMPLEMENTED,
}
"""The table of DESIGN section 7."""


class Clock:
    """The store's clock. It stands still until a test moves it."""

    def __init__(self) -> None:
        self.now = 1_000_000_000 * SECOND

    def __call__(self) -> int:
        return self.now

    def advance(self, seconds: float) -> None:
        """Moves the clock; a negative number moves it back."""
        self.now += int(seconds * SECOND)


def new_tenant() -> str:
    """Returns a tenant that no other test knows, so that tests can share a store."""
    return f"tenant-{os.urandom(8).hex()}"


def value(data: str | bytes | Payload) -> Payload:
    if isinstance(data, Payload):
        return data
    return Payload(data=data.encode() if isinstance(data, str) else data)


def snapshot(
    sequence_number: int = 1,
    *,
    state: snapshot_pb2.ExecutionState.ValueType = RUNNING,
    outputs: Mapping[str, str | bytes | Payload] | None = None,
    variables: Mapping[str, str | bytes | Payload] | None = None,
    **fields: Any,
) -> ExecutionSnapshot:
    """Builds a snapshot that a save accepts as it is."""
    return ExecutionSnapshot(
        sequence_number=sequence_number,
        state=state,
        step_outputs={key: value(data) for key, data in (outputs or {}).items()},
        variables={key: value(data) for key, data in (variables or {}).items()},
        **fields,
    )


def delta(
    base_etag: str | None,
    content: ExecutionSnapshot,
    *,
    base_request_id: str | None = None,
    removed_outputs: Iterable[str] = (),
    removed_variables: Iterable[str] = (),
) -> SnapshotDelta:
    """Builds a delta against the base with this etag, or else with this request_id."""
    built = SnapshotDelta(
        snapshot=content,
        removed_step_outputs=removed_outputs,
        removed_variables=removed_variables,
    )
    if base_etag is not None:
        built.base_etag = base_etag
    if base_request_id is not None:
        built.base_request_id = base_request_id
    return built


def save_request(
    tenant_id: str,
    execution_id: str,
    content: ExecutionSnapshot | SnapshotDelta | None = None,
    **fields: Any,
) -> SaveSnapshotRequest:
    request = SaveSnapshotRequest(tenant_id=tenant_id, execution_id=execution_id, **fields)
    if isinstance(content, SnapshotDelta):
        request.delta.CopyFrom(content)
    else:
        request.snapshot.CopyFrom(content or snapshot())
    return request


def take_selector(fields: dict[str, Any]) -> SnapshotSelector | None:
    """Takes the field of a selector out of the fields of a request that has one."""
    names = ("version", "snapshot_id", "latest_matching")
    chosen = {name: fields.pop(name) for name in names if name in fields}
    return SnapshotSelector(**chosen) if chosen else None


def saved_part(read: ExecutionSnapshot) -> ExecutionSnapshot:
    """Returns what a client saved of a snapshot that was read, for comparison with it."""
    part = ExecutionSnapshot()
    part.CopyFrom(read)
    part.ClearField("tenant_id")
    part.ClearField("execution_id")
    part.ClearField("version")
    part.ClearField("etag")
    part.ClearField("revision")
    part.ClearField("commit_time")
    part.ClearField("origin")
    part.ClearField("omission")
    return part


def seconds(number: float) -> Duration:
    duration = Duration()
    duration.FromNanoseconds(int(number * SECOND))
    return duration


def timestamp(number: int, nanos: int = 0) -> Timestamp:
    return Timestamp(seconds=number, nanos=nanos)


@dataclass
class Refused:
    """What a refused call was told."""

    reason: str = ""
    message: str = ""
    metadata: dict[str, str] = field(default_factory=dict[str, str])
    fields: list[str] = field(default_factory=list[str])
    """The violated fields."""
    retry_after: float | None = None
    quotas: list[str] = field(default_factory=list[str])

    def read_refusal(self, error: Refusal) -> None:
        name = error_pb2.ErrorReason.Name(error.reason)
        self.reason = name.removeprefix("ERROR_REASON_")
        self.message = error.message
        self.metadata = error.metadata
        self.fields = [violation.field for violation in error.violations]
        self.retry_after = error.retry_after

    def read_status(self, status: status_pb2.Status) -> None:
        self.message = status.message
        for packed in status.details:
            info, bad = error_details_pb2.ErrorInfo(), error_details_pb2.BadRequest()
            retry, quota = error_details_pb2.RetryInfo(), error_details_pb2.QuotaFailure()
            if packed.Unpack(info):
                assert info.domain == "stillframe"
                self.reason = info.reason
                self.metadata = dict(info.metadata)
            elif packed.Unpack(bad):
                self.fields = [violation.field for violation in bad.field_violations]
            elif packed.Unpack(retry):
                self.retry_after = retry.retry_delay.ToNanoseconds() / SECOND
            elif packed.Unpack(quota):
                self.quotas = [violation.subject for violation in quota.violations]


def status_of(error: grpc.aio.AioRpcError) -> status_pb2.Status:
    """Returns the google.rpc.Status of a failed call."""
    for key, data in error.trailing_metadata():
        if key == "grpc-status-details-bin":
            assert isinstance(data, bytes)
            return status_pb2.Status.FromString(data)
    raise AssertionError(f"the error has no google.rpc.Status: {error!r}")


@contextmanager
def refused(reason: str) -> Generator[Refused]:
    """Expects that a call, of the store or of the server, is refused for this reason."""
    told = Refused()
    failed: Refusal | grpc.aio.AioRpcError | None = None
    try:
        yield told
    except (Refusal, grpc.aio.AioRpcError) as error:
        failed = error
    assert failed is not None, f"was not refused; {reason} was expected"
    if isinstance(failed, Refusal):
        told.read_refusal(failed)
    else:
        status = status_of(failed)
        told.read_status(status)
        assert failed.code() is STATUS_CODES[told.reason]
        assert status.code == failed.code().value[0]
        assert status.message == failed.details()
    assert told.reason == reason, told
