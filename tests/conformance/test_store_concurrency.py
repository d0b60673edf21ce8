"""What readers of a store must see while others write to it."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from stillframe.server.stores.projection import EVERYTHING, METADATA
from stillframe.v1 import snapshot_service_pb2 as service
from stillframe.v1.snapshot_pb2 import ExecutionFilter
from tests.conformance.direct import whole
from tests.conformance.support import TIMEOUT, snapshot

if TYPE_CHECKING:
    from tests.conformance.direct import StoreTenant


async def test_versions_are_given_one_by_one(store: StoreTenant) -> None:
    answers = await asyncio.gather(
        *(store.save("a", snapshot(1, variables={"who": str(number)})) for number in range(40))
    )

    assert sorted(answer.version for answer in answers) == list(range(1, 41))
    assert sorted(answer.revision for answer in answers) == list(range(1, 41))
    for number, answer in enumerate(answers):
        read = await store.load("a", version=answer.version)
        assert read.etag == answer.etag
        assert read.variables["who"].data == str(number).encode()


async def test_revisions_have_no_gap_across_executions(store: StoreTenant) -> None:
    answers = await asyncio.gather(
        *(
            store.save(f"e{number % 7}", snapshot(1, variables={"n": str(number)}))
            for number in range(60)
        )
    )

    assert sorted(answer.revision for answer in answers) == list(range(1, 61))
    changes = await store.changes()
    assert {c.header.etag for c in changes} == {answer.etag for answer in answers}


async def test_what_was_read_once_is_never_read_older(store: StoreTenant) -> None:
    """Whatever reads it: some may look where a commit shows sooner than elsewhere."""
    saves = 60
    await store.save("a", snapshot(0))

    async def by_load() -> int:
        return (await store.load("a")).version

    async def by_version() -> int:
        newest = (await store.changes())[-1].header.version
        return (await store.load("a", version=newest)).version

    async def by_heads() -> int:
        head = await store.head("a")
        assert head is not None
        return head.version

    async def by_changes() -> int:
        return (await store.changes())[-1].header.version

    async def by_list() -> int:
        found = await store.store.list_executions(
            store.tenant_id, ExecutionFilter(), after="", limit=1, selection=METADATA
        )
        return found.page.items[0].header.version

    async def read(first: int) -> None:
        ways = [by_load, by_heads, by_load, by_changes, by_load, by_list, by_version]
        seen, turn = 0, first
        while seen <= saves:  # Versions begin at 1, and the newest is saves + 1.
            version = await ways[turn % len(ways)]()
            assert version >= seen
            seen, turn = version, turn + 1
            await asyncio.sleep(0)  # A store may answer without one.

    async def write() -> None:
        for number in range(1, saves + 1):
            await store.save("a", snapshot(number))

    async with asyncio.timeout(TIMEOUT):
        await asyncio.gather(write(), *(read(number) for number in range(4)))


async def test_a_save_is_seen_by_what_is_called_after_its_answer(store: StoreTenant) -> None:
    async def run(name: str) -> None:
        for number in range(1, 16):
            saved = await store.save(name, snapshot(number))
            assert (await store.load(name)).version == saved.version
            head = await store.head(name)
            assert head is not None
            assert head.etag == saved.etag
            assert (await store.store.position(store.tenant_id)).revision >= saved.revision
            seen = await store.store.changes(store.tenant_id, saved.revision - 1, 1)
            assert [change.header.etag for change in seen] == [saved.etag]
            assert name in await store.ids()

    await asyncio.gather(*(run(f"e{number}") for number in range(4)))


async def test_a_load_sees_one_snapshot_of_the_store(store: StoreTenant) -> None:
    """Every entry of every snapshot says the sequence number that it was saved with."""
    keys = [f"k{number:02}" for number in range(20)]
    done = asyncio.Event()

    async def write() -> None:
        for number in range(1, 80):
            await store.save("a", snapshot(number, variables=dict.fromkeys(keys, str(number))))
            await asyncio.sleep(0)
        done.set()

    async def read() -> int:
        count = 0
        while not done.is_set():
            head = await store.load("a")
            values = {value.data.decode() for value in head.variables.values()}
            assert values == {str(head.sequence_number)}
            assert len(head.variables) == 20
            count += 1
            await asyncio.sleep(0)
        return count

    await store.save("a", snapshot(0, variables=dict.fromkeys(keys, "0")))
    async with asyncio.timeout(TIMEOUT), asyncio.TaskGroup() as group:
        group.create_task(write())
        readers = [group.create_task(read()) for _ in range(2)]
    assert all(reader.result() for reader in readers)


async def test_a_page_and_its_position_are_of_one_moment(store: StoreTenant) -> None:
    """The changes up to a page's revision, folded, are the page."""
    done = asyncio.Event()

    async def write(first: int) -> None:
        for number in range(60):
            name = f"e{(first + number) % 9}"
            if number % 5 == 4:
                await store.delete(name)
            else:
                await store.save(name, snapshot(1, variables={"n": f"{first}-{number}"}))
            await asyncio.sleep(0)

    async def read() -> list[tuple[int, dict[str, str]]]:
        pages: list[tuple[int, dict[str, str]]] = []
        while not done.is_set():
            listed = await store.store.list_executions(
                store.tenant_id, ExecutionFilter(), after="", limit=100, selection=METADATA
            )
            heads = map(whole, listed.page.items)
            pages.append(
                (listed.position.revision, {head.execution_id: head.etag for head in heads})
            )
            await asyncio.sleep(0)
        return pages

    reader = asyncio.create_task(read())
    async with asyncio.timeout(TIMEOUT):
        await asyncio.gather(write(0), write(3), write(6))
    done.set()
    pages = await reader

    states: list[dict[str, str]] = [{}]
    for change in await store.changes():
        state = dict(states[-1])
        if change.kind == service.CHANGE_KIND_SAVED:
            state[change.execution_id] = change.header.etag
        else:
            del state[change.execution_id]
        states.append(state)
    assert len({revision for revision, _ in pages}) > 1
    for revision, page in pages:
        assert page == states[revision]


