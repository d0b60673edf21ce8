"""One watcher's place in the change log, and the frames it makes of what follows."""

from __future__ import annotations

from typing import TYPE_CHECKING

from stillframe.server import wire
from stillframe.server.stores import refusals
from stillframe.server.stores.marks import Position, resume_token
from stillframe.server.watch import frames
from stillframe.server.watch.following import changes_after, confirm
from stillframe.server.watch.ring import READ_LIMIT, behind_gap
from stillframe.v1 import snapshot_service_pb2 as messages
from stillframe.v1.snapshot_service_pb2 import WatchFrame

if TYPE_CHECKING:
    import asyncio
    from collections.abc import AsyncIterator, Iterator

    from stillframe.server.stores.base import Store
    from stillframe.server.stores.records import Change, HeadPage
    from stillframe.server.watch.ring import Tail
    from stillframe.server.watch.windows import Windows
    from stillframe.v1.snapshot_service_pb2 import WatchSnapshotsRequest

INITIAL_PAGE = 200
"""Heads read in one transaction: none may outlive a page, or it would pin the store's log."""


class Cursor:
    """Reads changes after its revision, in windows, and yields response messages."""

    def __init__(
        self,
        store: Store,
        tail: Tail,
        request: WatchSnapshotsRequest,
        windows: Windows,
        start: Position,
        replaced: int,
    ) -> None:
        self._store = store
        self._tail = tail
        self._tenant_id = request.tenant_id
        self.windows = windows
        self._message = frames.Message(windows.max_bytes)
        self._position = start
        self._replaced = replaced
        self.complete = request.WhichOneof("start") != "initial_state"
        """Whether a token may be given: not before the initial state has ended."""
        self.fell_behind = False
        """Whether the last window was older than the ring."""

    @property
    def revision(self) -> int:
        return self._position.revision

    @property
    def token(self) -> str:
        return resume_token(*self._position)

    def gather(self, frame: WatchFrame) -> Iterator[bytes]:
        """Leaves a frame to go with what is sent next, which must follow at once."""
        yield from self._message.add(frame)

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
        for data in self._message.flush():
            yield data
        self.fell_behind = self.revision + 1 < self._tail.ring.first
        window = self.windows.after(self._position)
        if window is None:
            changes = await self._read()
            if not changes:
                return
            window = self.windows.window(changes)
        first, ahead = 0, None
        while first < len(window.sent):
            part = await self.windows.part(window, first, ahead)
            first, ahead = part.next, part.ahead
            yield part.data
        self._position = window.end

    async def _read(self) -> list[Change]:
        """Reads what follows from the store. A watch must never step over a gap, even if the
        store does not refuse as it must.
        """
        changes = await changes_after(self._store, self._tenant_id, self._position, READ_LIMIT)
        found = behind_gap(changes, self.revision)
        if found is not None:
            raise refusals.history_compacted(self.revision, found)
        return changes

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
                self.windows.matches.where,
                after=passed,
                limit=INITIAL_PAGE,
                selection=self.windows.selection,
            )
            self._refuse_another(found.position)
            while self.revision < found.position.revision:
                for kind, change in await self._passed(passed, found.position.revision):
                    count += (kind == frames.SAVED) - frames.matched_before(
                        self.windows.matches, change
                    )
                    for data in self._message.add(await self.windows.frame(kind, change, "")):
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
    ) -> list[tuple[messages.ChangeKind.ValueType, Change]]:
        """Returns what the next changes up to a revision are to executions up to `passed`."""
        kept = [change for change in await self._read() if change.revision <= until]
        if not kept:
            # The store has a page at `until` and no change up to it: not for long.
            raise refusals.store_unavailable()
        self._position = Position(kept[-1].revision, kept[-1].mark)
        kinds = ((frames.kind_for(self.windows.matches, change), change) for change in kept)
        return [
            (kind, change)
            for kind, change in kinds
            if kind is not None and change.execution_id <= passed
        ]
