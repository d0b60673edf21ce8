"""Values of heads, and their way into history."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from stillframe.server.stores import patches
from stillframe.server.stores.patches import Form
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
    payload: bytes | None = None
    """None where only the database has it."""
    links: int | None = None
    """Patches in a row that lead to it in history; None where only the database knows."""


class Move(NamedTuple):
    """A value that goes to history at a version."""

    place: Place
    until: int
    value: HeadValue
    replaced_by: bytes | None


ROW = "content_id, map, key, until, since, form, base, link, size, digest, payload"
"""What `moved` returns."""
INSERT = insert("history", ROW)


def moved(place: Place, version: int, value: HeadValue, replaced_by: bytes | None) -> Row:
    """Returns the row of `history` for a value that was read and ends at `version`.

    `replaced_by` is the value that takes its place; None where the key is removed.
    """
    link = (value.links or 0) + 1
    assert value.payload is not None  # noqa: S101 - for the type checkers
    packed = patches.pack(value.payload, replaced_by if link <= patches.MAX_LINKS else None)
    patched = packed.form is Form.PATCH
    return (
        *place,
        version,
        value.since,
        int(packed.form),
        version if patched else None,
        link if patched else 0,
        value.size,
        value.digest,
        packed.data,
    )


def _links_of(row: Row) -> int:
    """Returns how many patches in a row end with a row that `moved` returned."""
    links: int = row[7]
    return links


def pack(moves: Sequence[Move], new: Mapping[Place, HeadValue]) -> list[Row]:
    """Returns the rows of history of values that move there, each of which must have been
    read; and tells `new` values how many patches lead to them.
    """
    packed: list[Row] = []
    links: dict[Place, int] = {}
    for place, until, value, replaced_by in moves:
        if place in links:
            value.links = links[place]
        row = moved(place, until, value, replaced_by)
        links[place] = _links_of(row)
        packed.append(row)
    for place, count in links.items():
        if place in new:
            new[place].links = count
    return packed


def entry_rows(values: Mapping[Place, HeadValue]) -> list[Row]:
    """Returns the rows of `entry` for values that were set."""
    return [(*place, value.since, value.digest, value.payload) for place, value in values.items()]
