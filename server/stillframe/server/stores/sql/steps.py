"""Statements without a connection: generators that yield what to ask, and get the rows.

So one text of a read or a commit serves a store that calls its database in a thread, and
one that awaits it. The SQL is what SQLite and PostgreSQL both read, but for this, which
each store puts into its own words:

- `?` stands for a value.
- `IN (??)` stands for a list of values, all texts or all integers.
- `CROSS JOIN … ON` joins in the order written: SQLite would choose one, and has no
  statistics to go by.
"""

from __future__ import annotations

from collections.abc import Generator, Iterable, Sequence
from typing import Any, NamedTuple, TypeAlias, TypeVar

T = TypeVar("T")

Row: TypeAlias = tuple[Any, ...]
"""A row, as the schema types its columns."""

ALL = 2**62
"""A LIMIT that is none."""


class Ask(NamedTuple):
    """A statement that gives rows."""

    sql: str
    values: Sequence[Any] = ()


class Write(NamedTuple):
    """A statement that gives none, to be done once for each of `rows`, in their order."""

    sql: str
    rows: Iterable[Sequence[Any]] = ((),)


class Together(NamedTuple):
    """Steps that do not build on each other: their questions may be asked at once."""

    steps: Sequence[Steps[Any]]


Steps: TypeAlias = Generator[Ask | Write | Together, list[Any], T]
"""Yields statements, is sent the rows of each, and returns a T.

Sent for a Write is nothing, and for a Together what each of its steps returned.
"""


def together(steps: Sequence[Steps[T]]) -> Steps[list[T]]:
    """Returns what each of the steps returns; the first failure is the failure of all."""
    return (yield Together(steps))


def first(sql: str, values: Sequence[Any] = ()) -> Steps[Row | None]:
    """Asks for the first row, or None. The statement says that it wants no more."""
    found = yield Ask(sql, values)
    return found[0] if found else None


def insert(table: str, columns: str) -> str:
    """Returns the statement that inserts a row of these columns."""
    places = ", ".join("?" for _ in columns.split(", "))
    return f"INSERT INTO {table} ({columns}) VALUES ({places})"
