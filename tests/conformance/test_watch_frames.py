"""The frames of a watch: Opened, CaughtUp, Progress, their tokens and their messages."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from tests.conformance.calls import (
    EVERY_CHANGE,
    FULL,
    INITIAL_STATE,
    LATEST,
    METADATA,
    NOW,
)
from tests.conformance.support import TIMEOUT, refused, snapshot

if TYPE_CHECKING:
    from stillframe.v1.snapshot_service_pb2 import SnapshotChange, WatchFrame
    from tests.conformance.calls import Api, Watch
    from tests.conformance.conftest import Serve

MIB = 2**20

WIDE_LABELS = {f"{number:02}": "x" * 512 for number in range(50)}
"""Labels that make a header of some 26 KB."""


def revisions(changes: list[SnapshotChange]) -> list[int]:
    return [change.snapshot.revision for change in changes]


def kinds(frames: list[WatchFrame]) -> list[str | None]:
    return [frame.WhichOneof("frame") for frame in frames]


async def opened(watch: Watch) -> WatchFrame:
    frame = await watch.frame()
    assert frame is not None
    assert frame.WhichOneof("frame") == "opened"
    return frame


async def test_opened_comes_first_and_has_the_defaults(api: Api) -> None:
    async with api.watch() as watch:
        settings = (await opened(watch)).opened

    assert settings.mode == LATEST
    assert settings.view == METADATA
    assert settings.max_message_bytes == 4 * MIB
    assert settings.progress_interval.seconds == api.settings.progress_interval


async def test_opened_has_the_settings_that_were_asked_for(serve: Serve) -> None:
    api = await serve(progress_interval=2.5)

    async with api.watch(mode=EVERY_CHANGE, view=FULL, max_message_bytes=300_000) as watch:
        settings = (await opened(watch)).opened

    assert settings.mode == EVERY_CHANGE
    assert settings.view == FULL
    assert settings.max_message_bytes == 300_000
    assert settings.progress_interval.ToMilliseconds() == 2500


async def test_a_bound_on_messages_above_the_servers_is_the_servers(serve: Serve) -> None:
    api = await serve(max_request_bytes=8 * MIB)

    async with api.watch(max_message_bytes=2**40) as watch:
        assert (await opened(watch)).opened.max_message_bytes == 8 * MIB


async def test_a_start_at_now_names_the_revision_that_it_starts_after(api: Api) -> None:
    before = await api.save("a")

    async with api.watch(**NOW) as watch:
        first = await opened(watch)
        assert first.resume_token == before.resume_token
        after = await api.save("b")
        assert (await watch.change()).snapshot.revision == after.revision

    assert revisions(await api.changes_after(first.resume_token)) == [after.revision]


async def test_an_unset_start_is_now(api: Api) -> None:
    before = await api.save("a")

    async with api.watch() as watch:
        first = await opened(watch)
        assert first.resume_token == before.resume_token
        assert await watch.changes_until("caught_up") == []


async def test_a_watch_of_a_tenant_without_changes_can_be_resumed(api: Api) -> None:
    async with api.watch(**NOW) as watch:
        token = (await opened(watch)).resume_token

    saved = await api.save("a")

    assert token
    assert revisions(await api.changes_after(token)) == [saved.revision]


@pytest.mark.parametrize("start", [NOW, INITIAL_STATE], ids=["now", "initial state"])
async def test_caught_up_comes_once_the_present_is_reached(
    api: Api, start: dict[str, object]
) -> None:
    saved = await api.save("a")

    async with api.watch(**start) as watch:
        frames = await watch.until("caught_up")

    middle = ["change", "initial_state_end"] if start is INITIAL_STATE else []
    assert kinds(frames) == ["opened", *middle, "caught_up"]
    assert frames[-1].resume_token == saved.resume_token


async def test_what_was_saved_before_a_watch_resumed_comes_before_caught_up(api: Api) -> None:
    token = (await api.save("a", snapshot(0))).resume_token
    # The first watch keeps the server reading the tenant's changes on its own.
    async with api.watch(**NOW) as beside:
        await beside.until("caught_up")
        for number in range(1, 30):
            saved = await api.save("a", snapshot(number))
            assert revisions(await api.changes_after(token)) == [saved.revision]
            token = saved.resume_token


async def test_what_was_saved_before_a_watch_opened_is_not_part_of_now(api: Api) -> None:
    async with api.watch(**NOW) as beside:
        await beside.until("caught_up")
        for number in range(30):
            saved = await api.save("a", snapshot(number))
            async with api.watch(**NOW) as watch:
                frames = await watch.until("caught_up")
            assert kinds(frames) == ["opened", "caught_up"]
            assert frames[0].resume_token == saved.resume_token


async def test_change_frames_have_the_token_that_their_save_was_answered_with(api: Api) -> None:
    first = await api.save("a", snapshot(0))
    saved = [await api.save("a", snapshot(number)) for number in range(1, 5)]

    async with api.watch(resume_token=first.resume_token, mode=EVERY_CHANGE) as watch:
        frames = await watch.change_frames(4)

    assert [frame.resume_token for frame in frames] == [each.resume_token for each in saved]


async def test_progress_moves_on_even_when_nothing_matches(serve: Serve) -> None:
    api = await serve(progress_interval=0.05)

    async with api.watch(filter={"execution_ids": ["nobody"]}, **NOW) as watch:
        await watch.until("caught_up")
        saved = await api.save("a")
        progress = (await watch.until("progress"))[-1]
        async with asyncio.timeout(TIMEOUT):
            while progress.resume_token != saved.resume_token:
                frames = await watch.until("progress")
                assert kinds(frames) == ["progress"]
                progress = frames[-1]

    later = await api.save("b")
    assert revisions(await api.changes_after(progress.resume_token)) == [later.revision]


async def test_progress_comes_again_and_again_on_a_quiet_stream(serve: Serve) -> None:
    api = await serve(progress_interval=0.05)
    saved = await api.save("a")

    async with api.watch(**NOW) as watch:
        await watch.until("caught_up")
        for _ in range(3):
            frame = await watch.frame()
            assert frame is not None
            assert frame.WhichOneof("frame") == "progress"
            assert frame.resume_token == saved.resume_token


@pytest.mark.parametrize("mode", [EVERY_CHANGE, LATEST], ids=["every change", "latest"])
async def test_progress_never_runs_ahead_of_the_changes(serve: Serve, mode: int) -> None:
    api = await serve(progress_interval=0.05)
    done = asyncio.Event()

    async def write() -> None:
        number = 0
        while not done.is_set():
            await api.save(f"{'in' if number % 3 else 'out'}-{number % 7}", snapshot(number))
            number += 1

    where = {"execution_id_prefix": "in-"}
    delivered: list[int] = []
    progress: list[tuple[str, int]] = []
    async with api.watch(filter=where, mode=mode, **NOW) as watch, asyncio.TaskGroup() as group:
        start = (await opened(watch)).resume_token
        group.create_task(write())
        while len(progress) < 5:
            frame = await watch.frame()
            assert frame is not None
            if frame.HasField("change"):
                delivered.append(frame.change.snapshot.revision)
            elif frame.HasField("progress"):
                progress.append((frame.resume_token, len(delivered)))
        done.set()

    every = revisions(await api.changes_after(start, filter=where, mode=EVERY_CHANGE))
    heads = {head.execution_id: head.revision for head in await api.all_executions(filter=where)}
    for token, count in progress:
        rest = await api.changes_after(token, filter=where, mode=EVERY_CHANGE)
        if mode == EVERY_CHANGE:
            assert delivered[:count] + revisions(rest) == every
        else:
            # Skipped changes apart, each execution's newest is on one side or the other.
            known = {*delivered[:count], *revisions(rest)}
            assert set(heads.values()) <= known
            assert not {*delivered[:count]} & {*revisions(rest)}


async def test_many_frames_travel_in_one_message_of_at_most_one_mebibyte(api: Api) -> None:
    first = await api.save("a", snapshot(0))
    for number in range(1, 121):
        await api.save("a", snapshot(number, labels=WIDE_LABELS))

    async with api.watch(
        resume_token=first.resume_token, mode=EVERY_CHANGE, max_message_bytes=8 * MIB
    ) as watch:
        changes = await watch.changes_until("caught_up")

    assert len(changes) == 120
    assert max(size for size, _ in watch.message_sizes) <= MIB
    assert max(count for _, count in watch.message_sizes) > 10
    # Some 3.2 MB: about as many messages as that takes.
    assert len(watch.message_sizes) < 12


async def test_messages_are_cut_at_the_bound_that_the_watch_asked_for(api: Api) -> None:
    first = await api.save("a", snapshot(0))
    for number in range(1, 61):
        await api.save("a", snapshot(number, labels=WIDE_LABELS))

    async with api.watch(
        resume_token=first.resume_token, mode=EVERY_CHANGE, max_message_bytes=262_144
    ) as watch:
        assert len(await watch.changes_until("caught_up")) == 60

    assert max(size for size, _ in watch.message_sizes) <= 262_144
    assert max(count for _, count in watch.message_sizes) > 1


async def test_a_watch_with_too_small_a_bound_on_messages_is_refused(api: Api) -> None:
    with refused("INVALID_FIELD") as told:
        async with api.watch(max_message_bytes=262_143) as watch:
            await watch.frame()
    assert told.fields == ["max_message_bytes"]
