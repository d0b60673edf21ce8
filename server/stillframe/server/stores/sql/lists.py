"""Lists of heads and of history, each driven by the index that fits its filter.

Rows are read in chunks: a page may end anywhere, and need not read what it does not show.
"""

from __future__ import annotations

from heapq import merge
from typing import TYPE_CHECKING, Any, NamedTuple

from stillframe.server.stores import refusals
from stillframe.server.stores.filters import Matcher, has_labels, meets
from stillframe.server.stores.projection import PageBuilder
from stillframe.server.stores.records import HeadPage, HistoryKey, Page
from stillframe.server.stores.sql import content, read, rows
from stillframe.server.stores.sql.content import HeadContent, PastContent
from stillframe.server.stores.sql.history import Chains
from stillframe.server.stores.sql.rows import HEAD_COLUMNS
from stillframe.server.stores.sql.steps import Ask, together

if TYPE_CHECKING:
    from stillframe.server.stores.projection import Selection
    from stillframe.server.stores.records import Head, SnapshotFilter, Stored
    from stillframe.server.stores.sql.steps import Row, Steps
    from stillframe.v1.snapshot_pb2 import ExecutionFilter

MERGED_EXECUTIONS = 64
"""Executions whose histories are merged by their own indexes. For more, the tenant's
changes are read in order and tested one by one."""

_CHUNK = 500
"""Rows read at once, at most."""

_AHEAD = 16
"""Snapshots of a page that are read at once, at most."""

_TOP = HistoryKey(rows.MAX_REVISION, 2**63 - 1)
"""Above every place in history."""


def list_executions(
    tenant_id: str, where: ExecutionFilter, after: str, limit: int, selection: Selection
) -> Steps[HeadPage]:
    position = yield from read.position(tenant_id, None)
    page = PageBuilder(selection, limit)
    heads = _Heads(tenant_id, Matcher(where), after)
    # One more than the page holds says whether there is a next one.
    while chunk := (yield from heads.next(min(limit + 1, _CHUNK))):
        matching = [heads.matches(name, head.header) for name, _, head in chunk]
        ahead = _Ahead(
            selection,
            [
                (content_id, head, HeadContent(content_id))
                for (_, content_id, head), matches in zip(chunk, matching, strict=True)
                if matches
            ],
        )
        for (name, _, _), matches in zip(chunk, matching, strict=True):
            if page.full():
                return HeadPage(Page(page.items, after), position)
            if not matches:
                page.skip()
            elif not page.add((yield from ahead.next())):
                return HeadPage(Page(page.items, after), position)
            after = name
    return HeadPage(Page(page.items), position)


def count_executions(tenant_id: str, where: ExecutionFilter, limit: int) -> Steps[int]:
    heads = _Heads(tenant_id, Matcher(where), "")
    count = 0
    while count < limit and (chunk := (yield from heads.next(_CHUNK))):
        count += sum(heads.matches(name, head.header) for name, _, head in chunk)
    return min(count, limit)


def list_snapshots(
    tenant_id: str,
    execution_id: str | None,
    where: SnapshotFilter,
    before: HistoryKey | None,
    limit: int,
    selection: Selection,
) -> Steps[Page]:
    page = PageBuilder(selection, limit)
    chains: dict[int, Chains] = {}
    snapshots = yield from _snapshots(tenant_id, execution_id, where)
    while not snapshots.over:
        chunk = yield from snapshots.below(before or _TOP, min(limit + 1, _CHUNK))
        matching = [
            content_id
            if meets(where.criteria, head.header) and has_labels(where.labels, head.header)
            else None
            for content_id, head in chunk
        ]
        ahead = _Ahead(
            selection,
            [
                (each, head, PastContent(each, head.version, chains.setdefault(each, Chains(each))))
                for each, (_, head) in zip(matching, chunk, strict=True)
                if each is not None
            ],
        )
        for each, (_, head) in zip(matching, chunk, strict=True):
            if page.full():
                return Page(page.items, before)
            if each is None:
                page.skip()
            elif not page.add((yield from ahead.next())):
                return Page(page.items, before)
            before = _key(head)
    return Page(page.items)


def _key(head: Head) -> HistoryKey:
    return HistoryKey(head.revision, head.version)


