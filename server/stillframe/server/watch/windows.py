"""The windows of changes that watchers read, each made once for all who ask the same.

Watchers of a tenant that asked for the same and are at the same position get the same bytes.
A window and its messages live only while a watcher is in them: one that is stalled keeps the
message that it is at, and no more.
"""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING
from weakref import WeakValueDictionary

from stillframe.server import wire
from stillframe.server.stores import refusals
from stillframe.server.stores.filters import Matcher
from stillframe.server.stores.marks import Position
from stillframe.server.stores.projection import METADATA, Selection
from stillframe.server.watch import frames
from stillframe.server.watch.ring import READ_LIMIT
from stillframe.v1 import error_pb2
from stillframe.v1 import snapshot_service_pb2 as messages
from stillframe.v1.snapshot_service_pb2 import SnapshotSelector, WatchSnapshotsRequest

if TYPE_CHECKING:
    from stillframe.server.stores.base import Store
    from stillframe.server.stores.records import Change
    from stillframe.server.watch.ring import Tail
    from stillframe.v1.snapshot_pb2 import SnapshotProjection
    from stillframe.v1.snapshot_service_pb2 import ChangeKind

SHARED_BYTES = 2**20
"""Up to which size a content is kept in the ring for other windows."""

FLUSH_SECONDS = 0.2
"""How long what was gathered waits for contents that are still being loaded: a window may take
seconds, and a watcher that is cut off before its first message has gained nothing."""

_GONE = frozenset(
    (error_pb2.ERROR_REASON_EXECUTION_NOT_FOUND, error_pb2.ERROR_REASON_SNAPSHOT_NOT_FOUND)
)


class Part:
    """One message of a window."""

    __slots__ = ("__weakref__", "ahead", "data", "ended", "error", "next")

    def __init__(self) -> None:
        self.data = b""
        """Empty until it is made."""
        self.next = 0
        """Which frame of the window the message after this one begins with."""
        self.ahead: bytes | None = None
        """That frame, where it was made already and had no room in this message."""
        self.error: Exception | None = None
        self.ended = asyncio.Event()
        """Set once it is made, has failed, or was given up."""


class Window:
    """The changes between two positions of which frames are sent, and as what."""

    __slots__ = ("__weakref__", "end", "parts", "sent")

    def __init__(self, sent: list[tuple[ChangeKind.ValueType, Change]], end: Position) -> None:
        self.sent = sent
        self.end = end
        self.parts: WeakValueDictionary[int, Part] = WeakValueDictionary()
        """By the frame that they begin with."""


