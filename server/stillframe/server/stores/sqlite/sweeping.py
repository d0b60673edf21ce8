"""Frees values that no version has any more, in slices that hold no save up.

What is kept reads as before: a patch against a value that goes is made anew against the
next one that stays. Runs in the writer's thread, in a transaction.
"""

# apsw's stubs name Buffer, and Python has that from 3.12 on.
# pyright: reportUnknownMemberType=false

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from stillframe.server.stores import patches
from stillframe.server.stores.patches import DamagedError, Form
from stillframe.server.stores.records import EntryKey
from stillframe.server.stores.sqlite import rows
from stillframe.server.stores.sqlite.history import Chains, Past, next_key

if TYPE_CHECKING:
    import apsw

_log = logging.getLogger(__name__)


def sweep(connection: apsw.Connection, budget: int) -> int:
    """Frees values that no version has any more; returns the rows that it looked at."""
    done = 0
    while done < budget:
        row = rows.first(connection, "SELECT content_id, low, high, map, key, until FROM sweep")
        if row is None:
            break
        try:
            done += _Sweep(connection, *row[:3]).go_on(EntryKey(*row[3:5]), row[5], budget - done)
        except DamagedError as error:
            # It keeps what it does not need; `stillframe verify` names it.
            _log.error("history of content %d cannot be swept: %s", row[0], error)
            _end(connection, row[0])
            done += 1
    return done


def _end(connection: apsw.Connection, content_id: int) -> None:
    connection.execute("DELETE FROM sweep WHERE content_id = ?", (content_id,))


class _Sweep:
    """Walks the chains of one content between two versions, oldest values first."""

    def __init__(self, connection: apsw.Connection, content_id: int, low: int, high: int) -> None:
        self._connection = connection
        self._content_id = content_id
        self._low, self._high = low, high

    def go_on(self, entry: EntryKey, until: int, budget: int) -> int:
        """Goes on after a row of a key; returns the rows that it looked at, at least one."""
        done = 0
        key: EntryKey | None = entry
        while key is not None:
            for past in self._chain(key, max(until, self._low), budget - done):
                done += 1
                until = past.until
                self._settle(past)
            if done >= budget:
                self._connection.execute(
                    "UPDATE sweep SET map = ?, key = ?, until = ? WHERE content_id = ?",
                    (*key, until, self._content_id),
                )
                return done
            done += 1
            until = 0
            key = next_key(self._connection, self._content_id, key)
        _end(self._connection, self._content_id)
        return done

    def _chain(self, key: EntryKey, after: int, limit: int) -> list[Past]:
        found: list[Past] = []
        for past in Chains(self._connection, self._content_id).of(key, after):
            if past.until > self._high or len(found) >= limit:
                break
            found.append(past)
        return found

    def _settle(self, past: Past) -> None:
        """Deletes a value that nobody has; of one that is kept, mends what it is against."""
        where = (self._content_id, *past.entry, past.until)
        if not self._is_kept(past):
            # What was against it is older, and was mended before.
            self._connection.execute(
                "DELETE FROM history WHERE content_id = ? AND map = ? AND key = ? AND until = ?",
                where,
            )
            return
        if past.base is None:
            return
        base = self._kept_base(past)
        if base == past.base:
            return
        chains = Chains(self._connection, self._content_id)
        value = chains.value(past)
        against = None if base is None else chains.value_since(past.entry, base)
        packed = patches.pack(value, against)
        patched = packed.form is Form.PATCH
        self._connection.execute(
            "UPDATE history SET form = ?, base = ?, link = ?, payload = ?"
            " WHERE content_id = ? AND map = ? AND key = ? AND until = ?",
            (
                int(packed.form),
                base if patched else None,
                past.link if patched else 0,
                packed.data,
                *where,
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
