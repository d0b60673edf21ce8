"""The checks that validation is made of: one violation for each field that breaks a rule."""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING, Protocol, Self

from stillframe.server.stores import refusals
from stillframe.server.stores.marks import MAX_NUMBER
from stillframe.server.stores.refusals import Violation
from stillframe.v1 import snapshot_pb2, snapshot_service_pb2

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from google.protobuf.duration_pb2 import Duration
    from google.protobuf.timestamp_pb2 import Timestamp

    from stillframe.v1 import snapshot_pb2 as nouns
    from stillframe.v1 import snapshot_service_pb2 as requests
    from stillframe.v1 import working_memory_service_pb2 as memory

MAX_ID_BYTES = 512
MAX_LABELS = 64
MAX_CODECS = 16
MAX_FILTER_VALUES = 1_000
MAX_FRESHNESS_QUERIES = 1_000
MAX_PRUNED = 1_000
MAX_TTL_SECONDS = 36_500 * 86_400
MIN_MESSAGE_BYTES = 256 * 1024

CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")
_MIN_SECONDS, _MAX_SECONDS = -62_135_596_800, 253_402_300_799  # the years 1 to 9999
_NANOS = 10**9


class _Enum(Protocol):
    """A generated enum."""

    def values(self) -> Sequence[int]: ...
    def __hash__(self) -> int: ...


@cache
def _numbers(kind: _Enum) -> frozenset[int]:
    return frozenset(kind.values())


def is_text(value: str, *, empty: bool = False) -> bool:
    """Tells whether a value is an id, key or label: 1 to 512 bytes without control
    characters.
    """
    if not value:
        return empty
    # No character has more than four bytes.
    fits = len(value) <= MAX_ID_BYTES // 4 or len(value.encode()) <= MAX_ID_BYTES
    return fits and not CONTROL.search(value)


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
        if is_text(value, empty=empty):
            return
        if not value:
            self.fail(field, "must not be empty")
        elif len(value.encode()) > MAX_ID_BYTES:
            self.fail(field, f"must have at most {MAX_ID_BYTES} bytes")
        else:
            self.fail(field, "must not have control characters")

    def number(self, field: str, value: int, minimum: int = 0) -> None:
        if not minimum <= value <= MAX_NUMBER:
            self.fail(field, f"must be {minimum} to 2^63 - 1")

    def enum(self, field: str, value: int, kind: _Enum, *, unset: bool = True) -> None:
        if value not in _numbers(kind) or (not value and not unset):
            self.fail(field, "must be one of the contract's values")

    def at_most(self, field: str, count: int, maximum: int) -> None:
        if count > maximum:
            self.fail(field, f"must have at most {maximum} values")

    def timestamp(self, field: str, value: Timestamp) -> None:
        if not _MIN_SECONDS <= value.seconds <= _MAX_SECONDS or not 0 <= value.nanos < _NANOS:
            self.fail(field, "must be a time of the years 1 to 9999")

    def duration(self, field: str, value: Duration, *, zero: bool = True) -> None:
        if not 0 <= value.seconds <= MAX_TTL_SECONDS or not 0 <= value.nanos < _NANOS:
            self.fail(field, "must be 0 to 36,500 days")
        elif not (zero or value.seconds or value.nanos):
            self.fail(field, "must be more than zero")

    def labels(self, field: str, labels: Mapping[str, str]) -> None:
        self.at_most(field, len(labels), MAX_LABELS)
        for key in labels:
            value = labels[key]
            if not (is_text(key) and is_text(value)):
                self.text(entry(field, key), key)
                self.text(entry(field, key), value)

    def execution(self, tenant_id: str, execution_id: str) -> None:
        self.text("tenant_id", tenant_id)
        self.text("execution_id", execution_id)

    def scope(self, request: _Scoped) -> None:
        """Checks where a key of the working memory is."""
        self.text("tenant_id", request.tenant_id)
        if request.HasField("execution_id"):
            self.text("execution_id", request.execution_id)

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
    _Scoped = (
        memory.SetValueRequest
        | memory.GetValueRequest
        | memory.DeleteValueRequest
        | memory.ListKeysRequest
    )
    _Loaded = requests.LoadSnapshotRequest | requests.ClaimExecutionRequest


def entry(field: str, key: str) -> str:
    return f"{field}[{key[:64]!r}]"
