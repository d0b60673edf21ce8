"""One watcher's place in the change log, and the frames it makes of what follows."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from stillframe.server import wire
from stillframe.server.stores import refusals
from stillframe.server.stores.filters import Matcher
from stillframe.server.stores.marks import Position, resume_token
from stillframe.server.stores.projection import METADATA, Selection
from stillframe.server.watch import frames
from stillframe.server.watch.following import changes_after, confirm
from stillframe.server.watch.ring import READ_LIMIT, Recent, behind_gap
from stillframe.v1 import error_pb2
from stillframe.v1 import snapshot_service_pb2 as messages
from stillframe.v1.snapshot_service_pb2 import SnapshotSelector, WatchFrame

if TYPE_CHECKING:
    import asyncio
    from collections.abc import AsyncIterator, Iterator

    from stillframe.server.stores.base import Store
    from stillframe.server.stores.records import Change, HeadPage
    from stillframe.server.watch.ring import Tail
    from stillframe.v1.snapshot_pb2 import SnapshotProjection
    from stillframe.v1.snapshot_service_pb2 import WatchSnapshotsRequest

INITIAL_PAGE = 200
"""Heads read in one transaction: none may outlive a page, or it would pin the store's log."""

SHARED_BYTES = 2**20
"""Up to which size a content is kept in the ring for other watchers."""

FLUSH_SECONDS = 0.2
"""How long what was gathered waits for contents that are still being loaded: a window may take
seconds, and a watcher that is cut off before its first message has gained nothing."""

_GONE = frozenset(
    (error_pb2.ERROR_REASON_EXECUTION_NOT_FOUND, error_pb2.ERROR_REASON_SNAPSHOT_NOT_FOUND)
)


