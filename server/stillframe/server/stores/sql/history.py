"""The chains of values that entries had before, one for each key of a content.

The newest row of a chain is against the head's value, each older one against the next,
with a whole value after at most MAX_LINKS patches.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from stillframe.server.stores import patches
from stillframe.server.stores.patches import DamagedError
from stillframe.server.stores.records import EntryKey
from stillframe.server.stores.sql.steps import ALL, Ask, first

if TYPE_CHECKING:
    from collections.abc import Iterable

    from stillframe.server.stores.sql.steps import Row, Steps


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


COLUMNS = "since, until, form, base, link, size, digest"
"""Of Past, after the entry."""
OF_KEY = "content_id = ? AND map = ? AND key = ?"
_LAST = 2**63 - 1
"""Above every version."""
FIRST_KEY = EntryKey(0, "")  # type: ignore[arg-type] # before every key of every map


_MAP, _KEY = "CAST(substr(place, 1, 1) AS smallint)", "substr(place, 3)"
_AT = (
    # Each key that has history, by a seek to the first and from there to the next, however
    # long their chains are; a place is map and key as one text, for a subquery gives one.
    "WITH RECURSIVE keys (content, place) AS ("
    " SELECT CAST(? AS bigint), (SELECT map || ':' || key FROM history WHERE content_id = ?"
    " ORDER BY map, key, until LIMIT 1)"
    " UNION ALL SELECT content, (SELECT map || ':' || key FROM history"
    f" WHERE content_id = content AND (map, key, until) > ({_MAP}, {_KEY}, {_LAST})"
    " ORDER BY map, key, until LIMIT 1) FROM keys WHERE place IS NOT NULL),"
    # Of each the first row that ends after the version.
    f" ended (c, m, k, u) AS (SELECT content, {_MAP}, {_KEY},"
    f" (SELECT until FROM history WHERE content_id = content AND map = {_MAP} AND key = {_KEY}"
    " AND until > ? ORDER BY until LIMIT 1) FROM keys WHERE place IS NOT NULL)"
    # The content comes from there too: by it alone PostgreSQL would read all of its rows.
    f" SELECT map, key, {COLUMNS} FROM ended CROSS JOIN history ON content_id = c AND map = m"
    " AND key = k AND until = u WHERE since <= ?"
)


class Chains:
    """Reads values of one content's history; keeps the last one of each key.

    A list that goes back in time so decodes one link for each version.
    """

    def __init__(self, content_id: int) -> None:
        self._content_id = content_id
        self._known: dict[EntryKey, tuple[int, bytes]] = {}

    def at(self, version: int) -> Steps[list[Past]]:
        """Returns the values that this version has in history, in the order of keys."""
        found = yield Ask(_AT, (self._content_id, self._content_id, version, version))
        return sorted(Past(EntryKey(name, key), *row) for name, key, *row in found)

    def of(self, entry: EntryKey, after: int = 0, limit: int = ALL) -> Steps[list[Past]]:
        """Returns the rows of a key that end after a version, oldest first."""
        found = yield Ask(
            f"SELECT {COLUMNS} FROM history WHERE {OF_KEY} AND until > ? ORDER BY until LIMIT ?",
            (self._content_id, *entry, after, limit),
        )
        return [Past(entry, *row) for row in found]

    def value(self, past: Past) -> Steps[bytes]:
        """Decodes the value of a row, walking towards the head. Raises DamagedError."""
        links: list[tuple[int, bytes]] = []
        wanted: int | None = past.since
        after = past.until - 1
        while wanted is not None and not self._knows(past.entry, wanted):
            read = yield from self._from(past, after)
            if not read:
                break
            after = read[-1][1]
            wanted = self._follow(past.entry, wanted, read, links)
        if wanted is None:
            value = None
        elif self._knows(past.entry, wanted):
            value = self._known[past.entry][1]
        else:
            value = yield from self._of_head(past.entry, wanted)
        for form, payload in reversed(links):
            value = patches.unpack(form, payload, value)
        if value is None:
            raise DamagedError("a value that history names is not there")
        self._known[past.entry] = (past.since, patches.check(value, past.digest))
        return value

    def _knows(self, entry: EntryKey, since: int) -> bool:
        known = self._known.get(entry)
        return known is not None and known[0] == since

    def _from(self, past: Past, after: int) -> Steps[list[Row]]:
        """Reads the next rows of a chain: as many as it may take, or one where more of it
        is known.
        """
        limit = 1
        if past.base is not None and past.entry not in self._known:
            limit = max(patches.MAX_LINKS - past.link, 0) + 2
        return (
            yield Ask(
                f"SELECT since, until, form, base, payload FROM history WHERE {OF_KEY}"
                " AND until > ? ORDER BY until LIMIT ?",
                (self._content_id, *past.entry, after, limit),
            )
        )

    def _follow(
        self, entry: EntryKey, wanted: int, read: Iterable[Row], links: list[tuple[int, bytes]]
    ) -> int | None:
        """Adds the links that lead on from a value; returns which is wanted next, None when
        the last one is whole.
        """
        for since, _, form, base, payload in read:
            if self._knows(entry, wanted):
                break
            if since < wanted:
                continue  # It waits for its sweep: nothing is against it any more.
            if since > wanted:
                raise DamagedError("a patch is not followed by the value that it is against")
            links.append((form, payload))
            if base is None:
                return None
            wanted = base
        return wanted

    def value_since(self, entry: EntryKey, since: int) -> Steps[bytes]:
        """Returns the value of a key that was set at this version."""
        for past in (yield from self.of(entry, since, 1)):
            if past.since == since:
                return (yield from self.value(past))
        return (yield from self._of_head(entry, since))

    def _of_head(self, entry: EntryKey, since: int) -> Steps[bytes]:
        row = yield from first(
            f"SELECT since, form, payload FROM entry WHERE {OF_KEY}", (self._content_id, *entry)
        )
        if row is None or row[0] != since:
            raise DamagedError("a patch is not against the value that took its place")
        return patches.unpack(row[1], row[2])


def next_key(content_id: int, after: EntryKey) -> Steps[EntryKey | None]:
    """Returns the first key after another that has history: a seek, however long that is."""
    row = yield from first(
        # With `until`, the index's last column: without it SQLite walks the rows of the key.
        "SELECT map, key FROM history WHERE content_id = ? AND (map, key, until) > (?, ?, ?)"
        " ORDER BY map, key, until LIMIT 1",
        (content_id, *after, _LAST),
    )
    return EntryKey(*row) if row else None
