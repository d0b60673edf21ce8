"""Values of heads, and their way into history."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from stillframe.server.stores import patches
from stillframe.server.stores.patches import Form, Kept
from stillframe.server.stores.sql.steps import insert

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from stillframe.server.stores.sql.steps import Row


class Place(NamedTuple):
    """Where a value stands: content, map and key."""

    content_id: int
    map: int
    key: str


@dataclass(slots=True)
class HeadValue:
    """A value of a head."""

    since: int
    """The version that set it."""
    digest: bytes
    size: int
    links: int = 0
    """Patches in a row that lead to it in history, at most."""
    payload: bytes | None = None
    """None where only the database has it."""
    kept: Kept | None = None
    """How its row has it; None where that is not known."""
    unrelated: int = 0
    """How many before it, one after the other, had nothing in common with the next."""


class Move(NamedTuple):
    """A value that goes to history at a version."""

    place: Place
    until: int
    value: HeadValue
    replaced_by: bytes | None


UNRELATED = 3
"""Values in a row without anything in common, encrypted ones for instance, after which no
patch is tried: it costs more than all the rest of a save."""
TRY_AGAIN = 16
"""Every so many values one is, all the same."""

ROW = "content_id, map, key, until, since, form, base, link, size, digest, payload"
"""What `moved_row` returns."""
INSERT = insert("history", ROW)


ENTRY = "content_id, map, key, since, digest, size, links, form, payload"
"""What `entry_row` returns."""
SET_ENTRY = (
    " ON CONFLICT (content_id, map, key) DO UPDATE SET since = excluded.since,"
    " digest = excluded.digest, size = excluded.size, links = excluded.links,"
    " form = excluded.form, payload = excluded.payload"
)
"""The end of the statement that inserts or replaces entries."""


def pack(moves: Sequence[Move], new: Mapping[Place, HeadValue]) -> tuple[list[Row], list[Row]]:
    """Returns the rows of history of values that move there, each of which must have been
    read, and the rows of the new values of heads.
    """
    ended: dict[Place, tuple[int, int]] = {}
    moved_rows: list[Row] = []
    for move in moves:
        value = move.value
        value.links, value.unrelated = ended.get(move.place, (value.links, value.unrelated))
        row = moved_row(move)
        ended[move.place] = links_of(row), _unrelated(move, row)
        moved_rows.append(row)
    for place, value in new.items():
        value.links, value.unrelated = ended.get(place, (0, 0))
    return moved_rows, [entry_row(place, value) for place, value in new.items()]


def moved_row(move: Move) -> Row:
    """Returns the row of `history` for a value that moves there."""
    value = move.value
    assert value.payload is not None  # noqa: S101 - for the type checkers
    base = move.replaced_by if _tries_patch(value) else None
    packed = patches.pack(value.payload, base, value.kept)
    patched = packed.form is Form.PATCH
    return (
        *move.place,
        move.until,
        value.since,
        int(packed.form),
        move.until if patched else None,
        value.links + 1 if patched else 0,
        value.size,
        value.digest,
        packed.data,
    )


def _tries_patch(value: HeadValue) -> bool:
    if value.links >= patches.MAX_LINKS:
        return False
    return value.unrelated < UNRELATED or value.unrelated % TRY_AGAIN == 0


def _unrelated(move: Move, row: Row) -> int:
    """Returns what HeadValue.unrelated is of the value that took the moved one's place."""
    is_patch = row[5] == Form.PATCH
    return 0 if is_patch or move.replaced_by is None else move.value.unrelated + 1


def links_of(row: Row) -> int:
    """Returns how many patches in a row end with a row of `history`."""
    links: int = row[7]
    return links


def entry_row(place: Place, value: HeadValue) -> Row:
    """Returns the row of `entry` for a value that was set, and notes how it is kept."""
    assert value.payload is not None  # noqa: S101 - for the type checkers
    form, data = patches.pack_head(value.payload)
    value.kept = Kept(form, len(data))
    return (*place, value.since, value.digest, value.size, value.links, int(form), data)
