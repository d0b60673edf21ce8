"""Which entries of a snapshot an answer carries, and what it says of the others.

A plan is made from keys and sizes alone, so that a store reads only the payloads
that are sent.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from stillframe.server.stores.records import Stored, entry_size
from stillframe.v1 import snapshot_pb2
from stillframe.v1.snapshot_pb2 import ExecutionSnapshot, Omission

if TYPE_CHECKING:
    from collections.abc import Iterable

    from stillframe.server.stores.records import EntryKey, Head
    from stillframe.v1.snapshot_pb2 import MapProjection, SnapshotProjection

MAX_OMISSION_BYTES = 64 * 1024
"""Bytes that an omission's list of entries may have (snapshot.proto)."""

_ROW_OVERHEAD = 24
"""Bytes that the tags, lengths and numbers of a row of that list have, at most."""

_STEP_OUTPUTS = snapshot_pb2.SNAPSHOT_MAP_STEP_OUTPUTS


@dataclass(frozen=True, slots=True)
class Selection:
    """What a reader asks for."""

    projection: SnapshotProjection | None = None
    """None selects every entry."""
    max_bytes: int = 2**62
    """Bytes that the whole message, or for lists the whole page, may have."""
    entries: bool = True
    """False selects none, and does not list them: the METADATA view."""
    name_unselected: bool = False
    """Lists in the omission also what the projection does not select (LoadSnapshot)."""

    @property
    def everything(self) -> bool:
        return self.entries and self.projection is None

    def selects(self, entry: EntryKey) -> bool:
        if self.projection is None:
            return self.entries
        if entry.map == _STEP_OUTPUTS:
            given, chosen = self.projection.HasField("step_outputs"), self.projection.step_outputs
        else:
            given, chosen = self.projection.HasField("variables"), self.projection.variables
        return self.entries and given and _selects(chosen, entry.key)

    def takes_all(self, head: Head) -> bool:
        """Tells whether every entry is sent, so that none need be looked at before."""
        return self.everything and head.entries_size <= self.budget(head.header.ByteSize())

    def weighs(self, head: Head) -> bool:
        """Tells whether `choose` needs the entries' sizes."""
        return self.entries and not self.takes_all(head)

    def choose(
        self, head: Head, sizes: Iterable[tuple[EntryKey, int]]
    ) -> tuple[set[EntryKey] | None, Omission | None]:
        """Returns the entries of a snapshot to send, None being all, and the omission.

        `sizes` are those of every entry, in the order of keys, if they are needed.
        """
        if self.takes_all(head):
            return None, None
        if not self.entries:
            return set(), count_of(head)
        return self.plan(head.header.ByteSize(), sizes)

    def budget(self, header_size: int) -> int:
        """Returns the bytes left for entries beside the header and an omission."""
        return self.max_bytes - header_size - MAX_OMISSION_BYTES - 1024

    def plan(
        self, header_size: int, entries: Iterable[tuple[EntryKey, int]]
    ) -> tuple[set[EntryKey], Omission | None]:
        """Returns the entries to send and the omission that names the others.

        `entries` are keys and payload sizes in the order of keys: what comes first
        is sent first, and a smaller entry may still fit after one that did not.
        """
        left = self.budget(header_size)
        chosen: set[EntryKey] = set()
        omission = Omission()
        listed = 0
        for entry, size in entries:
            selected = self.selects(entry)
            cost = entry_size(entry, size)
            if selected and cost <= left:
                left -= cost
                chosen.add(entry)
                continue
            omission.count += 1
            omission.size_bytes += cost
            row = len(entry.key.encode()) + _ROW_OVERHEAD
            if (selected or self.name_unselected) and listed + row <= MAX_OMISSION_BYTES:
                listed += row
                omission.entries.add(
                    map=entry.map,
                    key=entry.key,
                    size_bytes=size,
                    reason=snapshot_pb2.OMISSION_REASON_TOO_LARGE
                    if selected
                    else snapshot_pb2.OMISSION_REASON_NOT_SELECTED,
                )
        return chosen, omission if omission.count else None


def _selects(projection: MapProjection, key: str) -> bool:
    return (
        projection.all
        or key in projection.keys
        or any(key.startswith(prefix) for prefix in projection.key_prefixes)
    )


EVERYTHING = Selection()
METADATA = Selection(entries=False)


class Content(Protocol):
    """The entries of one committed snapshot, as a store has them."""

    def sizes(self) -> Iterable[tuple[EntryKey, int]]:
        """Returns every key with the size of its payload, in the order of keys."""
        ...

    def payloads(self, chosen: set[EntryKey] | None) -> list[tuple[EntryKey, bytes]]:
        """Returns these payloads, or all of them, in the order of keys."""
        ...


def read(head: Head, content: Content, selection: Selection) -> Stored:
    """Reads what the selection asks for of one snapshot."""
    chosen, omission = selection.choose(head, content.sizes())
    payloads = content.payloads(chosen) if chosen is None or chosen else []
    return Stored(with_omission(head.header, omission), payloads)


def count_of(head: Head) -> Omission | None:
    """Returns the omission of a snapshot's metadata: every entry, counted, not listed."""
    if not head.entry_count:
        return None
    return Omission(count=head.entry_count, size_bytes=head.entries_size)


def with_omission(header: ExecutionSnapshot, omission: Omission | None) -> ExecutionSnapshot:
    """Returns the header with the omission; a header is shared, so it is copied first."""
    if omission is None:
        return header
    copy = ExecutionSnapshot()
    copy.CopyFrom(header)
    copy.omission.CopyFrom(omission)
    return copy


class PageBuilder:
    """Fills one page of a list up to its count, its bytes, and what one call may scan."""

    MAX_SCANNED = 10_000

    def __init__(self, selection: Selection, limit: int) -> None:
        self.items: list[Stored] = []
        self._selection = selection
        self._limit = limit
        self._bytes = 0
        self._scanned = 0

    def full(self) -> bool:
        """Tells whether the page must end before the next row is looked at."""
        return len(self.items) >= self._limit or self._scanned >= self.MAX_SCANNED

    def skip(self) -> None:
        """Counts a row that was looked at and does not belong to the list."""
        self._scanned += 1

    def add(self, stored: Stored) -> bool:
        """Adds a snapshot; False when the page has no room for it, and must end before."""
        self._scanned += 1
        size = stored.size()
        if self.items and self._bytes + size > self._selection.max_bytes:
            return False
        self._bytes += size
        self.items.append(stored)
        return True
