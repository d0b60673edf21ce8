"""What the writer has in memory of an execution."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from stillframe.server.stores import patches
from stillframe.server.stores.patches import DamagedError
from stillframe.server.stores.sql.moving import HeadValue
from stillframe.server.stores.sql.saving import State
from stillframe.server.stores.sqlite.heads import Whole

if TYPE_CHECKING:
    from stillframe.server.stores.records import EntryKey
    from stillframe.server.stores.sql.steps import Row
    from stillframe.server.stores.sqlite.heads import Name

WHOLE_BYTES = 128 * 1024
"""Up to which size a head is read whole, and shown to loads."""
WHOLE_ENTRIES = 64

_STATE_BYTES, _ENTRY_BYTES = 4_096, 400
"""What a state and each of its entries have in memory beside the payloads, about."""


@dataclass(slots=True)
class Known(State):
    """A state, and how much of it is known."""

    is_complete: bool = False
    """Whether every entry of the head is known."""
    is_whole: bool = False
    """Whether every payload of the head is in memory, too."""
    written: Row = ()
    """The row of `execution` as it was written last, as `Commits.columns` has it; empty for a
    tombstone that was read, which has an age that is not known here."""
    counted: int = 0
    """Bytes that the cache counts for it."""

    @property
    def name(self) -> Name:
        return self.tenant.name, self.row.execution.execution_id

    def weigh(self) -> int:
        """Returns about the bytes that it has in memory. Labels may be most of them."""
        execution = self.row.execution
        size = _STATE_BYTES + len(execution.answers.encode())
        if execution.head:
            size += execution.head.entries_size + _ENTRY_BYTES * execution.head.entry_count
            size += execution.head.header.ByteSize()
        return size

    def whole(self) -> Whole | None:
        """Returns the head for those who load it, if all of it is in memory and small."""
        head = self.row.execution.head
        if head is None or not self.is_complete or len(self.known) > WHOLE_ENTRIES:
            return None
        entries: list[tuple[EntryKey, bytes]] = []
        for entry in sorted(self.known):
            payload = self.known[entry].payload
            if payload is None:
                return None
            entries.append((entry, payload))
        return Whole(head, entries)


def head_value(
    since: int, digest: bytes, size: int, links: int, form: int = 0, data: bytes | None = None
) -> HeadValue:
    """Returns a value of a head from its columns; without the last two only the row has it."""
    payload: bytes | None = None
    if data is not None:
        # What is damaged must fail no save but one that moves it.
        with suppress(DamagedError):
            payload = patches.unpack(form, data)
    return HeadValue(since, digest, size, links, payload)
