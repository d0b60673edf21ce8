"""Many watches of one server: what each sees, and how many there may be."""

from __future__ import annotations

import asyncio
from collections import Counter
from contextlib import AsyncExitStack
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import grpc
import grpc.aio

from tests.conformance.calls import EVERY_CHANGE, FULL, INITIAL_STATE, NOW
from tests.conformance.support import TIMEOUT, new_tenant, refused, snapshot, value

if TYPE_CHECKING:
    import pytest

    from stillframe.server.stores.projection import Selection
    from stillframe.server.stores.records import Stored
    from stillframe.v1.snapshot_service_pb2 import SnapshotChange, SnapshotSelector
    from tests.conformance.calls import Api
    from tests.conformance.conftest import Serve


async def test_many_watchers_of_a_tenant_see_the_same(api: Api) -> None:
    async with AsyncExitStack() as stack:
        watches = [
            await stack.enter_async_context(api.watch(mode=EVERY_CHANGE, **NOW)) for _ in range(25)
        ]
        for watch in watches:
            await watch.until("caught_up")
        for number in range(20):
            await api.save(f"run-{number % 3}", snapshot(number))
        await api.delete("run-1")
        seen = await asyncio.gather(*(watch.change_frames(21) for watch in watches))

    assert [frame.change.snapshot.revision for frame in seen[0]] == list(range(1, 22))
    assert all(frames == seen[0] for frames in seen)


async def test_many_watchers_load_a_content_once(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    """Those that take it whole, whatever else they ask for."""
    load, loaded = api.store.load, Counter[int]()

    async def counted(
        tenant_id: str, execution_id: str, selector: SnapshotSelector, selection: Selection
    ) -> Stored:
        loaded[selector.version] += 1
        return await load(tenant_id, execution_id, selector, selection)

    asked: tuple[dict[str, Any], ...] = ({}, {"filter": {"execution_ids": ["a", "b"]}})
    async with AsyncExitStack() as stack:
        watches = [
            await stack.enter_async_context(
                api.watch(mode=EVERY_CHANGE, view=FULL, **NOW, **asked[number % 2])
            )
            for number in range(10)
        ]
        for watch in watches:
            await watch.until("caught_up")
        monkeypatch.setattr(api.store, "load", counted)
        for number in range(20):
            await api.save("a", snapshot(number, variables={"n": f"{number}"}))
        seen = await asyncio.gather(*(watch.change_frames(20) for watch in watches))

    assert [dict(frame.change.snapshot.variables) for frame in seen[0]] == [
        {"n": value(f"{number}")} for number in range(20)
    ]
    assert all(frames == seen[0] for frames in seen)
    assert sorted(loaded.items()) == [(version, 1) for version in range(1, 21)]


async def test_watchers_that_started_differently_see_the_same_from_there(api: Api) -> None:
    first = await api.save("a", snapshot(1))
    starts = (NOW, INITIAL_STATE, {"resume_token": first.resume_token})
    async with AsyncExitStack() as stack:
        watches = [
            await stack.enter_async_context(api.watch(mode=EVERY_CHANGE, **start))
            for start in starts
        ]
        for watch in watches:
            await watch.until("caught_up")
        for number in range(2, 12):
            await api.save("a", snapshot(number))
        seen = await asyncio.gather(*(watch.change_frames(10) for watch in watches))

    assert [frame.change.snapshot.sequence_number for frame in seen[0]] == list(range(2, 12))
    assert all(frames == seen[0] for frames in seen)


async def test_watchers_with_different_views_of_one_change_get_their_own(api: Api) -> None:
    content = snapshot(1, outputs={"s": "out"}, variables={"k": "v", "other": "w"})
    projection = {"variables": {"keys": ["k"]}}
    async with AsyncExitStack() as stack:
        views: tuple[dict[str, Any], ...] = (
            {},
            {"view": FULL},
            {"view": FULL},
            {"view": FULL, "projection": projection},
        )
        watches = [await stack.enter_async_context(api.watch(**NOW, **view)) for view in views]
        for watch in watches:
            await watch.until("caught_up")
        await api.save("a", content)
        metadata, *full, projected = await asyncio.gather(*(watch.change() for watch in watches))

    def entries(change: SnapshotChange) -> tuple[set[str], set[str]]:
        return set(change.snapshot.step_outputs), set(change.snapshot.variables)

    assert entries(metadata) == (set(), set())
    assert [entries(each) for each in full] == [({"s"}, {"k", "other"})] * 2
    assert entries(projected) == (set(), {"k"})
    assert projected.snapshot.variables["k"] == value("v")


async def test_a_watch_sees_its_own_tenant_alone(api: Api) -> None:
    other = replace(api, tenant_id=new_tenant())

    async with api.watch(**NOW) as watch:
        await watch.until("caught_up")
        await other.save("a")
        mine = await api.save("b")
        change = await watch.change()

    assert change.snapshot.tenant_id == api.tenant_id
    assert change.snapshot.execution_id == "b"
    assert change.snapshot.revision == mine.revision == 1


async def test_more_watches_than_the_server_takes_are_refused(serve: Serve) -> None:
    api = await serve(max_watches=1)

    async with api.watch() as first:
        await first.until("caught_up")
        with refused("SERVER_BUSY") as told:
            async with api.watch() as second:
                await second.frame()
        # The refused watch did no harm to the one before it.
        saved = await api.save("a")
        assert (await first.change()).snapshot.revision == saved.revision

    assert told.retry_after
    assert told.metadata == {"limit": "max_watches", "maximum": "1"}


async def test_a_cancelled_watch_frees_its_place(serve: Serve) -> None:
    api = await serve(max_watches=1)
    async with api.watch() as first:
        await first.until("caught_up")

    async with asyncio.timeout(TIMEOUT):
        while True:
            try:
                async with api.watch() as second:
                    await second.until("opened")
                    break
            except grpc.aio.AioRpcError as error:
                # The server may not have heard of the cancellation yet.
                assert error.code() is grpc.StatusCode.RESOURCE_EXHAUSTED  # noqa: PT017


async def test_a_refused_watch_frees_its_place(serve: Serve) -> None:
    api = await serve(max_watches=1)
    for _ in range(3):
        with refused("REVISION_IN_FUTURE"):
            async with api.watch(resume_token=f"r9-{'0' * 16}") as watch:
                await watch.frame()

    async with api.watch() as watch:
        await watch.until("opened")
