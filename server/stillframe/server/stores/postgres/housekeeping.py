"""What is done beside the saves, in slices, by one server at a time.

Each piece of work is a transaction of its own that holds its tenant's lock, and looks
again at what is due under it. So a slice holds a tenant up for one piece at most.
"""

from __future__ import annotations

import asyncio
from itertools import groupby
from typing import TYPE_CHECKING, TypeVar

from stillframe.server.stores.postgres.connection import STATEMENT_SECONDS
from stillframe.server.stores.postgres.session import Session
from stillframe.server.stores.sql import freeing, retaining, rows, sweeping, values, writing
from stillframe.server.stores.sql.commits import Commits
from stillframe.server.stores.sql.steps import first

if TYPE_CHECKING:
    from collections.abc import Callable

    from stillframe.server.stores.base import StoreConfig
    from stillframe.server.stores.postgres.connection import Connection
    from stillframe.server.stores.postgres.running import Runner
    from stillframe.server.stores.sql.steps import Row, Steps

T = TypeVar("T")

_FIRST = f"tenant.id::bigint << {rows.REVISION_BITS}"
_LAST = f"((tenant.id::bigint + 1) << {rows.REVISION_BITS})"
_TENANTS = (
    "SELECT tenant.id, tenant.name, tenant.floor, tenant.retained, tenant.retention,"
    f" (SELECT max(id) FROM change WHERE id >= {_FIRST} AND id < {_LAST}),"
    f" (SELECT header FROM change WHERE id > ({_FIRST}) + tenant.retained AND id < {_LAST}"
    " ORDER BY id LIMIT 1) FROM tenant WHERE tenant.id >= ? ORDER BY tenant.id LIMIT ?"
)


_PAGE = 1_000
_PAGES = 10
"""Tenants that are looked at in one go, and how often in a slice: that takes no lock."""

# Between the pieces of a slice the session is idle, and would keep the lock for as long as
# its server hangs. In one statement: there is no moment with the lock and without a limit.
_BEGIN = (
    b"SELECT CASE WHEN pg_try_advisory_lock(%s)"
    b" THEN set_config('idle_session_timeout', %s, false) END"
)
_IDLE = f"{STATEMENT_SECONDS}s"


