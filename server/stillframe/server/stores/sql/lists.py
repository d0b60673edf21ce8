"""Lists of heads and of history, each driven by the index that fits its filter.

Rows are read in chunks: a page may end anywhere, and need not read what it does not show.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from stillframe.server.stores.filters import Matcher, has_labels, meets
from stillframe.server.stores.projection import PageBuilder
from stillframe.server.stores.records import HeadPage, HistoryKey, Page
from stillframe.server.stores.sql import content, read, rows, scans
from stillframe.server.stores.sql.content import HeadContent, PastContent
from stillframe.server.stores.sql.history import Chains
from stillframe.server.stores.sql.steps import together

if TYPE_CHECKING:
    from stillframe.server.stores.projection import Selection
    from stillframe.server.stores.records import Head, SnapshotFilter, Stored
    from stillframe.server.stores.sql.steps import Steps
    from stillframe.v1.snapshot_pb2 import ExecutionFilter

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
    heads = scans.Heads(tenant_id, Matcher(where), after)
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
    heads = scans.Heads(tenant_id, Matcher(where), "")
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
    snapshots = yield from scans.snapshots(tenant_id, execution_id, where)
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
