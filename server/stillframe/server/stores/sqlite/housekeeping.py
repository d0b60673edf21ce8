"""What is done beside the saves, in slices that hold none of them up: expiry, the change
log's floor, retention, contents of executions that are gone, old tombstones.

Runs in the writer's thread. Nothing here changes what a kept snapshot reads as.
"""

# apsw's stubs name Buffer, and Python has that from 3.12 on.
# pyright: reportUnknownMemberType=false

from __future__ import annotations

from typing import TYPE_CHECKING

from stillframe.server.stores import rules
from stillframe.server.stores.sqlite import pruning, retaining, rows, sweeping

if TYPE_CHECKING:
    import apsw

    from stillframe.server.stores.base import StoreConfig
    from stillframe.server.stores.sqlite.write import Writer


class Housekeeping:
    """Goes round the tenants, some of them in each slice."""

    def __init__(self, writer: Writer, config: StoreConfig) -> None:
        self._writer = writer
        self._config = config
        self._next_tenant = 0

    def run(self, connection: apsw.Connection, budget: int) -> bool:
        """Does about so many rows, and says whether more is due."""
        done = self._writer.expire(connection, budget)
        done += free_garbage(connection, budget - done)
        done += sweeping.sweep(connection, budget - done)
        done += forget_tombstones(connection, self._config, max(budget - done, 0))
        return not self._go_round(connection, max(budget - done, 1)) or done >= budget

    def _go_round(self, connection: apsw.Connection, budget: int) -> bool:
        """Trims logs and history of the next tenants; tells whether the round is over."""
        done = 0
        tenants = list(
            rows.query(
                connection,
                "SELECT id, name, floor, retained, retention FROM tenant WHERE id >= ?"
                " ORDER BY id LIMIT ?",
                (self._next_tenant, budget + 1),
            )
        )
        for tenant, name, floor, retained, retention in tenants:
            self._next_tenant = tenant
            if done >= budget:
                return False
            done += 1 + trim_log(connection, self._config, tenant, floor, budget - done)
            done += retaining.retain(
                connection, self._config, (tenant, name, retained, retention), budget - done
            )
        if done >= budget:
            return False  # The last one may not be finished.
        self._next_tenant = 0
        return True


def trim_log(
    connection: apsw.Connection, config: StoreConfig, tenant: int, floor: int, budget: int
) -> int:
    """Raises the floor of a log that is longer than it need be; returns the rows.

    A row of a version that can be read stays: it is the version's header.
    """
    newest = rows.newest(connection, tenant)
    surplus = (newest[0] if newest else 0) - floor + 1 - config.change_log_size
    step = max(min(surplus, budget), 0)
    if step:
        connection.execute("UPDATE tenant SET floor = ? WHERE id = ?", (floor + step, tenant))
        connection.execute(
            "DELETE FROM change WHERE id >= ? AND id < ? AND content_id IS NULL",
            (rows.change_id(tenant, floor), rows.change_id(tenant, floor + step)),
        )
    return step


def free_garbage(connection: apsw.Connection, budget: int) -> int:
    """Frees contents of executions that are gone; returns the rows."""
    done = 0
    while done < budget:
        row = rows.first(connection, "SELECT content_id FROM garbage LIMIT 1")
        if row is None:
            break
        for table in ("entry", "history"):
            connection.execute(
                f"DELETE FROM {table} WHERE id IN"
                f" (SELECT id FROM {table} WHERE content_id = ? LIMIT ?)",
                (row[0], budget - done),
            )
            done += connection.changes()
        done += _free_versions(connection, row[0], budget - done)
        if done < budget:
            connection.execute("DELETE FROM garbage WHERE content_id = ?", row)
            done += 1
    return done


def _free_versions(connection: apsw.Connection, content_id: int, budget: int) -> int:
    """Takes the versions of a content out of the log's rows, or the rows with them."""
    ids = list(
        rows.query(
            connection,
            "SELECT id FROM change WHERE content_id = ? LIMIT ?",
            (content_id, max(budget, 0)),
        )
    )
    if not ids:
        return 0
    pruning.drop_headers(connection, [row_id for (row_id,) in ids])
    return len(ids)


def forget_tombstones(connection: apsw.Connection, config: StoreConfig, budget: int) -> int:
    """Deletes tombstones that are older than they need to be; returns the rows."""
    oldest_kept = config.clock() - int(config.tombstone_seconds * rules.NANOS)
    connection.execute(
        "DELETE FROM execution WHERE id IN (SELECT id FROM execution"
        " WHERE content_id IS NULL AND touched <= ? ORDER BY touched LIMIT ?)",
        (oldest_kept, budget),
    )
    return connection.changes()
