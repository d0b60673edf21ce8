"""Statements that do many rows at once: each column of them is one array."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

_TYPES = {
    **dict.fromkeys(("map", "state", "kind", "form"), "smallint"),
    **dict.fromkeys(("key", "name", "user_id", "parent_name", "snapshot_id"), "text"),
    **dict.fromkeys(("mark", "answers", "header", "before", "digest", "payload"), "bytea"),
}
"""Of columns; the others are bigint."""


def unnest(columns: str) -> str:
    """Returns the arrays of these columns as rows; their order is that of the values."""
    arrays = (f"?::{_TYPES.get(column, 'bigint')}[]" for column in columns.split(", "))
    return f"unnest({', '.join(arrays)})"


def insert(table: str, columns: str) -> str:
    return f"INSERT INTO {table} ({columns}) SELECT * FROM {unnest(columns)}"


def update(table: str, columns: str, key: str) -> str:
    """Sets columns of the rows with these keys; the key is the last value."""
    changes = ", ".join(f"{column} = new.{column}" for column in columns.split(", "))
    return (
        f"UPDATE {table} SET {changes} FROM {unnest(f'{columns}, {key}')}"
        f" AS new ({columns}, {key}) WHERE {table}.{key} = new.{key}"
    )


def delete(table: str, key: str) -> str:
    """Deletes the rows with these keys, of one or more columns."""
    same = " AND ".join(f"{table}.{column} = gone.{column}" for column in key.split(", "))
    return f"DELETE FROM {table} USING {unnest(key)} AS gone ({key}) WHERE {same}"


def columns_of(rows: Iterable[Sequence[object]]) -> list[list[object]]:
    """Turns rows, of which there is one at least, into the values of such a statement."""
    return [list(column) for column in zip(*rows, strict=True)]
