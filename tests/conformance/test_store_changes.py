"""What a store must do with the change log: no gap, no surprise, everybody is told."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from tests.conformance.support import (
    COMPLETED,
    TIMEOUT,
    refused,
    seconds,
    snapshot,
    timestamp,
)

if TYPE_CHECKING:
    from tests.conformance.conftest import OpenStore
    from tests.conformance.direct import StoreTenant


@pytest.mark.parametrize("limit", [1, 2, 3, 100])
async def test_changes_come_in_order_from_the_one_after(store: StoreTenant, limit: int) -> None:
    for number in range(7):
        await store.save("a", snapshot(number))

    read = await store.store.changes(store.tenant_id, 3, limit)

    assert [change.revision for change in read] == [4, 5, 6, 7][:limit]
    assert [change.header.sequence_number for change in read] == [3, 4, 5, 6][:limit]
    assert len(await store.changes(limit=limit)) == 7


async def test_there_are_no_changes_after_the_newest(store: StoreTenant) -> None:
    assert await store.store.changes(store.tenant_id, 0, 10) == []
    await store.save("a")
    assert await store.store.changes(store.tenant_id, 1, 10) == []


async def test_a_change_has_the_head_that_it_made_and_what_was_before(store: StoreTenant) -> None:
    await store.save(
        "a",
        snapshot(1, user_id="ann", labels={"k": "1"}, timestamp=timestamp(5), variables={"v": "1"}),
    )
    first_head = await store.load("a")
    await store.save(
        "a", snapshot(2, state=COMPLETED, parent_execution_id="p", variables={"v": "2", "w": "1"})
    )
    second_head = await store.load("a")

    first, second = await store.changes()

    assert first.before is None
    assert first.header.omission.count == 1
    assert second.header.omission.count == 2
    for change, head in ((first, first_head), (second, second_head)):
        head.ClearField("variables")
        header = type(head).FromString(change.header.SerializeToString())
        header.ClearField("omission")
        assert header == head
    assert second.before is not None
    assert (second.before.state, second.before.sequence_number) == (first_head.state, 1)
    assert (second.before.user_id, dict(second.before.labels)) == ("ann", {"k": "1"})
    assert second.before.timestamp == timestamp(5)
    assert second.before.commit_time == first_head.commit_time
    assert not second.before.HasField("parent_execution_id")


async def test_a_deleted_record_has_what_was_before(store: StoreTenant) -> None:
    await store.save("a", snapshot(3, user_id="ann"))
    await store.delete("a")

    _, change = await store.changes()

    assert change.before is not None
    assert (change.before.sequence_number, change.before.user_id) == (3, "ann")
    assert change.header.revision == 2


async def test_a_change_after_a_delete_has_nothing_before(store: StoreTenant) -> None:
    await store.save("a")
    await store.delete("a")
    await store.save("a")

    assert (await store.changes())[-1].before is None


async def test_a_change_record_stays_when_its_execution_goes(store: StoreTenant) -> None:
    await store.save("a", snapshot(1, labels={"k": "v"}))
    before = await store.changes()
    await store.delete("a")
    await store.maintain()

    assert (await store.changes())[:1] == before


async def test_a_position_is_the_mark_of_its_change(store: StoreTenant) -> None:
    for number in range(3):
        await store.save("a", snapshot(number))
    position = store.store.position

    marks = [(change.revision, change.mark) for change in await store.changes()]

    assert [await position(store.tenant_id, number) for number in (1, 2, 3)] == marks
    assert await position(store.tenant_id) == marks[-1]
    assert len({mark for _, mark in marks}) == 3


async def test_revision_zero_has_a_mark_that_stays(store: StoreTenant) -> None:
    origin = await store.store.position(store.tenant_id)
    assert origin.revision == 0
    assert origin.mark

    await store.save("a")

    assert await store.store.position(store.tenant_id, 0) == origin


async def test_a_position_above_the_newest_is_refused(store: StoreTenant) -> None:
    await store.save("a")
    with refused("REVISION_IN_FUTURE") as told:
        await store.store.position(store.tenant_id, 2)
    assert told.metadata == {"revision": "2", "head_revision": "1"}


async def test_what_the_log_no_longer_has_is_refused(opened: OpenStore) -> None:
    store = await opened(change_log_size=10)
    await store.compact()

    with refused("HISTORY_COMPACTED") as told:
        await store.store.position(store.tenant_id, 1)
    assert told.metadata["revision"] == "1"
    floor = int(told.metadata["floor"])
    with refused("HISTORY_COMPACTED"):
        await store.store.changes(store.tenant_id, 0, 10)
    with refused("HISTORY_COMPACTED"):
        await store.store.changes(store.tenant_id, floor - 2, 10)
    assert [c.revision for c in await store.store.changes(store.tenant_id, floor - 1, 3)] == [
        floor,
        floor + 1,
        floor + 2,
    ]


async def test_the_log_reaches_back_as_far_as_it_was_told_to(opened: OpenStore) -> None:
    store = await opened(change_log_size=10)
    await store.compact()
    newest = await store.revision()

    kept = await store.changes(after=newest - 10)

    assert len(kept) == 10
    assert await store.revision() == newest
    assert (await store.save("changing", snapshot(5000))).revision == newest + 1


async def test_a_trimmed_log_leaves_the_snapshots(opened: OpenStore) -> None:
    store = await opened(change_log_size=1)
    await store.save("a", snapshot(1, variables={"k": "1"}))
    await store.save("a", snapshot(2, variables={"k": "2"}))
    before = await store.history("a")
    await store.compact()

    assert await store.history("a") == before


async def test_everybody_who_waits_is_told_of_a_revision(store: StoreTenant) -> None:
    async def next_change(after: int) -> int:
        while not (found := await store.store.changes(store.tenant_id, after, 10)):
            await store.store.wait(store.tenant_id, after)
        return found[0].revision

    async with asyncio.timeout(TIMEOUT), asyncio.TaskGroup() as group:
        waiting = [group.create_task(next_change(0)) for _ in range(5)]
        await asyncio.sleep(0)
        revision = (await store.save("a")).revision

    assert [task.result() for task in waiting] == [revision] * 5


async def test_a_wait_for_what_is_there_returns(store: StoreTenant) -> None:
    await store.save("a")
    await store.save("a", snapshot(2))
    async with asyncio.timeout(TIMEOUT):
        await store.store.wait(store.tenant_id, 1)


async def test_a_delete_and_an_expiry_wake_those_who_wait(store: StoreTenant) -> None:
    await store.save("a")
    await store.save("b", ttl=seconds(5))
    for number, act in enumerate((store.delete("a"), expire(store)), start=2):
        async with asyncio.timeout(TIMEOUT), asyncio.TaskGroup() as group:
            waiting = group.create_task(until_after(store, number))
            await asyncio.sleep(0)
            await act
        assert waiting.result() == number + 1


async def expire(store: StoreTenant) -> None:
    store.clock.advance(60)
    await store.maintain()


async def until_after(store: StoreTenant, revision: int) -> int:
    while (newest := await store.revision()) <= revision:
        await store.store.wait(store.tenant_id, revision)
    return newest
