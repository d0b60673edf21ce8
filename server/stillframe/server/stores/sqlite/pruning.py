"""Deletes versions, in a commit; the values that only they had go later, with `sweeping`.

Runs in the writer's thread, in a transaction.
"""

# apsw's stubs name Buffer, and Python has that from 3.12 on.
# pyright: reportUnknownMemberType=false

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from stillframe.server.stores import refusals
from stillframe.server.stores.sqlite import rows
from stillframe.server.stores.sqlite.rows import HEAD_COLUMNS

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import apsw

    from stillframe.server.stores import rules
    from stillframe.server.stores.records import Head
    from stillframe.server.stores.sqlite.commits import Commits
    from stillframe.v1.snapshot_service_pb2 import DeleteSnapshotsResponse


def prune(
    connection: apsw.Connection, shared: Commits, asked: rules.Prune
) -> DeleteSnapshotsResponse:
    """Commits a DeleteSnapshots."""
    request = asked.request
    tenant = shared.tenant(connection, request.tenant_id)
    row = shared.row(connection, tenant, request.execution_id)
    floor = row.execution.epoch_floor
    with shared.keeping_floor(connection, tenant, row):
        answer = asked.decide(row.execution)
    if answer is not None:
        return answer
    head = row.execution.head
    if head is None or row.content_id is None:
        raise refusals.execution_not_found(request.execution_id)
    chosen = [
        (row_id, each.version)
        for row_id, each in _candidates(connection, asked, row.content_id, head.version)
        if asked.selects(each.header)
    ]
    forget(connection, row.content_id, chosen)
    answer = asked.answer(row.execution, len(chosen))
    if request.request_id or row.execution.epoch_floor != floor:
        shared.keep(connection, tenant, row)
    return answer


def _candidates(
    connection: apsw.Connection, asked: rules.Prune, content_id: int, head: int
) -> Iterator[tuple[int, Head]]:
    """Yields row id and head of what an index finds for the request, by version."""
    sql = f"SELECT {HEAD_COLUMNS} FROM change WHERE content_id = ? AND version < ?"
    values: list[object] = [content_id, head]
    # Ids and numbers as JSON: a statement for each count of them would be one too many.
    if asked.request.versions:
        sql += " AND version IN (SELECT value FROM json_each(?))"
        values.append(json.dumps(list(asked.request.versions)))
    elif asked.request.snapshot_ids:
        sql += " AND snapshot_id IN (SELECT value FROM json_each(?))"
        values.append(json.dumps(list(asked.request.snapshot_ids)))
    for row in rows.query(connection, f"{sql} ORDER BY version", values):
        yield row[0], rows.head_of(*row)


def forget(
    connection: apsw.Connection, content_id: int, versions: Sequence[tuple[int, int]]
) -> None:
    """Deletes versions of a content, by id and number in their order, none of them the head."""
    if not versions:
        return
    drop_headers(connection, [row_id for row_id, _ in versions])
    [(low,)] = rows.query(
        connection,
        "SELECT coalesce(max(version), 0) FROM change WHERE content_id = ? AND version < ?",
        (content_id, versions[0][1]),
    )
    [(high,)] = rows.query(
        connection,
        "SELECT min(version) FROM change WHERE content_id = ? AND version > ?",
        (content_id, versions[-1][1]),
    )
    connection.execute(
        "INSERT INTO sweep (content_id, low, high) VALUES (?, ?, ?)"
        # A sweep that has begun goes on, or prunes without end would never let it end.
        " ON CONFLICT (content_id) DO UPDATE SET"
        " next_low = min(coalesce(next_low, excluded.low), excluded.low),"
        " next_high = max(coalesce(next_high, excluded.high), excluded.high)",
        (content_id, low, high),
    )


def drop_headers(connection: apsw.Connection, ids: Sequence[int]) -> None:
    """Takes versions out of the rows of the change log, or the rows with them."""
    if not ids:
        return
    logged = [row_id for row_id in ids if row_id > 0]
    tenants = {row_id >> rows.REVISION_BITS for row_id in logged}
    kept_from = {
        tenant: rows.change_id(tenant, floor)
        for tenant in tenants
        for (floor,) in rows.query(connection, "SELECT floor FROM tenant WHERE id = ?", (tenant,))
    }
    in_log = [each for each in logged if each >= kept_from[each >> rows.REVISION_BITS]]
    gone = set(ids).difference(in_log)
    connection.executemany("DELETE FROM change WHERE id = ?", ((each,) for each in gone))
    connection.executemany(
        "UPDATE change SET content_id = NULL WHERE id = ?", ((each,) for each in in_log)
    )
