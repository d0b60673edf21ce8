"""The servers of a run, the database under them, and what is done to them."""

from __future__ import annotations

import asyncio
import os
import signal
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING, Protocol, Self

from stillframe.client import AsyncClient, RetryPolicy
from stillframe.testing import ServerProcess, ServerStartError
from tests.chaos.schedule import DATABASE, Event, Fault

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

SETTINGS = {
    "STILLFRAME_MAINTENANCE_INTERVAL": "0.2",
    # Small, so that watchers that were away read from the store what the ring no longer has.
    "STILLFRAME_WATCH_BUFFER_BYTES": str(2**20),
    "STILLFRAME_DRAIN_GRACE": "5",
}

STARTS = 30
"""How often a server is started until it counts as one that does not: it ends at once while
its database is away, as a supervisor would find."""

TENANT = "acme"

CALL_TIMEOUT = 60.0
"""Seconds of a call: longer than a paused server is away, and its connection found dead."""


class Database(Protocol):
    """A database that can be restarted."""

    @property
    def url(self) -> str: ...
    def stop(self, mode: str) -> None: ...
    def start(self) -> None: ...


class Cluster:
    """Servers over one store."""

    def __init__(
        self, url: str, servers: int, database: Database | None, say: Callable[[str], None]
    ) -> None:
        self._servers = [ServerProcess(url, env=SETTINGS) for _ in range(servers)]
        self._database = database
        self._say = say
        self._stack = AsyncExitStack()
        self.clients: list[AsyncClient] = []
        """One for each server: it comes first among the addresses that the client holds."""

    @property
    def size(self) -> int:
        return len(self._servers)

    async def __aenter__(self) -> Self:
        for server in self._servers:
            self._stack.callback(server.close)
            await asyncio.to_thread(server.start)
        addresses = [server.address for server in self._servers]
        for number in range(self.size):
            target = ",".join(addresses[number:] + addresses[:number])
            client = AsyncClient(
                target,
                tenant=TENANT,
                timeout=CALL_TIMEOUT,
                retry=RetryPolicy(max_attempts=10_000, max_backoff=0.5),
            )
            self.clients.append(await self._stack.enter_async_context(client))
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self._stack.aclose()

    async def suffer(self, events: Sequence[Event], stopping: asyncio.Event) -> None:
        """Does to one target what is meant for it, event by event, at its time."""
        start = asyncio.get_running_loop().time()
        for event in events:
            delay = start + event.at - asyncio.get_running_loop().time()
            if await _sleep_unless(stopping, delay):
                return
            self._say(str(event))
            await self._suffer(event, stopping)

    async def _suffer(self, event: Event, stopping: asyncio.Event) -> None:
        if event.target == DATABASE:
            assert self._database is not None
            mode = "fast" if event.fault is Fault.RESTART_FAST else "immediate"
            await asyncio.to_thread(self._database.stop, mode)
            try:
                await _sleep_unless(stopping, event.lasts)
            finally:
                await asyncio.to_thread(self._database.start)
            return
        server = self._servers[event.target]
        if event.fault is Fault.PAUSE:
            os.kill(server.pid, signal.SIGSTOP)
            try:
                await _sleep_unless(stopping, event.lasts)
            finally:
                os.kill(server.pid, signal.SIGCONT)
            return
        if event.fault is Fault.KILL:
            await asyncio.to_thread(server.kill)
        else:
            await asyncio.to_thread(_drain, server)
        await _sleep_unless(stopping, event.lasts)
        await self._start(server)

    async def settle(self) -> None:
        """Drains every server once and starts it again: no call is left under way anywhere, not
        one that its client has given up.
        """
        for server in self._servers:
            await asyncio.to_thread(_drain, server)
            await self._start(server)

    async def _start(self, server: ServerProcess) -> None:
        for number in range(1, STARTS + 1):
            try:
                await asyncio.to_thread(server.start)
            except ServerStartError:
                if number == STARTS or self._database is None:
                    raise
                await asyncio.sleep(0.2)
            else:
                return


def _drain(server: ServerProcess) -> None:
    code = server.terminate(timeout=60)
    if code:
        raise RuntimeError(f"a server that was drained ended with {code}:\n{server.stderr}")


async def _sleep_unless(stopping: asyncio.Event, seconds: float) -> bool:
    """Waits, but not beyond the end of the run; tells whether that has come."""
    try:
        await asyncio.wait_for(stopping.wait(), max(0.0, seconds))
    except TimeoutError:
        return False
    return True