class Windows:
    """What one request asks for, for all watchers of a tenant that send the same."""

    def __init__(self, store: Store, tail: Tail, asked: WatchSnapshotsRequest) -> None:
        self._store = store
        self._tail = tail
        self._tenant_id = asked.tenant_id
        self.matches = Matcher(asked.filter)
        self.mode = asked.mode
        self.view = asked.view
        self.max_bytes = asked.max_message_bytes
        self.selection = METADATA
        if self.view == messages.SNAPSHOT_VIEW_FULL:
            projection = asked.projection if asked.HasField("projection") else None
            # A frame's own fields come beside the snapshot.
            self.selection = Selection(projection, self.max_bytes - 1024)
        # By both ends with their marks: a store that was replaced gives revisions out again.
        self._windows: WeakValueDictionary[tuple[Position, Position], Window] = (
            WeakValueDictionary()
        )
        self._nothing: Window | None = None
        """The last one with no frame in it: nobody stays in it, and others come for it."""

    def after(self, position: Position) -> Window | None:
        """Returns the window from a position to the newest change of the ring; None where the
        ring does not reach back.
        """
        ring = self._tail.ring
        last = ring.last_after(position.revision, READ_LIMIT)
        if last is None:
            return None
        key = position, Position(last.revision, last.mark)
        window = self._windows.get(key)
        if window is None:
            changes = ring.after(position.revision, READ_LIMIT) or []
            window = self._windows[key] = self.window([each.change for each in changes])
            if not window.sent:
                self._nothing = window
        return window

    def window(self, changes: list[Change]) -> Window:
        """Returns the window of changes that follow each other; there is at least one."""
        skipped: set[int] = set()
        if self.mode == messages.WATCH_MODE_LATEST:
            skipped = frames.superseded(changes)
        kinds = ((frames.kind_for(self.matches, change), change) for change in changes)
        sent = [
            (kind, change)
            for kind, change in kinds
            if kind is not None and not (kind == frames.SAVED and change.revision in skipped)
        ]
        return Window(sent, Position(changes[-1].revision, changes[-1].mark))

    async def part(self, window: Window, first: int, ahead: bytes | None) -> Part:
        """Returns the message of a window that begins with a frame, made once for all who are
        in the window. `ahead` is that frame, if it was made. Raises Refusal.
        """
        while True:
            part = window.parts.get(first)
            if part is None:
                return await self._make(window, first, ahead)
            if not part.data:
                await part.ended.wait()
            if part.error is not None:
                raise part.error
            if part.data:
                return part
            # Who made it was cancelled: the next one begins anew.

    async def _make(self, window: Window, first: int, ahead: bytes | None) -> Part:
        part = window.parts[first] = Part()
        try:
            await self._fill(part, window, first, ahead)
        except Exception as error:
            part.error = error
            raise
        finally:
            if not part.data:
                # Who comes for it from now on tries again.
                del window.parts[first]
            part.ended.set()
        return part

    async def _fill(self, part: Part, window: Window, first: int, ahead: bytes | None) -> None:
        message = frames.Message(self.max_bytes)
        begun = time.monotonic()
        part.next = first
        for kind, change in window.sent[first:]:
            frame = ahead or await self._shared_frame(kind, change)
            ahead = None
            if not message.takes(frame):
                part.ahead = frame
                break
            message.append(frame)
            part.next += 1
            if time.monotonic() - begun > FLUSH_SECONDS:
                break
        part.data = message.take()

    async def _shared_frame(self, kind: ChangeKind.ValueType, change: Change) -> bytes:
        """Returns the frame of a change, made once for all windows that it is the same in."""
        recent = self._tail.ring.recent(change)
        loads = kind == frames.SAVED and self.selection.entries
        if recent is None or (loads and not self._takes_whole(change)):
            return await self.frame(kind, change, change.resume_token)

        async def make() -> bytes:
            selection = Selection() if loads else METADATA
            frame = await self.frame(kind, change, change.resume_token, selection)
            recent.frames[kind, loads] = frame
            self._tail.ring.charge(recent, len(frame))
            return frame

        found = recent.frames.get((kind, loads))
        if found is not None:
            return found
        return await (recent.once(make) if loads else make())

    def _takes_whole(self, change: Change) -> bool:
        """Tells whether the content is sent whole, and is small enough to be kept."""
        size = change.header.omission.size_bytes
        return (
            self.selection.everything
            and size <= SHARED_BYTES
            and size <= self.selection.budget(change.header.ByteSize())
        )

    async def frame(
        self,
        kind: ChangeKind.ValueType,
        change: Change,
        token: str,
        selection: Selection | None = None,
    ) -> bytes:
        """Returns the frame of a change, with what the selection chooses of its content: the
        request's, unless another is given.
        """
        selection = selection or self.selection
        gone = False
        if kind == frames.SAVED and selection.entries:
            snapshot = await self._load(change, selection)
            if snapshot is not None:
                return frames.change_frame(kind, snapshot, token)
            gone = change.header.omission.count > 0
        header = change.header.SerializeToString()
        return frames.change_frame(kind, header, token, content_gone=gone)

    async def _load(self, change: Change, selection: Selection) -> bytes | None:
        """Returns the serialised snapshot of a change; None when it is gone."""
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


class Shared:
    """The windows of one tenant, by what its watchers ask for."""

    def __init__(self, store: Store, tail: Tail) -> None:
        self._store = store
        self._tail = tail
        self._windows: WeakValueDictionary[bytes, Windows] = WeakValueDictionary()

    def windows(
        self, request: WatchSnapshotsRequest, projection: SnapshotProjection | None, max_bytes: int
    ) -> Windows:
        """Returns the windows of a request, the same for all that ask for the same, wherever
        they start.
        """
        asked = WatchSnapshotsRequest(
            tenant_id=request.tenant_id,
            filter=request.filter,
            mode=request.mode or messages.WATCH_MODE_LATEST,
            view=request.view or messages.SNAPSHOT_VIEW_METADATA,
            projection=projection,
            max_message_bytes=max_bytes,
        )
        key = asked.SerializeToString(deterministic=True)
        found = self._windows.get(key)
        if found is None:
            found = self._windows[key] = Windows(self._store, self._tail, asked)
        return found
