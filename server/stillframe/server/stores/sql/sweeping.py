"""Frees values that no version has any more, in slices that hold no save up.

What is kept reads as before: a patch against a value that goes is made anew against the
next one that stays.
"""

from __future__ import annotations

import logging
from itertools import groupby
from typing import TYPE_CHECKING, Any, NamedTuple

from stillframe.server.stores import patches
from stillframe.server.stores.patches import DamagedError, Form
from stillframe.server.stores.records import EntryKey
from stillframe.server.stores.sql import history
from stillframe.server.stores.sql.history import OF_KEY, Chains, Past
from stillframe.server.stores.sql.steps import Ask, Write, first

if TYPE_CHECKING:
    from collections.abc import Sequence

    from stillframe.server.stores.sql.steps import Row, Steps

_log = logging.getLogger(__name__)


_BYTES = 4_096
"""Bytes of values that count as one more row of a slice."""

_COLUMNS = (
    f"map, key, {history.COLUMNS}, EXISTS (SELECT 1 FROM change"
    " WHERE change.content_id = history.content_id"
    " AND change.version >= since AND change.version < until)"
)
"""Of `_Value`: the last tells whether a version has it."""

_CHUNK = 16
"""Values that are looked at once."""


class _Value(NamedTuple):
    past: Past
    is_kept: bool


def _value(name: int, key: str, *row: Any) -> _Value:
    return _Value(Past(EntryKey(name, key), *row[:-1]), bool(row[-1]))  # type: ignore[arg-type]


class Sweep(NamedTuple):
    """A row of `sweep`: between which versions values are to be freed, and where it is."""

    content_id: int
    low: int
    high: int
    map: int
    key: str
    until: int


def next_sweep(after: int) -> Steps[Sweep | None]:
    """Returns the sweep of the next content that has some to do, after the one given."""
    row = yield from first(
        "SELECT content_id, low, high, map, key, until FROM sweep WHERE content_id > ?"
        " ORDER BY content_id LIMIT 1",
        (after,),
    )
    return Sweep(*row) if row else None


def sweep(work: Sweep, budget: int) -> Steps[None]:
    """Frees values of a content, in a slice of about `budget` rows."""
    last = yield from _go_on(work, budget)
    if last is not None:
        yield Write(
            "UPDATE sweep SET map = ?, key = ?, until = ? WHERE content_id = ?",
            [(*last.entry, last.until, work.content_id)],
        )
    else:
        yield from _end(work.content_id)


def _end(content_id: int) -> Steps[None]:
    """Ends a sweep, and begins the one for what has gone meanwhile."""
    yield Write("DELETE FROM sweep WHERE content_id = ? AND next_high IS NULL", [(content_id,)])
    yield Write(
        "UPDATE sweep SET low = next_low, high = next_high, next_low = NULL, next_high = NULL,"
        " map = 0, key = '', until = 0 WHERE content_id = ?",
        [(content_id,)],
    )


def _go_on(work: Sweep, budget: int) -> Steps[Past | None]:
    """Goes on after map, key and until of a row; returns the last row that it looked at,
    None at the end.
    """
    found: list[_Value] = []
    left = max(budget, 1)
    read = yield Ask(
        f"SELECT {_COLUMNS} FROM history WHERE content_id = ? AND (map, key, until) > (?, ?, ?)"
        " AND until > ? AND until <= ? ORDER BY map, key, until LIMIT ?",
        (work.content_id, work.map, work.key, work.until, work.low, work.high, left),
    )
    for row in read:
        if left <= 0:
            break
        found.append(_value(*row))
        left -= 1 + found[-1].past.size // _BYTES
    for entry, values in groupby(found, key=lambda each: each.past.entry):
        try:
            yield from _settle(work.content_id, list(values))
        except DamagedError as error:
            # Its values stay; `stillframe verify` names the damage.
            _log.error(
                "history of %s in content %d cannot be swept: %s", entry, work.content_id, error
            )
    return found[-1].past if left <= 0 else None


def _settle(content_id: int, values: list[_Value]) -> Steps[None]:
    """Deletes the values of a key that nobody has; before that, mends the kept ones that
    are against one of them.
    """
    kept = [past for past, is_kept in values if is_kept]
    gone = [past for past, is_kept in values if not is_kept]
    if gone:
        # Between these and the kept one before them there may be values that have gone
        # since the sweep began: they go as well, or their chain would break.
        older = yield from _up_to_kept(content_id, values[0].past)
        kept = [past for past, is_kept in older if is_kept] + kept
        gone = [past for past, is_kept in older if not is_kept] + gone
    chains = Chains(content_id)
    # Newest first: each is decoded from the one before it.
    for past in reversed(kept):
        if past.base is not None:
            base = yield from _kept_base(content_id, past)
            if base != past.base:
                yield from _mend(chains, content_id, past, base)
    yield Write(
        f"DELETE FROM history WHERE {OF_KEY} AND until = ?",
        [(content_id, *past.entry, past.until) for past in gone],
    )


def _of_key(
    content_id: int, entry: EntryKey, condition: str, until: int, limit: int
) -> Steps[list[_Value]]:
    sql = f"SELECT {_COLUMNS} FROM history WHERE {OF_KEY} AND until {condition} LIMIT ?"
    found: Sequence[Row] = yield Ask(sql, (content_id, *entry, until, limit))
    return [_value(*row) for row in found]


def _up_to_kept(content_id: int, past: Past) -> Steps[list[_Value]]:
    """Returns the values of the key before this one, back to the first that is kept."""
    found: list[_Value] = []
    until, limit = past.until, 1
    while True:
        older = yield from _of_key(content_id, past.entry, "< ? ORDER BY until DESC", until, limit)
        for value in older:
            found.append(value)
            if value.is_kept:
                return found[::-1]
        if len(older) < limit:
            return found[::-1]
        until, limit = found[-1].past.until, _CHUNK


def _mend(chains: Chains, content_id: int, past: Past, base: int | None) -> Steps[None]:
    against = None if base is None else (yield from chains.value_since(past.entry, base))
    packed = patches.pack((yield from chains.value(past)), against)
    patched = packed.form is Form.PATCH
    yield Write(
        f"UPDATE history SET form = ?, base = ?, link = ?, payload = ? WHERE {OF_KEY}"
        " AND until = ?",
        [
            (
                int(packed.form),
                base if patched else None,
                past.link if patched else 0,
                packed.data,
                content_id,
                *past.entry,
                past.until,
            )
        ],
    )


def _kept_base(content_id: int, past: Past) -> Steps[int | None]:
    """Returns what a patch is to be against: the first kept value that follows.

    None where a whole one goes before that: the next older becomes whole, so that no
    chain gets longer.
    """
    base = past.base
    until, limit = past.until, 1
    while True:
        following = yield from _of_key(content_id, past.entry, "> ? ORDER BY until", until, limit)
        for value in following:
            if base is None or value.past.since > base:
                return base
            if value.past.since == base:
                if value.is_kept:
                    return base
                base = value.past.base
        if len(following) < limit:
            return base
        until, limit = following[-1].past.until, _CHUNK
