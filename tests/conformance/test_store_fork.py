"""What a store must do with a fork: one commit, numbers, origins, and the same content."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from stillframe.v1 import snapshot_service_pb2 as service
from tests.conformance.runs import a_run, comes_from, save_five
from tests.conformance.support import PAUSED, TIMEOUT, refused, saved_part, snapshot

if TYPE_CHECKING:
    from tests.conformance.conftest import OpenStore
    from tests.conformance.direct import StoreTenant


@pytest.fixture
async def source(store: StoreTenant) -> StoreTenant:
    """A tenant with an execution "a" of five versions, at revision 5."""
    await save_five(store)
    return store


async def test_a_fork_is_one_commit_with_one_change(source: StoreTenant) -> None:
    forked = await source.fork("a", "b", include_history=True)

    assert (forked.version, forked.revision, forked.snapshot_count) == (5, 6, 5)
    [change] = await source.changes(after=5)
    assert (change.kind, change.execution_id) == (service.CHANGE_KIND_SAVED, "b")
    assert change.before is None
    assert change.resume_token == forked.resume_token
    head = await source.load("b")
    assert (change.header.etag, head.etag) == (forked.etag, forked.etag)
    assert change.header.omission.count == 6
    change.header.ClearField("omission")
    head.ClearField("step_outputs")
    head.ClearField("variables")
    assert change.header == head


async def test_the_whole_history_comes_along_if_asked_for(source: StoreTenant) -> None:
    originals = await source.versions("a")
    await source.fork("a", "b", include_history=True)

    copies = await source.versions("b")
    assert list(copies) == [1, 2, 3, 4, 5]
    for number, copy in copies.items():
        assert (copy.execution_id, copy.version) == ("b", number)
        comes_from(copy, originals[number])
    assert len({copy.etag for copy in copies.values()}) == 5
    assert await source.versions("a") == originals


async def test_one_snapshot_comes_alone_otherwise(source: StoreTenant) -> None:
    original = await source.load("a")
    forked = await source.fork("a", "b")

    assert (forked.version, forked.snapshot_count) == (1, 1)
    [copy] = await source.history("b")
    comes_from(copy, original)


async def test_revision_and_commit_time_are_the_forks(source: StoreTenant) -> None:
    source.clock.advance(100)
    await source.fork("a", "b", include_history=True)

    copies = (await source.versions("b")).values()
    assert {copy.revision for copy in copies} == {6}
    assert {copy.commit_time.ToNanoseconds() for copy in copies} == {source.clock.now}


@pytest.mark.parametrize("include_history", [False, True])
@pytest.mark.parametrize(
    "chosen", [{"version": 3}, {"snapshot_id": "id3"}, {"latest_matching": {"sequence_max": 39}}]
)
async def test_an_old_snapshot_can_be_forked(
    source: StoreTenant, chosen: dict[str, object], include_history: bool
) -> None:
    originals = await source.versions("a")
    forked = await source.fork("a", "b", include_history=include_history, **chosen)

    wanted = [1, 2, 3] if include_history else [3]
    assert forked.version == forked.snapshot_count == len(wanted)
    copies = await source.versions("b")
    assert list(copies) == list(range(1, len(wanted) + 1))
    for original, copy in zip(wanted, copies.values(), strict=True):
        comes_from(copy, originals[original])
        assert await source.load("b", version=copy.version) == copy
    assert await source.load("b") == copies[forked.version]


async def test_versions_go_on_above_those_of_a_deleted_execution(source: StoreTenant) -> None:
    old = [await source.save("b", snapshot(number)) for number in range(1, 8)]
    await source.delete("b")
    forked = await source.fork("a", "b", include_history=True)

    assert forked.version == 12
    copies = await source.versions("b")
    assert list(copies) == [8, 9, 10, 11, 12]
    assert [copy.origin.version for copy in copies.values()] == [1, 2, 3, 4, 5]
    assert not {copy.etag for copy in copies.values()} & {each.etag for each in old}
    assert (await source.save("b", snapshot(60))).version == 13


async def test_a_gap_in_the_history_closes_in_the_fork(source: StoreTenant) -> None:
    await source.prune("a", 2, 4)
    originals = await source.versions("a")
    forked = await source.fork("a", "b", include_history=True)

    assert (forked.version, forked.snapshot_count) == (3, 3)
    copies = await source.versions("b")
    assert [copy.origin.version for copy in copies.values()] == [1, 3, 5]
    for copy in copies.values():
        comes_from(copy, originals[copy.origin.version])


async def test_snapshot_ids_are_kept_and_taken(source: StoreTenant) -> None:
    await source.fork("a", "b", include_history=True)

    for number in range(1, 6):
        assert (await source.load("b", snapshot_id=f"id{number}")).version == number
    with refused("SNAPSHOT_ID_EXISTS") as told:
        await source.save("b", snapshot(60, snapshot_id="id2"))
    assert told.metadata["version"] == "2"


async def test_only_ids_that_came_along_are_taken(source: StoreTenant) -> None:
    await source.fork("a", "b")

    assert (await source.save("b", snapshot(60, snapshot_id="id2"))).version == 2
    with refused("SNAPSHOT_ID_EXISTS"):
        await source.save("b", snapshot(60, snapshot_id="id5"))


async def test_the_sequence_number_of_the_head_alone_can_be_replaced(source: StoreTenant) -> None:
    await source.fork("a", "b", include_history=True, sequence_number=0)

    copies = await source.versions("b")
    assert [copy.sequence_number for copy in copies.values()] == [10, 20, 30, 40, 0]
    head = await source.head("b")
    assert head is not None
    assert head.sequence_number == 0
    [change] = await source.changes(after=5)
    assert change.header.sequence_number == 0
    assert (await source.save("b", snapshot(1))).version == 6


async def test_neither_moves_the_other(source: StoreTenant) -> None:
    await source.fork("a", "b", include_history=True)
    originals, copies = await source.versions("a"), await source.versions("b")

    await source.save("b", snapshot(60, state=PAUSED, variables={"n": "b"}))
    assert await source.versions("a") == originals
    await source.save("a", snapshot(60, outputs={"s0": "changed"}))
    await source.prune("a", all_history=True)
    await source.delete("a")
    await source.maintain()

    later = await source.versions("b")
    assert later.pop(6).state == PAUSED
    assert later == copies
    for number, copy in copies.items():
        assert await source.load("b", version=number) == copy


async def test_a_source_outlives_its_forks(source: StoreTenant) -> None:
    originals = await source.versions("a")
    await source.fork("a", "b", include_history=True)
    await source.prune("b", 1, 3)
    await source.fork("b", "c", include_history=True)
    await source.delete("b")
    await source.maintain()

    assert await source.versions("a") == originals
    assert [copy.origin.version for copy in (await source.versions("c")).values()] == [2, 4, 5]


async def test_a_fork_of_a_fork_comes_from_the_fork(source: StoreTenant) -> None:
    originals = await source.versions("a")
    await source.fork("a", "b", include_history=True, version=4)
    await source.save("b", snapshot(60, variables={"k": "b"}))
    forks = await source.versions("b")
    await source.fork("b", "c", include_history=True)

    copies = await source.versions("c")
    assert list(copies) == [1, 2, 3, 4, 5]
    for number, copy in copies.items():
        comes_from(copy, forks[number])
    for number in range(1, 5):
        assert saved_part(copies[number]) == saved_part(originals[number])


@pytest.mark.parametrize("seed", [1, 2, 3])
async def test_every_version_of_a_forked_run_reads_as_the_original(
    store: StoreTenant, seed: int
) -> None:
    """Its entries come, grow, go and come back; forks of it go on by themselves."""
    states = a_run(seed, 40)
    for state in states:
        await store.save("a", state)
    for name, version in (("b", 40), ("c", 23)):
        await store.fork("a", name, include_history=True, version=version)
    await store.fork("a", "d", version=17)
    for number, state in enumerate(a_run(seed + 10, 15), start=41):
        state.sequence_number = number
        for name in ("a", "b", "c", "d"):
            await store.save(name, state)
        states.append(state)
    await store.maintain()

    for name, expected in (
        ("a", states),
        ("b", states),
        ("c", states[:23] + states[40:]),
        ("d", states[16:17] + states[40:]),
    ):
        read = [saved_part(each) for each in (await store.versions(name)).values()]
        assert read == expected, name
        for number, state in enumerate(expected, start=1):
            assert saved_part(await store.load(name, version=number)) == state, (name, number)


async def test_large_values_come_along(store: StoreTenant) -> None:
    big = [bytes([number]) * 3_000_000 for number in range(3)]
    for number in range(3):
        content = {"grows": big[0][: 1_000_000 * (number + 1)], "changes": big[number]}
        await store.save("a", snapshot(number, variables=content))
    originals = await store.versions("a")
    await store.fork("a", "b", include_history=True)
    await store.delete("a")
    await store.maintain()

    copies = await store.versions("b")
    assert list(copies) == [1, 2, 3]
    for number, copy in copies.items():
        assert dict(copy.variables) == dict(originals[number].variables)


async def test_history_is_listed_by_revision_and_then_by_version(source: StoreTenant) -> None:
    await source.fork("a", "b", include_history=True)
    await source.save("a", snapshot(60))
    await source.save("b", snapshot(60))
    expected = [("b", 6), ("a", 6)] + [("b", n) for n in (5, 4, 3, 2, 1)]
    expected += [("a", n) for n in (5, 4, 3, 2, 1)]

    for limit in (1, 2, 3, 100):
        listed = await source.history(limit=limit)
        assert [(each.execution_id, each.version) for each in listed] == expected
        listed = await source.history("b", limit=limit)
        assert [each.version for each in listed] == [6, 5, 4, 3, 2, 1]


async def test_a_wait_ends_with_a_fork(source: StoreTenant) -> None:
    waiting = asyncio.create_task(source.store.wait(source.tenant_id, 5))
    await source.fork("a", "b")
    async with asyncio.timeout(TIMEOUT):
        await waiting
        while (await source.store.position(source.tenant_id)).revision == 5:
            await source.store.wait(source.tenant_id, 5)


@pytest.mark.persistent
async def test_a_fork_is_there_after_a_reopening(opened: OpenStore) -> None:
    first = await opened()
    for state in a_run(4, 12):
        await first.save("a", state)
    answer = await first.fork("a", "b", include_history=True, request_id="r", version=9)
    before = await first.history()
    await first.store.close()

    again = await opened(first.tenant_id)

    assert await again.history() == before
    assert await again.fork("a", "b", include_history=True, request_id="r", version=9) == answer
    assert (await again.save("b", snapshot(100))).version == 10
