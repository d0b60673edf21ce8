"""Bad input of every kind gets its code, its reason and its fields (DESIGN section 7)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

import pytest

from stillframe.v1 import snapshot_pb2
from stillframe.v1 import snapshot_service_pb2 as service
from stillframe.v1.snapshot_pb2 import (
    ExecutionFilter,
    ExecutionSnapshot,
    MapProjection,
    Payload,
    SnapshotCriteria,
    SnapshotProjection,
)
from tests.conformance.calls import FULL
from tests.conformance.support import (
    RUNNING,
    WAITING,
    delta,
    refused,
    seconds,
    snapshot,
    timestamp,
)

if TYPE_CHECKING:
    import grpc.aio
    from google.protobuf.message import Message

    from tests.conformance.calls import Api

pytestmark = pytest.mark.any_store

UnaryBytes: TypeAlias = "grpc.aio.UnaryUnaryMultiCallable[bytes, bytes]"

LONG = "é" * 257
TOO_BIG = 2**63
ETAG = "v1-0000000000000000"

NO_STATE = snapshot_pb2.EXECUTION_STATE_UNSPECIFIED
NO_REASON = snapshot_pb2.WAIT_REASON_UNSPECIFIED

UNARY = [
    "SaveSnapshot",
    "LoadSnapshot",
    "ClaimExecution",
    "CheckFreshness",
    "ListExecutions",
    "ListSnapshots",
    "DiffSnapshots",
    "ForkExecution",
    "DeleteSnapshots",
    "DeleteExecution",
    "GetServerInfo",
]

SNAPSHOTS: list[tuple[ExecutionSnapshot, str]] = [
    (ExecutionSnapshot(), "snapshot.state"),
    (snapshot(state=99), "snapshot.state"),  # type: ignore[arg-type]
    (snapshot(state=WAITING), "snapshot.wait_reason"),
    (snapshot(wait_reason=snapshot_pb2.WAIT_REASON_APPROVAL), "snapshot.wait_reason"),
    (snapshot(state=WAITING, wait_reason=99), "snapshot.wait_reason"),
    (snapshot(TOO_BIG), "snapshot.sequence_number"),
    (snapshot(tenant_id="another"), "snapshot.tenant_id"),
    (snapshot(execution_id="another"), "snapshot.execution_id"),
    (snapshot(user_id=""), "snapshot.user_id"),
    (snapshot(current_step_id="a\nb"), "snapshot.current_step_id"),
    (snapshot(snapshot_id=LONG), "snapshot.snapshot_id"),
    (snapshot(parent_snapshot_id="\x7f"), "snapshot.parent_snapshot_id"),
    (snapshot(parent_execution_id="\x85"), "snapshot.parent_execution_id"),
    (snapshot(schema_version=LONG), "snapshot.schema_version"),
    (snapshot(timestamp=timestamp(253_402_300_800)), "snapshot.timestamp"),
    (snapshot(timestamp=timestamp(0, -1)), "snapshot.timestamp"),
    (snapshot(timestamp=timestamp(0, 10**9)), "snapshot.timestamp"),
    (snapshot(labels={"k": ""}), "snapshot.labels['k']"),
    (snapshot(labels={"": "v"}), "snapshot.labels['']"),
    (snapshot(labels={str(n): "v" for n in range(65)}), "snapshot.labels"),
    (snapshot(variables={"": "v"}), "snapshot.variables['']"),
    (snapshot(outputs={"\x00": "v"}), "snapshot.step_outputs['\\x00']"),
    (snapshot(variables={"k": Payload(encoding=LONG)}), "snapshot.variables['k'].encoding"),
    (snapshot(variables={"k": Payload(codecs=[""])}), "snapshot.variables['k'].codecs"),
    (snapshot(variables={"k": Payload(codecs=["z"] * 17)}), "snapshot.variables['k'].codecs"),
]


@pytest.mark.parametrize(("content", "field"), SNAPSHOTS, ids=[field for _, field in SNAPSHOTS])
async def test_a_snapshot_that_is_none(api: Api, content: ExecutionSnapshot, field: str) -> None:
    with refused("INVALID_FIELD") as told:
        await api.save("run", content)
    assert told.fields == [field]
    assert told.metadata == {"field": field}
    with refused("INVALID_FIELD") as told:
        await api.save("run", delta(ETAG, content))
    assert told.fields == [f"delta.{field}"]


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"request_id": "a\tb"}, "request_id"),
        ({"expected_etag": ""}, "expected_etag"),
        ({"expected_etag": ETAG, "must_not_exist": True}, "expected_etag"),
        ({"writer_epoch": 0}, "writer_epoch"),
        ({"writer_epoch": TOO_BIG}, "writer_epoch"),
        ({"ttl": seconds(-1)}, "ttl"),
        ({"ttl": seconds(36_500 * 86_400 + 1)}, "ttl"),
    ],
)
async def test_a_save_that_is_none(api: Api, fields: dict[str, Any], field: str) -> None:
    with refused("INVALID_FIELD") as told:
        await api.save("run", snapshot(), **fields)
    assert told.fields == [field]


@pytest.mark.parametrize("bad", ["", LONG, "a\x00b", "\x1f", "\u009f"])
async def test_ids_have_1_to_512_bytes_without_control_characters(api: Api, bad: str) -> None:
    for call in (api.save, api.load, api.claim, api.delete):
        with refused("INVALID_FIELD") as told:
            await call(bad)
        assert told.fields == ["execution_id"]
    longest = "é" * 256
    assert (await api.save(longest)).version == 1
    assert (await api.load(longest)).execution_id == longest


async def test_every_violation_is_named(api: Api) -> None:
    with refused("INVALID_FIELD") as told:
        await api.save("", snapshot(TOO_BIG, user_id=""), writer_epoch=0)
    assert told.fields == [
        "execution_id",
        "writer_epoch",
        "snapshot.user_id",
        "snapshot.sequence_number",
    ]


async def test_a_save_needs_content_and_a_delta_needs_a_base_and_a_header(api: Api) -> None:
    empty = service.SaveSnapshotRequest(tenant_id=api.tenant_id, execution_id="run")
    with refused("INVALID_FIELD") as told:
        await api.stub.SaveSnapshot(empty)
    assert told.fields == ["snapshot"]
    empty.delta.SetInParent()
    with refused("INVALID_FIELD") as told:
        await api.stub.SaveSnapshot(empty)
    assert told.fields == ["delta.base_etag", "delta.snapshot"]


@pytest.mark.parametrize(
    ("request_", "field"),
    [
        (service.LoadSnapshotRequest(require_fresh=True), "require_fresh"),
        (service.LoadSnapshotRequest(max_behind=0), "max_behind"),
        (
            service.LoadSnapshotRequest(require_fresh=True, max_behind=1, event_store_head=1),
            "max_behind",
        ),
        (service.LoadSnapshotRequest(event_store_head=TOO_BIG), "event_store_head"),
        (service.LoadSnapshotRequest(max_message_bytes=1), "max_message_bytes"),
        (
            service.LoadSnapshotRequest(selector=service.SnapshotSelector(version=0)),
            "selector.version",
        ),
        (
            service.LoadSnapshotRequest(selector=service.SnapshotSelector(snapshot_id="")),
            "selector.snapshot_id",
        ),
        (
            service.LoadSnapshotRequest(
                projection=SnapshotProjection(variables=MapProjection(keys=[""]))
            ),
            "projection.variables.keys",
        ),
        (
            service.LoadSnapshotRequest(
                projection=SnapshotProjection(variables=MapProjection(keys=["k"] * 1001))
            ),
            "projection.variables",
        ),
        (service.ClaimExecutionRequest(event_store_head=TOO_BIG), "event_store_head"),
        (service.DeleteExecutionRequest(writer_epoch=0), "writer_epoch"),
        (service.DeleteExecutionRequest(expected_etag=""), "expected_etag"),
        (service.CheckFreshnessRequest(), "executions"),
        (
            service.CheckFreshnessRequest(executions=[service.FreshnessQuery()]),
            "executions[0].execution_id",
        ),
        (service.ListExecutionsRequest(view=9), "view"),  # type: ignore[arg-type]
        (service.ListExecutionsRequest(projection=SnapshotProjection()), "projection"),
        (service.ListExecutionsRequest(view=FULL, max_message_bytes=9), "max_message_bytes"),
        (service.ListExecutionsRequest(filter=ExecutionFilter(states=[NO_STATE])), "filter.states"),
        (
            service.ListExecutionsRequest(filter=ExecutionFilter(states=[RUNNING] * 1001)),
            "filter.states",
        ),
        (
            service.ListExecutionsRequest(filter=ExecutionFilter(state_classes=[9])),  # type: ignore[list-item]
            "filter.state_classes",
        ),
        (
            service.ListExecutionsRequest(filter=ExecutionFilter(wait_reasons=[NO_REASON])),
            "filter.wait_reasons",
        ),
        (service.ListExecutionsRequest(filter=ExecutionFilter(user_id="")), "filter.user_id"),
        (
            service.ListExecutionsRequest(filter=ExecutionFilter(execution_ids=[""])),
            "filter.execution_ids",
        ),
        (
            service.ListExecutionsRequest(
                filter=ExecutionFilter(criteria=SnapshotCriteria(sequence_min=TOO_BIG))
            ),
            "filter.criteria.sequence_min",
        ),
        (
            service.ListSnapshotsRequest(criteria=SnapshotCriteria(timestamp_min=timestamp(0, -1))),
            "criteria.timestamp_min",
        ),
        (service.ListSnapshotsRequest(execution_id=""), "execution_id"),
        (service.ListSnapshotsRequest(labels={"k": ""}), "labels['k']"),
    ],
)
async def test_a_request_that_is_none(api: Api, request_: Message, field: str) -> None:
    request_ = type(request_).FromString(request_.SerializeToString())
    request_.tenant_id = api.tenant_id  # type: ignore[attr-defined]
    name = request_.DESCRIPTOR.name.removesuffix("Request")
    if name in {"LoadSnapshot", "ClaimExecution", "DeleteExecution"}:
        request_.execution_id = "run"  # type: ignore[attr-defined]
    with refused("INVALID_FIELD") as told:
        await getattr(api.stub, name)(request_)
    assert told.fields == [field]


@pytest.mark.parametrize("rpc", UNARY)
@pytest.mark.parametrize("data", [b"\xff", b"\x0a\x05abc", b"\x0a\x02\xff\xfe"])
async def test_bytes_that_are_no_message(api: Api, rpc: str, data: bytes) -> None:
    if rpc == "GetServerInfo" and data.startswith(b"\x0a\x02"):
        return  # It has no fields: to it this is one that it does not know.
    call: UnaryBytes = api.channel.unary_unary(f"/stillframe.v1.SnapshotService/{rpc}")
    with refused("MALFORMED_MESSAGE") as told:
        await call(data)
    assert told.metadata == {"rpc": rpc}


async def test_bytes_that_are_no_watch(api: Api) -> None:
    call: grpc.aio.UnaryStreamMultiCallable[bytes, bytes] = api.channel.unary_stream(
        "/stillframe.v1.SnapshotService/WatchSnapshots"
    )
    with refused("MALFORMED_MESSAGE") as told:
        await call(b"\xff").read()
    assert told.metadata == {"rpc": "WatchSnapshots"}


async def test_an_unexpected_fault_is_internal_and_says_nothing(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fails(*_: object) -> None:
        raise RuntimeError("swordfish")

    monkeypatch.setattr(api.store, "save", fails)
    with refused("INTERNAL") as told:
        await api.save("run")
    assert "swordfish" not in told.message
    assert told.metadata["error_id"] in told.message


async def test_the_limits_in_force_are_told(api: Api) -> None:
    info = await api.stub.GetServerInfo(service.GetServerInfoRequest())
    settings = api.settings
    assert info.server_version
    assert info.store_kind == api.store.kind
    expected = {"diff", "fork", "prune", "retention", "watch", "working_memory"}
    assert expected <= set(info.features)
    assert info.limits.max_snapshot_bytes == settings.max_snapshot_bytes
    assert info.limits.max_watches == settings.max_watches
    assert info.limits.progress_interval_ms == settings.progress_interval * 1000
