"""What reads read: loads, the position and the tail of the change log.

The steps of each run in a transaction that sees one snapshot of the store. The lists are
in `lists`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from stillframe.server.stores import projection, refusals
from stillframe.server.stores.filters import meets
from stillframe.server.stores.marks import Position
from stillframe.server.stores.records import Change, Head, Outline
from stillframe.server.stores.sql import content, headers, rows
from stillframe.server.stores.sql.content import HeadContent, PastContent
from stillframe.server.stores.sql.rows import HEAD_COLUMNS
from stillframe.server.stores.sql.steps import Ask, first, together
from stillframe.v1 import snapshot_service_pb2

if TYPE_CHECKING:
    from collections.abc import Sequence

    from stillframe.server.stores.projection import Selection
    from stillframe.server.stores.records import Stored
    from stillframe.server.stores.sql.steps import Steps
    from stillframe.v1.snapshot_pb2 import SnapshotCriteria
    from stillframe.v1.snapshot_service_pb2 import SnapshotSelector

_CHUNK = 64
"""Rows read at once where most calls need the first few."""


def load(
    tenant_id: str, execution_id: str, selector: SnapshotSelector, selection: Selection
) -> Steps[Stored]:
    head, content_id = yield from _existing(tenant_id, execution_id)
    chosen = yield from select(head, content_id, selector)
    if chosen is None:
        raise refusals.no_such_snapshot(execution_id, selector)
    return (yield from content.read(chosen, content_of(content_id, chosen, head), selection))


def outlines(
    tenant_id: str, execution_id: str, selectors: Sequence[SnapshotSelector]
) -> Steps[list[Outline]]:
    head, content_id = yield from _existing(tenant_id, execution_id)
    return (yield from together([_outline(head, content_id, selector) for selector in selectors]))


def _outline(head: Head, content_id: int, selector: SnapshotSelector) -> Steps[Outline]:
    chosen = yield from select(head, content_id, selector)
    if chosen is None:
        raise refusals.no_such_snapshot(head.header.execution_id, selector)
    infos = yield from content_of(content_id, chosen, head).infos(None)
    return Outline(chosen.header, infos)


def select(head: Head, content_id: int, selector: SnapshotSelector) -> Steps[Head | None]:
    """Returns the snapshot of an execution that a selector names."""
    match selector.WhichOneof("selector"):
        case None:
            return head
        case "version":
            return (yield from _version(content_id, "version", selector.version))
        case "snapshot_id":
            return (yield from _version(content_id, "snapshot_id", selector.snapshot_id))
        case "latest_matching":
            return (yield from _latest(content_id, selector.latest_matching))


def content_of(content_id: int, chosen: Head, head: Head) -> HeadContent | PastContent:
    """Returns the entries of a snapshot of the execution with this head."""
    if chosen.version == head.version:
        return HeadContent(content_id)
    return PastContent(content_id, chosen.version)


def _existing(tenant_id: str, execution_id: str) -> Steps[tuple[Head, int]]:
    found = yield from heads_with_content(tenant_id, [execution_id])
    if not found:
        raise refusals.execution_not_found(execution_id)
    return found[execution_id]


def heads_with_content(
    tenant_id: str, execution_ids: Sequence[str]
) -> Steps[dict[str, tuple[Head, int]]]:
    """Returns the heads and the content_ids of those executions that exist."""
    one = len(execution_ids) == 1
    condition = "= ?" if one else "IN (??)"
    value = execution_ids[0] if one else list(execution_ids)
    found = yield Ask(
        f"SELECT execution.name, execution.content_id, {HEAD_COLUMNS}, execution.expire_at"
        " FROM tenant CROSS JOIN execution ON execution.tenant_id = tenant.id"
        " CROSS JOIN change ON change.id = execution.head_id"
        f" WHERE tenant.name = ? AND execution.name {condition}",
        (tenant_id, value),
    )
    return {name: (rows.head_of(*head), content_id) for name, content_id, *head in found}


def _version(content_id: int, column: str, value: int | str) -> Steps[Head | None]:
    row = yield from first(
        f"SELECT {HEAD_COLUMNS} FROM change WHERE content_id = ? AND {column} = ?",
        (content_id, value),
    )
    return rows.head_of(*row) if row else None


def _latest(content_id: int, criteria: SnapshotCriteria) -> Steps[Head | None]:
    """Returns the highest version that meets the criteria, walking back from the head."""
    below, limit = rows.MAX_REVISION, 1
    while True:
        found = yield Ask(
            f"SELECT {HEAD_COLUMNS} FROM change WHERE content_id = ? AND version < ?"
            " ORDER BY version DESC LIMIT ?",
            (content_id, below, limit),
        )
        for row in found:
            head = rows.head_of(*row)
            if meets(criteria, head.header):
                return head
            below = head.version
        if len(found) < limit:
            return None
        limit = _CHUNK


def heads(tenant_id: str, execution_ids: Sequence[str]) -> Steps[list[Head | None]]:
    found = yield from heads_with_content(tenant_id, execution_ids)
    return [found[name][0] if name in found else None for name in execution_ids]


def position(tenant_id: str, revision: int | None) -> Steps[Position]:
    tenant = yield from rows.tenant_row(tenant_id)
    newest = (yield from rows.newest(tenant[0])) if tenant else None
    if tenant is None or newest is None:
        return (yield from _origin(revision or 0, newest=0))
    number, floor = newest[0] if revision is None else revision, tenant[1]
    if number == newest[0]:
        return Position(number, newest[1].hex())
    if number > newest[0] or (number == 0 and floor == 1):
        return (yield from _origin(number, newest[0]))
    if number < floor:
        raise refusals.history_compacted(number, floor)
    sql = "SELECT mark FROM change WHERE id = ?"
    [(mark,)] = yield Ask(sql, (rows.change_id(tenant[0], number),))
    return Position(number, mark.hex())


def _origin(revision: int, newest: int) -> Steps[Position]:
    if revision > newest:
        raise refusals.revision_in_future(revision, newest)
    [(mark,)] = yield Ask("SELECT origin_mark FROM store")
    return Position(0, mark.hex())


def changes(tenant_id: str, after: int, limit: int) -> Steps[list[Change]]:
    tenant = yield from rows.tenant_row(tenant_id)
    if tenant is None:
        return []
    number, floor = tenant
    if after + 1 < floor:
        raise refusals.history_compacted(after, floor)
    found = yield Ask(
        f"SELECT kind, before, {HEAD_COLUMNS} FROM change"
        " WHERE id > ? AND id < ? ORDER BY id LIMIT ?",
        (rows.change_id(number, after), rows.change_id(number + 1, 0), limit),
    )
    return [_change(*row) for row in found]


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
