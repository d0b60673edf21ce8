"""Deletes the history that the tenants' retention does not keep, in slices."""

from __future__ import annotations

from typing import TYPE_CHECKING

from stillframe.server.stores import rules
from stillframe.server.stores.sql import rows
from stillframe.server.stores.sql.pruning import forget
from stillframe.server.stores.sql.steps import Ask, Write, first
from stillframe.v1.snapshot_pb2 import ExecutionSnapshot

if TYPE_CHECKING:
    from stillframe.server.stores.base import StoreConfig
    from stillframe.server.stores.retention import Retention
    from stillframe.server.stores.sql.steps import Row, Steps


_CHUNK = 16
"""Rows of the log read at once: most rounds find the first of them not due."""


def retain(
    config: StoreConfig, row: tuple[int, str, int, str], budget: int
) -> Steps[tuple[int, bool]]:
    """Deletes versions that a tenant does not keep; returns the rows that it looked at, and
    whether there are more to look at.

    `row` is the tenant's: id, name, retained and retention.
    """
    tenant, name, retained, known = row
    retention = config.retention_of(name)
    if str(retention) != known:
        # Another policy: what was read under the old one is read again.
        retained = 0
        yield Write(
            "UPDATE tenant SET retained = 0, retention = ? WHERE id = ?",
            [(str(retention), tenant)],
        )
    if retention.versions is None and retention.seconds is None:
        return 0, False
    return (yield from _Retaining(config, name).go_on(tenant, retained, budget))


class _Retaining:
    """One tenant's retention, which follows the change log: a version that is old enough,
    or newer than enough others, says which ones below it go.
    """

    def __init__(self, config: StoreConfig, name: str) -> None:
        self._retention = config.retention_of(name)
        self._now = config.clock()

    def go_on(self, tenant: int, retained: int, budget: int) -> Steps[tuple[int, bool]]:
        done = 0
        reached = retained
        trimmed: set[int] = set()
        over = False
        while not over and done < budget:
            limit = min(_CHUNK, budget - done)
            read = yield from self._read(tenant, reached, limit)
            over = len(read) < limit
            for row_id, content_id, version, header in read:
                done += 1
                if not _is_due(self._retention, self._now, header):
                    over = True
                    break
                if content_id is not None and content_id not in trimmed:
                    chosen = yield from self._surplus(content_id, version, max(budget - done, 1))
                    yield from forget(content_id, chosen)
                    done += len(chosen)
                    if chosen and done >= budget:
                        break  # There may be more of it: the next slice begins here.
                    if self._retention.versions is not None:
                        trimmed.add(content_id)
                reached = rows.revision_of(row_id)
        if reached != retained:
            yield Write("UPDATE tenant SET retained = ? WHERE id = ?", [(reached, tenant)])
        return done, not over

    def _read(self, tenant: int, after: int, limit: int) -> Steps[list[Row]]:
        """Reads the next rows of the log; a content that is garbage counts as none."""
        return (
            yield Ask(
                "SELECT id, CASE WHEN EXISTS (SELECT 1 FROM garbage"
                " WHERE garbage.content_id = change.content_id) THEN NULL"
                " ELSE content_id END, version, header FROM change WHERE id > ? AND id < ?"
                " ORDER BY id LIMIT ?",
                (rows.change_id(tenant, after), rows.change_id(tenant + 1, 0), limit),
            )
        )

    def _surplus(self, content_id: int, version: int, limit: int) -> Steps[list[tuple[int, int]]]:
        """Returns id and number of the versions to delete, in their order."""
        if self._retention.versions is None:
            below = version
        else:
            oldest_kept = yield from first(
                "SELECT version FROM change WHERE content_id = ? ORDER BY version DESC"
                " LIMIT 1 OFFSET ?",
                (content_id, self._retention.versions - 1),
            )
            below = oldest_kept[0] if oldest_kept else 0
        found = yield Ask(
            "SELECT id, version FROM change WHERE content_id = ? AND version < ?"
            " ORDER BY version LIMIT ?",
            (content_id, below, limit),
        )
        return [(row_id, number) for row_id, number in found]


def is_due(config: StoreConfig, name: str, header: bytes) -> bool:
    """Tells whether retention has something to do for a tenant, from the header of the first
    row of its log that it has not read.
    """
    retention = config.retention_of(name)
    if retention.versions is None and retention.seconds is None:
        return False
    return _is_due(retention, config.clock(), header)


def _is_due(retention: Retention, now: int, header: bytes) -> bool:
    if retention.seconds is None:
        return True
    commit_time = ExecutionSnapshot.FromString(header).commit_time.ToNanoseconds()
    return commit_time + retention.seconds * rules.NANOS <= now
