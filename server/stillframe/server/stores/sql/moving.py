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
    links: int = 0
    """Patches in a row that lead to it in history, at most."""
    payload: bytes | None = None
    """None where only the database has it."""


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
    link = value.links + 1
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


def links_of(row: Row) -> int:
    """Returns how many patches in a row end with a row that `moved` returned."""
    links: int = row[7]
    return links


ENTRY = "content_id, map, key, since, digest, size, links, form, payload"
"""What `entry_row` returns."""
SET_ENTRY = (
    " ON CONFLICT (content_id, map, key) DO UPDATE SET since = excluded.since,"
    " digest = excluded.digest, size = excluded.size, links = excluded.links,"
    " form = excluded.form, payload = excluded.payload"
)
"""The end of the statement that inserts or replaces entries."""


def entry_row(place: Place, value: HeadValue) -> Row:
    """Returns the row of `entry` for a value that was set."""
    assert value.payload is not None  # noqa: S101 - for the type checkers
    form, data = patches.pack_head(value.payload)
    return (*place, value.since, value.digest, value.size, value.links, int(form), data)


def pack(moves: Sequence[Move], new: Mapping[Place, HeadValue]) -> tuple[list[Row], list[Row]]:
    """Returns the rows of history of values that move there, each of which must have been
    read, and the rows of the new values of heads.
    """
    moved_rows: list[Row] = []
    links: dict[Place, int] = {}
    for place, until, value, replaced_by in moves:
        value.links = links.get(place, value.links)
        row = moved(place, until, value, replaced_by)
        links[place] = links_of(row)
        moved_rows.append(row)
    for place, value in new.items():
        value.links = links.get(place, 0)
    return moved_rows, [entry_row(place, value) for place, value in new.items()]
