"""What is done beside the saves, in slices that hold none of them up: expiry, the change
log's floor, retention, contents and values of executions that are gone, values whose ttl
is over, old tombstones.

Runs in the writer's thread. Nothing here changes what a kept snapshot reads as.
"""

# apsw's stubs name Buffer, and Python has that from 3.12 on.
# pyright: reportUnknownMemberType=false

from __future__ import annotations

from typing import TYPE_CHECKING

from stillframe.server.stores import rules
from stillframe.server.stores.sqlite import pruning, retaining, rows, sweeping, values

if TYPE_CHECKING:
    import apsw

    from stillframe.server.stores.base import StoreConfig
    from stillframe.server.stores.sqlite.write import Writer


_BYTES = 65_536
"""Bytes of a payload that is freed that count as one more row of a slice."""


class Housekeeping:
    """Gives each duty its share of a slice, so that none waits for another to be done."""

    def __init__(self, writer: Writer, config: StoreConfig) -> None:
        self._writer = writer
        self._config = config
        self._next_tenant = 0
        self._swept = 0

    def run(self, connection: apsw.Connection, budget: int) -> bool:
        """Does about so many rows, and says whether more is due."""
        share = max(budget // 4, 1)
        expired = self._writer.expire(connection, budget)
        expired_values = values.free_expired(connection, self._config.clock(), share)
        round_over = self._go_round(connection, share)
        self._swept = sweeping.sweep(connection, self._swept, share)
        free_garbage(connection, share)
        values.free_gone(connection, share)
        forgotten = forget_tombstones(connection, self._config, share)
        return (
            expired >= budget
            or expired_values >= share
            or not round_over
            or forgotten >= share
            or _has_rows(connection, "sweep")
            or _has_rows(connection, "garbage")
            or values.has_gone(connection)
        )

    def _go_round(self, connection: apsw.Connection, budget: int) -> bool:
        """Trims logs and history of the next tenants; tells whether the round is over."""
        done = 0
        for tenant, name, floor, retained, retention in list(
            rows.query(
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
            trimmed = trim_log(connection, self._config, tenant, floor, left)
            if trimmed == left:
                return False  # There may be more of it: the next slice begins here.
            row = (tenant, name, retained, retention)
            looked_at, more = retaining.retain(connection, self._config, row, left - trimmed)
            if more:
                return False
            done += 1 + trimmed + looked_at
        self._next_tenant = 0
        return True


def _has_rows(connection: apsw.Connection, table: str) -> bool:
    return rows.first(connection, f"SELECT 1 FROM {table} LIMIT 1") is not None


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


def free_garbage(connection: apsw.Connection, budget: int) -> None:
    """Frees about so many rows of contents of executions that are gone."""
    done = 0
    while done < budget:
        row = rows.first(connection, "SELECT content_id FROM garbage LIMIT 1")
        if row is None:
            return
        for table in ("entry", "history"):
            done += _free_rows(connection, table, row[0], budget - done)
        done += _free_versions(connection, row[0], budget - done)
        if done < budget:
            connection.execute("DELETE FROM garbage WHERE content_id = ?", row)
            done += 1


def _free_rows(connection: apsw.Connection, table: str, content_id: int, budget: int) -> int:
    """Frees rows with payloads, of which large ones count for several."""
    done = 0
    gone: list[tuple[int]] = []
    for row_id, size in rows.query(
        connection, f"SELECT id, length(payload) FROM {table} WHERE content_id = ?", (content_id,)
    ):
        if done >= budget:
            break
        gone.append((row_id,))
        done += 1 + size // _BYTES
    connection.executemany(f"DELETE FROM {table} WHERE id = ?", gone)
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
