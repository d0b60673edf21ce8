"""Bad input to the working memory gets its code, its reason and its fields."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

import grpc.aio
import pytest
from google.protobuf.duration_pb2 import Duration

from tests.conformance.support import refused, seconds, status_of

if TYPE_CHECKING:
    from tests.conformance.calls import Api

pytestmark = pytest.mark.any_store

UnaryBytes: TypeAlias = "grpc.aio.UnaryUnaryMultiCallable[bytes, bytes]"

LONG = "é" * 257
ETAG = "m-0000000000000000"


async def call(api: Api, name: str, scope: str | None, key: str) -> None:
    if name == "list_keys":
        await api.list_keys(scope, key_prefix=key)
    else:
        await getattr(api, name)(scope, key)


CALLS = ["set_value", "get_value", "delete_value", "list_keys"]


@pytest.mark.parametrize("name", CALLS)
@pytest.mark.parametrize("bad", ["", LONG, "a\x00b", "\x1f", "\u009f"])
async def test_ids_and_keys_have_1_to_512_bytes_without_control_characters(
    api: Api, name: str, bad: str
) -> None:
    with refused("INVALID_FIELD") as told:
        await call(api, name, bad, "key")
    assert told.fields == ["execution_id"]
    with refused("INVALID_FIELD") as told:
        await call(api, name, None, bad)
    field = "key_prefix" if name == "list_keys" else "key"
    assert (told.fields, told.metadata) == ([field], {"field": field})


@pytest.mark.parametrize("name", CALLS)
async def test_the_longest_ids_and_keys_are_taken(api: Api, name: str) -> None:
    longest = "é" * 256
    await api.set_value(longest, longest)
    await call(api, name, longest, longest)


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"ttl": seconds(0)}, "ttl"),
        ({"ttl": seconds(-1)}, "ttl"),
        ({"ttl": Duration(nanos=-1)}, "ttl"),
        ({"ttl": Duration(nanos=10**9)}, "ttl"),
        ({"ttl": seconds(36_500 * 86_400 + 1)}, "ttl"),
        ({"request_id": "a\tb"}, "request_id"),
        ({"request_id": LONG}, "request_id"),
        ({"expected_etag": ""}, "expected_etag"),
        ({"expected_etag": LONG}, "expected_etag"),
        ({"expected_etag": ETAG, "must_not_exist": True}, "expected_etag"),
    ],
)
async def test_a_set_that_is_none(api: Api, fields: dict[str, Any], field: str) -> None:
    with refused("INVALID_FIELD") as told:
        await api.set_value("run", "key", **fields)
    assert told.fields == [field]


@pytest.mark.parametrize("ttl", [Duration(nanos=1), seconds(36_500 * 86_400)])
async def test_the_shortest_and_the_longest_ttl_are_taken(api: Api, ttl: Duration) -> None:
    answer = await api.set_value("run", "key", ttl=ttl)
    span = answer.expire_time.ToNanoseconds() - answer.commit_time.ToNanoseconds()
    assert span == ttl.ToNanoseconds()


async def test_a_delete_that_is_none(api: Api) -> None:
    with refused("INVALID_FIELD") as told:
        await api.delete_value("run", "key", expected_etag="")
    assert told.fields == ["expected_etag"]


async def test_every_violation_is_named(api: Api) -> None:
    with refused("INVALID_FIELD") as told:
        await api.set_value("", "", ttl=seconds(0), request_id="\n")
    assert told.fields == ["execution_id", "key", "request_id", "ttl"]


@pytest.mark.parametrize("rpc", ["SetValue", "GetValue", "DeleteValue", "ListKeys"])
@pytest.mark.parametrize("data", [b"\xff", b"\x0a\x05abc", b"\x0a\x02\xff\xfe"])
async def test_bytes_that_are_no_message(api: Api, rpc: str, data: bytes) -> None:
    raw: UnaryBytes = api.channel.unary_unary(f"/stillframe.v1.WorkingMemoryService/{rpc}")
    with refused("MALFORMED_MESSAGE") as told:
        await raw(data)
    assert told.metadata == {"rpc": rpc}


async def test_details_stay_small_however_long_the_ids_are(api: Api) -> None:
    name, etag = "\u00e9" * 256, "x" * 512
    saved = await api.set_value(name, name, request_id="r" * 512)
    calls: list[dict[str, Any]] = [
        {"request_id": "r" * 512, "value": b"another"},
        {"expected_etag": etag},
        {"must_not_exist": True},
    ]
    for fields in calls:
        with pytest.raises(grpc.aio.AioRpcError) as failed:
            await api.set_value(name, name, **fields)
        assert status_of(failed.value).ByteSize() <= 4096
    assert (await api.get_value(name, name)).etag == saved.etag
