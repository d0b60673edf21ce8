"""What is done beside the saves, in slices that hold none of them up: expiry, the change
log's floor, retention, contents and values of executions that are gone, values whose ttl
is over, old tombstones.

Runs in the writer's thread. Nothing here changes what a kept snapshot reads as.
"""

# apsw's stubs name Buffer, and Python has that from 3.12 on.
# pyright: reportUnknownMemberType=false

from __future__ import annotations

from typing import TYPE_CHECKING

from stillframe.server.stores.sql import freeing, retaining, sweeping, values, writing
from stillframe.server.stores.sqlite.rows import query, run

if TYPE_CHECKING:
    import apsw

    from stillframe.server.stores.base import StoreConfig
    from stillframe.server.stores.sql.commits import Commits


class Housekeeping:
    """Gives each duty its share of a slice, so that none waits for another to be done."""

    def __init__(self, commits: Commits, config: StoreConfig) -> None:
        self._commits = commits
        self._config = config
        self._next_tenant = 0
        self._swept = 0

    def run(self, connection: apsw.Connection, budget: int) -> bool:
        """Does about so many rows, and says whether more is due."""
        share = max(budget // 4, 1)
        expired = self._expire(connection, budget)
        expired_values = run(connection, values.free_expired(self._config.clock(), share))
        round_over = self._go_round(connection, share)
        self._sweep(connection, share)
        left = share
        while left > 0 and (content_id := run(connection, freeing.next_garbage())) is not None:
            left -= run(connection, freeing.free_garbage(content_id, left))
        left = share
        while left > 0 and (scope_id := run(connection, values.next_gone())) is not None:
            left -= run(connection, values.free_gone(scope_id, left))
        forgotten = run(connection, freeing.forget_tombstones(self._config, share))
        # A later save must not find in memory a row that is no more.
        self._commits.read.update(forgotten)
        return (
            expired >= budget
            or expired_values >= share
            or not round_over
            or len(forgotten) >= share
            or run(connection, freeing.has_rows("sweep"))
            or run(connection, freeing.has_rows("garbage"))
            or run(connection, values.next_gone()) is not None
        )

    def _expire(self, connection: apsw.Connection, limit: int) -> int:
        now = self._config.clock()
        due = run(connection, writing.due(now, limit))
        for tenant_id, execution_id in due:
            run(connection, writing.expire(self._commits, tenant_id, execution_id, now))
        return len(due)

    def _sweep(self, connection: apsw.Connection, budget: int) -> None:
        work = run(connection, sweeping.next_sweep(self._swept))
        self._swept = work.content_id if work else 0
        if work:
            run(connection, sweeping.sweep(work, budget))

    def _go_round(self, connection: apsw.Connection, budget: int) -> bool:
        """Trims logs and history of the next tenants; tells whether the round is over."""
        done = 0
        for tenant, name, floor, retained, retention in list(
            query(
                connection,
                "SELECT id, name, floor, retained, retention FROM tenant WHERE id >= ?"
                " ORDER BY id LIMIT ?",
                (self._next_tenant, budget + 1),
            )
        ):
            self._next_tenant = tenant
            if done >= budget:
                return False
            left = budget - done
            trimmed = run(connection, freeing.trim_log(self._config, tenant, floor, left))
            if trimmed == left:
                return False  # There may be more of it: the next slice begins here.
            row = (tenant, name, retained, retention)
            looked_at, more = run(connection, retaining.retain(self._config, row, left - trimmed))
            if more:
                return False
            done += 1 + trimmed + looked_at
        self._next_tenant = 0
        return True
