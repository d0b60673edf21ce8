"""The Python client's pipeline over a server that is killed, drained and restarted under it."""

from __future__ import annotations

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

from stillframe.client import AsyncClient, Client, SaveOutcome
from tests.integration.saves import DEADLINE
from tests.integration.states import RIDES_OUT, assert_is, running

if TYPE_CHECKING:
    from concurrent.futures import Future

    from stillframe.client import Saved
    from stillframe.testing import ServerProcess

pytest_plugins = ["stillframe.testing.fixtures"]

NAMES = ["run-a", "run-b", "run-c"]
EACH = 150
"""Saves of each execution."""
ENDS = (60, 200, 340)
"""Answers after which the server is ended, out of 450: in the middle of the stream."""


def check(client: Client, answers: dict[str, list[Saved]]) -> None:
    """Every save took effect once, in its order, and says so."""
    for name in NAMES:
        assert [answer.version for answer in answers[name]] == list(range(1, EACH + 1))
        history = list(client.history(name, full=True))
        assert [each.version for each in history] == list(range(EACH, 0, -1))
        for each in history:
            assert_is(each, running(each.version))
            assert each.etag == answers[name][each.version - 1].etag
    revisions = [answer.revision for name in NAMES for answer in answers[name]]
    assert sorted(revisions) == list(range(1, len(NAMES) * EACH + 1))


def end_in_the_middle(server: ServerProcess, how: str, enough: list[threading.Event]) -> None:
    for event in enough:
        assert event.wait(DEADLINE)
        getattr(server, how)()
        server.start()


@pytest.mark.parametrize("how", ["kill", "terminate"])
def test_no_save_is_lost_or_made_twice(stillframe_server: ServerProcess, how: str) -> None:
    enough = [threading.Event() for _ in ENDS]
    answered = 0

    def count(_: Future[Saved]) -> None:
        nonlocal answered
        answered += 1
        if answered in ENDS:
            enough[ENDS.index(answered)].set()

    address = stillframe_server.address
    with Client(address, tenant="acme", timeout=DEADLINE, retry=RIDES_OUT) as client:
        with ThreadPoolExecutor() as pool, client.pipeline() as pipeline:
            ending = pool.submit(end_in_the_middle, stillframe_server, how, enough)
            futures: dict[str, list[Future[Saved]]] = {name: [] for name in NAMES}
            for number in range(1, EACH + 1):
                for name in NAMES:
                    future = pipeline.save(name, running(number))
                    future.add_done_callback(count)
                    futures[name].append(future)
            pipeline.flush(DEADLINE)
            ending.result(DEADLINE)
        answers = {name: [each.result(0) for each in futures[name]] for name in NAMES}
        check(client, answers)


async def test_no_save_of_an_async_pipeline_is_lost_or_made_twice(
    stillframe_server: ServerProcess,
) -> None:
    enough = [asyncio.Event() for _ in ENDS]
    answered = 0

    def count(_: asyncio.Future[Saved]) -> None:
        nonlocal answered
        answered += 1
        if answered in ENDS:
            enough[ENDS.index(answered)].set()

    async def end_in_the_middle() -> None:
        for event in enough:
            await event.wait()
            await asyncio.to_thread(stillframe_server.kill)
            await asyncio.to_thread(stillframe_server.start)

    futures: dict[str, list[asyncio.Future[Saved]]] = {name: [] for name in NAMES}
    address = stillframe_server.address
    async with (
        asyncio.timeout(DEADLINE),
        AsyncClient(address, tenant="acme", retry=RIDES_OUT) as client,
        client.pipeline() as pipeline,
    ):
        ending = asyncio.create_task(end_in_the_middle())
        for number in range(1, EACH + 1):
            for name in NAMES:
                future = await pipeline.save(name, running(number))
                future.add_done_callback(count)
                futures[name].append(future)
        await pipeline.flush()
        await ending
    answers = {name: [each.result() for each in futures[name]] for name in NAMES}
    with Client(address, tenant="acme") as again:
        await asyncio.to_thread(check, again, answers)


def test_what_was_sent_while_the_server_was_away_is_saved(
    stillframe_server: ServerProcess,
) -> None:
    address = stillframe_server.address
    with Client(address, tenant="acme", retry=RIDES_OUT) as client, client.pipeline() as pipeline:
        first = pipeline.save("run", running(1)).result(DEADLINE)
        stillframe_server.kill()
        later = [pipeline.save("run", running(number)) for number in range(2, 30)]
        stillframe_server.start()
        versions = [each.result(DEADLINE).version for each in later]
        assert first.outcome is SaveOutcome.CREATED
        assert versions == list(range(2, 30))
        assert_is(client.load("run"), running(29))
