"""Forks and deletes of history among other calls: whole, or not at all."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from stillframe.server.stores.refusals import Refusal
from stillframe.v1 import error_pb2
from tests.conformance.runs import a_run, comes_from, save_five
from tests.conformance.support import saved_part, snapshot

if TYPE_CHECKING:
    from stillframe.v1.snapshot_pb2 import ExecutionSnapshot
    from tests.conformance.direct import StoreTenant


@pytest.fixture
async def source(store: StoreTenant) -> StoreTenant:
    """A tenant with an execution "a" of five versions, at revision 5."""
    await save_five(store)
    return store


async def test_one_of_many_forks_to_a_name_wins(source: StoreTenant) -> None:
    answers = await asyncio.gather(
        *(source.fork("a", "b", version=n % 5 + 1, include_history=True) for n in range(20)),
        return_exceptions=True,
    )

    refusals = [answer for answer in answers if isinstance(answer, Refusal)]
    assert {each.reason for each in refusals} == {error_pb2.ERROR_REASON_EXECUTION_EXISTS}
    assert len(refusals) == 19
    [won] = [answer for answer in answers if not isinstance(answer, BaseException)]
    assert (await source.load("b")).etag == won.etag
    assert len(await source.versions("b")) == won.snapshot_count
    assert len(await source.changes()) == 6


async def test_a_fork_among_saves_is_of_one_moment(store: StoreTenant) -> None:
    await store.save("a", snapshot(1, variables={"n": "1"}))

    async def saves() -> None:
        for number in range(2, 40):
            await store.save("a", snapshot(number, variables={"n": str(number)}))

    async def forks() -> None:
        for number in range(12):
            await store.fork("a", f"f{number}", include_history=True)

    await asyncio.gather(saves(), forks())
    originals = await store.versions("a")
    assert [change.revision for change in await store.changes()] == list(range(1, 52))
    for number in range(12):
        copies = await store.versions(f"f{number}")
        assert list(copies) == list(range(1, len(copies) + 1))
        for version, copy in copies.items():
            comes_from(copy, originals[version])


async def test_a_fork_is_seen_whole_or_not_at_all(store: StoreTenant) -> None:
    states = a_run(51, 30)
    for state in states:
        await store.save("a", state)
    names = [f"f{number}" for number in range(10)]
    done = asyncio.Event()

    async def forks() -> None:
        for name in names:
            await store.fork("a", name, include_history=True)
        done.set()

    async def reads(name: str) -> None:
        over = False
        while not over:
            over = done.is_set()
            await asyncio.sleep(0)
            if await store.head(name) is None:
                continue
            read = await store.history(name)
            assert [saved_part(each) for each in read] == states[::-1]
            assert name in await store.ids()
            changes = await store.changes(after=30)
            assert [each.execution_id for each in changes] == names[: len(changes)]
            assert name in {each.execution_id for each in changes}

    await asyncio.gather(forks(), reads("f3"), reads("f9"))


async def test_a_cancelled_fork_happened_or_did_not(store: StoreTenant) -> None:
    states = a_run(52, 20)
    for state in states:
        await store.save("a", state)
    for number in range(12):
        task = asyncio.create_task(store.fork("a", f"f{number}", include_history=True))
        for _ in range(number % 4):
            await asyncio.sleep(0)
        task.cancel()
        await asyncio.wait({task})

    # What was accepted before this save is decided before it.
    last = await store.save("last")
    found = [name for name in await store.ids() if name.startswith("f")]
    for name in found:
        read = await store.history(name)
        assert [saved_part(each) for each in read] == states[::-1]
    changes = await store.changes(after=20)
    assert sorted(each.execution_id for each in changes) == sorted([*found, "last"])
    assert last.revision == 21 + len(found)


async def test_prunes_among_saves_take_nothing_else(store: StoreTenant) -> None:
    saved: dict[int, ExecutionSnapshot] = {}
    states = a_run(53, 50)

    async def saves() -> None:
        for number, state in enumerate(states, start=1):
            await store.save("a", state)
            saved[number] = state

    async def prunes() -> None:
        while len(saved) < len(states):
            await asyncio.sleep(0)
            if len(saved) > 4:
                await store.prune("a", *(number for number in saved if number % 3 == 1))

    await asyncio.gather(saves(), prunes())
    await store.prune("a", *range(1, 50, 3))
    kept = {number: saved_part(each) for number, each in (await store.versions("a")).items()}
    assert kept == {n: each for n, each in saved.items() if n % 3 != 1}


async def test_a_fork_and_a_prune_of_its_source_meet_in_some_order(store: StoreTenant) -> None:
    states = a_run(54, 20)
    for state in states:
        await store.save("a", state)
    await asyncio.gather(
        *(store.prune("a", number) for number in range(1, 20)),
        *(store.fork("a", f"f{number}", include_history=True) for number in range(8)),
    )

    assert list(await store.versions("a")) == [20]
    for number in range(8):
        copies = (await store.versions(f"f{number}")).values()
        origins = [copy.origin.version for copy in copies]
        assert origins == sorted(set(origins))
        assert origins[-1] == 20
        for copy in copies:
            assert saved_part(copy) == states[copy.origin.version - 1]
