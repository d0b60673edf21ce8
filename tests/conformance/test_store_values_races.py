"""What a store must decide of a value inside the commit, whoever calls at once."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from stillframe.server.stores.refusals import Refusal
from tests.conformance.support import seconds

if TYPE_CHECKING:
    from collections.abc import Awaitable, Iterable

    from stillframe.v1.working_memory_service_pb2 import SetValueResponse
    from tests.conformance.direct import StoreTenant


async def etags(sets: Iterable[Awaitable[SetValueResponse]]) -> list[str]:
    """Makes the calls at once; returns the etags of those that were not refused."""
    done = await asyncio.gather(*sets, return_exceptions=True)
    for each in done:
        if isinstance(each, BaseException) and not isinstance(each, Refusal):
            raise each
    return [each.etag for each in done if not isinstance(each, BaseException)]


async def test_one_of_many_that_must_not_exist_wins(store: StoreTenant) -> None:
    [etag] = await etags(
        store.set_value("a", "key", b"%d" % number, must_not_exist=True) for number in range(20)
    )
    assert (await store.get_value("a", "key")).etag == etag


async def test_one_of_many_on_the_same_etag_wins(store: StoreTenant) -> None:
    base = await store.set_value(None, "key")
    [etag] = await etags(
        store.set_value(None, "key", b"%d" % number, expected_etag=base.etag)
        for number in range(20)
    )
    assert (await store.get_value(None, "key")).etag == etag


async def test_many_with_the_same_request_id_set_one_value(store: StoreTenant) -> None:
    found = await etags(
        store.set_value("a", "key", b"1", request_id="r", must_not_exist=True) for _ in range(20)
    )
    assert len(found) == 20
    assert len(set(found)) == 1


async def test_a_counter_counts_everybody(store: StoreTenant) -> None:
    """Read, add one, set on the etag, and again where somebody was faster."""
    await store.set_value("a", "counter", b"0")

    async def add() -> None:
        while True:
            read = await store.get_value("a", "counter")
            try:
                more = b"%d" % (int(read.value) + 1)
                await store.set_value("a", "counter", more, expected_etag=read.etag)
            except Refusal:
                continue
            return

    await asyncio.gather(*(add() for _ in range(12)))
    assert (await store.get_value("a", "counter")).value == b"12"


async def test_a_cancelled_set_happened_or_did_not(store: StoreTenant) -> None:
    old = await store.set_value("a", "key", b"old", ttl=seconds(60))
    for number in range(20):
        setting = asyncio.create_task(
            store.set_value("a", "key", b"new" * 9, request_id=f"r{number}")
        )
        for _ in range(number % 4):
            await asyncio.sleep(0)
        setting.cancel()
        await asyncio.wait([setting])
        read = await store.get_value("a", "key")
        if read.etag == old.etag:
            assert (read.value, read.HasField("expire_time")) == (b"old", True)
        else:
            assert (read.value, read.HasField("expire_time")) == (b"new" * 9, False)
        old = await store.set_value("a", "key", b"old", ttl=seconds(60))


async def test_what_was_answered_is_seen_by_what_is_called_after(store: StoreTenant) -> None:
    async def run(scope: str | None) -> None:
        for number in range(15):
            answer = await store.set_value(scope, "key", b"%d" % number)
            assert (await store.get_value(scope, "key")).etag == answer.etag
            assert [info.etag for info in await store.key_infos(scope)] == [answer.etag]
            if number % 3 == 0:
                assert await store.delete_value(scope, "key")
                assert await store.keys(scope) == []

    await asyncio.gather(*(run(scope) for scope in ("a", "b", "c", None)))
