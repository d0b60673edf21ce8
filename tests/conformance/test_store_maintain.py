"""What a store's housekeeping must do, and must leave alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from stillframe.v1 import snapshot_service_pb2 as service
from tests.conformance.support import COMPLETED, refused, seconds, snapshot

if TYPE_CHECKING:
    from tests.conformance.conftest import OpenStore
    from tests.conformance.direct import StoreTenant


async def test_an_execution_whose_time_has_come_expires_with_a_change(store: StoreTenant) -> None:
    await store.save("a", snapshot(3, state=COMPLETED, labels={"k": "v"}), ttl=seconds(60))
    store.clock.advance(61)
    await store.maintain()

    [_, change] = await store.changes()
    assert (change.kind, change.execution_id) == (service.CHANGE_KIND_EXPIRED, "a")
    assert (change.header.revision, change.header.version) == (2, 1)
    assert (change.header.state, dict(change.header.labels)) == (COMPLETED, {"k": "v"})
    assert change.before is not None
    assert change.before.sequence_number == 3
    assert await store.head("a") is None
    with refused("EXECUTION_NOT_FOUND"):
        await store.load("a")


async def test_an_execution_exists_until_its_time_has_come(store: StoreTenant) -> None:
    await store.save("a", ttl=seconds(60))
    store.clock.advance(59)
    await store.maintain()

    assert await store.ids() == ["a"]
    assert await store.revision() == 1


async def test_an_execution_exists_until_housekeeping_commits_its_end(store: StoreTenant) -> None:
    await store.save("a", ttl=seconds(60))
    store.clock.advance(3600)

    assert (await store.load("a")).version == 1
    assert (await store.save("a", snapshot(2))).outcome == service.SAVE_OUTCOME_UPDATED


async def test_an_expiry_is_decided_by_the_stores_clock(store: StoreTenant) -> None:
    """That is one of the year 2001: by the system's, all would be over."""
    await store.save("a", ttl=seconds(86_400 * 365))
    await store.maintain()
    assert await store.ids() == ["a"]


async def test_every_expired_execution_goes_however_small_the_budget(store: StoreTenant) -> None:
    for number in range(25):
        await store.save(f"e{number:02}", ttl=seconds(60))
    await store.save("stays")
    store.clock.advance(61)
    while await store.store.maintain(4):
        pass

    assert await store.ids() == ["stays"]
    changes = await store.changes(after=26)
    assert sorted(change.execution_id for change in changes) == [f"e{n:02}" for n in range(25)]
    assert {change.kind for change in changes} == {service.CHANGE_KIND_EXPIRED}


async def test_an_expired_execution_leaves_a_tombstone(store: StoreTenant) -> None:
    saved = await store.save("a", ttl=seconds(60), request_id="r", writer_epoch=5)
    store.clock.advance(61)
    await store.maintain()

    with refused("FENCED"):
        await store.save("a", snapshot(2), writer_epoch=4)
    again = await store.save("a", ttl=seconds(60), request_id="r", writer_epoch=5)
    assert (again.outcome, again.etag) == (service.SAVE_OUTCOME_REPLAYED, saved.etag)
    assert (await store.save("a", snapshot(2), writer_epoch=5)).version == 2


@pytest.mark.fresh
async def test_a_name_whose_tombstone_is_forgotten_begins_anew(opened: OpenStore) -> None:
    store = await opened(tombstone_seconds=60)
    await store.save("a", snapshot(1))
    await store.delete("a")
    with refused("ETAG_MISMATCH"):
        await store.save("a", snapshot(2), expected_etag="v1-0000000000000000")
    store.clock.advance(61)
    await store.maintain()

    saved = await store.save("a", snapshot(3))
    assert (saved.version, saved.outcome) == (1, service.SAVE_OUTCOME_CREATED)
    assert await store.ids() == ["a"]
    assert (await store.load("a")).etag == saved.etag


@pytest.mark.fresh
async def test_a_floor_that_a_refused_save_raised_is_kept_from_then_on(opened: OpenStore) -> None:
    store = await opened(tombstone_seconds=60)
    await store.save("a", snapshot(1))
    await store.delete("a")
    store.clock.advance(40)
    with refused("ETAG_MISMATCH"):
        await store.save("a", snapshot(2), expected_etag="v1-0000000000000000", writer_epoch=7)
    store.clock.advance(40)
    await store.maintain()

    with refused("FENCED"):
        await store.save("a", snapshot(3), writer_epoch=6)


@pytest.mark.parametrize("days", [0, 40])
async def test_housekeeping_never_changes_what_is_kept(store: StoreTenant, days: int) -> None:
    for number in range(1, 12):
        content = snapshot(number, variables={"n": str(number), f"k{number % 3}": str(number)})
        await store.save("a", content)
        await store.save(f"b{number % 4}", content)
        await store.save(f"gone{number}", content)
    for number in range(1, 12):
        await store.delete(f"gone{number}")
    history, heads = await store.history(), await store.executions()
    assert len(history) == 22

    store.clock.advance(days * 86_400)
    await store.maintain()

    assert await store.history() == history
    assert await store.executions() == heads
    for each in history:
        assert await store.load(each.execution_id, version=each.version) == each


async def test_a_name_that_was_deleted_long_ago_can_be_used_again(store: StoreTenant) -> None:
    old = await store.save("a", snapshot(1))
    await store.delete("a")
    store.clock.advance(400 * 86_400)
    await store.maintain()

    saved = await store.save("a", snapshot(1))
    assert saved.outcome == service.SAVE_OUTCOME_CREATED
    assert saved.etag != old.etag
    assert [each.version for each in await store.history("a")] == [saved.version]


async def test_there_is_an_end_to_what_is_due(store: StoreTenant) -> None:
    await store.save("a")
    await store.maintain()
    assert not await store.store.maintain(1000)
    assert await store.revision() == 1


async def test_a_store_that_is_open_can_be_used(store: StoreTenant) -> None:
    await store.store.check()
