"""The Python client rides out a server that is killed, drained and restarted under it."""

from __future__ import annotations

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from stillframe.client import (
    AsyncClient,
    CaughtUp,
    Change,
    Client,
    WatchMode,
    WatchOpened,
)
from tests.integration.saves import DEADLINE
from tests.integration.states import RIDES_OUT, assert_is, running

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator

    from stillframe.client import Watch, WatchEvent
    from stillframe.testing import ServerProcess

pytest_plugins = ["stillframe.testing.fixtures"]

EPISODE = 30
SAVES = 3 * EPISODE
"""Saves of which a server that ends twice sees three parts."""


@pytest.fixture
def client(stillframe_server: ServerProcess) -> Iterator[Client]:
    address = stillframe_server.address
    with Client(address, tenant="acme", timeout=DEADLINE, retry=RIDES_OUT) as opened:
        yield opened


def until_caught_up(watch: Watch) -> None:
    for event in watch:
        if isinstance(event, CaughtUp):
            return


def until_sequence(watch: Watch, number: int) -> list[WatchEvent]:
    events: list[WatchEvent] = []
    for event in watch:
        events.append(event)
        if isinstance(event, Change) and event.snapshot.sequence_number == number:
            return events
    raise AssertionError("the watch ended, or its time was up")


@contextmanager
def ends(watch: Watch) -> Generator[None]:
    """Closes a watch that has not got to its end by the deadline."""
    timer = threading.Timer(DEADLINE, watch.close)
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


def save_over_restarts(client: Client, server: ServerProcess, how: str) -> None:
    """Saves without a pause while another thread ends the server twice."""
    enough = [threading.Event(), threading.Event()]

    def engine() -> None:
        execution = client.execution("run-1")
        for number in range(1, SAVES + 1):
            execution.save(running(number))
            if number % EPISODE == 0 and number < SAVES:
                enough[number // EPISODE - 1].set()

    with ThreadPoolExecutor() as pool:
        engine_work = pool.submit(engine)
        for event in enough:
            while not event.wait(0.1):
                assert not engine_work.done(), engine_work.exception()
            getattr(server, how)()
            server.start()
        engine_work.result(DEADLINE)


@pytest.mark.parametrize("how", ["kill", "terminate"])
def test_a_watch_goes_on_over_a_restart(
    client: Client, stillframe_server: ServerProcess, how: str
) -> None:
    """Killed or drained twice while saves go on: every revision comes once, in order."""
    with client.watch(mode=WatchMode.EVERY_CHANGE, full=True) as watch, ends(watch):
        until_caught_up(watch)
        with ThreadPoolExecutor() as pool:
            work = pool.submit(save_over_restarts, client, stillframe_server, how)
            # Without it a save that fails would show as a watch that waits for its time.
            work.add_done_callback(lambda done: watch.close() if done.exception() else None)
            try:
                events = until_sequence(watch, SAVES)
            finally:
                work.result(DEADLINE)
    changes = [each for each in events if isinstance(each, Change)]
    assert [each.snapshot.revision for each in changes] == list(range(1, SAVES + 1))
    for number, change in enumerate(changes, start=1):
        assert_is(change.snapshot, running(number))
    assert any(isinstance(each, WatchOpened) for each in events), "it was never cut off"


async def test_an_async_watch_goes_on_over_a_kill(stillframe_server: ServerProcess) -> None:
    async with (
        asyncio.timeout(DEADLINE),
        AsyncClient(stillframe_server.address, tenant="acme", retry=RIDES_OUT) as client,
        client.watch(mode=WatchMode.EVERY_CHANGE) as watch,
    ):
        async for event in watch:
            if isinstance(event, CaughtUp):
                break
        saving = asyncio.gather(*(client.save(f"run-{n}", running(n)) for n in range(40)))
        revisions: list[int] = []
        async for change in watch.changes():
            revisions.append(change.snapshot.revision)
            if len(revisions) == 10:
                stillframe_server.kill()
                await asyncio.to_thread(stillframe_server.start)
            if len(revisions) == 40:
                break
        # Retried under the same request_id: none is made twice.
        assert sorted(each.revision for each in await saving) == revisions == list(range(1, 41))


def test_a_saver_rides_out_a_restart(client: Client, stillframe_server: ServerProcess) -> None:
    with client.saver("run-1") as saver:
        saver.submit(running(1))
        first = saver.flush(DEADLINE)
        assert first is not None
        assert first.version == 1
        stillframe_server.kill()
        for number in range(2, 50):
            saver.submit(running(number))
        stillframe_server.start()
        last = saver.flush(DEADLINE)
    assert last is not None
    head = client.load("run-1")
    assert_is(head, running(49))
    assert head.etag == last.etag
    # The newest wins: hardly any of the states between was saved.
    assert head.version < 10


async def test_an_async_saver_rides_out_a_restart(stillframe_server: ServerProcess) -> None:
    async with (
        asyncio.timeout(DEADLINE),
        AsyncClient(stillframe_server.address, tenant="acme", retry=RIDES_OUT) as client,
        client.saver("run-1") as saver,
    ):
        await saver.submit(running(1))
        await saver.flush()
        stillframe_server.kill()
        for number in range(2, 50):
            await saver.submit(running(number))
        await asyncio.to_thread(stillframe_server.start)
        last = await saver.flush()
        assert last is not None
        head = await client.load("run-1")
        assert_is(head, running(49))
        assert head.etag == last.etag
