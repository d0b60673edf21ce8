"""Statements that write many rows at once.

Every step of a statement gives Python's lock away and takes it back, which under load is
most of what a row costs.
"""

# apsw's stubs name Buffer, and Python has that from 3.12 on.
# pyright: reportUnknownMemberType=false

from __future__ import annotations

from functools import cache
from itertools import chain
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

    import apsw

_CHUNKS = (64, 16, 4, 1)
"""Rows of one statement: few lengths, so that statements stay prepared."""


@cache
def _statement(template: str, width: int, count: int) -> str:
    row = f"({', '.join('?' * width)})"
    return template.format(rows=", ".join([row] * count))


def write(connection: apsw.Connection, template: str, rows: Sequence[Sequence[Any]]) -> None:
    """Does a statement for all rows, which stand where it says `{rows}`, in their order."""
    at = 0
    for size in _CHUNKS:
        while len(rows) - at >= size:
            chunk = rows[at : at + size]
            values = tuple(chain.from_iterable(chunk))
            connection.execute(_statement(template, len(chunk[0]), size), values)
            at += size
