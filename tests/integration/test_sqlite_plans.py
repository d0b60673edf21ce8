"""No statement of the SQLite store scans: what it costs does not depend on how much there is
in the store beside what it asks for.

Two stores, one four times as large as the other, are asked for the same. SQLite counts the
steps of its virtual machine for each run of a statement: they may not be more in the larger
one. A plan alone does not show that: SQLite walks an index from one bound to another and calls
it SEARCH. And no plan may walk a table, or sort, but for what is named here.

The statements are those that the workload makes the store ask, whatever they are.
"""

# apsw's stubs name Buffer, and Python has that from 3.12 on.
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false

from __future__ import annotations

import contextlib
import re
from typing import TYPE_CHECKING, Any

import apsw
import pytest

from stillframe.server.stores import open_store
from tests.conformance.support import Clock
from tests.integration.workload import BOUNDS, SMALL, Filled, config

if TYPE_CHECKING:
    from collections.abc import Generator
    from pathlib import Path

LARGE = 4 * SMALL

GROWS = {
    "SELECT count(*) FROM execution": "the quota: once for a tenant and a server's life",
    "FROM tenant WHERE id >= ? ORDER BY id LIMIT ?": (
        "a round of housekeeping: a row of each tenant, 500 at once"
    ),
    "AND (map, key, until) > (?, ?, ?) AND until > ? AND until <= ?": (
        "a sweep: a walk over the execution's history, beside the saves"
    ),
}
"""Parts of the statements that do take more the more there is, and what of. All of them are of
one execution's history, of one tenant's executions, or of the tenants; docs/performance.md has
the next steps."""

SCANS = {
    "SCAN json_each VIRTUAL TABLE INDEX 1:": "the values of a list that was asked for",
    "SCAN CONSTANT ROW": "is one row",
    "SCAN 2-ROW VALUES CLAUSE": "the rows that a batch writes",
    "SCAN 2 CONSTANT ROWS": "the same",
    "SCAN new": "the same",
    "SCAN n": "counts up to how many ids a fork wants",
    "SCAN store": "has one row",
    "SCAN garbage": "its first row, or whether there is one",
    "SCAN sweep": "whether it has a row",
    "SCAN scope USING INDEX scope_gone": "the first row of those that wait to be freed",
    "SCAN keys": "the keys that the index has just given",
}
"""What a plan may say that walks something, and what that is."""

_ROWS = re.compile(r"(\(\?(?:, \?)*\))(?:, \1)+")


class Steps:
    """The most steps that a run of each statement has taken. Those that write as many rows as
    there are in a batch are one.
    """

    def __init__(self) -> None:
        self.most: dict[str, int] = {}

    def note(self, event: dict[str, Any]) -> None:
        statement = _ROWS.sub(r"\1, \1", event["sql"])
        steps = event["stmt_status"]["SQLITE_STMTSTATUS_VM_STEP"]
        self.most[statement] = max(steps, self.most.get(statement, 0))


@contextlib.contextmanager
def profiled(path: Path) -> Generator[Steps]:
    """Counts the steps of the connections to a file that are opened meanwhile."""
    steps = Steps()

    def watch(connection: apsw.Connection) -> None:
        if connection.filename == str(path):
            connection.trace_v2(apsw.SQLITE_TRACE_PROFILE, steps.note)

    apsw.connection_hooks.append(watch)
    try:
        yield steps
    finally:
        apsw.connection_hooks.remove(watch)


async def steps_of(path: Path, size: int, *dropped: str) -> dict[str, int]:
    """Returns what each statement took at most in a store of a size, which has lost the
    indexes given.
    """
    clock = Clock()
    url = f"sqlite:///{path}"
    store = await open_store(url, config(clock))
    await Filled(store, clock, size).fill()
    await store.close()
    with contextlib.closing(apsw.Connection(str(path))) as connection:
        for index in dropped:
            connection.execute(f"DROP INDEX {index}")
    # Opened anew, so that nothing is remembered that a server would have to ask for.
    with profiled(path) as steps:
        store = await open_store(url, config(clock))
        steps.most.clear()
        try:
            await Filled(store, clock, size).everything()
            return dict(steps.most)
        finally:
            await store.close()


def grown(few: dict[str, int], many: dict[str, int]) -> dict[str, str]:
    """Returns the statements that took more steps in the larger store, and how many.

    Twice as many may be chance, as where the one store has a row to look at and the other
    none. A walk of what is more takes four times as many.
    """
    return {
        statement: f"{few.get(statement)} steps, and {steps} in the larger store"
        for statement, steps in many.items()
        if steps > 2 * few.get(statement, 0) + 20
    }


def plan(connection: apsw.Connection, statement: str) -> list[str]:
    """Returns the lines of a statement's plan."""
    nothing = [None] * statement.count("?")
    rows = connection.execute(f"EXPLAIN QUERY PLAN {statement}", nothing)
    return [row[3] for row in rows]


def named(statement: str, names: dict[str, str]) -> bool:
    return any(name in statement for name in names)


@pytest.fixture(autouse=True)
def bounds(monkeypatch: pytest.MonkeyPatch) -> None:
    """Has everything bounded read less than there is in the smaller store."""
    for name, bound in BOUNDS.items():
        monkeypatch.setattr(f"stillframe.server.stores.sql.{name}", bound)


async def test_no_statement_costs_more_in_a_larger_store(tmp_path: Path) -> None:
    few = await steps_of(tmp_path / "few.db", SMALL)
    many = await steps_of(tmp_path / "many.db", LARGE)
    found = grown(few, many)
    assert {
        statement: steps for statement, steps in found.items() if not named(statement, GROWS)
    } == {}
    # What is mended is not to be named any more.
    assert [name for name in GROWS if not any(name in statement for statement in found)] == []


async def test_no_plan_walks_a_table_or_sorts(tmp_path: Path) -> None:
    path = tmp_path / "s.db"
    statements = await steps_of(path, SMALL)
    assert len(statements) > 100
    with contextlib.closing(apsw.Connection(str(path))) as connection:
        plans = {each: plan(connection, each) for each in statements if " " in each}
        unused = {name for (name,) in connection.execute(_INDEXES)}
    plans.pop("BEGIN IMMEDIATE")
    for statement, lines in plans.items():
        for line in lines:
            unused -= set(line.split())
            assert not line.startswith("SCAN ") or line in SCANS, statement
            assert "AUTOMATIC" not in line, statement
            assert "TEMP B-TREE" not in line, statement
    assert unused == set(), "an index that no statement reads is written for nothing"


_INDEXES = "SELECT name FROM sqlite_schema WHERE type = 'index' AND sql IS NOT NULL"


async def test_a_schema_without_an_index_is_caught(tmp_path: Path) -> None:
    lost = {
        "execution_state": "state = ? AND name >",
        "change_inherited": "id < 0 AND content_id >=",
        "value_expiry": "FROM value WHERE expire_at <= ?",
    }
    few = await steps_of(tmp_path / "few.db", SMALL, *lost)
    many = await steps_of(tmp_path / "many.db", LARGE, *lost)
    found = grown(few, many)
    for index, part in lost.items():
        assert any(part in statement for statement in found), index
