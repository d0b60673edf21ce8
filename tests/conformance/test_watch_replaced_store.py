"""What a watch says when the store under a running server is replaced by what it was before.

So does a database that fails over to a standby which lacks the last commits, or into which an
older dump is restored. The revisions that are lost are given out again; a watch must not take
them for what follows what it has seen.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from stillframe.server.stores.base import StoreConfig
from tests.conformance.broken.logs import IsReplaced
from tests.conformance.calls import EVERY_CHANGE, INITIAL_STATE, LATEST, Api
from tests.conformance.support import refused, save_request, snapshot
from tests.conformance.test_watch_broken_stores import serving

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from stillframe.v1.snapshot_service_pb2 import SaveSnapshotResponse

KEPT, LOST = 3, 2
"""How many saves the store remembers, and how many more there were."""


@pytest.fixture
def store() -> IsReplaced:
    return IsReplaced(StoreConfig())


@pytest.fixture
async def api(store: IsReplaced) -> AsyncIterator[Api]:
    async with serving(store) as opened:
        yield opened


async def saves(api: Api, store: IsReplaced) -> list[SaveSnapshotResponse]:
    """Saves what the store will remember, and then what it will have lost."""
    made = [await api.save("a", snapshot(number)) for number in range(KEPT)]
    store.remember()
    return made + [await api.save("a", snapshot(KEPT + number)) for number in range(LOST)]


@pytest.mark.parametrize("mode", [EVERY_CHANGE, LATEST])
async def test_a_watch_that_has_seen_what_is_lost_is_told_at_once(
    api: Api, store: IsReplaced, mode: int
) -> None:
    await saves(api, store)
    async with api.watch(mode=mode) as watch:
        await watch.until("caught_up")
        store.fall_back()
        with refused("REVISION_IN_FUTURE") as told:
            await watch.frame()
    assert told.metadata == {"revision": str(KEPT + LOST), "head_revision": str(KEPT)}


async def test_what_is_committed_anew_is_not_taken_for_what_follows(
    api: Api, store: IsReplaced
) -> None:
    """Nobody has noticed until the revisions have gone past where the watch is."""
    made = await saves(api, store)
    async with api.watch(mode=EVERY_CHANGE) as watch:
        await watch.until("caught_up")
        requests = [save_request(api.tenant_id, "b", snapshot(n)) for n in range(LOST + 2)]
        store.fall_back(and_save=requests)
        with refused("STORE_REPLACED") as told:
            await watch.frame()
    assert told.metadata == {"revision": str(made[-1].revision)}


async def test_a_watch_that_has_seen_only_what_is_kept_goes_on(api: Api, store: IsReplaced) -> None:
    """Its revision is part of both; another watch of the tenant is told, and it is not."""
    made = await saves(api, store)
    async with api.watch() as ahead:
        await ahead.until("caught_up")
        store.fall_back()
        with refused("REVISION_IN_FUTURE"):
            await ahead.frame()
    async with api.watch(resume_token=made[KEPT - 1].resume_token, mode=EVERY_CHANGE) as watch:
        await watch.until("caught_up")
        again = await api.save("b", snapshot())
        assert again.revision == KEPT + 1
        change = await watch.change()
        assert (change.snapshot.execution_id, change.snapshot.etag) == ("b", again.etag)


async def test_a_new_watch_sees_the_store_as_it_is_now(api: Api, store: IsReplaced) -> None:
    made = await saves(api, store)
    async with api.watch(mode=EVERY_CHANGE) as first:
        await first.until("caught_up")
        store.fall_back()
        with refused("REVISION_IN_FUTURE"):
            await first.frame()
    async with api.watch(**INITIAL_STATE) as watch:
        [head] = await watch.changes_until("initial_state_end")
        assert head.snapshot.etag == made[KEPT - 1].etag
    for lost in made[KEPT:]:
        async with api.watch(resume_token=lost.resume_token) as watch:
            with refused("REVISION_IN_FUTURE"):
                await watch.frame()


async def test_an_initial_state_is_not_made_of_two_stores(
    api: Api, store: IsReplaced, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("stillframe.server.watch.cursor.INITIAL_PAGE", 2)
    for number in range(3):
        await api.save(f"old-{number}", snapshot())
    store.remember()
    await api.save("old-0", snapshot(2))
    pages = 0
    list_executions = store.list_executions

    async def and_fall_back(*args: object, **options: object) -> object:
        nonlocal pages
        pages += 1
        page = await list_executions(*args, **options)  # type: ignore[arg-type]
        if pages == 1:
            store.fall_back()
        return page

    monkeypatch.setattr(store, "list_executions", and_fall_back)
    async with api.watch(**INITIAL_STATE) as watch:
        with refused("STORE_REPLACED"):
            await watch.until("initial_state_end")
    assert pages == 2
