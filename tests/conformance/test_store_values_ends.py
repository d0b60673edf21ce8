"""When values of the working memory go: with their ttl, and with their execution."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from tests.conformance.support import refused, seconds, snapshot, timestamp

if TYPE_CHECKING:
    from typing import Any

    from tests.conformance.direct import StoreTenant

NOT_AN_ETAG = "v9-0000000000000000"


@pytest.mark.parametrize("scope", ["a", None])
@pytest.mark.parametrize("maintained", [False, True])
async def test_a_value_is_not_there_from_the_moment_that_its_ttl_is_over(
    store: StoreTenant, scope: str | None, maintained: bool
) -> None:
    answer = await store.set_value(scope, "key", b"1", ttl=seconds(60), request_id="r")
    await store.set_value(scope, "stays", b"2")
    assert answer.expire_time == timestamp(1_000_000_060)
    store.clock.advance(59.999)
    assert (await store.get_value(scope, "key")).expire_time == answer.expire_time
    assert [info.expire_time for info in await store.key_infos(scope, "k")] == [answer.expire_time]
    store.clock.advance(0.001)
    if maintained:
        await store.maintain()

    with refused("VALUE_NOT_FOUND"):
        await store.get_value(scope, "key")
    assert await store.keys(scope) == ["stays"]
    assert not await store.delete_value(scope, "key", expected_etag="m-1")
    with refused("ETAG_MISMATCH") as told:
        await store.set_value(scope, "key", expected_etag=answer.etag)
    assert "etag" not in told.metadata
    fresh = await store.set_value(scope, "key", b"3", must_not_exist=True, request_id="r")
    assert fresh.etag != answer.etag
    await store.maintain()
    assert (await store.get_value(scope, "key")).value == b"3"
    assert (await store.get_value(scope, "stays")).value == b"2"


async def test_a_ttl_is_by_the_stores_clock(store: StoreTenant) -> None:
    """That is one of the year 2001: by the system's, it would be over."""
    await store.set_value("a", "key", ttl=seconds(86_400 * 365))
    await store.maintain()
    assert await store.keys("a") == ["key"]


@pytest.mark.parametrize("budget", [1, 4])
async def test_values_whose_ttl_is_over_are_freed_however_small_the_budget(
    store: StoreTenant, budget: int
) -> None:
    for number in range(25):
        await store.set_value(f"e{number % 3}", f"k{number}", bytes(10_000), ttl=seconds(60))
    await store.set_value("e0", "stays", ttl=seconds(61))
    store.clock.advance(60)
    while await store.store.maintain(budget):
        pass
    assert [await store.keys(f"e{number}") for number in range(3)] == [["stays"], [], []]


@pytest.mark.parametrize("head", [True, False])
async def test_a_delete_takes_the_values_along(store: StoreTenant, head: bool) -> None:
    if head:
        await store.save("a")
    for name in ("a", "b", None):
        await store.set_value(name, "key", b"1")
    await store.set_value("a", "large", bytes(2**20))

    assert (await store.delete("a")).deleted_count == head

    assert await store.keys("a") == []
    with refused("VALUE_NOT_FOUND"):
        await store.get_value("a", "key")
    assert not await store.delete_value("a", "key")
    assert await store.revision() == (2 if head else 0)
    # What is set from now on is not what was deleted, and stays while that is freed.
    await store.set_value("a", "key", b"2", must_not_exist=True)
    await store.maintain()
    assert (await store.get_value("a", "key")).value == b"2"
    assert (await store.keys("a"), await store.keys("b"), await store.keys(None)) == (
        ["key"],
        ["key"],
        ["key"],
    )


@pytest.mark.parametrize("head", [True, False])
async def test_a_delete_that_is_answered_again_spares_the_values_since(
    store: StoreTenant, head: bool
) -> None:
    if head:
        await store.save("a")
    answer = await store.delete("a", request_id="r")
    await store.set_value("a", "key")
    assert await store.delete("a", request_id="r") == answer
    assert await store.keys("a") == ["key"]


async def test_a_delete_that_is_refused_deletes_no_value(store: StoreTenant) -> None:
    await store.save("a", writer_epoch=5, request_id="r")
    await store.set_value("a", "key")
    refusals: list[tuple[str, dict[str, Any]]] = [
        ("FENCED", {"writer_epoch": 4}),
        ("ETAG_MISMATCH", {"writer_epoch": 5, "expected_etag": NOT_AN_ETAG}),
        ("REQUEST_ID_REUSED", {"writer_epoch": 5, "request_id": "r"}),
    ]
    for reason, fields in refusals:
        with refused(reason):
            await store.delete("a", **fields)
        assert await store.keys("a") == ["key"]
    await store.delete("a", writer_epoch=5)
    await store.set_value("a", "key")
    with refused("FENCED"):
        await store.delete("a")
    assert await store.keys("a") == ["key"]


async def test_whoever_sees_the_delete_sees_no_value(store: StoreTenant) -> None:
    """Readers meanwhile see the execution with its values, or neither."""
    for _ in range(10):
        saved = await store.save("a")
        await store.set_value("a", "key")
        deleting = asyncio.create_task(store.delete("a"))
        deleted = False
        while not deleted:
            deleted = await store.revision() > saved.revision
            keys = await store.keys("a")
            assert not (deleted and keys)
            await asyncio.sleep(0)
        await deleting


async def test_an_expiry_takes_the_values_along(store: StoreTenant) -> None:
    await store.save("a", ttl=seconds(60))
    await store.save("b")
    for name in ("a", "b", None):
        await store.set_value(name, "key", b"1")
    store.clock.advance(60)
    # Until its end is committed, the execution exists, and its values with it.
    assert await store.keys("a") == ["key"]
    await store.maintain()

    assert await store.revision() == 3
    assert await store.keys("a") == []
    assert (await store.keys("b"), await store.keys(None)) == (["key"], ["key"])
    with refused("VALUE_NOT_FOUND"):
        await store.get_value("a", "key")
    await store.set_value("a", "key", b"2", must_not_exist=True)


async def test_a_delete_of_history_leaves_the_values(store: StoreTenant) -> None:
    for number in range(1, 4):
        await store.save("a", snapshot(number))
    await store.set_value("a", "key", b"1")
    assert await store.prune("a", all_history=True) == 2
    await store.maintain()
    assert (await store.get_value("a", "key")).value == b"1"


async def test_a_fork_has_the_values_of_its_own_name_alone(store: StoreTenant) -> None:
    await store.save("a")
    await store.set_value("a", "key", b"a")
    await store.set_value("b", "own", b"b")
    await store.fork("a", "b", include_history=True)
    assert await store.keys("b") == ["own"]
    await store.delete("a")
    assert (await store.get_value("b", "own")).value == b"b"


async def test_a_claim_and_a_save_leave_the_values(store: StoreTenant) -> None:
    await store.set_value("a", "key", b"1")
    await store.claim("a", allow_missing=True)
    await store.save("a", writer_epoch=1)
    await store.save("a", snapshot(2), writer_epoch=1, ttl=seconds(0))
    await store.maintain()
    assert (await store.get_value("a", "key")).value == b"1"
