"""The entries of a version, read from the rows of heads and of history."""

from __future__ import annotations

from heapq import merge
from typing import TYPE_CHECKING, Any, NamedTuple

from stillframe.server.stores.records import EntryInfo, EntryKey
from stillframe.server.stores.sqlite import rows
from stillframe.server.stores.sqlite.history import Chains

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    import apsw

    from stillframe.server.stores.sqlite.history import Past

MAX_KEYS_ASKED = 500
"""Keys that are asked for one by one; beyond it all are read."""


_KEPT = " AND since <= ?"


class Value(NamedTuple):
    """An entry of a version: the version that set it, and its payload."""

    entry: EntryKey
    since: int
    info: EntryInfo
    payload: bytes


class HeadContent:
    """The entries of a head, which all stand in one table: a projection.Content."""

    def __init__(self, connection: apsw.Connection, content_id: int) -> None:
        self._connection = connection
        self._content_id = content_id

    def rows(self, columns: str, condition: str = "", *values: object) -> Iterator[tuple[Any, ...]]:
        """Yields map, key and these columns, in the order of keys."""
        return rows.query(
            self._connection,
            f"SELECT map, key, {columns} FROM entry WHERE content_id = ?{condition}"
            " ORDER BY map, key",
            (self._content_id, *values),
        )

    def sizes(self) -> Iterator[tuple[EntryKey, int]]:
        # length() of a blob reads its row's head, not its overflow pages.
        for name, key, size in self.rows("length(payload)"):
            yield EntryKey(name, key), size

    def payloads(self, chosen: set[EntryKey] | None) -> list[tuple[EntryKey, bytes]]:
        found = ((EntryKey(m, k), payload) for m, k, payload in self.read("payload", chosen))
        return [(key, payload) for key, payload in found if chosen is None or key in chosen]

    def infos(self, keys: Iterable[EntryKey] | None) -> Mapping[EntryKey, EntryInfo]:
        """Returns digest and size of these entries, or of all of them."""
        wanted = None if keys is None else set(keys)
        found = (
            (EntryKey(m, k), EntryInfo(digest, size))
            for m, k, digest, size in self.read("digest, length(payload)", wanted)
        )
        return {key: info for key, info in found if wanted is None or key in wanted}

    def values(self) -> Iterator[Value]:
        """Yields all that is known of every entry, in the order of keys."""
        for name, key, since, digest, payload in self.rows("since, digest, payload"):
            yield Value(EntryKey(name, key), since, EntryInfo(digest, len(payload)), payload)

    def read(
        self, columns: str, wanted: set[EntryKey] | None, condition: str = "", *values: object
    ) -> Iterator[tuple[Any, ...]]:
        """Yields the rows of these keys, or of all; of more than can be asked for, of all."""
        if wanted is None or len(wanted) > MAX_KEYS_ASKED:
            yield from self.rows(columns, condition, *values)
        else:
            for key in sorted(wanted):
                yield from self.rows(columns, f" AND map = ? AND key = ?{condition}", *key, *values)


class PastContent:
    """The entries of a version that is not the head: a projection.Content.

    What the head still has is read there, what it changed since from the chains.
    """

    def __init__(
        self,
        connection: apsw.Connection,
        content_id: int,
        version: int,
        chains: Chains | None = None,
    ) -> None:
        self._head = HeadContent(connection, content_id)
        self._chains = chains or Chains(connection, content_id)
        self._version = version

    def sizes(self) -> Iterator[tuple[EntryKey, int]]:
        kept = ((EntryKey(name, key), size) for name, key, size in self._kept("length(payload)"))
        moved = ((past.entry, past.size) for past in self._moved())
        return merge(kept, moved)

    def payloads(self, chosen: set[EntryKey] | None) -> list[tuple[EntryKey, bytes]]:
        columns = self._head.read("payload", chosen, _KEPT, self._version)
        kept = ((EntryKey(name, key), payload) for name, key, payload in columns)
        found = [each for each in kept if chosen is None or each[0] in chosen]
        found += (
            (past.entry, self._chains.value(past))
            for past in self._moved()
            if chosen is None or past.entry in chosen
        )
        return sorted(found)

    def infos(self, keys: None) -> Mapping[EntryKey, EntryInfo]:
        """Returns digest and size of every entry."""
        del keys
        found = {
            EntryKey(name, key): EntryInfo(digest, size)
            for name, key, digest, size in self._kept("digest, length(payload)")
        }
        return found | {past.entry: EntryInfo(past.digest, past.size) for past in self._moved()}

    def values(self) -> Iterator[Value]:
        """Yields all that is known of every entry, in the order of keys."""
        kept = (
            Value(EntryKey(name, key), since, EntryInfo(digest, len(payload)), payload)
            for name, key, since, digest, payload in self._kept("since, digest, payload")
        )
        moved = (
            Value(
                past.entry,
                past.since,
                EntryInfo(past.digest, past.size),
                self._chains.value(past),
            )
            for past in self._moved()
        )
        return merge(kept, moved)

    def _kept(self, columns: str) -> Iterator[tuple[Any, ...]]:
        return self._head.rows(columns, _KEPT, self._version)

    def _moved(self) -> Iterator[Past]:
        return self._chains.at(self._version)
