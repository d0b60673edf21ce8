"""The async client against a small server on a socket: the same rules as the sync one, and
what is particular to event loops.
"""

import asyncio
from collections.abc import AsyncIterator

import grpc
import pytest
from grpc import aio

from stillframe.client import (
    AsyncWatch,
    Change,
    Clock,
    ClosedError,
    DeadlineExceededError,
    EtagMismatchError,
    FencedError,
    Restarted,
    RetryPolicy,
    StillframeError,
    UnavailableError,
    ValueEncodeError,
    WatchEvent,
    WatchOpened,
)
from tests.unit.client.fake_service import FENCED, UNAVAILABLE, Naps, Refusal, serving
from tests.unit.client.frames import GOODBYE, change, opened
from tests.unit.client.support import PATIENCE, snapshot


async def test_a_save_is_retried_as_the_same_save() -> None:
    naps = Naps()
    async with serving(clock=naps.clock, retry=RetryPolicy(initial_backoff=1.0)) as (
        client,
        service,
    ):
        service.refusals = [UNAVAILABLE, Refusal(grpc.StatusCode.RESOURCE_EXHAUSTED, "SERVER_BUSY")]

        saved = await client.save("run", snapshot(a=1))

        assert saved.etag == "e1"
        assert len(service.asked) == 3
        assert service.asked[0] == service.asked[2]
        assert naps.taken == [1.0, 2.0]


async def test_errors_are_typed() -> None:
    async with serving() as (client, service):
        service.refusals = [FENCED]

        with pytest.raises(FencedError) as caught:
            await client.save("run", snapshot())

        assert caught.value.reason == "FENCED"
        assert isinstance(caught.value.__cause__, aio.AioRpcError)
        with pytest.raises(ValueEncodeError):
            await client.save("run", snapshot(a=object()))


async def test_a_timeout_is_typed() -> None:
    async with serving(timeout=0.05) as (client, service):
        service.gate.clear()

        with pytest.raises(DeadlineExceededError):
            await client.info()


async def test_lists_follow_their_pages() -> None:
    async with serving() as (client, service):
        ids = [each.execution_id async for each in client.list(page_size=1)]

        assert ids == ["run-0", "run-1", "run-2"]
        assert [each.page_token for each in service.asked] == ["", "1", "2"]


async def test_one_client_serves_many_threads_and_loops() -> None:
    async with serving() as (client, _):
        assert (await client.info()).store_kind == "fake"

        def elsewhere() -> str:
            return asyncio.run(client.info()).store_kind

        assert (
            await asyncio.gather(*(asyncio.to_thread(elsewhere) for _ in range(3))) == ["fake"] * 3
        )


async def test_a_closed_client_says_so() -> None:
    async with serving() as (client, _):
        await client.close()

        with pytest.raises(ClosedError):
            await client.info()


async def test_an_execution_saves_deltas() -> None:
    big = "x" * 500
    async with serving() as (client, service):
        execution = client.execution("run", overwrite=True)
        claim = await execution.claim()
        await execution.save(snapshot(big=big, n=1))
        await execution.save(snapshot(big=big, n=2))
        service.refusals = [Refusal(grpc.StatusCode.ABORTED, "DELTA_BASE_MISMATCH")]
        await execution.save(snapshot(big=big, n=3))

        assert claim.writer_epoch == execution.writer_epoch == 7
        saves = service.asked[1:]
        assert [each.WhichOneof("content") for each in saves] == [
            "snapshot",
            "delta",
            "delta",
            "snapshot",
        ]
        assert {each.writer_epoch for each in saves} == {7}
        assert await execution.load()
        service.refusals = [Refusal(grpc.StatusCode.ABORTED, "ETAG_MISMATCH")]
        with pytest.raises(EtagMismatchError):
            await execution.save(snapshot(), expected_etag="mine")


async def test_a_cancelled_save_is_settled_by_the_next() -> None:
    async with serving() as (client, service):
        execution = client.execution("run")
        service.gate.clear()
        saving = asyncio.create_task(execution.save(snapshot(n=1)))
        await asyncio.wait_for(service.arrived.wait(), PATIENCE)
        saving.cancel()
        with pytest.raises(asyncio.CancelledError):
            await saving
        service.gate.set()

        await execution.save(snapshot(n=2))

        first, again, last = service.asked
        assert first == again
        assert last.request_id != first.request_id


async def test_a_watch_resumes() -> None:
    naps = Naps()
    async with serving(clock=naps.clock) as (client, service):
        service.watches = [
            ((opened("r0"), change("r1"), change("r2")), UNAVAILABLE),
            ((opened(), change("r3"), GOODBYE), None),
            ((opened(), change("r4")), None),
        ]
        async with client.watch() as watch:
            seen: list[str] = []
            async for each in watch.changes():
                seen.append(each.resume_token)
                if each.resume_token == "r4":
                    break
        await asyncio.wait_for(service.cancelled.wait(), PATIENCE)

        assert seen == ["r1", "r2", "r3", "r4"]
        assert [each.resume_token for each in service.asked] == ["", "r2", "r3"]
        assert len(naps.taken) == 2


