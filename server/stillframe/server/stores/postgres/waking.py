"""How the tails of a server hear of commits: its own at once, those of others by
notification or by polling.

Correctness rests on polling: a notification is a hint, which may be lost, and is sent
after the commit, on a connection of its own (within a transaction it would make commits
wait for one another). Who is woken reads the store.
"""

from __future__ import annotations

import asyncio
import logging
from contextlib import contextmanager
from typing import TYPE_CHECKING

import psycopg
from psycopg import sql

from stillframe.server.stores.postgres.connection import connect
from stillframe.server.stores.refusals import Refusal
from stillframe.server.stores.sql.rows import REVISION_BITS, revision_of
from stillframe.server.stores.sql.steps import Ask

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Generator

    from stillframe.server.stores.postgres.connection import Connection, Options
    from stillframe.server.stores.postgres.running import Runner
    from stillframe.server.stores.signals import Signals
    from stillframe.server.stores.sql.steps import Steps

SHORTEST_POLL, LONGEST_POLL = 0.05, 1.0
"""Seconds between polls: short after one that found something, longer after each other."""
_GROWTH = 1.5

SHORTEST_RETRY, LONGEST_RETRY = 0.1, 2.0
"""Seconds after which a connection for notifications is opened again."""

_NEWEST = (
    "SELECT tenant.name, (SELECT max(id) FROM change"
    f" WHERE id >= tenant.id::bigint << {REVISION_BITS}"
    f" AND id < (tenant.id::bigint + 1) << {REVISION_BITS})"
    " FROM tenant WHERE tenant.name IN (??)"
)

_log = logging.getLogger(__name__)


class Waking:
    """Wakes those who wait for a tenant's next revision."""

    def __init__(self, options: Options, runner: Runner, signals: Signals) -> None:
        self._options = options
        self._runner = runner
        self._signals = signals
        self._waiting: dict[str, list[int]] = {}
        self._has_waiting = asyncio.Event()
        self._to_notify: set[str] = set()
        self._has_to_notify = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []

    def start(self) -> None:
        """Starts what runs beside the calls."""
        if self._options.poll:
            self._tasks.append(asyncio.create_task(self._poll(), name="poll"))
        if self._options.notify:
            for name, work in (("notify", self._notify), ("listen", self._listen)):
                self._tasks.append(asyncio.create_task(self._connected(name, work), name=name))

    async def close(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def touched(self, tenant_id: str) -> None:
        """A commit of this server has made a revision."""
        self._signals.notify(tenant_id)
        if self._options.notify:
            self._to_notify.add(tenant_id)
            self._has_to_notify.set()

    @contextmanager
    def waiting(self, tenant_id: str, after: int) -> Generator[None]:
        """Has the tenant polled for a revision above this one."""
        revisions = self._waiting.setdefault(tenant_id, [])
        revisions.append(after)
        self._has_waiting.set()
        try:
            yield
        finally:
            revisions.remove(after)
            if not revisions and self._waiting.get(tenant_id) is revisions:
                del self._waiting[tenant_id]

    async def _poll(self) -> None:
        interval = SHORTEST_POLL
        while True:
            await asyncio.sleep(interval)
            if not self._waiting:
                self._has_waiting.clear()
                await self._has_waiting.wait()
                continue
            interval = min(interval * _GROWTH, LONGEST_POLL)
            try:
                if await self._look():
                    interval = SHORTEST_POLL
            except Refusal:
                interval = LONGEST_POLL  # The runner has logged why.
            except Exception:  # noqa: BLE001 - logged, and tried again
                _log.exception("polling failed and goes on")
                interval = LONGEST_POLL

    async def _look(self) -> bool:
        """Wakes those whose tenant has moved on, or back or away, as only another database can
        have; tells whether there were any.
        """
        names = sorted(self._waiting)

        def newest() -> Steps[dict[str, int]]:
            found = yield Ask(_NEWEST, (names,))
            return {name: revision_of(change_id or 0) for name, change_id in found}

        revisions = await self._runner.read(newest)
        moved_on = [
            name
            for name in names
            if any(revisions.get(name, 0) != after for after in self._waiting.get(name, ()))
        ]
        for name in moved_on:
            self._signals.notify(name)
        return bool(moved_on)

    async def _connected(self, role: str, work: Callable[[Connection], Awaitable[None]]) -> None:
        """Does work on a connection of its own, and goes on with another when that is lost."""
        delay = SHORTEST_RETRY
        while True:
            try:
                async with await connect(self._options, role) as connection:
                    delay = SHORTEST_RETRY
                    await work(connection)
            except (psycopg.Error, OSError) as error:
                _log.warning("notifications wait for the database: %s", error)
            except Exception:  # noqa: BLE001 - logged, and tried again
                _log.exception("notifications failed and go on")
            await asyncio.sleep(delay)
            delay = min(delay * 2, LONGEST_RETRY)

    async def _notify(self, connection: Connection) -> None:
        """Tells the other servers. What comes while one statement is under way goes with the
        next one, each tenant once.
        """
        while True:
            await self._has_to_notify.wait()
            self._has_to_notify.clear()
            names, self._to_notify = self._to_notify, set()
            try:
                await connection.execute(
                    b"SELECT pg_notify(%s, name) FROM unnest(%s::text[]) AS name",
                    (self._options.channel, sorted(names)),
                )
            except BaseException:
                self._to_notify |= names
                self._has_to_notify.set()
                raise

    async def _listen(self, connection: Connection) -> None:
        await connection.execute(sql.SQL("LISTEN {}").format(sql.Identifier(self._options.channel)))
        # What was committed while nobody listened was told to nobody.
        for name in list(self._waiting):
            self._signals.notify(name)
        async for notification in connection.notifies():
            self._signals.notify(notification.payload)
