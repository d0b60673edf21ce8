"""What stores give and take beside the messages: heads, entries, pages, changes."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from stillframe.server.stores.marks import etag, resume_token, value_etag

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from stillframe.server.stores.marks import Position
    from stillframe.v1 import snapshot_pb2
    from stillframe.v1.snapshot_pb2 import (
        ExecutionFilter,
        ExecutionSnapshot,
        SnapshotCriteria,
    )
    from stillframe.v1.snapshot_service_pb2 import ChangeKind
    from stillframe.v1.working_memory_service_pb2 import KeyInfo


class EntryKey(NamedTuple):
    """Where an entry stands in a snapshot: in which of its two maps, under which key."""

    map: snapshot_pb2.SnapshotMap.ValueType
    key: str


def entry_size(key: EntryKey, payload_size: int) -> int:
    """Returns the bytes that an entry adds to a snapshot's message, at most: key, payload,
    and the tags and lengths of the map entry, of its key and of its payload.
    """
    return payload_size + len(key.key.encode()) + 12


class EntryInfo(NamedTuple):
    """What is known of an entry without reading its payload."""

    digest: bytes
    """A hash of the serialised payload."""
    size: int
    """Bytes of the serialised payload."""


@dataclass(frozen=True, slots=True)
class Head:
    """An execution's latest snapshot, without its entries."""

    header: ExecutionSnapshot
    """Every field but the two maps and the omission."""
    mark: str
    entry_count: int
    entries_size: int
    """Bytes that the entries have in the snapshot's message: the sum of `entry_size`."""
    expire_at: int | None = None
    """When the execution expires, in nanoseconds since 1970 of the store's clock."""

    @property
    def version(self) -> int:
        return self.header.version

    @property
    def etag(self) -> str:
        return etag(self.header.version, self.mark)

    @property
    def revision(self) -> int:
        return self.header.revision

    @property
    def resume_token(self) -> str:
        return resume_token(self.header.revision, self.mark)

    @property
    def sequence_number(self) -> int:
        return self.header.sequence_number


@dataclass(frozen=True, slots=True)
class Stored:
    """A committed snapshot as it is read: its header and the entries asked for."""

    header: ExecutionSnapshot
    """Every field but the two maps; the omission says which entries are not in `entries`."""
    entries: Sequence[tuple[EntryKey, bytes]] = ()
    """Key and serialised payload, in the order of keys."""

    def size(self) -> int:
        """Returns about the bytes that the snapshot has as a message."""
        return self.header.ByteSize() + sum(
            entry_size(key, len(payload)) for key, payload in self.entries
        )


@dataclass(frozen=True, slots=True)
class Claimed:
    """The answer to a claim: the new epoch and the head at that moment."""

    writer_epoch: int
    head: Stored | None


class HistoryKey(NamedTuple):
    """Where a snapshot stands in the tenant's history. The versions that a fork brought
    along all have its revision.
    """

    revision: int
    version: int


@dataclass(frozen=True, slots=True)
class Outline:
    """A committed snapshot without its payloads, and what is known of each of them."""

    header: ExecutionSnapshot
    """Every field but the two maps and the omission."""
    entries: Mapping[EntryKey, EntryInfo]


@dataclass(frozen=True, slots=True)
class Page:
    """Part of a list, in its order."""

    items: list[Stored] = field(default_factory=list["Stored"])
    next: str | HistoryKey | None = None
    """Where the next page begins, for the list that gave it; None at the end."""


@dataclass(frozen=True, slots=True)
class HeadPage:
    """Part of the heads of a tenant, and the revision at which it was read."""

    page: Page
    position: Position


@dataclass(frozen=True, slots=True)
class Change:
    """One record of the change log."""

    revision: int
    mark: str
    kind: ChangeKind.ValueType
    """SAVED, DELETED or EXPIRED. What a filter makes of it is the watch's business."""
    execution_id: str
    header: ExecutionSnapshot
    """SAVED: the new head's header with its omission. DELETED and EXPIRED: what filters
    test of the head that is gone, its version, and revision and commit_time of this."""
    before: ExecutionSnapshot | None
    """What filters test of the head before; None when there was none."""

    @property
    def resume_token(self) -> str:
        return resume_token(self.revision, self.mark)


@dataclass(frozen=True, slots=True)
class SnapshotFilter:
    """Which snapshots a history lists: by their execution's head, and by themselves."""

    executions: ExecutionFilter
    criteria: SnapshotCriteria
    labels: dict[str, str]


@dataclass(frozen=True, slots=True)
class ValueInfo:
    """What is known of a value of the working memory without reading it."""

    mark: str
    commit_time: int
    """Nanoseconds since 1970 of the store's clock, as is the next."""
    expire_at: int | None = None
    """From when on the value is not there any more, though its row may be."""
    request: bytes = b""
    """A hash of the request_id that set it; empty when there was none."""
    body: bytes = b""
    """A hash of what else that request said; empty when there was no request_id."""

    @property
    def etag(self) -> str:
        return value_etag(self.mark)

    def is_there(self, now: int) -> bool:
        return self.expire_at is None or self.expire_at > now


@dataclass(frozen=True, slots=True)
class KeyPage:
    """Part of the keys of a scope, in their order."""

    keys: list[KeyInfo] = field(default_factory=list["KeyInfo"])
    next: str | None = None
    """The key that the next page begins after; None at the end."""
