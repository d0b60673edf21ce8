"""The entries of a version, read from the rows of heads and of history."""

from __future__ import annotations

from heapq import merge
from itertools import groupby
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from stillframe.server.stores import patches, projection
from stillframe.server.stores.records import EntryInfo, EntryKey, Stored
from stillframe.server.stores.sql.history import Chains
from stillframe.server.stores.sql.steps import Ask, together

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from stillframe.server.stores.projection import Selection
    from stillframe.server.stores.records import Head
    from stillframe.server.stores.sql.history import Past
    from stillframe.server.stores.sql.steps import Row, Steps
    from stillframe.v1.snapshot_pb2 import SnapshotMap

MAX_KEYS_ASKED = 500
"""Keys that are asked for by name; beyond it all are read."""


_KEPT = " AND since <= ?"


class Value(NamedTuple):
    """An entry of a version: the version that set it, and its payload."""

    entry: EntryKey
    since: int
    info: EntryInfo
    payload: bytes


class Content(Protocol):
    """The entries of one committed snapshot, as SQL stores have them."""

    def sizes(self) -> Steps[list[tuple[EntryKey, int]]]:
        """Returns every key with the size of its payload, in the order of keys."""
        ...

    def payloads(self, chosen: set[EntryKey] | None) -> Steps[list[tuple[EntryKey, bytes]]]:
        """Returns these payloads, or all of them, in the order of keys."""
        ...


def read(head: Head, content: Content, selection: Selection) -> Steps[Stored]:
    """Reads what the selection asks for of one snapshot."""
    sizes: list[tuple[EntryKey, int]] = []
    if selection.weighs(head):
        sizes = yield from content.sizes()
    chosen, omission = selection.choose(head, sizes)
    payloads: list[tuple[EntryKey, bytes]] = []
    if chosen is None or chosen:
        payloads = yield from content.payloads(chosen)
    return Stored(projection.with_omission(head.header, omission), payloads)


class HeadContent:
    """The entries of a head, which all stand in one table: a Content."""

    def __init__(self, content_id: int) -> None:
        self._content_id = content_id

    def rows(self, columns: str, condition: str = "", *values: object) -> Steps[list[Row]]:
        """Returns map, key and these columns, in the order of keys."""
        return (
            yield Ask(
                f"SELECT map, key, {columns} FROM entry WHERE content_id = ?{condition}"
                " ORDER BY map, key",
                (self._content_id, *values),
            )
        )

    def sizes(self) -> Steps[list[tuple[EntryKey, int]]]:
        found = yield from self.rows("size")
        return [(EntryKey(name, key), size) for name, key, size in found]

    def payloads(self, chosen: set[EntryKey] | None) -> Steps[list[tuple[EntryKey, bytes]]]:
        return _unpacked((yield from self.read("form, payload", chosen)))

    def infos(self, keys: Iterable[EntryKey] | None) -> Steps[Mapping[EntryKey, EntryInfo]]:
        """Returns digest and size of these entries, or of all of them."""
        wanted = None if keys is None else set(keys)
        found = yield from self.read("digest, size", wanted)
        return {EntryKey(name, key): EntryInfo(digest, size) for name, key, digest, size in found}

    def values(self) -> Steps[list[Value]]:
        """Returns all that is known of every entry, in the order of keys."""
        found = yield from self.rows("since, digest, size, form, payload")
        return [_value(*row) for row in found]

    def read(
        self, columns: str, wanted: set[EntryKey] | None, condition: str = "", *values: object
    ) -> Steps[list[Row]]:
        """Returns the rows of these keys, or of all, in the order of keys."""
        if wanted is None:
            return (yield from self.rows(columns, condition, *values))
        if len(wanted) > MAX_KEYS_ASKED:
            everything = yield from self.rows(columns, condition, *values)
            return [row for row in everything if row[:2] in wanted]
        found: list[Row] = []
        for name, entries in groupby(sorted(wanted), key=lambda entry: entry.map):
            keys = [entry.key for entry in entries]
            where = f" AND map = ? AND key IN (??){condition}"
            found += yield from self.rows(columns, where, name, keys, *values)
        return found


class PastContent:
    """The entries of a version that is not the head: a Content.

    What the head still has is read there, what it changed since from the chains.
    """

    def __init__(self, content_id: int, version: int, chains: Chains | None = None) -> None:
        self._head = HeadContent(content_id)
        self._chains = chains or Chains(content_id)
        self._version = version

    def sizes(self) -> Steps[list[tuple[EntryKey, int]]]:
        found = yield from self._kept("size")
        kept = [(EntryKey(name, key), size) for name, key, size in found]
        moved = [(past.entry, past.size) for past in (yield from self._moved())]
        return list(merge(kept, moved))

    def payloads(self, chosen: set[EntryKey] | None) -> Steps[list[tuple[EntryKey, bytes]]]:
        found = _unpacked(
            (yield from self._head.read("form, payload", chosen, _KEPT, self._version))
        )
        moved = [
            past for past in (yield from self._moved()) if chosen is None or past.entry in chosen
        ]
        values = yield from together([self._chains.value(past) for past in moved])
        found += zip((past.entry for past in moved), values, strict=True)
        return sorted(found)

    def infos(self, keys: None) -> Steps[Mapping[EntryKey, EntryInfo]]:
        """Returns digest and size of every entry."""
        del keys
        kept = yield from self._kept("digest, size")
        found = {EntryKey(name, key): EntryInfo(digest, size) for name, key, digest, size in kept}
        for past in (yield from self._moved()):
            found[past.entry] = EntryInfo(past.digest, past.size)
        return found

    def values(self) -> Steps[list[Value]]:
        """Returns all that is known of every entry, in the order of keys."""
        kept = yield from self._kept("since, digest, size, form, payload")
        found = [_value(*row) for row in kept]
        moved = yield from self._moved()
        values = yield from together([self._chains.value(past) for past in moved])
        for past, payload in zip(moved, values, strict=True):
            info = EntryInfo(past.digest, past.size)
            found.append(Value(past.entry, past.since, info, payload))
        return sorted(found)

    def _kept(self, columns: str) -> Steps[list[tuple[Any, ...]]]:
        return (yield from self._head.rows(columns, _KEPT, self._version))

    def _moved(self) -> Steps[list[Past]]:
        return (yield from self._chains.at(self._version))


def _unpacked(found: Iterable[Row]) -> list[tuple[EntryKey, bytes]]:
    """Returns the payloads of rows of map, key, form and payload."""
    return [(EntryKey(name, key), patches.unpack(form, data)) for name, key, form, data in found]


def _value(
    name: SnapshotMap.ValueType,
    key: str,
    since: int,
    digest: bytes,
    size: int,
    form: int,
    data: bytes,
) -> Value:
    return Value(EntryKey(name, key), since, EntryInfo(digest, size), patches.unpack(form, data))
