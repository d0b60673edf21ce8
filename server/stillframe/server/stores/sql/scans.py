"""What lists read: heads and history in their order, a chunk at a time."""

from __future__ import annotations

from heapq import merge
from typing import TYPE_CHECKING, Any, NamedTuple

from stillframe.server.stores import refusals
from stillframe.server.stores.filters import Matcher
from stillframe.server.stores.sql import read, rows
from stillframe.server.stores.sql.rows import HEAD_COLUMNS
from stillframe.server.stores.sql.steps import Ask, first, together

if TYPE_CHECKING:
    from stillframe.server.stores.records import Head, HistoryKey, SnapshotFilter
    from stillframe.server.stores.sql.steps import Row, Steps

MERGED_EXECUTIONS = 64
"""Executions whose histories are merged by their own indexes. For more, the tenant's
changes are read in order and tested one by one."""


class Heads:
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
        following, start = rows.following(where.execution_id_prefix, after)
        if where.HasField("parent_execution_id"):
            values: list[Any] = [where.parent_execution_id, start]
            return (
                yield from _range(tenant, f"parent_name = ? AND name {following}", values, limit)
            )
        if where.HasField("user_id"):
            values = [where.user_id, start]
            return (yield from _range(tenant, f"user_id = ? AND name {following}", values, limit))
        if self.matches.states is not None:
            merged: list[Row] = []
            for state in sorted(self.matches.states):
                values = [state, start]
                merged += yield from _range(
                    tenant, f"state = ? AND name {following}", values, limit
                )
            return sorted(merged, key=lambda row: str(row[0]))[:limit]
        return (yield from _range(tenant, f"name {following}", [start], limit))


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


class Found(NamedTuple):
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


class Histories:
    """The history of some executions, merged."""

    def __init__(self, tenant: int, content_ids: list[int]) -> None:
        self._tenant = tenant
        self._content_ids = content_ids
        self.over = not content_ids

    def below(self, before: HistoryKey, limit: int) -> Steps[list[Found]]:
        """Returns about so many snapshots below a place in history, newest first."""
        share = max(2 * limit // len(self._content_ids), 8)
        read = yield from together(
            [self._history(content_id, before, share) for content_id in self._content_ids]
        )
        merged, self.over = _merged(read, share)
        return [Found(row[1], rows.head_of(*row)) for row in merged]

    def _history(self, content_id: int, before: HistoryKey, limit: int) -> Steps[list[Row]]:
        """Returns the next so many versions of an execution below a place; fewer at its end."""
        bound = _log_id(self._tenant, before)
        place = bound, before.version
        # Versions and revisions of one execution have the same order, so the page begins at
        # the version of the row it ended before, where that row is this execution's.
        found = yield Ask(
            f"SELECT {HEAD_COLUMNS} FROM change WHERE content_id = ?"
            " AND version <= coalesce((SELECT version FROM change WHERE id = ?"
            " AND content_id = ?), 9223372036854775807) ORDER BY version DESC LIMIT ?",
            (content_id, bound, content_id, limit + 1),
        )
        below = [row for row in found if _place(row) < place]
        if len(found) <= limit or len(below) >= limit:
            return below[:limit]
        start = below[0][2] if below else (yield from _highest(content_id, found[-1][2], place))
        return (
            yield Ask(
                f"SELECT {HEAD_COLUMNS} FROM change WHERE content_id = ? AND version <= ?"
                " ORDER BY version DESC LIMIT ?",
                (content_id, start, limit),
            )
        )


def _highest(content_id: int, version: int, place: tuple[int, int]) -> Steps[int]:
    """Returns the highest version below a place, which the version given is not; 0 where there
    is none. Halves what there is: no index has an execution's revisions.
    """
    low, high = 0, version - 1
    while low < high:
        middle = (low + high + 1) // 2
        row = yield from first(
            "SELECT id, content_id, version FROM change WHERE content_id = ? AND version >= ?"
            " ORDER BY version LIMIT 1",
            (content_id, middle),
        )
        if row is not None and _place(row) < place:
            low = row[2]
        else:
            high = middle - 1
    return low


class Everything:
    """The history of a whole tenant, of which the caller is told what belongs."""

    def __init__(self, tenant: int, tenant_id: str, matches: Matcher) -> None:
        self._tenant = tenant
        self._tenant_id = tenant_id
        self._matches = matches
        self._wanted: dict[str, int | None] = {}
        self.over = False

    def below(self, before: HistoryKey, limit: int) -> Steps[list[Found]]:
        """Returns about so many rows below a place in history, newest first."""
        # At the revision of `before` there may be versions left that a fork brought along.
        lowest, top = rows.change_id(self._tenant, 0), _log_id(self._tenant, before)
        sql = f"SELECT {HEAD_COLUMNS} FROM change WHERE"
        logged = f"{sql} id >= ? AND id <= ? AND (id, version) < (?, ?) ORDER BY id DESC LIMIT ?"
        # No bound of content_id alone: SQLite would begin there, at the fork's first version.
        inherited = (
            f"{sql} id < 0 AND content_id >= ? AND (content_id, version) < (?, ?)"
            " ORDER BY content_id DESC, version DESC LIMIT ?"
        )
        bounds = (top, before.version, limit)
        read = yield from together(
            [_ask(logged, (lowest, top, *bounds)), _ask(inherited, (lowest, *bounds))]
        )
        merged, self.over = _merged(read, limit)
        found = [Found(row[1], rows.head_of(*row)) for row in merged]
        yield from self._look_up({each.head.header.execution_id for each in found})
        return [
            each
            if each.content_id == self._wanted[each.head.header.execution_id]
            else Found(None, each.head)
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


def snapshots(
    tenant_id: str, execution_id: str | None, where: SnapshotFilter
) -> Steps[Histories | Everything]:
    """Returns where the snapshots stand whose executions match."""
    tenant = yield from rows.tenant_row(tenant_id)
    if tenant is None and execution_id is None:
        return Histories(0, [])
    number = tenant[0] if tenant else 0
    matches = Matcher(where.executions)
    if execution_id is not None:
        found = yield from read.heads_with_content(tenant_id, [execution_id])
        if not found:
            raise refusals.execution_not_found(execution_id)
        head, content_id = found[execution_id]
        return Histories(number, [content_id] if matches(execution_id, head.header) else [])
    if not where.executions.ByteSize():
        return Everything(number, tenant_id, matches)
    heads = Heads(tenant_id, matches, "")
    few: list[tuple[str, int, Head]] = []
    while len(few) <= MERGED_EXECUTIONS and (
        chunk := (yield from heads.next(MERGED_EXECUTIONS + 1))
    ):
        few += chunk
    if len(few) <= MERGED_EXECUTIONS:
        return Histories(number, [each for name, each, head in few if matches(name, head.header)])
    return Everything(number, tenant_id, matches)