class Housekeeping:
    """Gives each duty its share of a slice, so that none waits for another to be done."""

    def __init__(
        self, runner: Runner, config: StoreConfig, key: int, touched: Callable[[str], None]
    ) -> None:
        self._runner = runner
        self._config = config
        self._key = key
        self._touched = touched
        self._next_tenant = 0
        self._swept = 0
        self._turn = asyncio.Lock()

    async def run(self, budget: int) -> bool:
        """Does about so many rows, and says whether more is due.

        While another server is at it nothing is due here: that one goes on until all is done.
        Calls of this server's own take turns, so that what was due when one was made is done
        when it returns False.
        """
        async with self._turn, self._runner.connection() as connection:
            begun = await connection.execute(_BEGIN, (self._key, _IDLE))
            if await begun.fetchone() == (None,):
                return False
            try:
                return await self._slice(connection, budget)
            finally:
                await connection.execute(b"SELECT pg_advisory_unlock(%s)", (self._key,))
                await connection.execute(b"RESET idle_session_timeout")

    async def _slice(self, connection: Connection, budget: int) -> bool:
        share = max(budget // 4, 1)
        more = [
            await self._expire(connection, budget),
            await self._free_expired_values(connection, share),
            await self._go_round(connection, share),
            await self._sweep(connection, share),
            await self._free_garbage(connection, share),
            await self._free_gone_values(connection, share),
            await self._forget_tombstones(connection, share),
        ]
        return any(more)

    async def _in(self, connection: Connection, tenant_id: str, steps: Steps[T]) -> T:
        """Commits steps under the lock of a tenant."""
        return await self._runner.commit(
            tenant_id, lambda session: session.run(steps), held=connection
        )

    async def _in_number(self, connection: Connection, number: int, steps: Steps[T]) -> T:
        """Commits steps under the lock of the tenant with this id."""
        [(name,)] = await Session(connection).ask("SELECT name FROM tenant WHERE id = ?", number)
        return await self._in(connection, name, steps)

    async def _expire(self, connection: Connection, limit: int) -> bool:
        now = self._config.clock()
        due = await Session(connection).run(writing.due(now, limit))
        for tenant_id, found in groupby(sorted(due), key=lambda each: each[0]):
            names = [name for _, name in found]
            await self._in(connection, tenant_id, self._end(tenant_id, names, now))
            self._touched(tenant_id)
        return len(due) >= limit

    def _end(self, tenant_id: str, names: list[str], now: int) -> Steps[None]:
        commits = Commits(self._config)
        for name in names:
            yield from writing.expire(commits, tenant_id, name, now)

    async def _free_expired_values(self, connection: Connection, budget: int) -> bool:
        now, left = self._config.clock(), budget
        due = "SELECT scope_id FROM value WHERE expire_at <= ? ORDER BY expire_at LIMIT 1"
        tenant = f"SELECT tenant_id FROM scope WHERE id = ({due})"
        while left > 0 and (found := await Session(connection).ask(tenant, now)):
            number = found[0][0]
            steps = values.free_expired(now, left, number)
            left -= await self._in_number(connection, number, steps)
        return left <= 0

    async def _go_round(self, connection: Connection, budget: int) -> bool:
        """Trims logs and history of the next tenants; tells whether there are more."""
        done = 0
        for _ in range(_PAGES):
            found = await Session(connection).ask(_TENANTS, self._next_tenant, _PAGE)
            for row in found:
                self._next_tenant = row[0]
                if not self._is_due(row):
                    continue
                if done >= budget:
                    return True
                steps = self._trim(row[0], budget - done)
                looked_at, more = await self._in(connection, row[1], steps)
                if more:
                    return True
                done += 1 + looked_at
            if len(found) < _PAGE:
                self._next_tenant = 0
                return False
            self._next_tenant += 1
        return True

    def _is_due(self, row: Row) -> bool:
        _, name, floor, retained, retention, newest, following = row
        if newest is None:
            return False
        revision = rows.revision_of(newest)
        return (
            revision - floor + 1 > self._config.change_log_size
            or retention != str(self._config.retention_of(name))
            or (retained < revision and retaining.is_due(self._config, name, following))
        )

    def _trim(self, tenant: int, budget: int) -> Steps[tuple[int, bool]]:
        """Trims log and history of a tenant; returns the rows, and whether there are more."""
        row = yield from first(
            "SELECT name, floor, retained, retention FROM tenant WHERE id = ?", (tenant,)
        )
        if row is None:
            return 0, False
        name, floor, retained, retention = row
        trimmed = yield from freeing.trim_log(self._config, tenant, floor, budget)
        if trimmed == budget:
            return trimmed, True
        looked_at, more = yield from retaining.retain(
            self._config, (tenant, name, retained, retention), budget - trimmed
        )
        return trimmed + looked_at, more

    async def _sweep(self, connection: Connection, budget: int) -> bool:
        work = await Session(connection).run(sweeping.next_sweep(self._swept))
        self._swept = work.content_id if work else 0
        if work:
            number = rows.tenant_of(work.content_id)
            await self._in_number(connection, number, self._go_on(work.content_id, budget))
        return await Session(connection).run(freeing.has_rows("sweep"))

    @staticmethod
    def _go_on(content_id: int, budget: int) -> Steps[None]:
        """Does what is still to be swept of a content, now that nobody else changes it."""
        work = yield from sweeping.next_sweep(content_id - 1)
        if work and work.content_id == content_id:
            yield from sweeping.sweep(work, budget)

    async def _free_garbage(self, connection: Connection, budget: int) -> bool:
        left = budget
        while left > 0:
            content_id = await Session(connection).run(freeing.next_garbage())
            if content_id is None:
                return False
            steps = freeing.free_garbage(content_id, left)
            left -= await self._in_number(connection, rows.tenant_of(content_id), steps)
        return True

    async def _free_gone_values(self, connection: Connection, budget: int) -> bool:
        left = budget
        while left > 0:
            scope_id = await Session(connection).run(values.next_gone())
            if scope_id is None:
                return False
            of_scope = "SELECT tenant_id FROM scope WHERE id = ?"
            [(number,)] = await Session(connection).ask(of_scope, scope_id)
            steps = values.free_gone(scope_id, left)
            left -= await self._in_number(connection, number, steps)
        return True

    async def _forget_tombstones(self, connection: Connection, budget: int) -> bool:
        left = budget
        while left > 0:
            oldest = await Session(connection).run(freeing.oldest_tombstone(self._config))
            if oldest is None:
                return False
            steps = freeing.forget_tombstones(self._config, left, oldest)
            left -= max(len(await self._in_number(connection, oldest, steps)), 1)
        return True
