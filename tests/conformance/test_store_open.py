"""What a store must do when it is opened and closed."""

from __future__ import annotations

import asyncio
import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from stillframe.server.stores import open_store
from stillframe.server.stores.base import StoreConfig, StoreOpenError, UnknownStoreError
from stillframe.server.stores.refusals import Refusal
from stillframe.v1 import snapshot_service_pb2 as service
from tests.conformance.support import refused, snapshot

if TYPE_CHECKING:
    from tests.conformance.conftest import OpenStore


async def test_a_store_says_its_kind(opened: OpenStore, store_url: str) -> None:
    store = await opened()
    assert store.store.kind == store_url.partition(":")[0]


@pytest.mark.parametrize("url", ["nosuch:", "nosuch://there", "", "plain-text"])
async def test_a_url_of_no_known_store_is_refused(url: str) -> None:
    with pytest.raises(UnknownStoreError):
        await open_store(url, StoreConfig())


async def test_a_store_can_be_closed_twice(opened: OpenStore) -> None:
    store = await opened()
    await store.save("a")
    await store.store.close()
    await store.store.close()


@pytest.mark.persistent
async def test_what_was_answered_is_there_after_a_reopening(opened: OpenStore) -> None:
    first = await opened()
    saved = await first.save("a", snapshot(1, variables={"k": "v"}), request_id="r", writer_epoch=3)
    await first.save("b")
    await first.delete("b")
    await first.claim("c", allow_missing=True)
    head, changes = await first.load("a"), await first.changes()
    origin = await first.store.position(first.tenant_id, 0)
    await first.store.close()

    again = await opened(first.tenant_id)

    assert await again.load("a") == head
    assert await again.changes() == changes
    assert await again.store.position(first.tenant_id, 0) == origin
    replayed = await again.save(
        "a", snapshot(1, variables={"k": "v"}), request_id="r", writer_epoch=3
    )
    assert (replayed.outcome, replayed.etag) == (service.SAVE_OUTCOME_REPLAYED, saved.etag)
    with refused("FENCED"):
        await again.save("a", snapshot(2), writer_epoch=2)
    with refused("FENCED"):
        await again.save("c")
    assert (await again.save("b")).version == 2
    assert await again.revision() == 4


@pytest.mark.persistent
async def test_a_second_server_is_refused_or_shares_everything(opened: OpenStore) -> None:
    first = await opened()
    await first.save("a", snapshot(1))
    try:
        second = await opened(first.tenant_id)
    except StoreOpenError:
        # Refused, and no harm done.
        assert (await first.save("a", snapshot(2))).version == 2
        return
    assert (await second.save("a", snapshot(2))).version == 2
    assert (await first.load("a")).version == 2
    assert (await first.save("b")).revision == 3


async def test_a_close_commits_what_was_accepted(opened: OpenStore) -> None:
    store = await opened()
    saves = [asyncio.create_task(store.save(f"e{number:02}")) for number in range(30)]
    await asyncio.sleep(0)
    await store.store.close()

    # Each save was accepted, and then it is committed, or it was refused.
    done = await asyncio.gather(*saves, return_exceptions=True)
    for each in done:
        if isinstance(each, BaseException):
            assert isinstance(each, Refusal)
        else:
            assert each.version == 1


@pytest.mark.persistent
async def test_what_was_accepted_before_a_close_is_there_after_it(opened: OpenStore) -> None:
    store = await opened()
    saves = {
        name: asyncio.create_task(store.save(name))
        for name in (f"e{number:02}" for number in range(30))
    }
    await asyncio.sleep(0)
    await store.store.close()
    await asyncio.wait(saves.values())
    again = await opened(store.tenant_id)

    there = {head.execution_id: head.etag for head in await again.executions()}

    answered = {
        name: task.result().etag for name, task in saves.items() if task.exception() is None
    }
    assert answered
    assert there == answered


@pytest.mark.scheme("sqlite")
async def test_a_schema_of_a_newer_server_is_refused(opened: OpenStore, store_url: str) -> None:
    store = await opened()
    await store.save("a")
    await store.store.close()
    path = store_url.removeprefix("sqlite:///")
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA user_version = 1000000")

    with pytest.raises(StoreOpenError):
        await opened()

    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA user_version = 1")
