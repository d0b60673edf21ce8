"""Lists of heads and of history, each driven by the index that fits its filter."""

from __future__ import annotations

from heapq import merge
from itertools import islice
from typing import TYPE_CHECKING, Any

from stillframe.server.stores import refusals
from stillframe.server.stores.filters import Matcher, has_labels, meets
from stillframe.server.stores.projection import PageBuilder
from stillframe.server.stores.records import HeadPage, HistoryKey, Page
from stillframe.server.stores.sqlite import read, rows
from stillframe.server.stores.sqlite.content import HeadContent, PastContent
from stillframe.server.stores.sqlite.history import Chains
from stillframe.server.stores.sqlite.rows import HEAD_COLUMNS

if TYPE_CHECKING:
    from collections.abc import Iterator

    import apsw

    from stillframe.server.stores.projection import Selection
    from stillframe.server.stores.records import Head, SnapshotFilter
    from stillframe.v1.snapshot_pb2 import ExecutionFilter

MERGED_EXECUTIONS = 64
"""Executions whose histories are merged by their own indexes. For more, the tenant's
changes are read in order and tested one by one."""


def list_executions(
    connection: apsw.Connection,
    tenant_id: str,
    where: ExecutionFilter,
    after: str,
    limit: int,
    selection: Selection,
) -> HeadPage:
    position = read.position(connection, tenant_id, None)
    page = PageBuilder(selection, limit)
    matches = Matcher(where)
    for name, content_id, head in _heads(connection, tenant_id, matches, after):
        if page.full():
            return HeadPage(Page(page.items, after), position)
        if not matches(name, head.header):
            page.skip()
        elif not page.add(head, HeadContent(connection, content_id)):
            return HeadPage(Page(page.items, after), position)
        after = name
    return HeadPage(Page(page.items), position)


def count_executions(
    connection: apsw.Connection, tenant_id: str, where: ExecutionFilter, limit: int
) -> int:
    matches = Matcher(where)
    found = (
        name
        for name, _, head in _heads(connection, tenant_id, matches, "")
        if matches(name, head.header)
    )
    return sum(1 for _ in islice(found, limit))


def list_snapshots(
    connection: apsw.Connection,
    tenant_id: str,
    execution_id: str | None,
    where: SnapshotFilter,
    before: HistoryKey | None,
    limit: int,
    selection: Selection,
) -> Page:
    if execution_id is not None and not read.head_with_content(connection, tenant_id, execution_id):
        raise refusals.execution_not_found(execution_id)
    page = PageBuilder(selection, limit)
    chains: dict[int, Chains] = {}
    for content_id, head in _snapshots(connection, tenant_id, execution_id, where, before):
        if page.full():
            return Page(page.items, before)
        if content_id is None or not (
            meets(where.criteria, head.header) and has_labels(where.labels, head.header)
        ):
            page.skip()
        else:
            known = chains.setdefault(content_id, Chains(connection, content_id))
            content = PastContent(connection, content_id, head.version, known)
            if not page.add(head, content):
                return Page(page.items, before)
        before = HistoryKey(head.revision, head.version)
    return Page(page.items)


def _heads(
    connection: apsw.Connection, tenant_id: str, matches: Matcher, after: str
) -> Iterator[tuple[str, int, Head]]:
    """Yields name, content_id and head of what an index finds for the filter, by name.

    Yields at least what the filter matches; the caller tests the rest of it.
    """
    tenant = rows.tenant_row(connection, tenant_id)
    if tenant is None:
        return
    where = matches.where
    found: Iterator[tuple[Any, ...]]
    if matches.execution_ids:
        names = sorted(name for name in matches.execution_ids if name > after)
        found = (row for name in names for row in _range(connection, tenant[0], "name = ?", [name]))
    elif where.HasField("parent_execution_id"):
        values = [where.parent_execution_id, after]
        found = _range(connection, tenant[0], "parent_name = ? AND name > ?", values)
    elif where.HasField("user_id"):
        values = [where.user_id, after]
        found = _range(connection, tenant[0], "user_id = ? AND name > ?", values)
    elif matches.states is not None:
        ranges = [
            _range(connection, tenant[0], "state = ? AND name > ?", [state, after])
            for state in sorted(matches.states)
        ]
        found = merge(*ranges, key=lambda row: row[0])
    else:
        # `>=` finds the prefix itself, and `>` what comes after `after`.
        values = [where.execution_id_prefix, after]
        found = _range(connection, tenant[0], "name >= ? AND name > ?", values)
    for name, content_id, *head in found:
        if name > where.execution_id_prefix and not name.startswith(where.execution_id_prefix):
            if matches.execution_ids:
                continue
            return  # Names are in order: none after this one has the prefix.
        yield name, content_id, rows.head_of(*head)