class _Ahead:
    """Reads snapshots of a page a few at a time, in their order.

    Not two of one execution at once: of the second, a link of its chains is enough once the
    first is read.
    """

    def __init__(
        self, selection: Selection, wanted: list[tuple[int, Head, content.Content]]
    ) -> None:
        self._selection = selection
        self._wanted = wanted[::-1]
        self._read: list[Stored] = []

    def next(self) -> Steps[Stored]:
        """Returns the next snapshot; one of a size that fills the page is read alone."""
        if not self._read:
            group: list[Steps[Stored]] = []
            size = 0
            seen: set[int] = set()
            while self._wanted and len(group) < _AHEAD and size <= self._selection.max_bytes:
                content_id, head, entries = self._wanted[-1]
                if content_id in seen:
                    break
                seen.add(content_id)
                self._wanted.pop()
                group.append(content.read(head, entries, self._selection))
                size += head.entries_size
            self._read = (yield from together(group))[::-1]
        return self._read.pop()


class _Heads:
    """The heads that an index finds for a filter, by name: at least what the filter matches.

    The caller tests the rest of it with `matches`.
    """

    def __init__(self, tenant_id: str, matches: Matcher, after: str) -> None:
        self.matches = matches
        self._tenant_id = tenant_id
        self._after = after
        self._over = False

    def next(self, limit: int) -> Steps[list[tuple[str, int, Head]]]:
        """Returns the next so many of them; none at the end."""
        if self._over:
            return []
        tenant = yield from rows.tenant_row(self._tenant_id)
        found = (yield from self._read(tenant[0], limit)) if tenant else []
        self._over = len(found) < limit
        prefix = self.matches.where.execution_id_prefix
        chunk: list[tuple[str, int, Head]] = []
        for name, content_id, *head in found:
            self._after = name
            if name > prefix and not name.startswith(prefix):
                if self.matches.execution_ids:
                    continue
                self._over = True  # Names are in order: none after this one has the prefix.
                break
            chunk.append((name, content_id, rows.head_of(*head)))
        if not chunk and not self._over:
            return (yield from self.next(limit))
        return chunk

    def _read(self, tenant: int, limit: int) -> Steps[list[Row]]:
        where, after = self.matches.where, self._after
        if self.matches.execution_ids:
            names = sorted(name for name in self.matches.execution_ids if name > after)
            if not names:
                return []
            # A page of names, so that no list is longer than what is read of it.
            found = yield from _range(tenant, "execution.name IN (??)", [names[:limit]], limit)
            if len(found) < limit < len(names):
                self._after = names[limit - 1]
                more = yield from self._read(tenant, limit - len(found))
                found = [*found, *more]
            return found
        if where.HasField("parent_execution_id"):
            values: list[Any] = [where.parent_execution_id, after]
            return (yield from _range(tenant, "parent_name = ? AND name > ?", values, limit))
        if where.HasField("user_id"):
            values = [where.user_id, after]
            return (yield from _range(tenant, "user_id = ? AND name > ?", values, limit))
        if self.matches.states is not None:
            found = []
            for state in sorted(self.matches.states):
                values = [state, after]
                found += yield from _range(tenant, "state = ? AND name > ?", values, limit)
            return sorted(found, key=lambda row: row[0])[:limit]
        # `>=` finds the prefix itself, and `>` what comes after `after`.
        values = [where.execution_id_prefix, after]
        return (yield from _range(tenant, "name >= ? AND name > ?", values, limit))


def _range(tenant: int, condition: str, values: list[Any], limit: int) -> Steps[list[Row]]:
    return (
        yield Ask(
            f"SELECT execution.name, execution.content_id, {HEAD_COLUMNS}, execution.expire_at"
            " FROM execution CROSS JOIN change ON change.id = execution.head_id"
            f" WHERE tenant_id = ? AND {condition} ORDER BY execution.name LIMIT ?",
            (tenant, *values, limit),
        )
    )


def _ask(sql: str, values: tuple[int, ...]) -> Steps[list[Row]]:
    return (yield Ask(sql, values))


class _Found(NamedTuple):
    """A snapshot; a content_id of None stands for a row that was looked at and does not
    belong.
    """

    content_id: int | None
    head: Head


def _merged(read: list[list[Row]], limit: int) -> tuple[list[Row], bool]:
    """Merges rows of HEAD_COLUMNS, newest first, of sources that were read up to `limit`.

    Returns what is in its place for sure: not what is below the last row of a source that
    may have more. Tells, too, whether all have ended.
    """
    lasts = [_place(found[-1]) for found in read if len(found) == limit]
    lowest = max(lasts) if lasts else None
    merged = merge(*read, key=_place, reverse=True)
    return [row for row in merged if lowest is None or _place(row) >= lowest], lowest is None


def _place(row: Row) -> tuple[int, int]:
    # What a fork brought along has the revision of the fork.
    return (row[0] if row[0] > 0 else row[1], row[2])


