"""Deletes versions, in a commit; the values that only they had go later, with `sweeping`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from stillframe.server.stores import refusals
from stillframe.server.stores.sql import rows
from stillframe.server.stores.sql.rows import HEAD_COLUMNS
from stillframe.server.stores.sql.steps import Ask, Write, first

if TYPE_CHECKING:
    from collections.abc import Sequence

    from stillframe.server.stores import rules
    from stillframe.server.stores.sql.commits import Commits
    from stillframe.server.stores.sql.steps import Steps
    from stillframe.v1.snapshot_service_pb2 import DeleteSnapshotsResponse


def prune(shared: Commits, asked: rules.Prune) -> Steps[DeleteSnapshotsResponse]:
    """Commits a DeleteSnapshots."""
    request = asked.request
    tenant = yield from shared.tenant(request.tenant_id)
    row = yield from shared.row(tenant, request.execution_id)
    floor = row.execution.epoch_floor
    answer = yield from shared.decide(tenant, row, asked.decide)
    if answer is not None:
        return answer
    head = row.execution.head
    if head is None or row.content_id is None:
        raise refusals.execution_not_found(request.execution_id)
    chosen = yield from _chosen(asked, row.content_id, head.version)
    yield from forget(row.content_id, chosen)
    answer = asked.answer(row.execution, len(chosen))
    if request.request_id or row.execution.epoch_floor != floor:
        yield from shared.keep(tenant, row)
    return answer


def _chosen(asked: rules.Prune, content_id: int, head: int) -> Steps[list[tuple[int, int]]]:
    """Returns row id and number of the versions that the request names, by version."""
    sql = f"SELECT {HEAD_COLUMNS} FROM change WHERE content_id = ?"
    if asked.request.versions:
        found = yield Ask(f"{sql} AND version IN (??)", (content_id, [*asked.request.versions]))
    elif asked.request.snapshot_ids:
        ids = [*asked.request.snapshot_ids]
        found = yield Ask(f"{sql} AND snapshot_id IN (??)", (content_id, ids))
    else:
        found = yield Ask(f"{sql} AND version < ?", (content_id, head))
    # Bounds and order are seen to here: SQLite would walk the versions for them.
    found = sorted((row for row in found if row[2] < head), key=lambda row: int(row[2]))
    return [(row[0], row[2]) for row in found if asked.selects(rows.head_of(*row).header)]


def forget(content_id: int, versions: Sequence[tuple[int, int]]) -> Steps[None]:
    """Deletes versions of a content, by id and number in their order, none of them the head."""
    if not versions:
        return
    yield from drop_headers([row_id for row_id, _ in versions])
    [(low,)] = yield Ask(
        "SELECT coalesce(max(version), 0) FROM change WHERE content_id = ? AND version < ?",
        (content_id, versions[0][1]),
    )
    [(high,)] = yield Ask(
        "SELECT min(version) FROM change WHERE content_id = ? AND version > ?",
        (content_id, versions[-1][1]),
    )
    begun = yield from first(
        "SELECT coalesce(next_low, ?), coalesce(next_high, ?) FROM sweep WHERE content_id = ?",
        (low, high, content_id),
    )
    if begun is None:
        sql = "INSERT INTO sweep (content_id, low, high) VALUES (?, ?, ?)"
        yield Write(sql, [(content_id, low, high)])
    else:
        # A sweep that has begun goes on, or prunes without end would never let it end.
        sql = "UPDATE sweep SET next_low = ?, next_high = ? WHERE content_id = ?"
        yield Write(sql, [(min(begun[0], low), max(begun[1], high), content_id)])


def drop_headers(ids: Sequence[int]) -> Steps[None]:
    """Takes versions out of the rows of the change log, or the rows with them."""
    if not ids:
        return
    logged = [row_id for row_id in ids if row_id > 0]
    tenants = sorted({rows.tenant_of(row_id) for row_id in logged})
    kept_from: dict[int, int] = {}
    for tenant in tenants:
        [(floor,)] = yield Ask("SELECT floor FROM tenant WHERE id = ?", (tenant,))
        kept_from[tenant] = rows.change_id(tenant, floor)
    in_log = [each for each in logged if each >= kept_from[rows.tenant_of(each)]]
    gone = set(ids).difference(in_log)
    yield Write("DELETE FROM change WHERE id = ?", [(each,) for each in gone])
    yield Write("UPDATE change SET content_id = NULL WHERE id = ?", [(each,) for each in in_log])
