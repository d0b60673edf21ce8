"""Which entries of a snapshot an answer carries, and what it says of the others.

A plan is made from keys and sizes alone, so that a store reads only the payloads
that are sent.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from stillframe.server.stores.base import entry_size
from stillframe.v1 import snapshot_pb2

if TYPE_CHECKING:
    from collections.abc import Iterable

    from stillframe.server.stores.base import EntryKey
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

    def budget(self, header_size: int) -> int:
        """Returns the bytes left for entries beside the header and an omission."""
        return self.max_bytes - header_size - MAX_OMISSION_BYTES - 1024

    def plan(
        self, header_size: int, entries: Iterable[tuple[EntryKey, int]]
    ) -> tuple[set[EntryKey], snapshot_pb2.Omission | None]:
        """Returns the entries to send and the omission that names the others.

        `entries` are keys and payload sizes in the order of keys: what comes first
        is sent first, and a smaller entry may still fit after one that did not.
        """
        left = self.budget(header_size)
        chosen: set[EntryKey] = set()
        omission = snapshot_pb2.Omission()
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