class _Histories:
    """The history of some executions, merged."""

    def __init__(self, tenant: int, content_ids: list[int]) -> None:
        self._tenant = tenant
        self._content_ids = content_ids
        self.over = not content_ids

    def below(self, before: HistoryKey, limit: int) -> Steps[list[_Found]]:
        """Returns about so many snapshots below a place in history, newest first."""
        share = max(2 * limit // len(self._content_ids), 8)
        read = yield from together(
            [self._history(content_id, before, share) for content_id in self._content_ids]
        )
        merged, self.over = _merged(read, share)
        return [_Found(row[1], rows.head_of(*row)) for row in merged]

    def _history(self, content_id: int, before: HistoryKey, limit: int) -> Steps[list[Row]]:
        # Versions and revisions of one execution have the same order, so the page begins at
        # the version of the row it ended before, where that row is this execution's.
        bound = _log_id(self._tenant, before)
        return (
            yield Ask(
                f"SELECT {HEAD_COLUMNS} FROM change WHERE content_id = ?"
                " AND version <= coalesce((SELECT version FROM change WHERE id = ?"
                " AND content_id = ?), 9223372036854775807)"
                " AND (CASE WHEN id > 0 THEN id ELSE content_id END, version) < (?, ?)"
                " ORDER BY version DESC LIMIT ?",
                (content_id, bound, content_id, bound, before.version, limit),
            )
        )


class _Everything:
    """The history of a whole tenant, of which the caller is told what belongs."""

    def __init__(self, tenant: int, tenant_id: str, matches: Matcher) -> None:
        self._tenant = tenant
        self._tenant_id = tenant_id
        self._matches = matches
        self._wanted: dict[str, int | None] = {}
        self.over = False

    def below(self, before: HistoryKey, limit: int) -> Steps[list[_Found]]:
        """Returns about so many rows below a place in history, newest first."""
        # At the revision of `before` there may be versions left that a fork brought along.
        lowest, top = rows.change_id(self._tenant, 0), _log_id(self._tenant, before)
        sql = f"SELECT {HEAD_COLUMNS} FROM change WHERE"
        logged = f"{sql} id >= ? AND id <= ? AND (id, version) < (?, ?) ORDER BY id DESC LIMIT ?"
        inherited = (
            f"{sql} id < 0 AND content_id >= ? AND content_id <= ?"
            " AND (content_id, version) < (?, ?)"
            " ORDER BY content_id DESC, version DESC LIMIT ?"
        )
        values = (lowest, top, top, before.version, limit)
        read = yield from together([_ask(each, values) for each in (logged, inherited)])
        merged, self.over = _merged(read, limit)
        found = [_Found(row[1], rows.head_of(*row)) for row in merged]
        yield from self._look_up({each.head.header.execution_id for each in found})
        return [
            each
            if each.content_id == self._wanted[each.head.header.execution_id]
            else _Found(None, each.head)
            for each in found
        ]

    def _look_up(self, names: set[str]) -> Steps[None]:
        """Finds the contents of executions that match the filter."""
        unknown = sorted(names.difference(self._wanted))
        if not unknown:
            return
        known = yield from read.heads_with_content(self._tenant_id, unknown)
        for name in unknown:
            head, content_id = known.get(name, (None, None))
            belongs = head is not None and self._matches(name, head.header)
            self._wanted[name] = content_id if belongs else None


def _log_id(tenant: int, key: HistoryKey) -> int:
    """Returns the change.id at or below a place in history, which a client may have made up."""
    return rows.change_id(tenant, min(key.revision, rows.MAX_REVISION))


def _snapshots(
    tenant_id: str, execution_id: str | None, where: SnapshotFilter
) -> Steps[_Histories | _Everything]:
    """Returns where the snapshots stand whose executions match."""
    tenant = yield from rows.tenant_row(tenant_id)
    if tenant is None and execution_id is None:
        return _Histories(0, [])
    number = tenant[0] if tenant else 0
    matches = Matcher(where.executions)
    if execution_id is not None:
        found = yield from read.heads_with_content(tenant_id, [execution_id])
        if not found:
            raise refusals.execution_not_found(execution_id)
        few = [(execution_id, found[execution_id][1], found[execution_id][0])]
        return _Histories(number, [each for name, each, head in few if matches(name, head.header)])
    if not where.executions.ByteSize():
        return _Everything(number, tenant_id, matches)
    heads = _Heads(tenant_id, matches, "")
    few = []
    while len(few) <= MERGED_EXECUTIONS and (
        chunk := (yield from heads.next(MERGED_EXECUTIONS + 1))
    ):
        few += chunk
    if len(few) <= MERGED_EXECUTIONS:
        return _Histories(number, [each for name, each, head in few if matches(name, head.header)])
    return _Everything(number, tenant_id, matches)
