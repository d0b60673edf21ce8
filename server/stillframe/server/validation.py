"""Whether a request is one: lengths, characters, bounds, contradictions.

Each function looks at one request and raises INVALID_FIELD with every violation that it
found, or SNAPSHOT_TOO_LARGE or VALUE_TOO_LARGE. What depends on the store's state is decided in the store
(`stores.rules`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from stillframe.server.checks import (
    MAX_CODECS,
    MAX_FRESHNESS_QUERIES,
    MAX_PRUNED,
    Check,
    entry,
    is_text,
)
from stillframe.server.stores import refusals
from stillframe.server.stores.marks import parse_resume_token
from stillframe.v1 import snapshot_pb2, snapshot_service_pb2

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from stillframe.server.config import Settings
    from stillframe.v1 import snapshot_pb2 as nouns
    from stillframe.v1 import snapshot_service_pb2 as requests
    from stillframe.v1 import working_memory_service_pb2 as memory


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


def save_item(item: requests.SaveItem, limits: Settings) -> None:
    with Check() as check:
        check.text("item_id", item.item_id)
        if not item.HasField("save"):
            check.fail("save", "must be set")
            return
        try:
            save(item.save, limits)
        except refusals.Refusal as refusal:
            if not refusal.violations:
                raise
            for field, description in refusal.violations:
                check.fail(f"save.{field}", description)


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
    for key in payloads:
        payload = payloads[key]
        if not (is_text(key) and is_text(payload.encoding, empty=True)) or payload.codecs:
            _payload(check, entry(field, key), key, payload)


def _payload(check: Check, name: str, key: str, payload: nouns.Payload) -> None:
    check.text(name, key)
    check.text(f"{name}.encoding", payload.encoding, empty=True)
    check.at_most(f"{name}.codecs", len(payload.codecs), MAX_CODECS)
    for codec in payload.codecs:
        check.text(f"{name}.codecs", codec)


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
                check.fail(entry(field, key), "must not be both set and removed")


def _payload_sizes(snapshot: nouns.ExecutionSnapshot, limits: Settings) -> None:
    if snapshot.ByteSize() <= limits.max_payload_bytes:
        return  # To read the length of bytes copies them.
    for payloads in (snapshot.step_outputs, snapshot.variables):
        for payload in payloads.values():
            if len(payload.data) > limits.max_payload_bytes:
                raise refusals.too_large(
                    "max_payload_bytes", limits.max_payload_bytes, len(payload.data)
                )


def load(request: requests.LoadSnapshotRequest) -> None:
    with Check() as check:
        check.execution(request.tenant_id, request.execution_id)
        if request.HasField("selector"):
            check.selector("selector", request.selector)
        if request.HasField("projection"):
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


def diff_snapshots(request: requests.DiffSnapshotsRequest) -> None:
    with Check() as check:
        check.execution(request.tenant_id, request.execution_id)
        if request.HasField("from"):
            check.selector("from", getattr(request, "from"))
        else:
            check.fail("from", "must be set")
        check.selector("to", request.to)


def fork_execution(request: requests.ForkExecutionRequest) -> None:
    with Check() as check:
        check.execution(request.tenant_id, request.execution_id)
        check.text("new_execution_id", request.new_execution_id)
        check.selector("selector", request.selector)
        check.number("sequence_number", request.sequence_number)
        check.text("request_id", request.request_id, empty=True)


def delete_snapshots(request: requests.DeleteSnapshotsRequest) -> None:
    with Check() as check:
        check.execution(request.tenant_id, request.execution_id)
        check.at_most("versions", len(request.versions), MAX_PRUNED)
        for version in request.versions[:MAX_PRUNED]:
            check.number("versions", version, 1)
        check.at_most("snapshot_ids", len(request.snapshot_ids), MAX_PRUNED)
        for snapshot_id in request.snapshot_ids[:MAX_PRUNED]:
            check.text("snapshot_ids", snapshot_id)
        check.criteria("criteria", request.criteria)
        check.labels("labels", request.labels)
        # Criteria without a bound would select everything: that has a field of its own.
        bounded = request.criteria.ByteSize() > 0
        selects = bool(request.versions or request.snapshot_ids or request.labels or bounded)
        if request.all_history and selects:
            check.fail("all_history", "contradicts versions, snapshot_ids, criteria and labels")
        elif not (request.all_history or selects):
            check.fail("versions", "something must be selected, or all_history set")
        if request.HasField("writer_epoch"):
            check.number("writer_epoch", request.writer_epoch, 1)
        check.text("request_id", request.request_id, empty=True)


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


def set_value(request: memory.SetValueRequest, limits: Settings) -> None:
    with Check() as check:
        check.scope(request)
        check.text("key", request.key)
        check.text("request_id", request.request_id, empty=True)
        if request.HasField("ttl"):
            check.duration("ttl", request.ttl, zero=False)
        if request.HasField("expected_etag"):
            check.text("expected_etag", request.expected_etag)
            if request.must_not_exist:
                check.fail("expected_etag", "contradicts must_not_exist")
    size, maximum = len(request.value), limits.max_value_bytes
    if size > maximum:
        raise refusals.value_too_large("max_value_bytes", maximum, size)


def get_value(request: memory.GetValueRequest) -> None:
    with Check() as check:
        check.scope(request)
        check.text("key", request.key)


def delete_value(request: memory.DeleteValueRequest) -> None:
    with Check() as check:
        check.scope(request)
        check.text("key", request.key)
        if request.HasField("expected_etag"):
            check.text("expected_etag", request.expected_etag)


def list_keys(request: memory.ListKeysRequest) -> None:
    with Check() as check:
        check.scope(request)
        if request.HasField("key_prefix"):
            check.text("key_prefix", request.key_prefix)
