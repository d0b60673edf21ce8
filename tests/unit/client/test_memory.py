"""The calls of the working memory: what is sent, and what is read."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import grpc
import pytest
from google.protobuf.duration_pb2 import Duration
from google.protobuf.timestamp_pb2 import Timestamp

from stillframe.client import (
    EtagMismatchError,
    InvalidFieldError,
    KeyInfo,
    StillframeError,
    StoredValue,
    ValueCommit,
    ValueExistsError,
    ValueNotFoundError,
    ValueTooLargeError,
)
from stillframe.v1 import working_memory_service_pb2 as rpc
from tests.unit.client.fake_service import UNAVAILABLE, Naps, Refusal, serving
from tests.unit.client.support import PATIENCE

if TYPE_CHECKING:
    from tests.unit.client.support import Stage

COMMITTED = Timestamp(seconds=3, nanos=7)
OVER = Timestamp(seconds=63, nanos=7)


def test_a_value_is_set_with_all_that_was_said(stage: Stage) -> None:
    setting = stage.start(
        lambda: stage.client().set_value(
            "key", b"\x00\xff", execution_id="run", ttl=1.5, expected_etag="m1", request_id="mine"
        )
    )
    taken = stage.take("SetValue")
    taken.reply(rpc.SetValueResponse(etag="m2", commit_time=COMMITTED, expire_time=OVER))

    assert setting.result(PATIENCE) == ValueCommit(
        etag="m2", commit_time_ns=3_000_000_007, expire_time_ns=63_000_000_007
    )
    assert taken.request == rpc.SetValueRequest(
        tenant_id="acme",
        execution_id="run",
        key="key",
        value=b"\x00\xff",
        ttl=Duration(seconds=1, nanos=500_000_000),
        expected_etag="m1",
        request_id="mine",
    )


def test_what_was_not_said_is_not_sent(stage: Stage) -> None:
    client = stage.client()
    setting = stage.start(lambda: client.set_value("key", b"", must_not_exist=True))
    taken = stage.take("SetValue")
    taken.reply(rpc.SetValueResponse(etag="m1", commit_time=COMMITTED))

    assert setting.result(PATIENCE).expire_time_ns is None
    assert len(taken.request.request_id) == 32
    taken.request.ClearField("request_id")
    assert taken.request == rpc.SetValueRequest(tenant_id="acme", key="key", must_not_exist=True)


def test_a_set_is_retried_as_the_same_set(stage: Stage) -> None:
    client = stage.client()
    setting = stage.start(lambda: client.set_value("key", b"1", ttl=timedelta(hours=1)))
    first = stage.take("SetValue")
    first.fail(grpc.StatusCode.UNAVAILABLE)
    second = stage.take("SetValue")
    second.reply(rpc.SetValueResponse(etag="m1"))

    assert setting.result(PATIENCE).etag == "m1"
    assert first.request == second.request
    assert first.request.ttl == Duration(seconds=3_600)
    again = stage.start(lambda: client.set_value("key", b"1"))
    third = stage.take("SetValue")
    third.reply(rpc.SetValueResponse(etag="m2"))
    assert again.result(PATIENCE).etag == "m2"
    assert third.request.request_id != first.request.request_id


@pytest.mark.parametrize(
    ("code", "reason", "kind"),
    [
        (grpc.StatusCode.ALREADY_EXISTS, "VALUE_EXISTS", ValueExistsError),
        (grpc.StatusCode.ABORTED, "ETAG_MISMATCH", EtagMismatchError),
        (grpc.StatusCode.RESOURCE_EXHAUSTED, "VALUE_TOO_LARGE", ValueTooLargeError),
    ],
)
def test_a_refused_set_is_typed(
    stage: Stage, code: grpc.StatusCode, reason: str, kind: type[StillframeError]
) -> None:
    setting = stage.start(lambda: stage.client().set_value("key", b"1"))
    stage.take("SetValue").fail(code, reason, metadata={"key": "key", "etag": "m1"})

    error = setting.exception(PATIENCE)
    assert isinstance(error, kind)
    assert (error.reason, error.code, error.metadata["etag"]) == (reason, code, "m1")


def test_a_value_is_read_as_it_was_set(stage: Stage) -> None:
    client = stage.client()
    getting = stage.start(lambda: client.get_value("key", execution_id="run"))
    taken = stage.take("GetValue")
    taken.reply(
        rpc.GetValueResponse(value=b"\x00\xff", etag="m1", commit_time=COMMITTED, expire_time=OVER)
    )

    assert getting.result(PATIENCE) == StoredValue(
        value=b"\x00\xff", etag="m1", commit_time_ns=3_000_000_007, expire_time_ns=63_000_000_007
    )
    assert taken.request == rpc.GetValueRequest(tenant_id="acme", execution_id="run", key="key")
    missing = stage.start(lambda: client.get_value("key"))
    taken = stage.take("GetValue")
    taken.fail(grpc.StatusCode.NOT_FOUND, "VALUE_NOT_FOUND", metadata={"key": "key"})
    assert isinstance(missing.exception(PATIENCE), ValueNotFoundError)
    assert not taken.request.HasField("execution_id")


@pytest.mark.parametrize("deleted", [True, False])
def test_a_delete_says_whether_there_was_a_value(stage: Stage, deleted: bool) -> None:
    client = stage.client()
    deleting = stage.start(
        lambda: client.delete_value("key", execution_id="run", expected_etag="m1")
    )
    taken = stage.take("DeleteValue")
    taken.reply(rpc.DeleteValueResponse(deleted=deleted))

    assert deleting.result(PATIENCE) is deleted
    assert taken.request == rpc.DeleteValueRequest(
        tenant_id="acme", execution_id="run", key="key", expected_etag="m1"
    )


def test_a_list_follows_its_pages_as_they_are_asked_for(stage: Stage) -> None:
    client = stage.client()
    keys = client.list_keys(execution_id="run", key_prefix="k", page_size=2)
    info = rpc.KeyInfo(key="k1", etag="m1", size_bytes=5, commit_time=COMMITTED, expire_time=OVER)
    first = stage.start(lambda: next(keys))
    taken = stage.take("ListKeys")
    taken.reply(rpc.ListKeysResponse(keys=[info], next_page_token="p2"))

    assert first.result(PATIENCE) == KeyInfo(
        key="k1",
        etag="m1",
        size_bytes=5,
        commit_time_ns=3_000_000_007,
        expire_time_ns=63_000_000_007,
    )
    assert taken.request == rpc.ListKeysRequest(
        tenant_id="acme", execution_id="run", key_prefix="k", page_size=2
    )
    rest = stage.start(lambda: list(keys))
    empty = stage.take("ListKeys")
    empty.reply(rpc.ListKeysResponse(next_page_token="p3"))
    last = stage.take("ListKeys")
    last.reply(rpc.ListKeysResponse(keys=[rpc.KeyInfo(key="k2")]))
    assert [each.key for each in rest.result(PATIENCE)] == ["k2"]
    assert (empty.request.page_token, last.request.page_token) == ("p2", "p3")


def test_a_page_has_its_token(stage: Stage) -> None:
    listing = stage.start(lambda: stage.client().list_keys_page(page_token="p1"))
    taken = stage.take("ListKeys")
    taken.reply(rpc.ListKeysResponse(keys=[rpc.KeyInfo(key="k")], next_page_token="p2"))

    page = listing.result(PATIENCE)
    assert ([each.key for each in page.items], page.next_page_token) == (["k"], "p2")
    assert page.items[0].expire_time_ns is None
    assert taken.request == rpc.ListKeysRequest(tenant_id="acme", page_token="p1")


def test_what_no_server_would_take_is_refused_here(stage: Stage) -> None:
    client = stage.client(max_message_bytes=1_000)
    with pytest.raises(ValueTooLargeError) as caught:
        client.set_value("key", bytes(1_000))
    assert caught.value.reason == "VALUE_TOO_LARGE"
    assert caught.value.metadata["limit"] == "max_message_bytes"
    for ttl in (-1, float("nan")):
        with pytest.raises(InvalidFieldError):
            client.set_value("key", b"1", ttl=ttl)


async def test_the_same_with_asyncio() -> None:
    naps = Naps()
    async with serving(clock=naps.clock) as (client, service):
        service.refusals = [UNAVAILABLE]
        answer = await client.set_value("key", b"1", execution_id="run", ttl=2)
        read = await client.get_value("key")
        deleted = await client.delete_value("key", expected_etag="m1")
        keys = [each.key async for each in client.list_keys(key_prefix="k")]
        page = await client.list_keys_page(execution_id="run", page_size=1)
        service.refusals = [Refusal(grpc.StatusCode.NOT_FOUND, "VALUE_NOT_FOUND")]
        with pytest.raises(ValueNotFoundError):
            await client.get_value("key", execution_id="run")

        assert (answer.etag, read.value, deleted) == ("m1", b"\x00\xff", True)
        assert (keys, page.next_page_token) == (["k0", "k1", "k2"], "1")
        first, second = service.asked[:2]
        assert first == second
        assert (first.execution_id, first.ttl) == ("run", Duration(seconds=2))
        assert service.asked[-1].execution_id == "run"
