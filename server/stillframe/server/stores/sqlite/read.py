"""What reads read: loads, the position and the tail of the change log.

Each function runs in a reader's thread, in a transaction, and so sees one snapshot of
the store. The lists are in `lists`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from stillframe.server.stores import projection, refusals
from stillframe.server.stores.filters import meets
from stillframe.server.stores.marks import Position
from stillframe.server.stores.records import Change, Head, Outline, Stored
from stillframe.server.stores.sqlite import headers, rows
from stillframe.server.stores.sqlite.content import HeadContent, PastContent
from stillframe.server.stores.sqlite.rows import HEAD_COLUMNS
from stillframe.v1 import snapshot_service_pb2

if TYPE_CHECKING:
    from collections.abc import Sequence

    import apsw

    from stillframe.server.stores.projection import Selection
    from stillframe.v1.snapshot_pb2 import SnapshotCriteria
    from stillframe.v1.snapshot_service_pb2 import SnapshotSelector


def load(
    connection: apsw.Connection,
    tenant_id: str,
    execution_id: str,
    selector: SnapshotSelector,
    selection: Selection,
) -> Stored:
    head, content_id = _existing(connection, tenant_id, execution_id)
    chosen = select(connection, head, content_id, selector)
    if chosen is None:
        raise refusals.no_such_snapshot(execution_id, selector)
    return projection.read(chosen, content_of(connection, content_id, chosen, head), selection)


def outlines(
    connection: apsw.Connection,
    tenant_id: str,
    execution_id: str,
    selectors: Sequence[SnapshotSelector],
) -> list[Outline]:
    head, content_id = _existing(connection, tenant_id, execution_id)
    found: list[Outline] = []
    for selector in selectors:
        chosen = select(connection, head, content_id, selector)
        if chosen is None:
            raise refusals.no_such_snapshot(execution_id, selector)
        content = content_of(connection, content_id, chosen, head)
        found.append(Outline(chosen.header, content.infos(None)))
    return found


def select(
    connection: apsw.Connection, head: Head, content_id: int, selector: SnapshotSelector
) -> Head | None:
    """Returns the snapshot of an execution that a selector names."""
    match selector.WhichOneof("selector"):
        case None:
            return head
        case "version":
            return _version(connection, content_id, "version", selector.version)
        case "snapshot_id":
            return _version(connection, content_id, "snapshot_id", selector.snapshot_id)
        case "latest_matching":
            return _latest(connection, content_id, selector.latest_matching)


def content_of(
    connection: apsw.Connection, content_id: int, chosen: Head, head: Head
) -> HeadContent | PastContent:
    """Returns the entries of a snapshot of the execution with this head."""
    if chosen.version == head.version:
        return HeadContent(connection, content_id)
    return PastContent(connection, content_id, chosen.version)


def _existing(connection: apsw.Connection, tenant_id: str, execution_id: str) -> tuple[Head, int]:
    found = head_with_content(connection, tenant_id, execution_id)
    if found is None:
        raise refusals.execution_not_found(execution_id)
    return found


def head_with_content(
    connection: apsw.Connection, tenant_id: str, execution_id: str
) -> tuple[Head, int] | None:
    """Returns an execution's head and its content_id."""
    row = rows.first(
        connection,
        f"SELECT execution.content_id, {HEAD_COLUMNS}, execution.expire_at FROM tenant"
        " JOIN execution ON execution.tenant_id = tenant.id"
        " JOIN change ON change.id = execution.head_id"
        " WHERE tenant.name = ? AND execution.name = ?",
        (tenant_id, execution_id),
    )
    return (rows.head_of(*row[1:]), row[0]) if row else None


def _version(
    connection: apsw.Connection, content_id: int, column: str, value: int | str
) -> Head | None:
    row = rows.first(
        connection,
        f"SELECT {HEAD_COLUMNS} FROM change WHERE content_id = ? AND {column} = ?",
        (content_id, value),
    )
    return rows.head_of(*row) if row else None


def _latest(
    connection: apsw.Connection, content_id: int, criteria: SnapshotCriteria
) -> Head | None:
    """Returns the highest version that meets the criteria, walking back from the head."""
    for row in rows.query(
        connection,
        f"SELECT {HEAD_COLUMNS} FROM change WHERE content_id = ? ORDER BY version DESC",
        (content_id,),
    ):
        head = rows.head_of(*row)
        if meets(criteria, head.header):
            return head
    return None


def heads(
    connection: apsw.Connection, tenant_id: str, execution_ids: Sequence[str]
) -> list[Head | None]:
    found = (head_with_content(connection, tenant_id, name) for name in execution_ids)
    return [each[0] if each else None for each in found]


def position(connection: apsw.Connection, tenant_id: str, revision: int | None) -> Position:
    tenant = rows.tenant_row(connection, tenant_id)
    newest = rows.newest(connection, tenant[0]) if tenant else None
    if tenant is None or newest is None:
        return _origin(connection, revision or 0, newest=0)
    number, floor = newest[0] if revision is None else revision, tenant[1]
    if number > newest[0] or (number == 0 and floor == 1):
        return _origin(connection, number, newest[0])
    if number < floor:
        raise refusals.history_compacted(number, floor)
    sql = "SELECT mark FROM change WHERE id = ?"
    [(mark,)] = rows.query(connection, sql, (rows.change_id(tenant[0], number),))
    return Position(number, mark.hex())


def _origin(connection: apsw.Connection, revision: int, newest: int) -> Position:
    if revision > newest:
        raise refusals.revision_in_future(revision, newest)
    [(mark,)] = rows.query(connection, "SELECT origin_mark FROM store")
    return Position(0, mark.hex())


def changes(connection: apsw.Connection, tenant_id: str, after: int, limit: int) -> list[Change]:
    tenant = rows.tenant_row(connection, tenant_id)
    if tenant is None:
        return []
    number, floor = tenant
    if after + 1 < floor:
        raise refusals.history_compacted(after, floor)
    return [
        _change(*row)
        for row in rows.query(
            connection,
            f"SELECT kind, before, {HEAD_COLUMNS} FROM change"
            " WHERE id > ? AND id < ? ORDER BY id LIMIT ?",
            (rows.change_id(number, after), rows.change_id(number + 1, 0), limit),
        )
    ]


def _change(
    kind: snapshot_service_pb2.ChangeKind.ValueType, before: bytes | None, *columns: Any
) -> Change:
    head = rows.head_of(*columns)
    message = head.header
    if kind == snapshot_service_pb2.CHANGE_KIND_SAVED:
        message = projection.with_omission(message, projection.count_of(head))
    else:
        message.ClearField("etag")  # It was the mark of the change.
    return Change(
        message.revision,
        head.mark,
        kind,
        message.execution_id,
        message,
        None if before is None else headers.unpack_before(before, message),
    )
