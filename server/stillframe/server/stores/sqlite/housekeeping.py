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


_TENANTS = (
    "SELECT id, name, floor, retained, retention FROM tenant WHERE id >= ? ORDER BY id LIMIT ?"
)
_PAGE, _PAGES = 500, 20
"""Tenants read at once, and how often in a slice: to pass over a quiet one costs next to
nothing."""


class Housekeeping:
    """Gives each duty its share of a slice, so that none waits for another to be done."""

    def __init__(self, commits: Commits, config: StoreConfig) -> None:
        self._commits = commits
        self._config = config
        self._next_tenant = 0
        self._swept = 0
        self._quiet: set[str] = set()
        """Tenants whose log and history are as they should be until something is committed."""

    def disturb(self, tenants: set[str]) -> None:
        """Looks after tenants again: something was committed."""
        self._quiet -= tenants

    def forget(self) -> None:
        """Looks after every tenant again: what was done for some may have been rolled back."""
        self._quiet.clear()

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
        left = budget
        for _ in range(_PAGES):
            page = list(query(connection, _TENANTS, (self._next_tenant, _PAGE)))
            for row in page:
                self._next_tenant = row[0]
                if row[1] in self._quiet:
                    continue
                if left <= 0:
                    return False
                done, is_over = self._visit(connection, row, left)
                if not is_over:
                    return False  # The next slice begins here.
                left -= done
            if len(page) < _PAGE:
                self._next_tenant = 0
                return True
            self._next_tenant += 1
        return False

    def _visit(
        self, connection: apsw.Connection, row: tuple[int, str, int, int, str], budget: int
    ) -> tuple[int, bool]:
        """Trims a tenant's log and history; returns the rows that this took, and whether
        there is no more of it.
        """
        tenant, name, floor, retained, retention = row
        trimmed = run(connection, freeing.trim_log(self._config, tenant, floor, budget))
        if trimmed == budget:
            return trimmed, False
        retained_row = (tenant, name, retained, retention)
        left = budget - trimmed
        looked_at, more = run(connection, retaining.retain(self._config, retained_row, left))
        if not more and self._config.retention_of(name).seconds is None:
            self._quiet.add(name)
        return trimmed + looked_at + 1, not more
