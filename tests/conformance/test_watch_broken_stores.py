"""What a watch makes of a store that breaks its contract: it refuses, or says what is gone.

No store should come to this. The watch holds to its own promises all the same, and never
steps over a change.
"""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack, asynccontextmanager
from typing import TYPE_CHECKING, Any

from stillframe.server.config import Settings
from stillframe.server.stores.base import StoreConfig
from tests.conformance.broken.logs import (
    BeginsWhereItCan,
    LosesARecord,
    ReadsItsLogLate,
)
from tests.conformance.broken.reads import LoadsOneByOne
from tests.conformance.broken.saves import ReusesVersions
from tests.conformance.calls import EVERY_CHANGE, FULL, INITIAL_STATE, Api, start_server
from tests.conformance.support import TIMEOUT, Clock, new_tenant, refused, save_request, snapshot

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    import pytest

    from tests.conformance.broken.plain import PlainStore


class LateAndForgetful(ReadsItsLogLate, BeginsWhereItCan):
    """Reads late, and then from what is left of the log."""


@asynccontextmanager
async def serving(store: PlainStore) -> AsyncGenerator[Api]:
    settings = Settings(listen="127.0.0.1:0", maintenance_interval=3600.0)
    api = await start_server(settings, store, Clock(), new_tenant())
    try:
        # A watch that waits for what never comes says progress for ever.
        async with asyncio.timeout(TIMEOUT):
            yield api
    finally:
        await api.stop()


async def test_the_present_is_what_was_committed_before_the_watch_was_opened() -> None:
    """The tail of the tenant is behind; a new watch must not take its place for the present."""
    store = ReadsItsLogLate(StoreConfig())
    async with serving(store) as api, api.watch() as first:
        await first.until("caught_up")
        store.readable.clear()
        saved = [await api.save("a", snapshot(number)) for number in range(3)]
        starts: list[dict[str, Any]] = [{"resume_token": saved[0].resume_token}, INITIAL_STATE]
        for start in starts:
            store.readable.clear()
            async with api.watch(**start, mode=EVERY_CHANGE) as watch:
                await watch.until("opened")
                store.readable.set()
                changes = await watch.changes_until("caught_up")
            assert changes[-1].snapshot.etag == saved[-1].etag


async def test_a_gap_where_a_watch_goes_on_is_refused() -> None:
    async with serving(LosesARecord(StoreConfig())) as api:
        saved = [await api.save("a", snapshot(number)) for number in range(5)]
        async with api.watch(resume_token=saved[1].resume_token) as watch:
            await watch.until("opened")
            with refused("HISTORY_COMPACTED") as told:
                await watch.until("caught_up")
    assert told.metadata == {"revision": "2", "floor": "4"}


async def test_a_gap_amid_what_a_watch_reads_is_refused() -> None:
    async with serving(LosesARecord(StoreConfig())) as api:
        saved = [await api.save("a", snapshot(number)) for number in range(5)]
        async with api.watch(resume_token=saved[0].resume_token, mode=EVERY_CHANGE) as watch:
            await watch.until("opened")
            with refused("HISTORY_COMPACTED"):
                await watch.until("caught_up")


async def test_a_gap_amid_what_all_watches_read_is_refused() -> None:
    async with serving(LosesARecord(StoreConfig())) as api, api.watch(mode=EVERY_CHANGE) as watch:
        await watch.until("caught_up")
        requests = [save_request(api.tenant_id, "a", snapshot(n)) for n in range(5)]
        await api.store.save_many(requests)
        with refused("HISTORY_COMPACTED"):
            await watch.change_frames(5)


async def test_a_floor_that_overtakes_a_watch_is_refused() -> None:
    """The store should refuse as well; this one reads on from what is left."""
    for kind in (ReadsItsLogLate, LateAndForgetful):
        store = kind(StoreConfig(change_log_size=2))
        async with serving(store) as api, api.watch(mode=EVERY_CHANGE) as watch:
            await watch.until("caught_up")
            store.readable.clear()
            for number in range(9):
                await api.save("a", snapshot(number))
            await api.maintain()
            store.readable.set()
            with refused("HISTORY_COMPACTED"):
                await watch.change_frames(9)


async def test_the_content_of_another_life_is_not_taken_for_a_changes_own() -> None:
    async with serving(ReusesVersions(StoreConfig())) as api:
        async with api.watch() as watch:
            [opened] = await watch.until("opened")
        first = await api.save("a", snapshot(1, variables={"life": "first"}))
        await api.delete("a")
        second = await api.save("a", snapshot(1, variables={"life": "second"}))
        assert first.version == second.version

        changes = await api.changes_after(opened.resume_token, mode=EVERY_CHANGE, view=FULL)

    [saved, _, again] = changes
    assert saved.snapshot.etag == first.etag
    assert saved.content_gone
    assert not saved.snapshot.variables
    assert again.snapshot.etag == second.etag
    assert again.snapshot.variables["life"].data == b"second"


async def test_what_was_gathered_does_not_wait_for_what_is_slow(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A store may take long to load a content. What came before it is delivered meanwhile."""
    monkeypatch.setattr("stillframe.server.watch.windows.FLUSH_SECONDS", 0)
    store = LoadsOneByOne(StoreConfig())
    async with serving(store) as api:
        saved = [await api.save("a", snapshot(number)) for number in range(4)]
        token = saved[0].resume_token
        async with api.watch(resume_token=token, mode=EVERY_CHANGE, view=FULL) as watch:
            await watch.until("opened")
            for each in saved[1:]:
                store.loads.release()
                assert (await watch.change()).snapshot.etag == each.etag


async def test_who_goes_away_amid_a_slow_load_leaves_the_others_what_they_share() -> None:
    store = LoadsOneByOne(StoreConfig())
    async with serving(store) as api, AsyncExitStack() as stack:
        watches = [
            await stack.enter_async_context(api.watch(mode=EVERY_CHANGE, view=FULL))
            for _ in range(3)
        ]
        for watch in watches:
            await watch.until("caught_up")
        async with api.watch(mode=EVERY_CHANGE, view=FULL) as leaving:
            await leaving.until("caught_up")
            saved = [await api.save("a", snapshot(number)) for number in range(3)]
            await store.waiting.wait()
        for _ in saved:
            store.loads.release()
        for watch in watches:
            assert [each.snapshot.etag for each in await watch.changes(3)] == [
                each.etag for each in saved
            ]
