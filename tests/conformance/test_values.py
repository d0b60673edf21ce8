"""The working memory through a running server: answers, tenants, pages, a restart."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, TypeAlias

import grpc.aio
import pytest
from grpc_health.v1.health_pb2 import HealthCheckRequest, HealthCheckResponse

from stillframe.v1 import working_memory_service_pb2 as memory
from tests.conformance.support import new_tenant, refused, seconds, snapshot, timestamp

if TYPE_CHECKING:
    from tests.conformance.calls import Api
    from tests.conformance.conftest import Serve

UnaryBytes: TypeAlias = "grpc.aio.UnaryUnaryMultiCallable[bytes, bytes]"

SCOPES = ["run", None]


@pytest.mark.parametrize("scope", SCOPES)
async def test_a_value_is_set_read_listed_and_deleted(api: Api, scope: str | None) -> None:
    value = bytes(range(256))
    answer = await api.set_value(scope, "key", value, ttl=seconds(90))
    assert answer.commit_time == timestamp(1_000_000_000)
    assert answer.expire_time == timestamp(1_000_000_090)
    read = await api.get_value(scope, "key")
    assert read == memory.GetValueResponse(
        value=value,
        etag=answer.etag,
        commit_time=answer.commit_time,
        expire_time=answer.expire_time,
    )
    page = await api.list_keys(scope)
    assert list(page.keys) == [
        memory.KeyInfo(
            key="key",
            etag=answer.etag,
            size_bytes=256,
            commit_time=answer.commit_time,
            expire_time=answer.expire_time,
        )
    ]
    assert not page.next_page_token
    assert await api.delete_value(scope, "key")
    assert not await api.delete_value(scope, "key")
    with refused("VALUE_NOT_FOUND"):
        await api.get_value(scope, "key")


async def test_an_empty_value_is_one(api: Api) -> None:
    await api.set_value("run", "key", b"")
    assert (await api.get_value("run", "key")).value == b""
    assert await api.keys("run") == ["key"]


async def test_an_execution_takes_its_values_along(api: Api) -> None:
    await api.save("root")
    await api.save("child", snapshot(1, parent_execution_id="root"))
    for name in ("root", "child", "other", None):
        await api.set_value(name, "key")
    await api.delete("root", include_descendants=True)
    assert [await api.keys(name) for name in ("root", "child", "other", None)] == [
        [],
        [],
        ["key"],
        ["key"],
    ]
    await api.delete("other")
    assert await api.keys("other") == []


async def test_no_watch_sees_a_value(api: Api) -> None:
    saved = await api.save("run")
    await api.set_value("run", "key")
    await api.delete_value("run", "key")
    assert await api.changes_after(saved.resume_token) == []


async def test_tenants_have_nothing_of_one_another(api: Api) -> None:
    other = replace(api, tenant_id=new_tenant())
    for scope in SCOPES:
        await api.set_value(scope, "key", b"mine", request_id="r")
        assert await other.keys(scope) == []
        with refused("VALUE_NOT_FOUND"):
            await other.get_value(scope, "key")
        await other.set_value(scope, "key", b"theirs", request_id="r", must_not_exist=True)
        assert (await api.get_value(scope, "key")).value == b"mine"
    await other.delete("run")
    assert await api.keys("run") == ["key"]


async def test_what_is_there_outlives_a_server(api: Api) -> None:
    fields: dict[str, Any] = {"request_id": "r", "must_not_exist": True}
    answer = await api.set_value("run", "key", b"1", **fields)
    await api.restart()
    assert await api.set_value("run", "key", b"1", **fields) == answer
    assert (await api.get_value("run", "key")).value == b"1"


async def test_pages_have_the_keys_in_order_once(api: Api) -> None:
    keys = [f"k{number:03}" for number in range(105)]
    for key in reversed(keys):
        await api.set_value("run", key)
    await api.set_value("run", "other")
    first = await api.list_keys("run")
    assert [info.key for info in first.keys] == keys[:100]
    assert first.next_page_token
    for size in (1, 7, 105, 2**32 - 1):
        assert await api.keys("run", key_prefix="k", page_size=size) == keys
    assert len((await api.list_keys("run", page_size=2**32 - 1)).keys) == 106


async def test_a_token_holds_for_the_same_request_alone(api: Api) -> None:
    for scope in SCOPES:
        for key in "abc":
            await api.set_value(scope, key)
    token = (await api.list_keys("run", page_size=1)).next_page_token
    assert [info.key for info in (await api.list_keys("run", page_token=token)).keys] == ["b", "c"]
    others: list[tuple[str | None, dict[str, Any]]] = [
        (None, {}),
        ("run2", {}),
        ("run", {"key_prefix": "a"}),
    ]
    for scope, fields in others:
        with refused("PAGE_TOKEN_MISMATCH") as told:
            await api.list_keys(scope, **fields, page_token=token)
        assert told.metadata == {"field": "page_token"}
    with refused("PAGE_TOKEN_MISMATCH"):
        await replace(api, tenant_id=new_tenant()).list_keys("run", page_token=token)
    for broken in (token[:-4], "no token", token + "AAAA"):
        with refused("PAGE_TOKEN_MISMATCH"):
            await api.list_keys("run", page_token=broken)


async def test_a_page_may_be_of_keys_that_are_gone(api: Api) -> None:
    for key in "abcdef":
        await api.set_value("run", key, ttl=seconds(1) if key in "abc" else None)
    api.clock.advance(1)
    assert await api.keys("run", page_size=2) == ["d", "e", "f"]


@pytest.mark.any_store
async def test_a_value_of_the_largest_size_is_taken_and_one_larger_is_not(serve: Serve) -> None:
    api = await serve(max_value_bytes=5_000)
    await api.set_value("run", "key", bytes(5_000))
    with refused("VALUE_TOO_LARGE") as told:
        await api.set_value("run", "key", bytes(5_001))
    assert told.metadata == {"limit": "max_value_bytes", "maximum": "5000", "actual": "5001"}
    assert len((await api.get_value("run", "key")).value) == 5_000


@pytest.mark.any_store
async def test_a_request_message_beyond_the_limit_is_refused_with_it(serve: Serve) -> None:
    api = await serve(max_request_bytes=2**20, max_value_bytes=2**21)
    with refused("VALUE_TOO_LARGE") as told:
        await api.set_value("run", "key", bytes(2**20))
    assert told.metadata["limit"] == "max_request_bytes"
    await api.set_value("run", "key", bytes(2**20 - 200))


@pytest.mark.any_store
async def test_a_value_may_have_a_mebibyte_by_default(api: Api) -> None:
    await api.set_value(None, "key", bytes(2**20))
    with refused("VALUE_TOO_LARGE"):
        await api.set_value(None, "key", bytes(2**20 + 1))


@pytest.mark.any_store
async def test_the_service_has_a_health_of_its_own(api: Api) -> None:
    check: UnaryBytes = api.channel.unary_unary("/grpc.health.v1.Health/Check")
    request = HealthCheckRequest(service="stillframe.v1.WorkingMemoryService")
    answer = HealthCheckResponse.FromString(await check(request.SerializeToString()))
    assert answer.status == HealthCheckResponse.SERVING


@pytest.mark.any_store
async def test_a_method_that_the_service_has_not_is_unimplemented(api: Api) -> None:
    for path in ("WorkingMemoryService/SaveSnapshot", "SnapshotService/SetValue"):
        call: UnaryBytes = api.channel.unary_unary(f"/stillframe.v1.{path}")
        with pytest.raises(grpc.aio.AioRpcError) as failed:
            await call(b"")
        assert failed.value.code() is grpc.StatusCode.UNIMPLEMENTED
