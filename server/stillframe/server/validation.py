"""Whether a request is one: lengths, characters, bounds, contradictions.

Each function looks at one request and raises INVALID_FIELD with every violation that it
found, or SNAPSHOT_TOO_LARGE. What depends on the store's state is decided in the store
(`stores.rules`).
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Protocol, Self

from stillframe.server.stores import refusals
from stillframe.server.stores.marks import MAX_NUMBER, parse_resume_token
from stillframe.server.stores.refusals import Violation
from stillframe.v1 import snapshot_pb2, snapshot_service_pb2

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from google.protobuf.duration_pb2 import Duration
    from google.protobuf.timestamp_pb2 import Timestamp

    from stillframe.server.config import Settings
    from stillframe.v1 import snapshot_pb2 as nouns
    from stillframe.v1 import snapshot_service_pb2 as requests

MAX_ID_BYTES = 512
MAX_LABELS = 64
MAX_CODECS = 16
MAX_FILTER_VALUES = 1_000
MAX_FRESHNESS_QUERIES = 1_000
MAX_TTL_SECONDS = 36_500 * 86_400
MIN_MESSAGE_BYTES = 256 * 1024

_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")
_MIN_SECONDS, _MAX_SECONDS = -62_135_596_800, 253_402_300_799  # the years 1 to 9999
_NANOS = 10**9


class _Enum(Protocol):
    """A generated enum."""

    def values(self) -> Sequence[int]: ...


class Check:
    """Collects the violations of one request."""

    def __init__(self) -> None:
        self.violations: list[Violation] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: object, error: object, trace: object) -> None:
        if error is None and self.violations:
            raise refusals.invalid_field(*self.violations)

    def fail(self, field: str, description: str) -> None:
        self.violations.append(Violation(field, description))

    def text(self, field: str, value: str, *, empty: bool = False) -> None:
        """Checks an id, key or label: 1 to 512 bytes without control characters."""
        if not value:
            if not empty:
                self.fail(field, "must not be empty")
        elif len(value) > MAX_ID_BYTES or len(value.encode()) > MAX_ID_BYTES:
            self.fail(field, f"must have at most {MAX_ID_BYTES} bytes")
        elif _CONTROL.search(value):
            self.fail(field, "must not have control characters")

    def number(self, field: str, value: int, minimum: int = 0) -> None:
        if not minimum <= value <= MAX_NUMBER:
            self.fail(field, f"must be {minimum} to 2^63 - 1")

    def enum(self, field: str, value: int, kind: _Enum, *, unset: bool = True) -> None:
        if value not in kind.values() or (not value and not unset):
            self.fail(field, "must be one of the contract's values")

    def at_most(self, field: str, count: int, maximum: int) -> None:
        if count > maximum:
            self.fail(field, f"must have at most {maximum} values")

    def timestamp(self, field: str, value: Timestamp) -> None:
        if not _MIN_SECONDS <= value.seconds <= _MAX_SECONDS or not 0 <= value.nanos < _NANOS:
            self.fail(field, "must be a time of the years 1 to 9999")

    def duration(self, field: str, value: Duration) -> None:
        if not 0 <= value.seconds <= MAX_TTL_SECONDS or not 0 <= value.nanos < _NANOS:
            self.fail(field, "must be 0 to 36,500 days")

    def labels(self, field: str, labels: Mapping[str, str]) -> None:
        self.at_most(field, len(labels), MAX_LABELS)
        for key, value in labels.items():
            self.text(_entry(field, key), key)
            self.text(_entry(field, key), value)

    def execution(self, tenant_id: str, execution_id: str) -> None:
        self.text("tenant_id", tenant_id)
        self.text("execution_id", execution_id)

    def criteria(self, field: str, criteria: nouns.SnapshotCriteria) -> None:
        self.number(f"{field}.sequence_min", criteria.sequence_min)
        self.number(f"{field}.sequence_max", criteria.sequence_max)
        for name in ("timestamp_min", "timestamp_max", "commit_time_min", "commit_time_max"):
            if criteria.HasField(name):
                self.timestamp(f"{field}.{name}", getattr(criteria, name))

    def filter(self, where: nouns.ExecutionFilter) -> None:
        for name in ("execution_ids", "states", "state_classes", "wait_reasons"):
            self.at_most(f"filter.{name}", len(getattr(where, name)), MAX_FILTER_VALUES)
        for value in where.execution_ids:
            self.text("filter.execution_ids", value)
        for name in ("execution_id_prefix", "user_id", "parent_execution_id"):
            if where.HasField(name):  # type: ignore[arg-type]
                self.text(f"filter.{name}", getattr(where, name))
        for state in where.states:
            self.enum("filter.states", state, snapshot_pb2.ExecutionState, unset=False)
        for group in where.state_classes:
            self.enum("filter.state_classes", group, snapshot_pb2.StateClass, unset=False)
        for reason in where.wait_reasons:
            self.enum("filter.wait_reasons", reason, snapshot_pb2.WaitReason, unset=False)
        self.labels("filter.labels", where.labels)
        self.criteria("filter.criteria", where.criteria)

    def selector(self, field: str, selector: requests.SnapshotSelector) -> None:
        match selector.WhichOneof("selector"):
            case "version":
                self.number(f"{field}.version", selector.version, 1)
            case "snapshot_id":
                self.text(f"{field}.snapshot_id", selector.snapshot_id)
            case "latest_matching":
                self.criteria(f"{field}.latest_matching", selector.latest_matching)
            case None:
                pass

    def projection(self, projection: nouns.SnapshotProjection) -> None:
        for name, chosen in (
            ("step_outputs", projection.step_outputs),
            ("variables", projection.variables),
        ):
            field = f"projection.{name}"
            self.at_most(field, len(chosen.keys) + len(chosen.key_prefixes), MAX_FILTER_VALUES)
            for key in chosen.keys:
                self.text(f"{field}.keys", key)
            for prefix in chosen.key_prefixes:
                self.text(f"{field}.key_prefixes", prefix)

    def view(self, request: _Viewed) -> None:
        self.enum("view", request.view, snapshot_service_pb2.SnapshotView)
        if request.HasField("projection"):
            self.projection(request.projection)
            if request.view != snapshot_service_pb2.SNAPSHOT_VIEW_FULL:
                self.fail("projection", "needs the FULL view")
        self.max_message_bytes(request)

    def max_message_bytes(self, request: _Viewed | _Loaded) -> None:
        if request.HasField("max_message_bytes") and request.max_message_bytes < MIN_MESSAGE_BYTES:
            self.fail("max_message_bytes", f"must be at least {MIN_MESSAGE_BYTES}")


if TYPE_CHECKING:
    _Viewed = (
        requests.ListExecutionsRequest
        | requests.ListSnapshotsRequest
        | requests.WatchSnapshotsRequest
    )
    _Loaded = requests.LoadSnapshotRequest | requests.ClaimExecutionRequest


def _entry(field: str, key: str) -> str:
    return f"{field}[{key[:64]!r}]"


def save(request: requests.SaveSnapshotRequest, limits: Settings) -> None:
    with Check() as check:
        check.execution(request.tenant_id, request.execution_id)
        check.text("request_id", request.request_id, empty=True)
        if request.HasField("expected_etag"):
            check.text("expected_etag", request.expected_etag)
            if request.must_not_exist:
                check.fail("expected_etag", "contradicts must_not_exist")
        if request.HasField("writer_epoch"):
            check.number("writer_epoch", request.writer_epoch, 1)
        if request.HasField("ttl"):
            check.duration("ttl", request.ttl)
        match request.WhichOneof("content"):
            case "snapshot":
                _snapshot(check, "snapshot", request, request.snapshot)
                payloads = request.snapshot
            case "delta":
                _delta(check, request, limits)
                payloads = request.delta.snapshot
            case None:
                check.fail("snapshot", "either snapshot or delta must be set")
                return
    _payload_sizes(payloads, limits)


def _snapshot(
    check: Check,
    field: str,
    request: requests.SaveSnapshotRequest,
    snapshot: nouns.ExecutionSnapshot,
) -> None:
    for name in ("tenant_id", "execution_id"):
        if getattr(snapshot, name) not in {"", getattr(request, name)}:
            check.fail(f"{field}.{name}", "must be empty or the request's")
    check.enum(f"{field}.state", snapshot.state, snapshot_pb2.ExecutionState, unset=False)
    check.enum(f"{field}.wait_reason", snapshot.wait_reason, snapshot_pb2.WaitReason)
    waiting = snapshot.state == snapshot_pb2.EXECUTION_STATE_WAITING
    if waiting != bool(snapshot.wait_reason):
        check.fail(f"{field}.wait_reason", "must be set exactly when the state is WAITING")
    for name in (
        "user_id",
        "current_step_id",
        "snapshot_id",
        "parent_snapshot_id",
        "parent_execution_id",
    ):
        if snapshot.HasField(name):  # type: ignore[arg-type]
            check.text(f"{field}.{name}", getattr(snapshot, name))
    check.text(f"{field}.schema_version", snapshot.schema_version, empty=True)
    check.number(f"{field}.sequence_number", snapshot.sequence_number)
    if snapshot.HasField("timestamp"):
        check.timestamp(f"{field}.timestamp", snapshot.timestamp)
    check.labels(f"{field}.labels", snapshot.labels)
    if snapshot.omission.count or snapshot.omission.entries:
        check.fail(f"{field}.omission", "the snapshot is not whole: saving it would delete entries")
    _payloads(check, f"{field}.step_outputs", snapshot.step_outputs)
    _payloads(check, f"{field}.variables", snapshot.variables)


def _payloads(check: Check, field: str, payloads: Mapping[str, nouns.Payload]) -> None:
    for key, payload in payloads.items():
        check.text(_entry(field, key), key)
        if not (payload.encoding or payload.codecs):
            continue
        entry = _entry(field, key)
        check.text(f"{entry}.encoding", payload.encoding, empty=True)
        check.at_most(f"{entry}.codecs", len(payload.codecs), MAX_CODECS)
        for codec in payload.codecs:
            check.text(f"{entry}.codecs", codec)


def _delta(check: Check, request: requests.SaveSnapshotRequest, limits: Settings) -> None:
    delta = request.delta
    base = delta.WhichOneof("base")
    if base is None:
        check.fail("delta.base_etag", "either base_etag or base_request_id must be set")
    else:
        check.text(f"delta.{base}", getattr(delta, base))
    if delta.HasField("snapshot"):
        _snapshot(check, "delta.snapshot", request, delta.snapshot)
    else:
        check.fail("delta.snapshot", "must be set: a delta carries the complete header")
    removed: tuple[tuple[str, Iterable[str], Mapping[str, nouns.Payload]], ...] = (
        ("delta.removed_step_outputs", delta.removed_step_outputs, delta.snapshot.step_outputs),
        ("delta.removed_variables", delta.removed_variables, delta.snapshot.variables),
    )
    for field, keys, entries in removed:
        check.at_most(field, len(list(keys)), limits.max_entries)
        for key in keys:
            check.text(field, key)
            if key in entries:
                check.fail(_entry(field, key), "must not be both set and removed")


def _payload_sizes(snapshot: nouns.ExecutionSnapshot, limits: Settings) -> None:
    for payloads in (snapshot.step_outputs, snapshot.variables):
        for payload in payloads.values():
            if len(payload.data) > limits.max_payload_bytes:
                raise refusals.too_large(
                    "max_payload_bytes", limits.max_payload_bytes, len(payload.data)
                )


def load(request: requests.LoadSnapshotRequest) -> None:
    with Check() as check:
        check.execution(request.tenant_id, request.execution_id)
        check.selector("selector", request.selector)
        check.projection(request.projection)
        check.max_message_bytes(request)
        check.number("event_store_head", request.event_store_head)
        check.number("max_behind", request.max_behind)
        if not request.HasField("event_store_head"):
            if request.require_fresh:
                check.fail("require_fresh", "needs event_store_head")
            if request.HasField("max_behind"):
                check.fail("max_behind", "needs event_store_head")
        if request.require_fresh and request.HasField("max_behind"):
            check.fail("max_behind", "contradicts require_fresh")


def claim(request: requests.ClaimExecutionRequest) -> None:
    with Check() as check:
        check.execution(request.tenant_id, request.execution_id)
        check.projection(request.projection)
        check.max_message_bytes(request)
        check.number("event_store_head", request.event_store_head)


def check_freshness(request: requests.CheckFreshnessRequest) -> None:
    with Check() as check:
        check.text("tenant_id", request.tenant_id)
        if not request.executions:
            check.fail("executions", "must not be empty")
        check.at_most("executions", len(request.executions), MAX_FRESHNESS_QUERIES)
        for number, query in enumerate(request.executions[:MAX_FRESHNESS_QUERIES]):
            check.text(f"executions[{number}].execution_id", query.execution_id)
            check.number(f"executions[{number}].event_store_head", query.event_store_head)


def list_executions(request: requests.ListExecutionsRequest) -> None:
    with Check() as check:
        check.text("tenant_id", request.tenant_id)
        check.filter(request.filter)
        check.view(request)


def list_snapshots(request: requests.ListSnapshotsRequest) -> None:
    with Check() as check:
        check.text("tenant_id", request.tenant_id)
        if request.HasField("execution_id"):
            check.text("execution_id", request.execution_id)
        check.filter(request.filter)
        check.criteria("criteria", request.criteria)
        check.labels("labels", request.labels)
        check.view(request)


def delete_execution(request: requests.DeleteExecutionRequest) -> None:
    with Check() as check:
        check.execution(request.tenant_id, request.execution_id)
        check.text("request_id", request.request_id, empty=True)
        if request.HasField("expected_etag"):
            check.text("expected_etag", request.expected_etag)
        if request.HasField("writer_epoch"):
            check.number("writer_epoch", request.writer_epoch, 1)


def watch(request: requests.WatchSnapshotsRequest) -> None:
    with Check() as check:
        check.text("tenant_id", request.tenant_id)
        check.filter(request.filter)
        check.enum("mode", request.mode, snapshot_service_pb2.WatchMode)
        check.view(request)
        if (
            request.WhichOneof("start") == "resume_token"
            and parse_resume_token(request.resume_token) is None
        ):
            check.fail("resume_token", "must be a token that this service gave")