class Cursor:
    """Reads changes after its revision, in windows, and yields response messages."""

    def __init__(
        self,
        store: Store,
        tail: Tail,
        request: WatchSnapshotsRequest,
        projection: SnapshotProjection | None,
        max_bytes: int,
        start: Position,
        replaced: int,
    ) -> None:
        self._store = store
        self._tail = tail
        self._tenant_id = request.tenant_id
        self._where = request.filter
        self._matches = Matcher(request.filter)
        self._message = frames.Message(max_bytes)
        self._position = start
        self._replaced = replaced
        self.mode = request.mode or messages.WATCH_MODE_LATEST
        self.view = request.view or messages.SNAPSHOT_VIEW_METADATA
        self.max_bytes = max_bytes
        self.complete = request.WhichOneof("start") != "initial_state"
        """Whether a token may be given: not before the initial state has ended."""
        self.fell_behind = False
        """Whether the last window was older than the ring."""
        full = self.view == messages.SNAPSHOT_VIEW_FULL
        # A frame's own fields come beside the snapshot.
        self._selection = Selection(projection, max_bytes - 1024) if full else METADATA

    @property
    def revision(self) -> int:
        return self._position.revision

    @property
    def token(self) -> str:
        return resume_token(*self._position)

    def send(self, frame: WatchFrame) -> Iterator[bytes]:
        """Yields a frame with all that was gathered before it."""
        yield from self._message.add(frame)
        yield from self._message.flush()

    async def confirm(self) -> None:
        """Sees to it, where the store was found to be another one, that what was delivered
        is part of it all the same. Raises Refusal.
        """
        if self._replaced != self._tail.replaced:
            replaced = self._tail.replaced
            await confirm(self._store, self._tenant_id, self._position)
            self._replaced = replaced

    async def window(self) -> AsyncIterator[bytes]:
        """Yields what the next window of changes gives, and moves past it."""
        recent = self._tail.ring.after(self.revision, READ_LIMIT)
        self.fell_behind = self.revision + 1 < self._tail.ring.first
        if recent is None:
            recent = [Recent(change, 0) for change in await self._read()]
        if not recent:
            return
        async for data in self._frames(recent):
            yield data
        for data in self._message.flush():
            yield data
        last = recent[-1].change
        self._position = Position(last.revision, last.mark)

    async def _read(self) -> list[Change]:
        """Reads what follows from the store. A watch must never step over a gap, even if the
        store does not refuse as it must.
        """
        changes = await changes_after(self._store, self._tenant_id, self._position, READ_LIMIT)
        found = behind_gap(changes, self.revision)
        if found is not None:
            raise refusals.history_compacted(self.revision, found)
        return changes

    async def _frames(self, recent: list[Recent]) -> AsyncIterator[bytes]:
        skipped: set[int] = set()
        if self.mode == messages.WATCH_MODE_LATEST:
            skipped = frames.superseded([each.change for each in recent])
        flushed = time.monotonic()
        for each in recent:
            kind = frames.kind_for(self._matches, each.change)
            if kind is None or (kind == frames.SAVED and each.change.revision in skipped):
                continue
            for data in self._message.add(await self._change_frame(kind, each)):
                yield data
            if time.monotonic() - flushed > FLUSH_SECONDS:
                for data in self._message.flush():
                    yield data
                flushed = time.monotonic()

    async def _change_frame(self, kind: messages.ChangeKind.ValueType, recent: Recent) -> bytes:
        change = recent.change
        token = change.resume_token if self.complete else ""
        if kind != frames.SAVED or not self._selection.entries:
            return frames.change_frame(kind, change.header.SerializeToString(), token)
        snapshot = await self._content(recent)
        if snapshot is not None:
            return frames.change_frame(kind, snapshot, token)
        header = change.header.SerializeToString()
        gone = change.header.omission.count > 0
        return frames.change_frame(kind, header, token, content_gone=gone)

    async def _content(self, recent: Recent) -> bytes | None:
        """Returns the whole serialised snapshot of a change; None when it is gone."""
        change = recent.change
        size = change.header.omission.size_bytes
        fits = size <= SHARED_BYTES and size <= self._selection.budget(change.header.ByteSize())
        if not (self._selection.everything and fits and recent.size):
            return await self._load(change, self._selection)
        first = recent.content is None
        data = await recent.whole(lambda: self._load(change, Selection()))
        if first and data is not None:
            self._tail.ring.add_content(recent, len(data))
        return data

    async def _load(self, change: Change, selection: Selection) -> bytes | None:
        selector = SnapshotSelector(version=change.header.version)
        try:
            stored = await self._store.load(
                self._tenant_id, change.execution_id, selector, selection
            )
        except refusals.Refusal as refusal:
            if refusal.reason in _GONE:
                return None
            raise
        # Versions are never used twice, but a store may have been replaced meanwhile.
        return wire.snapshot(stored) if stored.header.etag == change.header.etag else None

    async def initial_state(self, draining: asyncio.Event) -> AsyncIterator[bytes]:
        """Yields the heads that the filter matches as they are at the revision it ends at.

        Heads come in pages, in the order of ids. Between two pages come the changes of
        the executions that are already passed, so that the frames, applied in order,
        are the state at the last page's revision.
        """
        passed = ""
        count = 0
        found: HeadPage | None = None
        while found is None or found.page.next is not None:
            if draining.is_set():
                return
            found = await self._store.list_executions(
                self._tenant_id,
                self._where,
                after=passed,
                limit=INITIAL_PAGE,
                selection=self._selection,
            )
            self._refuse_another(found.position)
            while self.revision < found.position.revision:
                for kind, each in await self._passed(passed, found.position.revision):
                    count += (kind == frames.SAVED) - frames.matched_before(
                        self._matches, each.change
                    )
                    for data in self._message.add(await self._change_frame(kind, each)):
                        yield data
            self._position = found.position
            count += len(found.page.items)
            for stored in found.page.items:
                frame = frames.change_frame(frames.SAVED, wire.snapshot(stored), "")
                for data in self._message.add(frame):
                    yield data
            for data in self._message.flush():
                yield data
            passed = str(found.page.next)
        self.complete = True
        end = messages.WatchInitialStateEnd(execution_count=count)
        for data in self.send(WatchFrame(resume_token=self.token, initial_state_end=end)):
            yield data

    def _refuse_another(self, position: Position) -> None:
        """Refuses a page of a store that was replaced since the page before: the heads of two
        stores would be the state of neither. Where this one is newer, what follows is read,
        and tells.
        """
        if position.revision <= self.revision and position != self._position:
            raise refusals.store_replaced(self.revision)

    async def _passed(
        self, passed: str, until: int
    ) -> list[tuple[messages.ChangeKind.ValueType, Recent]]:
        """Returns what the next changes up to a revision are to executions up to `passed`."""
        kept = [change for change in await self._read() if change.revision <= until]
        if not kept:
            # The store has a page at `until` and no change up to it: not for long.
            raise refusals.store_unavailable()
        self._position = Position(kept[-1].revision, kept[-1].mark)
        kinds = ((frames.kind_for(self._matches, change), change) for change in kept)
        return [
            (kind, Recent(change, 0))
            for kind, change in kinds
            if kind is not None and change.execution_id <= passed
        ]
