"""No statement of the PostgreSQL store scans: each finds its rows by an index's conditions.

The workload makes the store ask all that it asks, and what it asked is recorded. Then each
statement is planned anew with the sessions' own settings, once for its values and once for any,
as a prepared statement may be. The settings switch sequential scans off, so that one in a plan
says that there is no index. What an index is asked without all of its columns, what a filter
leaves out of what was found, and what is sorted, is named here.
"""

from __future__ import annotations

import contextlib
import re
from typing import TYPE_CHECKING, Any

import psycopg
import pytest
from psycopg import sql

from stillframe.server.stores import open_store
from stillframe.server.stores.postgres.connection import connect, parse_url
from tests.conformance.support import Clock
from tests.databases import fresh
from tests.integration.workload import BOUNDS, SMALL, Filled, config

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Generator, Iterator

    from stillframe.server.stores.postgres.connection import Connection

ONE_ROW = {"store"}
"""Tables that have one row."""

PREFIXES = {
    "change_version (content_id)": "versions in their order, up to a LIMIT",
    "entry_pkey (content_id)": "all entries of a head",
    "execution_name (tenant_id)": "count(*), for the quota",
    "garbage_pkey ()": "the first row, or whether there is one",
    "history_pkey (content_id)": "a slice of what is freed, or all values that a version has",
    "history_pkey (content_id, key, map)": "the newest value of a key, or a LIMIT of them",
    "history_pkey (content_id, until)": "all values that a version has",
    "scope_gone ()": "the first row of those that wait to be freed",
    "sweep_pkey ()": "whether there is a row",
    "value_key (scope_id)": "whether there is a row, or a slice of what is freed",
}
"""What may be asked of an index without conditions on all of its columns, and what for."""

FILTERS = {
    "change: (content_id IS NULL)": "a slice of the log, of which some versions are kept",
    "change: (content_id = ?)": "one row, which may be another execution's",
    "change: (ROW(id, version) < ROW(?, ?))": "leaves one row out, at most",
    "entry: (since <= ?)": "entries of a head that a version before had",
    "execution: (content_id IS NOT NULL)": "count(*), for the quota",
    "execution: (tenant_id = ?)": "the oldest tombstones, of one tenant after another",
    "history: (since <= ?)": "keys that came after the version",
    "change: (snapshot_id = ANY (?))": "versions of an execution that is guessed to have few",
    "scope: (name IS NOT NULL)": "one row",
    "scope: (tenant_id = ?)": "one row: whose scope it is",
    "sweep: (next_high IS NULL)": "one row",
}
"""What filters may leave out of what an index has found."""

SORTS = {
    "execution.name": "a list of names that were asked for",
    "history.map, history.key": "a row for each key of a version",
    "map, key": "the entries of a head",
}
"""What is sorted."""

