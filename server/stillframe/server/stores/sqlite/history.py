"""The chains of values that entries had before, one for each key of a content.

The newest row of a chain is against the head's value, each older one against the next,
with a whole value after at most MAX_LINKS patches.
"""

# apsw's stubs name Buffer, and Python has that from 3.12 on.
# pyright: reportUnknownMemberType=false

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from stillframe.server.stores import patches
from stillframe.server.stores.patches import DamagedError, Form
from stillframe.server.stores.records import EntryKey
from stillframe.server.stores.sqlite import rows

if TYPE_CHECKING:
    from collections.abc import Iterator

    import apsw


class Past(NamedTuple):
    """A row of `history` without its payload."""

    entry: EntryKey
    since: int
    until: int
    form: int
    base: int | None
    link: int
    size: int
    digest: bytes


_COLUMNS = "since, until, form, base, link, size, digest"
_OF_KEY = "content_id = ? AND map = ? AND key = ?"
FIRST_KEY = EntryKey(0, "")  # type: ignore[arg-type] # before every key of every map


class Chains:
    """Reads values of one content's history; keeps the last one of each key.

    A list that goes back in time so decodes one link for each version.
    """

    def __init__(self, connection: apsw.Connection, content_id: int) -> None:
        self._connection = connection
        self._content_id = content_id
        self._known: dict[EntryKey, tuple[int, bytes]] = {}

    def at(self, version: int) -> Iterator[Past]:
        """Yields the values that this version has in history, in the order of keys."""
        # The first row of each key that ends after the version: one walk over the index,
        # and a row read for each key, all of it within SQLite.
        for name, key, *row in rows.query(
            self._connection,
            f"SELECT map, key, {_COLUMNS} FROM (SELECT map AS m, key AS k, min(until) AS u"
            " FROM history WHERE content_id = :content AND until > :version GROUP BY map, key)"
            " CROSS JOIN history ON content_id = :content AND map = m AND key = k AND until = u"
            " WHERE since <= :version ORDER BY m, k",
            {"content": self._content_id, "version": version},
        ):
            yield Past(EntryKey(name, key), *row)

    def of(self, entry: EntryKey, after: int = 0) -> Iterator[Past]:
        """Yields the rows of a key that end after a version, oldest first."""
        for row in rows.query(
            self._connection,
            f"SELECT {_COLUMNS} FROM history WHERE {_OF_KEY} AND until > ? ORDER BY until",
            (self._content_id, *entry, after),
        ):
            yield Past(entry, *row)

    def value(self, past: Past) -> bytes:
        """Decodes the value of a row, walking towards the head. Raises DamagedError."""
        links: list[tuple[int, bytes]] = []
        wanted = past.since
        for since, form, base, payload in rows.query(
            self._connection,
            f"SELECT since, form, base, payload FROM history WHERE {_OF_KEY} AND until >= ?"
            " ORDER BY until",
            (self._content_id, *past.entry, past.until),
        ):
            known = self._known.get(past.entry)
            if known is not None and known[0] == wanted:
                value: bytes | None = known[1]
                break
            if since < wanted:
                continue  # It waits for its sweep: nothing is against it any more.
            if since > wanted:
                raise DamagedError("a patch is not followed by the value that it is against")
            links.append((form, payload))
            if base is None:
                value = None
                break
            wanted = base
        else:
            value = self._of_head(past.entry, wanted)
        for form, payload in reversed(links):
            value = patches.unpack(form, payload, value)
        if value is None:
            raise DamagedError("a value that history names is not there")
        self._known[past.entry] = (past.since, patches.check(value, past.digest))
        return value

    def value_since(self, entry: EntryKey, since: int) -> bytes:
        """Returns the value of a key that was set at this version."""
        for past in self.of(entry, since):
            return self.value(past) if past.since == since else self._of_head(entry, since)
        return self._of_head(entry, since)

    def _of_head(self, entry: EntryKey, since: int) -> bytes:
        row = rows.first(
            self._connection,
            f"SELECT since, payload FROM entry WHERE {_OF_KEY}",
            (self._content_id, *entry),
        )
        if row is None or row[0] != since:
            raise DamagedError("a patch is not against the value that took its place")
        payload: bytes = row[1]
        return payload


def next_key(connection: apsw.Connection, content_id: int, after: EntryKey) -> EntryKey | None:
    """Returns the first key after another that has history: a seek, however long that is."""
    row = rows.first(
        connection,
        "SELECT map, key FROM history WHERE content_id = ? AND (map, key) > (?, ?)"
        " ORDER BY map, key LIMIT 1",
        (content_id, *after),
    )
    return EntryKey(*row) if row else None


def move(
    connection: apsw.Connection,
    content_id: int,
    version: int,
    entry: EntryKey,
    replaced_by: bytes | None,
) -> None:
    """Moves the head's value of a key to history; the entry is then set anew, or deleted.

    `replaced_by` is the value that takes its place at `version`; None where the key is
    removed.
    """
    key = (content_id, *entry)
    [(since, digest, value)] = rows.query(
        connection, f"SELECT since, digest, payload FROM entry WHERE {_OF_KEY}", key
    )
    link = 1
    if replaced_by is not None:
        newest = rows.first(
            connection,
            f"SELECT base, link FROM history WHERE {_OF_KEY} ORDER BY until DESC LIMIT 1",
            key,
        )
        if newest is not None and newest[0] == since:
            link += newest[1]
    packed = patches.pack(value, replaced_by if link <= patches.MAX_LINKS else None)
    patched = packed.form is Form.PATCH
    connection.execute(
        "INSERT INTO history (content_id, map, key, until, since, form, base, link, size, digest,"
        " payload) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            *key,
            version,
            since,
            int(packed.form),
            version if patched else None,
            link if patched else 0,
            len(value),
            digest,
            packed.data,
        ),
    )
