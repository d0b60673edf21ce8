"""Runs statements on a connection: single ones, and the steps of `stores.sql`."""

# apsw's stubs name Buffer, and Python has that from 3.12 on.
# pyright: reportUnknownMemberType=false

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, TypeVar, cast

from stillframe.server.stores.sql.steps import Together, Write

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import apsw

    from stillframe.server.stores.sql.steps import Ask, Steps

T = TypeVar("T")

NEW_IDS = (
    "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?)"
    " SELECT min((SELECT coalesce(min(id), 0) FROM change), 0) - i FROM n"
)
"""Gives so many ids of header rows that are outside of the change log, one at least."""


def query(
    connection: apsw.Connection, sql: str, values: Sequence[Any] = ()
) -> Iterator[tuple[Any, ...]]:
    """Yields the rows of a statement, as the schema types their columns."""
    return cast("Iterator[tuple[Any, ...]]", connection.execute(sql, values))


def first(
    connection: apsw.Connection, sql: str, values: Sequence[Any] = ()
) -> tuple[Any, ...] | None:
    """Returns the first row of a statement, or None."""
    return next(query(connection, sql, values), None)


def run(connection: apsw.Connection, steps: Steps[T]) -> T:
    """Runs steps to their end and returns what they give."""
    try:
        step = next(steps)
        while True:
            step = steps.send(do(connection, step))
    except StopIteration as end:
        return cast("T", end.value)


def do(connection: apsw.Connection, step: Ask | Write | Together) -> list[Any]:
    if isinstance(step, Together):
        return [run(connection, steps) for steps in step.steps]
    if isinstance(step, Write):
        connection.executemany(step.sql, step.rows)
        return []
    sql, values = step
    if "(??)" in sql:
        # A list goes as one value: a statement for each length of it would be one too many.
        sql = sql.replace("(??)", "(SELECT value FROM json_each(?))")
        values = [json.dumps(each) if isinstance(each, list) else each for each in values]
    return list(query(connection, sql, values))
