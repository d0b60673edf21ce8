"""What a watch sends: changes seen through a filter, frames, messages of many frames."""

from __future__ import annotations

from typing import TYPE_CHECKING

from stillframe.server import wire
from stillframe.v1 import snapshot_service_pb2 as messages
from stillframe.v1.snapshot_service_pb2 import (
    SnapshotChange,
    WatchFrame,
    WatchSnapshotsResponse,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from stillframe.server.stores.filters import Matcher
    from stillframe.server.stores.records import Change
    from stillframe.v1.snapshot_service_pb2 import ChangeKind

MAX_MESSAGE_BYTES = 2**20
"""Where a message of many frames is cut."""

SAVED = messages.CHANGE_KIND_SAVED
LEFT_FILTER = messages.CHANGE_KIND_LEFT_FILTER


def kind_for(matches: Matcher, change: Change) -> ChangeKind.ValueType | None:
    """Returns what a change is to who watches through a filter; None when it is nothing."""
    if change.kind == SAVED and matches(change.execution_id, change.header):
        return SAVED
    if not matched_before(matches, change):
        return None
    return LEFT_FILTER if change.kind == SAVED else change.kind


def matched_before(matches: Matcher, change: Change) -> bool:
    return change.before is not None and matches(change.execution_id, change.before)


def superseded(changes: list[Change]) -> set[int]:
    """Returns the revisions of changes that a later one of the same execution follows."""
    newest: dict[str, int] = {}
    found: set[int] = set()
    for change in changes:
        earlier = newest.get(change.execution_id)
        if earlier is not None:
            found.add(earlier)
        newest[change.execution_id] = change.revision
    return found


def change_frame(
    kind: ChangeKind.ValueType, snapshot: bytes, token: str, *, content_gone: bool = False
) -> bytes:
    """Returns a frame around a serialised snapshot, as a field of the response."""
    rest = SnapshotChange(kind=kind, content_gone=content_gone).SerializeToString()
    change = rest + wire.field(SnapshotChange.SNAPSHOT_FIELD_NUMBER, snapshot)
    frame = wire.field(WatchFrame.CHANGE_FIELD_NUMBER, change)
    return _field(WatchFrame(resume_token=token).SerializeToString() + frame)


def _field(frame: bytes) -> bytes:
    return wire.field(WatchSnapshotsResponse.FRAMES_FIELD_NUMBER, frame)


class Message:
    """Gathers frames, as fields of the response, into messages that are cut before they are
    too large.
    """

    def __init__(self, max_bytes: int) -> None:
        self._max_bytes = min(max_bytes, MAX_MESSAGE_BYTES)
        self._frames: list[bytes] = []
        self._bytes = 0

    def takes(self, frame: bytes) -> bool:
        """Tells whether there is room for a frame: for the first one there always is."""
        return not self._frames or self._bytes + len(frame) <= self._max_bytes

    def append(self, frame: bytes) -> None:
        self._frames.append(frame)
        self._bytes += len(frame)

    def take(self) -> bytes:
        """Returns what was gathered, and begins anew."""
        data = b"".join(self._frames)
        self._frames, self._bytes = [], 0
        return data

    def add(self, frame: bytes | WatchFrame) -> Iterator[bytes]:
        """Adds a frame; yields the message before it when both would be too large."""
        data = frame if isinstance(frame, bytes) else _field(frame.SerializeToString())
        if not self.takes(data):
            yield self.take()
        self.append(data)

    def flush(self) -> Iterator[bytes]:
        """Yields what was gathered, if anything was."""
        if self._frames:
            yield self.take()
