"""Resuming a watch: tokens that go on without a gap, and tokens that cannot."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING

import grpc
import pytest

from stillframe.server.stores import open_store
from stillframe.server.stores.base import StoreConfig
from stillframe.v1.snapshot_pb2 import ExecutionFilter
from tests.conformance.calls import (
    DELETED,
    EVERY_CHANGE,
    FULL,
    INITIAL_STATE,
    LATEST,
    LEFT_FILTER,
    NOW,
    SAVED,
)
from tests.conformance.direct import StoreTenant
from tests.conformance.support import PAUSED, RUNNING, Refused, new_tenant, refused, snapshot

if TYPE_CHECKING:
    from stillframe.v1.snapshot_service_pb2 import SnapshotChange
    from tests.conformance.calls import Api
    from tests.conformance.conftest import Serve

MIB = 2**20

BOTH_MODES = pytest.mark.parametrize("mode", [EVERY_CHANGE, LATEST], ids=["every", "latest"])


def revisions(changes: list[SnapshotChange]) -> list[int]:
    return [change.snapshot.revision for change in changes]


async def refusal(api: Api, resume_token: str, reason: str) -> Refused:
    """Returns what a watch that resumes was told, before it was told anything else."""
    with refused(reason) as told:
        async with api.watch(resume_token=resume_token) as watch:
            await watch.until("caught_up")
    return told


async def test_a_watch_resumes_after_every_revision(api: Api) -> None:
    saved = [await api.save(f"run-{number % 3}", snapshot(number)) for number in range(12)]
    gone = await api.delete("run-1")
    tokens = {each.revision: each.resume_token for each in saved}
    tokens[gone.revision] = gone.resume_token

    for revision, token in tokens.items():
        changes = await api.changes_after(token, mode=EVERY_CHANGE)
        assert revisions(changes) == list(range(revision + 1, 14))


async def test_a_watch_resumes_after_any_frame_with_a_token(serve: Serve) -> None:
    api = await serve(progress_interval=0.05)
    await api.save("a", snapshot(0))
    seen: list[tuple[str, int]] = []
    async with api.watch(mode=EVERY_CHANGE, **INITIAL_STATE) as watch:
        frames = await watch.until("caught_up")
        for number in range(1, 6):
            await api.save("a", snapshot(number))
            frames += await watch.until("progress")
        frames += await watch.until("progress")

    revision = 1
    for frame in frames:
        if frame.HasField("change"):
            revision = frame.change.snapshot.revision
        if frame.resume_token:
            seen.append((frame.resume_token, revision))

    kinds = {frame.WhichOneof("frame") for frame in frames if frame.resume_token}
    assert kinds >= {"change", "initial_state_end", "caught_up", "progress"}
    for token, revision in seen:
        changes = await api.changes_after(token, mode=EVERY_CHANGE)
        assert revisions(changes) == list(range(revision + 1, 7))


@BOTH_MODES
async def test_reconnecting_again_and_again_loses_nothing(api: Api, mode: int) -> None:
    token = (await api.save("a", snapshot(0))).resume_token
    total = 120

    async def write() -> None:
        for number in range(1, total + 1):
            await api.save(f"run-{number % 4}", snapshot(number))

    seen: list[SnapshotChange] = []
    async with asyncio.TaskGroup() as group:
        group.create_task(write())
        while not seen or seen[-1].snapshot.revision <= total:
            async with api.watch(resume_token=token, mode=mode) as watch:
                for frame in await watch.change_frames(1):
                    token = frame.resume_token
                    seen.append(frame.change)

    if mode == EVERY_CHANGE:
        assert revisions(seen) == list(range(2, total + 2))
    assert revisions(seen) == sorted(set(revisions(seen)))
    newest = {each.snapshot.execution_id: each.snapshot for each in seen}
    heads = await api.all_executions(filter=ExecutionFilter(execution_id_prefix="run-"))
    assert newest == {head.execution_id: head for head in heads}


async def test_kinds_are_exact_when_the_change_before_came_before_the_token(api: Api) -> None:
    where = ExecutionFilter(states=[RUNNING])
    for name in ("leaves", "goes", "stays"):
        await api.save(name, snapshot(1))
    await api.save("outside", snapshot(1, state=PAUSED))
    token = (await api.save("outside-too", snapshot(1, state=PAUSED))).resume_token
    await api.save("leaves", snapshot(2, state=PAUSED))
    await api.delete("goes")
    await api.delete("outside")
    await api.save("outside-too", snapshot(2, state=PAUSED))
    await api.save("stays", snapshot(2))

    changes = await api.changes_after(token, filter=where, mode=EVERY_CHANGE)

    assert [(each.snapshot.execution_id, each.kind) for each in changes] == [
        ("leaves", LEFT_FILTER),
        ("goes", DELETED),
        ("stays", SAVED),
    ]


@pytest.mark.parametrize(
    "token", ["", "garbage", "r1", "r-1-0123456789abcdef", f"r{2**63}-0123456789abcdef"]
)
async def test_what_is_no_token_is_an_invalid_field(api: Api, token: str) -> None:
    await api.save("a")

    told = await refusal(api, token, "INVALID_FIELD")

    assert told.fields == ["resume_token"]
    assert told.metadata["field"] == "resume_token"


async def test_a_token_with_another_mark_is_of_another_store(api: Api) -> None:
    token = (await api.save("a")).resume_token
    other = token[:-1] + ("1" if token[-1] == "0" else "0")

    told = await refusal(api, other, "STORE_REPLACED")

    assert told.metadata == {"revision": "1"}
    assert await api.changes_after(token) == []


async def test_the_mark_of_revision_zero_counts_too(api: Api) -> None:
    async with api.watch(**NOW) as watch:
        token = (await watch.until("opened"))[0].resume_token
    saved = await api.save("a")

    await refusal(api, token[:-1] + ("1" if token[-1] == "0" else "0"), "STORE_REPLACED")
    assert revisions(await api.changes_after(token)) == [saved.revision]


async def test_a_token_of_a_revision_that_is_not_there_yet(api: Api) -> None:
    saved = await api.save("a")
    mark = saved.resume_token.partition("-")[2]

    told = await refusal(api, f"r2-{mark}", "REVISION_IN_FUTURE")

    assert told.metadata == {"revision": "2", "head_revision": "1"}


async def test_a_token_of_another_tenant(api: Api) -> None:
    other = replace(api, tenant_id=new_tenant())
    tokens = [(await other.save("a", snapshot(number))).resume_token for number in range(2)]
    mine = await api.save("a")

    await refusal(api, tokens[0], "STORE_REPLACED")
    await refusal(api, tokens[1], "REVISION_IN_FUTURE")
    await refusal(other, mine.resume_token, "STORE_REPLACED")


async def test_a_token_of_another_store(api: Api) -> None:
    """What a client brings along whose server lost its store, and began anew."""
    lost = await open_store("memory:", StoreConfig(clock=api.clock))
    old = StoreTenant(lost, api.tenant_id, api.clock)
    tokens = [(await old.save("a", snapshot(number))).resume_token for number in range(2)]
    await lost.close()

    await refusal(api, tokens[0], "REVISION_IN_FUTURE")
    await api.save("a")
    await refusal(api, tokens[0], "STORE_REPLACED")
    await refusal(api, tokens[1], "REVISION_IN_FUTURE")


async def test_a_token_below_the_floor_of_the_log(serve: Serve) -> None:
    api = await serve(change_log_size=10)
    token = (await api.save("a")).resume_token
    assert await api.changes_after(token) == []
    await StoreTenant(api.store, api.tenant_id, api.clock).compact()

    told = await refusal(api, token, "HISTORY_COMPACTED")

    assert told.metadata["revision"] == "1"
    assert int(told.metadata["floor"]) > 1
    # A token that the log still has goes on, and so does a start over.
    newest = await api.save("b")
    assert await api.changes_after(newest.resume_token) == []
    async with api.watch(**INITIAL_STATE) as watch:
        changes = await watch.changes_until("initial_state_end")
    assert [each.snapshot.execution_id for each in changes] == ["a", "b", "changing"]


async def test_a_reader_that_the_floor_overtakes_is_told(serve: Serve) -> None:
    """Never a gap: what it gets is without one, and then the refusal."""
    api = await serve(change_log_size=10, watch_buffer_bytes=MIB)
    token = (await api.save("big", snapshot(0))).resume_token
    for number in range(1, 25):
        content = {"k": f"{number}" + "x" * MIB}
        await api.save("big", snapshot(number, variables=content))
    # More than a window: the server must read again once its reader goes on.
    await api.fill((f"small-{number % 99}", snapshot(number)) for number in range(25, 700))

    seen: list[int] = []
    with refused("HISTORY_COMPACTED"):
        async with api.watch(resume_token=token, mode=EVERY_CHANGE, view=FULL) as watch:
            seen += revisions(await watch.changes(1))
            # Some 24 MB do not fit between the two: the server waits for its reader.
            await api.fill(
                (f"small-{number % 99}", snapshot(number)) for number in range(700, 1800)
            )
            await api.maintain()
            while (frame := await watch.frame()) is not None:
                if frame.HasField("change"):
                    seen.append(frame.change.snapshot.revision)

    assert seen == list(range(2, 2 + len(seen)))


async def test_a_server_that_stops_says_goodbye_and_then_ok(api: Api) -> None:
    async with api.watch(**NOW) as watch, asyncio.TaskGroup() as group:
        await watch.until("caught_up")
        saved = await api.save("a")
        await watch.changes(1)
        group.create_task(api.server.stop())
        goodbye = (await watch.until("goodbye"))[-1]
        assert goodbye.resume_token == saved.resume_token
        assert await watch.frame() is None
        assert await watch.code() is grpc.StatusCode.OK


@BOTH_MODES
async def test_a_new_server_goes_on_where_the_last_one_said_goodbye(api: Api, mode: int) -> None:
    seen: list[int] = []
    token = ""
    for round_ in range(3):
        start = {"resume_token": token} if token else NOW
        async with api.watch(mode=mode, **start) as watch, asyncio.TaskGroup() as group:
            frames = await watch.until("caught_up")
            for number in range(3):
                await api.save(f"{round_}-{number}")
            group.create_task(api.server.stop())
            frames += await watch.until("goodbye")
        seen += [each.change.snapshot.revision for each in frames if each.HasField("change")]
        token = frames[-1].resume_token
        await api.restart()
        await api.save(f"{round_}-between")

    seen += revisions(await api.changes_after(token, mode=mode))
    assert seen == list(range(1, 13))


async def test_goodbye_amid_the_initial_state_has_no_token(api: Api) -> None:
    for number in range(60):
        await api.save(f"run-{number:02}", snapshot(1, variables={"k": b"x" * (MIB // 2)}))

    async with (
        api.watch(view=FULL, **INITIAL_STATE) as watch,
        api.watch(**NOW) as idle,
        asyncio.TaskGroup() as group,
    ):
        await watch.changes(1)
        await idle.until("caught_up")
        group.create_task(api.server.stop())
        await idle.until("goodbye")
        frames = await watch.until("goodbye")

    assert {frame.WhichOneof("frame") for frame in frames[:-1]} == {"change"}
    assert frames[-1].resume_token == ""
