"""The window of a stream of saves, without a connection."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, cast

import pytest

from stillframe.server.config import Settings
from stillframe.server.pipeline import BATCH_ITEMS, WINDOW_BYTES, WINDOW_ITEMS, Pipelines
from stillframe.server.stores import refusals
from stillframe.server.stores.refusals import Refusal
from stillframe.v1 import error_pb2
from stillframe.v1.snapshot_service_pb2 import (
    SaveItem,
    SaveSnapshotResponse,
    SaveSnapshotsRequest,
    SaveSnapshotsResponse,
)
from tests.conformance.support import TIMEOUT, save_request, snapshot

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    from stillframe.server.stores.base import Store
    from stillframe.v1.snapshot_service_pb2 import SaveSnapshotRequest


class GatedStore:
    """Accepts every save, once its gate is open."""

    def __init__(self) -> None:
        self.open = asyncio.Event()
        self.batches: list[int] = []

    async def save_many(
        self, requests: Sequence[SaveSnapshotRequest]
    ) -> list[SaveSnapshotResponse | Refusal]:
        self.batches.append(len(requests))
        await self.open.wait()
        return [SaveSnapshotResponse(version=1) for _ in requests]


class Requests:
    """Messages of one item each, and how many of them were read."""

    def __init__(self, count: int, size: int = 0) -> None:
        content = snapshot(1, variables={"v": b"x" * size})
        item = SaveItem(item_id="i", save=save_request("acme", "run", content))
        self.message = SaveSnapshotsRequest(items=[item]).SerializeToString()
        self.count = count
        self.read = 0
        self.ended = False

    async def __aiter__(self) -> AsyncIterator[bytes]:
        while self.read < self.count:
            self.read += 1
            yield self.message
        self.ended = True


async def turns(count: int = 5_000) -> None:
    """Lets every task get as far as it can by itself."""
    for _ in range(count):
        await asyncio.sleep(0)


def pipelines(store: GatedStore) -> Pipelines:
    settings = Settings(store="memory:")
    return Pipelines(cast("Store", store), settings)


def count_of(data: bytes) -> int:
    return len(SaveSnapshotsResponse.FromString(data).results)


@pytest.mark.parametrize(
    ("size", "window"),
    [(0, WINDOW_ITEMS), (2**20, WINDOW_BYTES // 2**20)],
    ids=["items", "bytes"],
)
async def test_no_more_is_read_than_the_window_holds(size: int, window: int) -> None:
    store, requests = GatedStore(), Requests(3 * window, size)
    stream = pipelines(store).run(requests.__aiter__())
    first = asyncio.ensure_future(anext(stream))
    await turns()
    assert requests.read == window

    store.open.set()
    async with asyncio.timeout(TIMEOUT):
        answered = count_of(await first)
    await turns()
    # What was given out counts until the next is asked for: only then it is on its way.
    assert requests.read == window
    async for data in stream:
        answered += count_of(data)
        assert requests.read <= answered + window
    assert answered == 3 * window
    assert max(store.batches) <= BATCH_ITEMS


async def test_a_message_larger_than_the_window_is_taken_alone() -> None:
    store, requests = GatedStore(), Requests(3, WINDOW_BYTES)
    stream = pipelines(store).run(requests.__aiter__())
    first = asyncio.ensure_future(anext(stream))
    await turns()
    assert requests.read == 1
    store.open.set()
    assert count_of(await first) + sum([count_of(data) async for data in stream]) == 3


async def test_a_stream_that_is_dropped_commits_what_is_in_the_store_and_no_more() -> None:
    store, requests = GatedStore(), Requests(600)
    all_streams = pipelines(store)
    stream = all_streams.run(requests.__aiter__())
    first = asyncio.ensure_future(anext(stream))
    await turns()
    first.cancel()
    await asyncio.wait([first])
    settling = asyncio.create_task(all_streams.settle())
    await turns()
    assert not settling.done(), "the store is still at it"

    store.open.set()
    async with asyncio.timeout(TIMEOUT):
        await settling
    assert len(store.batches) == 1
    assert requests.ended


async def test_a_drain_reads_no_more_and_refuses_new_streams() -> None:
    store, requests = GatedStore(), Requests(3 * WINDOW_ITEMS)
    all_streams = pipelines(store)
    stream = all_streams.run(requests.__aiter__())
    first = asyncio.ensure_future(anext(stream))
    await turns()
    all_streams.drain()
    store.open.set()

    answered = count_of(await first)
    while answered < WINDOW_ITEMS:
        answered += count_of(await anext(stream))
    with pytest.raises(Refusal) as told:
        await anext(stream)
    assert told.value.reason == error_pb2.ERROR_REASON_SHUTTING_DOWN
    with pytest.raises(Refusal):
        await anext(all_streams.run(requests.__aiter__()))
    await all_streams.settle()


async def test_a_request_stream_that_breaks_ends_with_its_error() -> None:
    class Broken(Requests):
        async def __aiter__(self) -> AsyncIterator[bytes]:
            yield self.message
            raise RuntimeError("swordfish")

    store = GatedStore()
    store.open.set()
    stream = pipelines(store).run(Broken(1).__aiter__())
    assert count_of(await anext(stream)) == 1
    with pytest.raises(RuntimeError, match="swordfish"):
        await anext(stream)


class PartlyStore(GatedStore):
    """Takes the first save of each call, and says of the others why it did not."""

    def __init__(self, *failures: Refusal) -> None:
        super().__init__()
        self.failures = [*failures]

    async def save_many(
        self, requests: Sequence[SaveSnapshotRequest]
    ) -> list[SaveSnapshotResponse | Refusal]:
        self.batches.append(len(requests))
        if not self.failures:
            return [SaveSnapshotResponse(version=1) for _ in requests]
        failure = self.failures.pop(0)
        return [SaveSnapshotResponse(version=1), *[failure] * (len(requests) - 1)]


async def test_what_a_busy_store_did_not_take_is_given_to_it_again() -> None:
    busy = refusals.server_busy("max_inflight_bytes", 1)
    busy.retry_after = 0.001
    store = PartlyStore(busy, busy)
    async with asyncio.timeout(TIMEOUT):
        answers = [data async for data in pipelines(store).run(aiter(Requests(5)))]
    assert store.batches == [5, 4, 3]
    results = [each for data in answers for each in SaveSnapshotsResponse.FromString(data).results]
    assert [each.WhichOneof("result") for each in results] == ["saved"] * 5


async def test_a_store_that_fails_for_some_ends_the_stream_after_the_others() -> None:
    """No item of theirs has a result, and none from behind them is taken."""
    store = PartlyStore(refusals.store_unavailable())
    stream = aiter(pipelines(store).run(aiter(Requests(BATCH_ITEMS + 5))))
    async with asyncio.timeout(TIMEOUT):
        assert count_of(await anext(stream)) == 1
        with pytest.raises(Refusal) as refused:
            await anext(stream)
    assert refused.value.reason == error_pb2.ERROR_REASON_STORE_UNAVAILABLE
    assert len(store.batches) == 1
