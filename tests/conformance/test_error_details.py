"""How errors are told: their details, their size, and what they keep to themselves."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import grpc.aio
import pytest

from stillframe.server.stores import refusals
from stillframe.v1 import snapshot_service_pb2 as service
from stillframe.v1.snapshot_pb2 import ExecutionFilter
from tests.conformance.support import Refused, refused, snapshot, status_of

if TYPE_CHECKING:
    from tests.conformance.calls import Api
    from tests.conformance.conftest import Serve

pytestmark = pytest.mark.any_store

CALLS = [
    *("save", "load", "claim", "delete", "executions", "snapshots", "check", "watch"),
    *("diff", "fork", "prune", "set_value", "get_value", "delete_value", "list_keys"),
]

METHODS = {
    "save": "save",
    "load": "load",
    "claim": "claim",
    "delete": "delete",
    "executions": "list_executions",
    "snapshots": "list_snapshots",
    "check": "heads",
    "watch": "position",
    "diff": "outlines",
    "fork": "fork",
    "prune": "prune",
    "set_value": "set_value",
    "get_value": "get_value",
    "delete_value": "delete_value",
    "list_keys": "list_keys",
}
"""What each call asks of the store."""


async def call(api: Api, name: str) -> None:
    match name:
        case "save" | "load" | "claim" | "delete":
            await getattr(api, name)("run")
        case "diff":
            await api.diff("run")
        case "fork":
            await api.fork("run", "fork")
        case "prune":
            await api.prune("run", all_history=True)
        case "set_value" | "get_value" | "delete_value":
            await getattr(api, name)("run", "key")
        case "list_keys":
            await api.list_keys(None)
        case "check":
            await api.stub.CheckFreshness(
                service.CheckFreshnessRequest(
                    tenant_id=api.tenant_id,
                    executions=[service.FreshnessQuery(execution_id="run")],
                )
            )
        case "watch":
            async with api.watch() as watch:
                await watch.frame()
        case _:
            await getattr(api, name)()


def fail(api: Api, name: str, error: Exception, monkeypatch: pytest.MonkeyPatch) -> None:
    async def fails(*_: Any, **__: Any) -> None:
        raise error

    monkeypatch.setattr(api.store, METHODS[name], fails)


@pytest.mark.parametrize("name", CALLS)
async def test_a_store_that_cannot_answer_is_unavailable_and_says_when_to_retry(
    api: Api, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    fail(api, name, refusals.store_unavailable(2.5), monkeypatch)
    with refused("STORE_UNAVAILABLE") as told:
        await call(api, name)
    assert told.retry_after == 2.5


@pytest.mark.parametrize("name", CALLS)
async def test_a_fault_of_the_servers_own_keeps_its_text_to_itself(
    api: Api, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    fail(api, name, KeyError("swordfish"), monkeypatch)
    with refused("INTERNAL") as told:
        await call(api, name)
    assert "swordfish" not in repr(told)
    assert "KeyError" not in repr(told)
    assert told.metadata["error_id"]


@pytest.mark.parametrize("name", CALLS)
async def test_every_call_needs_a_tenant(api: Api, name: str) -> None:
    api.tenant_id = ""
    with refused("INVALID_FIELD") as told:
        await call(api, name)
    assert told.fields == ["tenant_id"]


async def test_many_violations_are_cut_and_counted(api: Api) -> None:
    labels = {f"{'k' * 400}{number}": "" for number in range(60)}
    with pytest.raises(grpc.aio.AioRpcError) as failed:
        await api.save("run", snapshot(labels=labels, user_id=""))
    status = status_of(failed.value)
    told = Refused()
    told.read_status(status)
    assert told.reason == "INVALID_FIELD"
    assert status.ByteSize() <= 4096
    assert told.fields[0] == told.metadata["field"]
    assert len(told.fields) + int(told.metadata["violations_omitted"]) == 61


async def test_details_stay_small_however_long_the_ids_are(api: Api) -> None:
    name, etag = "\u00e9" * 256, "x" * 512
    saved = await api.save(name, snapshot(1, snapshot_id="s" * 512), request_id="r" * 512)
    calls: list[dict[str, Any]] = [
        {"request_id": "r" * 512},
        {"expected_etag": etag},
        {"must_not_exist": True},
    ]
    for fields in calls:
        with pytest.raises(grpc.aio.AioRpcError) as failed:
            await api.save(name, snapshot(2, snapshot_id="s" * 512), **fields)
        assert status_of(failed.value).ByteSize() <= 4096
    assert (await api.load(name)).etag == saved.etag


async def test_a_request_message_beyond_the_limit_is_refused_with_it(serve: Serve) -> None:
    api = await serve(max_request_bytes=2**20)
    with refused("SNAPSHOT_TOO_LARGE") as told:
        await api.save("run", snapshot(1, variables={"v": bytes(2**20 + 1)}))
    assert told.metadata["limit"] == "max_request_bytes"
    assert told.metadata["maximum"] == str(2**20)
    assert (await api.save("run", snapshot(1, variables={"v": bytes(2**20 - 200)}))).version == 1


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"mode": 9}, "mode"),
        ({"view": 9}, "view"),
        ({"filter": ExecutionFilter(execution_ids=[""])}, "filter.execution_ids"),
        ({"filter": ExecutionFilter(execution_id_prefix="\n")}, "filter.execution_id_prefix"),
        ({"filter": ExecutionFilter(labels={"k": "\x00"})}, "filter.labels['k']"),
        ({"max_message_bytes": 0}, "max_message_bytes"),
        ({"resume_token": ""}, "resume_token"),
        ({"resume_token": "no token"}, "resume_token"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
async def test_a_watch_that_is_none(api: Api, fields: dict[str, Any], field: str) -> None:
    with refused("INVALID_FIELD") as told:
        async with api.watch(**fields) as watch:
            await watch.frame()
    assert told.fields == [field]


async def test_every_limit_in_force_is_told(serve: Serve) -> None:
    chosen: dict[str, Any] = {
        "max_request_bytes": 2_000_000,
        "max_snapshot_bytes": 1_900_000,
        "max_payload_bytes": 1_800_000,
        "max_entries": 77,
        "max_watches": 9,
        "max_inflight_bytes": 3_000_000,
        "max_executions": 12,
        "change_log_size": 500,
        "max_value_bytes": 4_000,
    }
    api = await serve(**chosen, progress_interval=2.5)
    limits = (await api.stub.GetServerInfo(service.GetServerInfoRequest())).limits
    told = {field.name: value for field, value in limits.ListFields()}
    assert told == {**chosen, "progress_interval_ms": 2_500}