async def test_giving_up_a_wait_loses_nothing() -> None:
    async with serving() as (client, service):
        service.watches = [((opened(), change("")), None)]
        async with client.watch(initial_state=True) as watch:
            assert isinstance(await anext(watch), WatchOpened)
            assert isinstance(await anext(watch), Change)
            for _ in range(3):
                with pytest.raises(TimeoutError):
                    await asyncio.wait_for(anext(watch), 0.01)

            assert len(service.asked) == 1
            assert not service.cancelled.is_set()


async def drain(events: AsyncIterator[WatchEvent], into: list[WatchEvent]) -> None:
    async for event in events:
        into.append(event)  # noqa: PERF401 - what came before an error counts too


async def test_a_cut_in_the_initial_state_starts_over() -> None:
    async with serving(clock=Naps().clock) as (client, service):
        service.watches = [
            ((opened(), change("")), UNAVAILABLE),
            ((opened(), change("")), FENCED),
        ]
        watch = client.watch(initial_state=True)
        got: list[WatchEvent] = []
        with pytest.raises(FencedError):
            await drain(watch, got)

        assert [type(each) for each in got] == [WatchOpened, Change, Restarted, WatchOpened, Change]
        with pytest.raises(StopAsyncIteration):
            await anext(watch)


@pytest.mark.parametrize("by", ["watch", "client"])
async def test_closing_ends_a_watch_that_waits(by: str) -> None:
    async with serving() as (client, service):
        service.watches = [((opened(),), None)]
        watch = client.watch()
        await anext(watch)

        async def rest(watch: AsyncWatch) -> list[object]:
            return [each async for each in watch]

        waiting = asyncio.create_task(rest(watch))
        await asyncio.sleep(0)
        await (watch.close() if by == "watch" else client.close())

        assert await asyncio.wait_for(waiting, PATIENCE) == []
        await asyncio.wait_for(service.cancelled.wait(), PATIENCE)


async def test_a_saver_saves_the_newest() -> None:
    async with serving() as (client, service):
        service.gate.clear()
        async with client.saver("run", writer_epoch=2) as saver:
            assert await saver.flush() is None
            await saver.submit(snapshot(n=0))
            await asyncio.wait_for(service.arrived.wait(), PATIENCE)
            for n in range(1, 5):
                await saver.submit(snapshot(n=n))
            with pytest.raises(DeadlineExceededError):
                await saver.flush(0.01)
            service.gate.set()
            saved = await saver.flush(PATIENCE)

        assert saved is not None
        assert saved.version == 2
        assert [each.snapshot.variables["n"].data for each in service.asked] == [b"0", b"4"]
        assert {each.writer_epoch for each in service.asked} == {2}
        with pytest.raises(ClosedError):
            await saver.submit(snapshot())


async def test_a_saver_rides_out_an_absence_and_stops_at_a_fatal_error() -> None:
    naps = Naps()
    retry = RetryPolicy(max_attempts=1)
    async with serving(clock=naps.clock, retry=retry) as (client, service):
        saver = client.saver("run")
        service.refusals = [UNAVAILABLE, UNAVAILABLE]
        await saver.submit(snapshot(n=1))
        assert await saver.flush(PATIENCE) is not None
        assert len(naps.taken) == 2

        service.refusals = [FENCED]
        await saver.submit(snapshot(n=2))
        for _ in range(2):
            with pytest.raises(FencedError):
                await saver.flush(PATIENCE)
        with pytest.raises(FencedError):
            await saver.submit(snapshot(n=3))
        with pytest.raises(FencedError):
            await saver.close()


async def test_a_saver_gives_an_absence_up_in_time() -> None:
    now = 0.0

    async def sleep(seconds: float) -> None:
        nonlocal now
        now += seconds

    clock = Clock(monotonic=lambda: now, random=lambda: 1.0, sleep=sleep)
    retry = RetryPolicy(max_attempts=1, initial_backoff=2.0, max_backoff=4.0)
    async with serving(clock=clock, retry=retry) as (client, service):
        service.refusals = [UNAVAILABLE] * 9
        saver = client.saver("run", max_absence=5.0)
        await saver.submit(snapshot())

        with pytest.raises(UnavailableError):
            await saver.flush(PATIENCE)
        with pytest.raises(StillframeError):
            await saver.close()
        # At 0 s, 2 s and 6 s.
        assert len(service.asked) == 3
