"""Frees values that no version has any more, in slices that hold no save up.

What is kept reads as before: a patch against a value that goes is made anew against the
next one that stays. Runs in the writer's thread, in a transaction.
"""

# apsw's stubs name Buffer, and Python has that from 3.12 on.
# pyright: reportUnknownMemberType=false

from __future__ import annotations

import logging
from itertools import groupby
from typing import TYPE_CHECKING

from stillframe.server.stores import patches
from stillframe.server.stores.patches import DamagedError, Form
from stillframe.server.stores.records import EntryKey
from stillframe.server.stores.sqlite import rows
from stillframe.server.stores.sqlite.history import Chains, Past

if TYPE_CHECKING:
    from collections.abc import Sequence

    import apsw

_log = logging.getLogger(__name__)


_BYTES = 4_096
"""Bytes of values that count as one more row of a slice."""

_COLUMNS = "map, key, since, until, form, base, link, size, digest"


def sweep(connection: apsw.Connection, after: int, budget: int) -> int:
    """Frees values of the next content that has some to free, after the one given.

    Returns that content, or 0 when there is none after it. A slice is about `budget` rows.
    """
    row = rows.first(
        connection,
        "SELECT content_id, low, high, map, key, until FROM sweep WHERE content_id > ?"
        " ORDER BY content_id LIMIT 1",
        (after,),
    )
    if row is None:
        return 0
    content_id, low, high, *cursor = row
    last = _Sweep(connection, content_id, low, high).go_on(cursor, budget)
    if last is not None:
        connection.execute(
            "UPDATE sweep SET map = ?, key = ?, until = ? WHERE content_id = ?",
            (*last.entry, last.until, content_id),
        )
    else:
        _end(connection, content_id)
    return int(content_id)


def _end(connection: apsw.Connection, content_id: int) -> None:
    """Ends a sweep, and begins the one for what has gone meanwhile."""
    connection.execute(
        "DELETE FROM sweep WHERE content_id = ? AND next_high IS NULL", (content_id,)
    )
    connection.execute(
        "UPDATE sweep SET low = next_low, high = next_high, next_low = NULL, next_high = NULL,"
        " map = 0, key = '', until = 0 WHERE content_id = ?",
        (content_id,),
    )


class _Sweep:
    """Walks the chains of one content between two versions."""

    def __init__(self, connection: apsw.Connection, content_id: int, low: int, high: int) -> None:
        self._connection = connection
        self._content_id = content_id
        self._low, self._high = low, high

    def go_on(self, cursor: Sequence[object], budget: int) -> Past | None:
        """Goes on after map, key and until of a row; returns the last row that it looked at,
        None at the end.
        """
        left = max(budget, 1)
        found: list[Past] = []
        for row in rows.query(
            self._connection,
            f"SELECT {_COLUMNS} FROM history WHERE content_id = ? AND (map, key, until) > (?, ?, ?)"
            " AND until > ? AND until <= ? ORDER BY map, key, until",
            (self._content_id, *cursor, self._low, self._high),
        ):
            if left <= 0:
                break
            found.append(Past(EntryKey(*row[:2]), *row[2:]))
            left -= 1 + found[-1].size // _BYTES
        for entry, values in groupby(found, key=lambda past: past.entry):
            try:
                self._settle(list(values))
            except DamagedError as error:
                # Its values stay; `stillframe verify` names the damage.
                _log.error(
                    "history of %s in content %d cannot be swept: %s",
                    entry,
                    self._content_id,
                    error,
                )
        return found[-1] if left <= 0 else None

    def _settle(self, values: list[Past]) -> None:
        """Deletes the values of a key that nobody has; before that, mends the kept ones that
        are against one of them.
        """
        kept = [past for past in values if self._is_kept(past)]
        if len(kept) < len(values):
            # Between these and the kept one before them there may be values that have gone
            # since the sweep began: they go as well, or their chain would break.
            older = self._up_to_kept(values[0])
            values = older + values
            kept = [past for past in older if self._is_kept(past)] + kept
        chains = Chains(self._connection, self._content_id)
        # Newest first: each is decoded from the one before it.
        for past in reversed(kept):
            if past.base is not None and (base := self._kept_base(past)) != past.base:
                self._mend(chains, past, base)
        gone = set(values).difference(kept)
        self._connection.executemany(
            "DELETE FROM history WHERE content_id = ? AND map = ? AND key = ? AND until = ?",
            ((self._content_id, *past.entry, past.until) for past in gone),
        )

    def _up_to_kept(self, past: Past) -> list[Past]:
        """Returns the values of the key before this one, back to the first that is kept."""
        found: list[Past] = []
        for row in rows.query(
            self._connection,
            f"SELECT {_COLUMNS} FROM history WHERE content_id = ? AND map = ? AND key = ?"
            " AND until < ? ORDER BY until DESC",
            (self._content_id, *past.entry, past.until),
        ):
            found.append(Past(EntryKey(*row[:2]), *row[2:]))
            if self._is_kept(found[-1]):
                break
        return found[::-1]

    def _mend(self, chains: Chains, past: Past, base: int | None) -> None:
        against = None if base is None else chains.value_since(past.entry, base)
        packed = patches.pack(chains.value(past), against)
        patched = packed.form is Form.PATCH
        self._connection.execute(
            "UPDATE history SET form = ?, base = ?, link = ?, payload = ?"
            " WHERE content_id = ? AND map = ? AND key = ? AND until = ?",
            (
                int(packed.form),
                base if patched else None,
                past.link if patched else 0,
                packed.data,
                self._content_id,
                *past.entry,
                past.until,
            ),
        )

    def _kept_base(self, past: Past) -> int | None:
        """Returns what a patch is to be against: the first kept value that follows.

        None where a whole one goes before that: the next older becomes whole, so that no
        chain gets longer.
        """
        base = past.base
        for following in Chains(self._connection, self._content_id).of(past.entry, past.until):
            if base is None or following.since > base:
                break
            if following.since == base:
                if self._is_kept(following):
                    break
                base = following.base
        return base

    def _is_kept(self, past: Past) -> bool:
        row = rows.first(
            self._connection,
            "SELECT 1 FROM change WHERE content_id = ? AND version >= ? AND version < ? LIMIT 1",
            (self._content_id, past.since, past.until),
        )
        return row is not None