def _range(
    connection: apsw.Connection, tenant: int, condition: str, values: list[Any]
) -> Iterator[tuple[Any, ...]]:
    return rows.query(
        connection,
        f"SELECT execution.name, execution.content_id, {HEAD_COLUMNS}, execution.expire_at"
        " FROM execution CROSS JOIN change ON change.id = execution.head_id"
        f" WHERE tenant_id = ? AND {condition} ORDER BY execution.name",
        (tenant, *values),
    )


def _snapshots(
    connection: apsw.Connection,
    tenant_id: str,
    execution_id: str | None,
    where: SnapshotFilter,
    before: HistoryKey | None,
) -> Iterator[tuple[int | None, Head]]:
    """Yields content_id and head of the snapshots whose executions match, newest first.

    A content_id of None stands for a row that was looked at and does not belong.
    """
    tenant = rows.tenant_row(connection, tenant_id)
    if tenant is None:
        return
    matches = Matcher(where.executions)
    if execution_id is not None:
        found = read.head_with_content(connection, tenant_id, execution_id)
        if found and matches(execution_id, found[0].header):
            yield from _history(connection, found[1], tenant[0], before)
        return
    if where.executions.ByteSize():
        few = list(islice(_heads(connection, tenant_id, matches, ""), MERGED_EXECUTIONS + 1))
        if len(few) <= MERGED_EXECUTIONS:
            histories = [
                _history(connection, content_id, tenant[0], before)
                for name, content_id, head in few
                if matches(name, head.header)
            ]
            yield from merge(*histories, key=lambda each: (-each[1].revision, -each[1].version))
            return
    yield from _all_snapshots(connection, tenant[0], tenant_id, matches, before)


def _history(
    connection: apsw.Connection, content_id: int, tenant: int, before: HistoryKey | None
) -> Iterator[tuple[int, Head]]:
    # Versions and revisions of one execution have the same order, so the page begins at
    # the version of the row it ended before, where that row is this execution's.
    bound = _log_id(tenant, before) if before is not None else None
    for row in rows.query(
        connection,
        f"SELECT {HEAD_COLUMNS} FROM change WHERE content_id = :content"
        " AND version < coalesce((SELECT :version FROM change WHERE id = :bound"
        " AND content_id = :content), 9223372036854775807)"
        " ORDER BY version DESC",
        {"content": content_id, "bound": bound, "version": before.version if before else None},
    ):
        head = rows.head_of(*row)
        if before is None or HistoryKey(head.revision, head.version) < before:
            yield content_id, head


def _log_id(tenant: int, key: HistoryKey) -> int:
    """Returns the change.id at or below a place in history, which a client may have made up."""
    return rows.change_id(tenant, min(key.revision, rows.MAX_REVISION))


def _all_snapshots(
    connection: apsw.Connection,
    tenant: int,
    tenant_id: str,
    matches: Matcher,
    before: HistoryKey | None,
) -> Iterator[tuple[int | None, Head]]:
    # At the revision of `before` there may be versions left that a fork brought along.
    top = rows.change_id(tenant + 1, 0) if before is None else _log_id(tenant, before)
    bounds = (rows.change_id(tenant, 0), top)
    sql = f"SELECT content_id, {HEAD_COLUMNS} FROM change WHERE"
    logged = f"{sql} id >= ? AND id <= ? ORDER BY id DESC"
    inherited = (
        f"{sql} id < 0 AND content_id >= ? AND content_id <= ?"
        " ORDER BY content_id DESC, version DESC"
    )
    found = merge(
        *(_read(connection, each, bounds) for each in (logged, inherited)),
        key=lambda each: (-each[1].revision, -each[1].version),
    )
    wanted: dict[str, int | None] = {}
    for content_id, head in found:
        if before is not None and HistoryKey(head.revision, head.version) >= before:
            continue
        name = head.header.execution_id
        if name not in wanted:
            known = read.head_with_content(connection, tenant_id, name)
            belongs = known is not None and matches(name, known[0].header)
            wanted[name] = known[1] if known and belongs else None
        belongs = content_id is not None and content_id == wanted[name]
        yield (content_id if belongs else None), head


def _read(
    connection: apsw.Connection, sql: str, values: tuple[int, int]
) -> Iterator[tuple[int | None, Head]]:
    for content_id, *columns in rows.query(connection, sql, values):
        yield content_id, rows.head_of(*columns)
