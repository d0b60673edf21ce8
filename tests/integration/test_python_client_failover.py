"""The Python client goes on with the next of its addresses when a server is gone, or hangs."""

from __future__ import annotations

import asyncio
import os
import signal
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from stillframe.client import AsyncClient, Change, Client, Restarted, _connection
from stillframe.testing import ServerProcess
from tests.integration.saves import DEADLINE
from tests.integration.states import running

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator

    from stillframe.client import WatchEvent

pytest_plugins = ["stillframe.testing.fixtures"]


@pytest.fixture
def servers() -> Iterator[tuple[ServerProcess, ServerProcess]]:
    """Two servers, each with a store of its own: what is saved tells which one was asked."""
    with ServerProcess() as first, ServerProcess() as second:
        for number, server in enumerate((first, second), 1):
            with Client(server.address, tenant="acme") as client:
                client.save("run-1", running(number))
        yield first, second


@pytest.fixture
def both(servers: tuple[ServerProcess, ServerProcess]) -> str:
    return ",".join(server.address for server in servers)


@contextmanager
def paused(server: ServerProcess) -> Generator[None]:
    """Stops the process: its connections stay, and new ones are still taken by the system."""
    os.kill(server.pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(server.pid, signal.SIGCONT)


@pytest.mark.parametrize("end", ["kill", "terminate"])
def test_a_call_goes_to_the_next_server(
    servers: tuple[ServerProcess, ServerProcess], both: str, end: str
) -> None:
    first, second = servers
    with Client(both, tenant="acme", timeout=DEADLINE) as client:
        assert client.load("run-1").sequence_number == 1
        getattr(first, end)()
        assert client.load("run-1").sequence_number == 2
        first.start()
        getattr(second, end)()
        # The first one's store was its memory.
        assert client.save("run-1", running(3)).version == 1


def test_a_server_that_hangs_is_passed_over_when_connecting(
    servers: tuple[ServerProcess, ServerProcess], both: str
) -> None:
    with paused(servers[0]), Client(both, tenant="acme", timeout=DEADLINE) as client:
        assert client.load("run-1").sequence_number == 2


def test_a_server_that_hangs_is_found_dead(
    servers: tuple[ServerProcess, ServerProcess], both: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By the ping that it does not answer; where that is forgotten, gRPC waits a minute."""
    monkeypatch.setattr(_connection, "KEEPALIVE_MS", 500)
    monkeypatch.setattr(_connection, "KEEPALIVE_TIMEOUT_MS", 500)
    with Client(both, tenant="acme", timeout=DEADLINE / 2) as client:
        assert client.load("run-1").sequence_number == 1
        with paused(servers[0]):
            assert client.load("run-1").sequence_number == 2


@pytest.mark.parametrize("end", ["kill", "terminate"])
async def test_a_watch_goes_on_at_the_next_server(
    servers: tuple[ServerProcess, ServerProcess], both: str, end: str
) -> None:
    """It takes its token along: the other store does not know it, and says so."""
    first, _ = servers
    seen: list[WatchEvent] = []
    async with (
        asyncio.timeout(DEADLINE),
        AsyncClient(both, tenant="acme") as client,
        client.watch(initial_state=True, restart_if_lost=True) as watch,
    ):
        async for event in watch:
            if isinstance(event, Restarted | Change):
                seen.append(event)
            if isinstance(event, Change) and len(seen) == 1:
                await asyncio.to_thread(getattr(first, end))
            if len(seen) == 3:
                break
    before, restarted, after = seen
    assert isinstance(before, Change)
    assert before.snapshot.sequence_number == 1
    assert restarted in (Restarted(reason="STORE_REPLACED"), Restarted(reason="INTERRUPTED"))
    assert isinstance(after, Change)
    assert after.snapshot.sequence_number == 2
