"""A watch that starts with the state as it is, and the state that its frames make."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from stillframe.v1.snapshot_pb2 import ExecutionFilter
from tests.conformance.calls import EVERY_CHANGE, FULL, INITIAL_STATE, LATEST, NOW, SAVED
from tests.conformance.support import (
    COMPLETED,
    FAILED,
    IDS_IN_BYTE_ORDER,
    PAUSED,
    RUNNING,
    seconds,
    snapshot,
)

if TYPE_CHECKING:
    from collections.abc import Iterable

    from stillframe.v1.snapshot_pb2 import ExecutionSnapshot
    from stillframe.v1.snapshot_service_pb2 import SnapshotChange, WatchFrame
    from tests.conformance.calls import Api

MIB = 2**20

RUNNING_ONLY = ExecutionFilter(states=[RUNNING])

BOTH_MODES = pytest.mark.parametrize("mode", [EVERY_CHANGE, LATEST], ids=["every", "latest"])


class Folded:
    """What a client knows that applies each change it is told of."""

    def __init__(self, changes: Iterable[SnapshotChange] = ()) -> None:
        self.heads: dict[str, ExecutionSnapshot] = {}
        for change in changes:
            self.apply(change)

    def apply(self, change: SnapshotChange) -> None:
        if change.kind == SAVED:
            self.heads[change.snapshot.execution_id] = change.snapshot
        else:
            # LATEST may have skipped that the execution was there.
            self.heads.pop(change.snapshot.execution_id, None)


def changes_of(frames: Iterable[WatchFrame]) -> list[SnapshotChange]:
    return [frame.change for frame in frames if frame.HasField("change")]


async def fill(api: Api, count: int) -> list[str]:
    """Makes executions, more than the server reads at once, and returns their ids."""
    names = [f"run-{number:04}" for number in range(count)]
    for start in range(0, count, 50):
        await asyncio.gather(
            *(api.save(name, snapshot(1, variables={"k": name})) for name in names[start:][:50])
        )
    return names


async def by_id(api: Api, where: ExecutionFilter, **fields: object) -> dict[str, ExecutionSnapshot]:
    listed = await api.all_executions(filter=where, **fields)
    return {head.execution_id: head for head in listed}


async def test_the_initial_state_is_the_heads_in_the_order_of_their_ids(api: Api) -> None:
    for execution_id in reversed(IDS_IN_BYTE_ORDER):
        await api.save(execution_id, snapshot(1))
        await api.save(execution_id, snapshot(2, variables={"k": "v"}))

    async with api.watch(**INITIAL_STATE) as watch:
        changes = await watch.changes_until("initial_state_end")

    assert [each.snapshot.execution_id for each in changes] == IDS_IN_BYTE_ORDER
    assert {each.kind for each in changes} == {SAVED}
    assert [each.snapshot for each in changes] == await api.all_executions()


async def test_the_initial_state_is_in_order_over_many_pages(api: Api) -> None:
    names = await fill(api, 450)

    async with api.watch(**INITIAL_STATE) as watch:
        frames = await watch.until("initial_state_end")

    assert [each.snapshot.execution_id for each in changes_of(frames)] == names
    assert frames[-1].initial_state_end.execution_count == 450


async def test_the_initial_state_of_nothing_ends_at_once(api: Api) -> None:
    async with api.watch(**INITIAL_STATE) as watch:
        frames = await watch.until("caught_up")

    assert [each.WhichOneof("frame") for each in frames] == [
        "opened",
        "initial_state_end",
        "caught_up",
    ]
    assert frames[1].initial_state_end.execution_count == 0
    saved = await api.save("a")
    [change] = await api.changes_after(frames[1].resume_token)
    assert change.snapshot.revision == saved.revision


async def test_frames_of_the_initial_state_have_no_token_and_its_end_has_one(api: Api) -> None:
    for name in ("a", "b", "c"):
        saved = await api.save(name)

        async with api.watch(**INITIAL_STATE) as watch:
            frames = await watch.until("initial_state_end")

        assert {frame.resume_token for frame in frames[:-1]} == {""}
        assert frames[-1].resume_token == saved.resume_token


async def test_changes_after_the_initial_state_have_tokens(api: Api) -> None:
    await api.save("a", snapshot(1))
    async with api.watch(**INITIAL_STATE) as watch:
        await watch.until("caught_up")
        saved = await api.save("a", snapshot(2))
        [frame] = await watch.change_frames(1)

    assert frame.resume_token == saved.resume_token


async def test_the_initial_state_has_what_the_filter_matches(api: Api) -> None:
    await api.save("a", snapshot(1))
    await api.save("b", snapshot(1, state=FAILED))
    await api.save("c", snapshot(1, state=PAUSED))
    await api.save("c", snapshot(2))
    await api.save("d", snapshot(1))
    await api.save("d", snapshot(2, state=COMPLETED))

    async with api.watch(filter=RUNNING_ONLY, **INITIAL_STATE) as watch:
        frames = await watch.until("initial_state_end")

    assert [each.snapshot.execution_id for each in changes_of(frames)] == ["a", "c"]
    assert frames[-1].initial_state_end.execution_count == 2


async def test_what_is_gone_is_not_part_of_the_initial_state(api: Api) -> None:
    for name in ("deleted", "again"):
        await api.save(name)
        await api.delete(name)
    await api.save("expired", snapshot(1), ttl=seconds(5))
    api.clock.advance(6)
    await api.maintain()
    again = await api.save("again", snapshot(7))

    async with api.watch(**INITIAL_STATE) as watch:
        changes = await watch.changes_until("initial_state_end")

    assert [(each.snapshot.execution_id, each.snapshot.version) for each in changes] == [
        ("again", again.version)
    ]


async def test_the_initial_state_has_the_whole_content_if_asked(api: Api) -> None:
    await api.save("a", snapshot(1, outputs={"s": "1"}, variables={"k": "2", "l": "3"}))
    await api.save("b", snapshot(1))

    async with api.watch(view=FULL, **INITIAL_STATE) as watch:
        changes = await watch.changes_until("initial_state_end")

    assert [each.snapshot for each in changes] == [await api.load("a"), await api.load("b")]
    assert not any(each.content_gone for each in changes)


@BOTH_MODES
async def test_the_frames_are_the_state_while_others_write(api: Api, mode: int) -> None:
    names = await fill(api, 450)
    done = asyncio.Event()

    async def write(first: int) -> None:
        """Changes, deletes, creates, and moves out of the filter and into it."""
        number = first
        while not done.is_set():
            number += 37
            name = names[number % len(names)]
            match number % 5:
                case 0:
                    await api.delete(name)
                case 1:
                    await api.save(name, snapshot(number, state=PAUSED))
                case 2:
                    await api.save(f"{name}-more", snapshot(number, variables={"k": name}))
                case _:
                    await api.save(name, snapshot(number, variables={"k": f"{number}"}))

    known = Folded()
    async with asyncio.TaskGroup() as group:
        writers = [group.create_task(write(number)) for number in range(4)]
        async with api.watch(filter=RUNNING_ONLY, mode=mode, view=FULL, **INITIAL_STATE) as watch:
            frames = await watch.until("initial_state_end")
            for change in changes_of(frames):
                known.apply(change)
            assert len(known.heads) == frames[-1].initial_state_end.execution_count
            for change in await watch.changes(300):
                known.apply(change)
            done.set()
            await asyncio.gather(*writers)
            last = await api.save("the-last", snapshot(1))
            change = await watch.change()
            known.apply(change)
            while change.snapshot.revision != last.revision:
                change = await watch.change()
                known.apply(change)

    assert known.heads == await by_id(api, RUNNING_ONLY, view=FULL)


@BOTH_MODES
async def test_the_state_at_its_end_goes_on_from_its_token(api: Api, mode: int) -> None:
    names = await fill(api, 450)
    done = asyncio.Event()

    async def write() -> None:
        number = 1
        while not done.is_set():
            number += 1
            state = RUNNING if number % 3 else PAUSED
            await api.save(names[number * 7 % len(names)], snapshot(number, state=state))

    async with asyncio.TaskGroup() as group:
        group.create_task(write())
        group.create_task(write())
        async with api.watch(filter=RUNNING_ONLY, **INITIAL_STATE) as watch:
            frames = await watch.until("initial_state_end")
        done.set()

    known = Folded(changes_of(frames))
    assert len(known.heads) == frames[-1].initial_state_end.execution_count
    for change in await api.changes_after(frames[-1].resume_token, filter=RUNNING_ONLY, mode=mode):
        known.apply(change)
    assert known.heads == await by_id(api, RUNNING_ONLY)


async def test_what_changed_behind_a_slow_reader_is_in_the_state(api: Api) -> None:
    """The server waits for its reader amid the initial state: all that happens then must
    be told before its end, also of executions that were already sent.
    """
    content = {"k": b"x" * (MIB // 2)}
    for number in range(60):
        await api.save(f"run-{number:02}", snapshot(1, variables=content))

    async with api.watch(view=FULL, **INITIAL_STATE) as watch:
        frame = await watch.frame()
        while frame is None or not frame.HasField("change"):
            frame = await watch.frame()
        # Some 30 MB do not fit between the two: the end cannot have been reached.
        first, deleted = frame.change.snapshot.execution_id, "run-01"
        changed = await api.save(first, snapshot(2))
        await api.delete(deleted)
        await api.save("a-new-one", snapshot(1))
        await api.save("run-99", snapshot(1))
        frames = [frame, *await watch.until("initial_state_end")]

    assert {frame.resume_token for frame in frames[:-1]} == {""}
    state = Folded(changes_of(frames)).heads
    assert first == "run-00"
    assert state[first].version == changed.version
    assert state == await by_id(api, ExecutionFilter(), view=FULL)
    assert len(state) == frames[-1].initial_state_end.execution_count == 61


async def test_watches_at_now_and_of_the_initial_state_agree(api: Api) -> None:
    async with api.watch(mode=EVERY_CHANGE, **NOW) as from_now:
        await from_now.until("caught_up")
        for number in range(10):
            await api.save(f"run-{number % 4}", snapshot(number))
        await api.delete("run-2")
        changes = await from_now.changes(11)

    async with api.watch(**INITIAL_STATE) as watch:
        state = Folded(await watch.changes_until("initial_state_end"))

    assert Folded(changes).heads == state.heads
    assert set(state.heads) == {"run-0", "run-1", "run-3"}