_INFLATE = """
INSERT INTO tenant (name) SELECT 'more-' || n FROM generate_series(1, 200) AS n;
CREATE TEMPORARY TABLE more AS SELECT tenant.id AS tenant, n, (tenant.id::bigint << 40) + 4 * n AS id
    FROM tenant, generate_series(1, 100) AS n WHERE tenant.name LIKE 'more-%';
INSERT INTO execution (tenant_id, name, content_id, head_id, last_version, epoch_floor, expire_at,
    touched, state, user_id, parent_name, answers)
    SELECT tenant, 'run-' || n, CASE WHEN n % 10 > 0 THEN id END, id + 3, 4, 0,
    CASE WHEN n % 20 = 0 THEN n END, n, n % 9 + 1, 'user-' || n % 10, 'parent-' || n % 10, '' FROM more;
INSERT INTO change (id, mark, kind, content_id, version, entry_count, entries_size, snapshot_id, header)
    SELECT id + v, '', 1, id, v + 1, 4, 400, 'id-' || v, '' FROM more, generate_series(0, 3) AS v;
INSERT INTO change (id, mark, kind, content_id, version, entry_count, entries_size, header)
    SELECT nextval('inherited_id'), '', 1, id, 100 + v, 4, 400, ''
    FROM more, generate_series(1, 10) AS v WHERE n < 10;
INSERT INTO entry (content_id, map, key, since, form, links, size, digest, payload)
    SELECT id, m, 'key-' || k, 1, 0, 0, 10, '', ''
    FROM more, generate_series(1, 2) AS m, generate_series(1, 2) AS k;
INSERT INTO history (content_id, map, key, until, since, form, base, link, size, digest, payload)
    SELECT id, 1, 'key-' || k, u, u - 1, 0, NULL, 0, 10, '', ''
    FROM more, generate_series(1, 2) AS k, generate_series(2, 4) AS u;
INSERT INTO garbage (content_id) SELECT id FROM more WHERE n % 10 = 0;
INSERT INTO sweep (content_id, low, high) SELECT id, 0, 2 FROM more WHERE n % 10 = 1;
INSERT INTO scope (tenant_id, name) SELECT tenant, CASE WHEN n % 10 > 0 THEN 'run-' || n END FROM more;
INSERT INTO value (scope_id, key, mark, commit_time, expire_at, request, body, digest, data)
    SELECT id, 'key-' || k, '', 1, CASE WHEN k = 1 THEN id END, '', '', '', ''
    FROM scope, generate_series(1, 2) AS k;
"""
"""Makes the tables large, or the planner would rather read a small one whole. The rows are such
that indexes tell them apart as a server's; nobody reads what is in them."""

_PLANNED = ("SELECT", "INSERT", "UPDATE", "DELETE", "WITH")
_LITERAL = re.compile(r"'[^']*'::[a-z]+(?:\[\])?|\$[0-9]+(?:::[a-z]+)?|[0-9]+")


class Seen:
    """What the plans of a statement do, as the names above have it."""

    def __init__(self, columns: dict[str, set[str]]) -> None:
        self._columns = columns
        self.problems: set[str] = set()

    def look(self, plan: dict[str, Any]) -> None:
        """Looks at a node of a plan and all below it."""
        if plan["Node Type"] == "Seq Scan" and plan["Relation Name"] not in ONE_ROW:
            self.problems.add(f"scans {plan['Relation Name']}")
        self._look_at_index(plan)
        if "Filter" in plan and "Relation Name" in plan:
            condition = _LITERAL.sub("?", plan["Filter"])
            if (found := f"{plan['Relation Name']}: {condition}") not in FILTERS:
                self.problems.add(f"filters {found}")
        keys = ", ".join(each.removesuffix(' COLLATE "C"') for each in plan.get("Sort Key", ()))
        if keys and keys not in SORTS:
            self.problems.add(f"sorts {keys}")
        joins = {"Join Filter", "Hash Cond", "Merge Cond"} & plan.keys()
        self.problems.update(f"joins {plan[each]}" for each in joins)
        for each in plan.get("Plans", ()):
            self.look(each)

    def _look_at_index(self, plan: dict[str, Any]) -> None:
        """Looks whether an index is asked by all of its columns."""
        name = plan.get("Index Name")
        if name is None:
            return
        condition = plan.get("Index Cond", "")
        asked = {each for each in self._columns[name] if re.search(rf"\b{each}\b", condition)}
        prefix = f"{name} ({', '.join(sorted(asked))})"
        if asked != self._columns[name] and prefix not in PREFIXES:
            self.problems.add(f"asks {prefix}")


@contextlib.contextmanager
def recorded() -> Generator[dict[str, Any]]:
    """Records the statements that are executed meanwhile, each with its last values."""
    statements: dict[str, Any] = {}
    execute = psycopg.AsyncConnection.execute

    async def note(self: Connection, query: Any, params: Any = None, **options: Any) -> Any:
        if isinstance(query, bytes):
            statements[query.decode()] = params
        return await execute(self, query, params, **options)

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(psycopg.AsyncConnection, "execute", note)
        yield statements


