"""What is done beside the saves, in slices that hold none of them up: the change log's
floor, contents of executions that are gone, old tombstones.

Runs in the writer's thread. Nothing here changes what a kept snapshot reads as.
"""

# apsw's stubs name Buffer, and Python has that from 3.12 on.
# pyright: reportUnknownMemberType=false

from __future__ import annotations

from typing import TYPE_CHECKING

from stillframe.server.stores import rules
from stillframe.server.stores.sqlite import pruning, rows

if TYPE_CHECKING:
    import apsw

    from stillframe.server.stores.base import StoreConfig


def trim_log(connection: apsw.Connection, config: StoreConfig, budget: int) -> int:
    """Raises the floor of logs that are longer than they need to be; returns the rows.

    A row of a version that can be read stays: it is the version's header.
    """
    done = 0
    for tenant, floor in list(rows.query(connection, "SELECT id, floor FROM tenant")):
        newest = rows.newest(connection, tenant)
        surplus = (newest[0] if newest else 0) - floor + 1 - config.change_log_size
        step = min(surplus, budget - done)
        if step > 0:
            done += step
            connection.execute("UPDATE tenant SET floor = ? WHERE id = ?", (floor + step, tenant))
            connection.execute(
                "DELETE FROM change WHERE id >= ? AND id < ? AND content_id IS NULL",
                (rows.change_id(tenant, floor), rows.change_id(tenant, floor + step)),
            )
    return done


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