async def test_a_tail_beside_many_writers_sees_every_revision_in_order(
    store: StoreTenant,
) -> None:
    async def write(name: str) -> None:
        for number in range(25):
            await store.save(name, snapshot(number))
            await asyncio.sleep(0)

    async def follow() -> list[int]:
        seen: list[int] = []
        while len(seen) < 100:
            after = seen[-1] if seen else 0
            changes = await store.store.changes(store.tenant_id, after, 7)
            newest = (await store.store.position(store.tenant_id)).revision
            assert not changes or newest >= changes[-1].revision
            for change in changes:
                # What the log shows can be read.
                version = change.header.version
                assert (await store.load(change.execution_id, version=version)).etag == (
                    change.header.etag
                )
            seen += (change.revision for change in changes)
            if not changes:
                await store.store.wait(store.tenant_id, after)
        return seen

    async with asyncio.timeout(TIMEOUT), asyncio.TaskGroup() as group:
        tails = [group.create_task(follow()) for _ in range(2)]
        for number in range(4):
            group.create_task(write(f"e{number}"))
    assert [tail.result() for tail in tails] == [list(range(1, 101))] * 2


@pytest.mark.parametrize("turns", range(6))
async def test_a_cancelled_save_happened_or_did_not(store: StoreTenant, turns: int) -> None:
    """Cancelled after so many turns of the event loop: the store has it whole, or not."""
    contents = {f"e{n}": snapshot(n, variables={"a": str(n), "b": str(n)}) for n in range(20)}
    tasks = [asyncio.create_task(store.save(name, made)) for name, made in contents.items()]
    for _ in range(turns):
        await asyncio.sleep(0)
    for task in tasks[::2]:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    await store.save("after")

    changes = await store.changes()
    there = {head.execution_id: head for head in await store.executions(selection=EVERYTHING)}
    assert {change.execution_id for change in changes} == set(there)
    assert len(changes) == len(there)
    for number, (name, task) in enumerate(zip(contents, tasks, strict=True)):
        answered = not task.cancelled()
        assert answered or number % 2 == 0
        if answered:
            assert there[name].etag == task.result().etag
        if name in there:
            assert there[name].variables == contents[name].variables
            assert [s.version for s in await store.history(name)] == [1]
