"""Which history a store's housekeeping must delete, by the tenant's retention."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, Any

import pytest

from stillframe.server.stores.retention import Retention
from stillframe.v1 import snapshot_service_pb2 as service
from stillframe.v1.snapshot_service_pb2 import SaveSnapshotResponse
from tests.conformance.runs import a_run, save_five
from tests.conformance.support import new_tenant, refused, saved_part, seconds, snapshot

if TYPE_CHECKING:
    from tests.conformance.conftest import OpenStore
    from tests.conformance.direct import StoreTenant

LAST_3 = Retention(versions=3)
FOR_A_MINUTE = Retention(seconds=60)


async def versions(store: StoreTenant, execution_id: str = "a") -> list[int]:
    return list(await store.versions(execution_id))


async def test_all_history_is_kept_unless_told_otherwise(store: StoreTenant) -> None:
    await save_five(store)
    store.clock.advance(86_400 * 365 * 10)
    await store.maintain()
    assert await versions(store) == [1, 2, 3, 4, 5]


async def test_the_last_versions_are_kept_the_head_among_them(opened: OpenStore) -> None:
    store = await opened(retention=LAST_3)
    await save_five(store)
    before = await store.versions("a")
    await store.maintain()

    await store.reads_as("a", {number: before[number] for number in (3, 4, 5)})
    with refused("SNAPSHOT_NOT_FOUND"):
        await store.load("a", version=2)


async def test_the_last_versions_are_the_last_that_there_are(opened: OpenStore) -> None:
    store = await opened(retention=LAST_3)
    await save_five(store)
    await store.prune("a", 2, 4)
    await store.maintain()
    assert await versions(store) == [1, 3, 5]

    await store.save("a", snapshot(60))
    await store.maintain()
    assert await versions(store) == [3, 5, 6]


async def test_the_last_one_alone_is_the_head(opened: OpenStore) -> None:
    store = await opened(retention=Retention(versions=1))
    await save_five(store)
    head = await store.load("a")
    await store.maintain()
    await store.reads_as("a", {5: head})


async def test_fewer_versions_than_are_kept_all_stay(opened: OpenStore) -> None:
    store = await opened(retention=Retention(versions=10**17))
    await save_five(store)
    await store.maintain()
    assert await versions(store) == [1, 2, 3, 4, 5]


async def test_a_version_is_kept_for_so_long_after_a_newer_one(opened: OpenStore) -> None:
    """Version 1 is replaced 1,000 seconds after it was saved, and stays a minute from then."""
    store = await opened(retention=FOR_A_MINUTE)
    await store.save("a", snapshot(1))
    store.clock.advance(1_000)
    await store.save("a", snapshot(2))
    store.clock.advance(59)
    await store.maintain()
    assert await versions(store) == [1, 2]

    await store.save("a", snapshot(3))
    store.clock.advance(1)
    await store.maintain()
    assert await versions(store) == [2, 3]
    store.clock.advance(58)
    await store.maintain()
    assert await versions(store) == [2, 3]
    store.clock.advance(1)
    await store.maintain()
    assert await versions(store) == [3]


async def test_a_version_counts_from_the_next_that_is_there(opened: OpenStore) -> None:
    store = await opened(retention=FOR_A_MINUTE)
    for number in range(1, 4):
        await store.save("a", snapshot(number))
        store.clock.advance(50)
    await store.prune("a", 2)
    # Version 2 came 100 seconds ago, version 3 came 50 seconds ago.
    await store.maintain()
    assert await versions(store) == [1, 3]
    store.clock.advance(10)
    await store.maintain()
    assert await versions(store) == [3]


@pytest.mark.parametrize("retention", [Retention(versions=1), Retention(seconds=1)])
async def test_the_head_never_goes(opened: OpenStore, retention: Retention) -> None:
    store = await opened(retention=retention)
    await save_five(store)
    await store.save("b")
    store.clock.advance(86_400 * 365 * 10)
    await store.maintain()

    assert await store.ids() == ["a", "b"]
    assert await versions(store, "a") == [5]
    assert await versions(store, "b") == [1]


async def test_a_clock_that_goes_back_deletes_nothing(opened: OpenStore) -> None:
    store = await opened(retention=FOR_A_MINUTE)
    await save_five(store)
    store.clock.advance(-86_400)
    await store.maintain()
    assert await versions(store) == [1, 2, 3, 4, 5]


async def test_a_tenant_with_its_own_retention_goes_by_it(opened: OpenStore) -> None:
    own = {"for-a-minute": FOR_A_MINUTE, "all": Retention()}
    # Names of this run, so that a store that outlives it may be used again.
    names = {name: f"{name}-{new_tenant()}" for name in own}
    config: dict[str, Any] = {
        "retention": LAST_3,
        "tenant_retention": {names[name]: each for name, each in own.items()},
    }
    store = await opened(**config)
    tenants = {"other": store} | {
        name: type(store)(store.store, names[name], store.clock) for name in own
    }
    for tenant in tenants.values():
        await save_five(tenant)
    await store.maintain()
    found = {name: await versions(tenant) for name, tenant in tenants.items()}
    assert found == {"other": [3, 4, 5], "for-a-minute": [1, 2, 3, 4, 5], "all": [1, 2, 3, 4, 5]}

    store.clock.advance(3_600)
    await store.maintain()
    found = {name: await versions(tenant) for name, tenant in tenants.items()}
    assert found == {"other": [3, 4, 5], "for-a-minute": [5], "all": [1, 2, 3, 4, 5]}


async def test_it_takes_no_revision_and_writes_no_change(opened: OpenStore) -> None:
    store = await opened(retention=LAST_3)
    await save_five(store)
    changes = await store.changes()
    await store.maintain()

    assert await store.changes() == changes
    saved = await store.save("a", snapshot(60))
    assert (saved.version, saved.revision) == (6, 6)


async def test_snapshot_ids_are_free_once_their_snapshots_are_gone(opened: OpenStore) -> None:
    store = await opened(retention=LAST_3)
    await save_five(store)
    await store.maintain()

    assert (await store.save("a", snapshot(60, snapshot_id="id1"))).version == 6
    with refused("SNAPSHOT_ID_EXISTS"):
        await store.save("a", snapshot(70, snapshot_id="id3"))


async def test_what_a_fork_brought_along_counts_from_the_fork(opened: OpenStore) -> None:
    store = await opened(retention=FOR_A_MINUTE)
    await save_five(store)
    store.clock.advance(55)
    await store.fork("a", "b", include_history=True)
    store.clock.advance(59)
    await store.maintain()
    assert await versions(store, "a") == [5]
    assert await versions(store, "b") == [1, 2, 3, 4, 5]
    store.clock.advance(1)
    await store.maintain()
    assert await versions(store, "b") == [5]


async def test_the_last_versions_of_a_fork_are_kept(opened: OpenStore) -> None:
    store = await opened(retention=LAST_3)
    await save_five(store)
    await store.fork("a", "b", include_history=True)
    before = await store.versions("b")
    await store.maintain()
    await store.reads_as("b", {number: before[number] for number in (3, 4, 5)})


@pytest.mark.fresh
@pytest.mark.parametrize("retention", [Retention(versions=2), FOR_A_MINUTE])
async def test_all_that_is_due_goes_however_small_the_budget(
    opened: OpenStore, retention: Retention
) -> None:
    store = await opened(retention=retention)
    for number in range(6):
        for state in a_run(number, 12):
            await store.save(f"e{number}", state)
    store.clock.advance(3_600)
    # One more, so that a version is young.
    for number in range(6):
        await store.save(f"e{number}", snapshot(100))
    before = {f"e{number}": await store.versions(f"e{number}") for number in range(6)}
    slices = 0
    while await store.store.maintain(5):
        slices += 1
        assert slices < 1_000

    assert slices > 1
    for name, history in before.items():
        await store.reads_as(name, {number: history[number] for number in (12, 13)})


async def test_an_execution_that_expires_goes_whole(opened: OpenStore) -> None:
    store = await opened(retention=LAST_3)
    await save_five(store)
    await store.save("a", snapshot(60), ttl=seconds(10))
    store.clock.advance(11)
    await store.maintain()

    assert await store.ids() == []
    [*_, last] = await store.changes()
    assert (last.kind, last.header.version) == (service.CHANGE_KIND_EXPIRED, 6)


async def test_a_snapshot_id_is_free_once_its_version_is_gone(opened: OpenStore) -> None:
    store = await opened(retention=Retention(versions=1))
    first = store.request("a", snapshot(1, snapshot_id="s"), request_id="r")
    await store.save_many(first)
    await store.save("a", snapshot(2))
    await store.save_many(first)  # A replay looks at the snapshot_id as well.
    await store.maintain()

    answers = await store.save_many(
        store.request("a", snapshot(3)), store.request("a", snapshot(4, snapshot_id="s"))
    )
    assert [answer.version for answer in answers if isinstance(answer, SaveSnapshotResponse)] == [
        3,
        4,
    ]


async def test_what_is_kept_reads_as_before_in_a_long_run(opened: OpenStore) -> None:
    store = await opened(retention=Retention(versions=7))
    chance = random.Random(3)
    saved: dict[int, Any] = {}
    for number, state in enumerate(a_run(21, 60), start=1):
        await store.save("a", state)
        saved[number] = state
        if chance.random() < 0.3:
            await store.maintain()
            read = {n: saved_part(each) for n, each in (await store.versions("a")).items()}
            assert read == {n: saved[n] for n in sorted(saved)[-7:]}


@pytest.mark.persistent
async def test_a_new_retention_is_for_what_is_there_already(opened: OpenStore) -> None:
    first = await opened()
    await save_five(first)
    await first.store.close()
    store = await opened(first.tenant_id, retention=LAST_3)
    await store.maintain()
    assert await versions(store) == [3, 4, 5]