@contextlib.asynccontextmanager
async def asked(url: str) -> AsyncGenerator[tuple[Connection, dict[str, Any]]]:
    """Fills a store, has it asked everything, and gives a session like its own, and the
    statements.
    """
    clock = Clock()
    store = await open_store(url, config(clock))
    try:
        await Filled(store, clock, SMALL).fill()
        with recorded() as statements:
            await Filled(store, clock, SMALL).everything()
    finally:
        await store.close()
    async with await connect(parse_url(url), "test") as look:
        for statement in _INFLATE.split(";\n"):
            await look.execute(statement.encode())
        for table in await _column(
            look, "SELECT tablename FROM pg_tables WHERE schemaname = current_schema"
        ):
            await look.execute(sql.SQL("ANALYZE {}").format(sql.Identifier(table)))
        yield (
            look,
            {each: values for each, values in statements.items() if each.startswith(_PLANNED)},
        )


async def _column(look: Connection, statement: str) -> list[Any]:
    return [row[0] for row in await (await look.execute(statement.encode())).fetchall()]


async def plans_of(look: Connection, statement: str, values: Any) -> Iterator[dict[str, Any]]:
    """Returns the plan of a statement for these values, and the one for any."""
    explain = b"EXPLAIN (FORMAT JSON) "
    own = await look.execute(explain + statement.encode(), values, prepare=False)
    numbers = iter(range(1, 100))
    numbered = re.sub("%[bs]", lambda _: f"${next(numbers)}", statement)
    nothing = ", ".join(["NULL"] * len(values or ()))
    await look.execute(b"SET plan_cache_mode = force_generic_plan")
    await look.execute(f"PREPARE asked AS {numbered}".encode(), prepare=False)
    execute = f"EXECUTE asked({nothing})" if nothing else "EXECUTE asked"
    generic = await look.execute(explain + execute.encode(), prepare=False)
    await look.execute(b"DEALLOCATE asked")
    await look.execute(b"RESET plan_cache_mode")
    return iter([(await each.fetchall())[0][0][0]["Plan"] for each in (own, generic)])


async def problems_of(look: Connection, statements: dict[str, Any]) -> dict[str, set[str]]:
    """Returns what the statements' plans do that is not named, by statement."""
    rows = await look.execute(
        b"SELECT indexrelid::regclass::text, array_agg(attname::text) FROM pg_index"
        b" JOIN pg_attribute ON attrelid = indexrelid JOIN pg_class ON pg_class.oid = indexrelid"
        b" WHERE relnamespace = current_schema::regnamespace GROUP BY indexrelid"
    )
    columns = {name: set(found) for name, found in await rows.fetchall()}
    problems: dict[str, set[str]] = {}
    for statement, values in statements.items():
        seen = Seen(columns)
        for plan in await plans_of(look, statement, values):
            seen.look(plan)
        if seen.problems:
            problems[statement] = seen.problems
    return problems


@pytest.fixture(autouse=True)
def bounds(monkeypatch: pytest.MonkeyPatch) -> None:
    """Has everything bounded read less than there is."""
    for name, bound in BOUNDS.items():
        monkeypatch.setattr(f"stillframe.server.stores.sql.{name}", bound)


async def test_every_statement_finds_its_rows_by_an_index(postgres_url: str) -> None:
    async with asked(fresh(postgres_url)) as (look, statements):
        assert len(statements) > 100
        problems = await problems_of(look, statements)
        told = "\n".join(f"{', '.join(each)}: {statement}" for statement, each in problems.items())
        assert not problems, told
        for index, table in (
            ("execution_state", "execution"),
            ("execution_parent", "execution"),
            ("value_expiry", "value"),
            ("change_snapshot_id", "change"),
            ("change_inherited", "change"),
        ):
            # A schema without one of its indexes is caught.
            async with look.transaction(force_rollback=True):
                await look.execute(f"DROP INDEX {index}".encode())
                problems = await problems_of(look, statements)
            assert any(table in " ".join(each) for each in problems.values()), index
