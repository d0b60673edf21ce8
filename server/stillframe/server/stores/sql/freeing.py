"""What housekeeping frees, in slices: the change log's oldest rows, contents of executions
that are gone, old tombstones. Values that versions no longer have are `sweeping`'s.

Nothing here changes what a kept snapshot reads as.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from stillframe.server.stores import rules
from stillframe.server.stores.sql import pruning, rows
from stillframe.server.stores.sql.steps import Ask, Write, first

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from stillframe.server.stores.base import StoreConfig
    from stillframe.server.stores.sql.steps import Row, Steps

_BYTES = 65_536
"""Bytes that are freed with a row that count as one more row of a slice."""


def has_rows(table: str) -> Steps[bool]:
    return (yield from first(f"SELECT 1 FROM {table} LIMIT 1")) is not None


def slice_of(found: Iterable[Row], budget: int) -> tuple[list[Row], int]:
    """Takes rows, the last column of which is their size, until they fill a slice; returns
    them, and as how many rows of it they count.
    """
    taken: list[Row] = []
    done = 0
    for row in found:
        if done >= budget:
            break
        taken.append(row)
        done += 1 + row[-1] // _BYTES
    return taken, done


def trim_log(config: StoreConfig, tenant: int, floor: int, budget: int) -> Steps[int]:
    """Raises the floor of a log that is longer than it need be; returns the rows.

    A row of a version that can be read stays: it is the version's header. The newest row
    always does: the next revision comes from it.
    """
    newest = yield from rows.newest(tenant)
    length = (newest[0] if newest else 0) - floor + 1
    step = max(min(length - max(config.change_log_size, 1), budget), 0)
    if step:
        yield Write("UPDATE tenant SET floor = ? WHERE id = ?", [(floor + step, tenant)])
        yield Write(
            "DELETE FROM change WHERE id >= ? AND id < ? AND content_id IS NULL",
            [(rows.change_id(tenant, floor), rows.change_id(tenant, floor + step))],
        )
    return step


def next_garbage() -> Steps[int | None]:
    """Returns a content that is to be freed."""
    row = yield from first("SELECT content_id FROM garbage LIMIT 1")
    return row[0] if row else None


def free_garbage(content_id: int, budget: int) -> Steps[int]:
    """Frees about so many rows of a content that is garbage; returns how many it did."""
    done = 0
    for table, key in (("entry", "map, key"), ("history", "map, key, until")):
        done += yield from _free_rows(table, key, content_id, budget - done)
    done += yield from _free_versions(content_id, budget - done)
    if done < budget:
        yield Write("DELETE FROM garbage WHERE content_id = ?", [(content_id,)])
        done += 1
    return done


def _free_rows(table: str, key: str, content_id: int, budget: int) -> Steps[int]:
    """Frees rows with payloads, of which large ones count for several."""
    found: Sequence[Row] = yield Ask(
        f"SELECT {key}, octet_length(payload) FROM {table} WHERE content_id = ?"
        f" ORDER BY {key} LIMIT ?",
        (content_id, max(budget, 0)),
    )
    gone, done = slice_of(found, budget)
    same = " AND ".join(f"{column} = ?" for column in key.split(", "))
    yield Write(
        f"DELETE FROM {table} WHERE content_id = ? AND {same}",
        [(content_id, *row[:-1]) for row in gone],
    )
    return done


def _free_versions(content_id: int, budget: int) -> Steps[int]:
    """Takes the versions of a content out of the log's rows, or the rows with them."""
    found = yield Ask(
        "SELECT id FROM change WHERE content_id = ? LIMIT ?", (content_id, max(budget, 0))
    )
    yield from pruning.drop_headers([row_id for (row_id,) in found])
    return len(found)


def _oldest_kept(config: StoreConfig) -> int:
    return config.clock() - int(config.tombstone_seconds * rules.NANOS)


def oldest_tombstone(config: StoreConfig) -> Steps[int | None]:
    """Returns the tenant of a tombstone that is older than it needs to be."""
    row = yield from first(
        "SELECT tenant_id FROM execution WHERE content_id IS NULL AND touched <= ?"
        " ORDER BY touched LIMIT 1",
        (_oldest_kept(config),),
    )
    return row[0] if row else None


def forget_tombstones(
    config: StoreConfig, budget: int, tenant: int | None = None
) -> Steps[list[tuple[str, str]]]:
    """Deletes tombstones that are older than they need to be, one tenant's if that is given;
    returns tenants and names.
    """
    condition, values = "", [_oldest_kept(config)]
    if tenant is not None:
        condition = " AND tenant_id = ?"
        values.append(tenant)
    gone = yield Ask(
        "DELETE FROM execution WHERE id IN (SELECT id FROM execution"
        f" WHERE content_id IS NULL AND touched <= ?{condition} ORDER BY touched LIMIT ?)"
        " RETURNING (SELECT tenant.name FROM tenant WHERE tenant.id = tenant_id), name",
        (*values, budget),
    )
    return [(tenant_id, name) for tenant_id, name in gone]
