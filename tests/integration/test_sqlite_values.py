"""What is particular to how SQLite keeps the working memory: its rows, and how they are found."""

# apsw's stubs name Buffer, and Python has that from 3.12 on.
# pyright: reportUnknownMemberType=false

from __future__ import annotations

import asyncio
from contextlib import closing
from typing import TYPE_CHECKING, Any

import apsw
import pytest

from stillframe.server.stores import open_store
from stillframe.server.stores.base import StoreConfig
from stillframe.server.stores.refusals import Refusal
from stillframe.server.stores.sqlite import rows as sql
from stillframe.server.stores.sqlite.transactions import Transactions
from stillframe.server.stores.sqlite.verifying import verify
from stillframe.v1 import error_pb2
from tests.conformance.direct import StoreTenant
from tests.conformance.support import Clock, seconds

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence
    from pathlib import Path

    from stillframe.server.stores.sqlite.lanes import Outcome
    from stillframe.server.stores.sqlite.transactions import Work


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "s.db"


@pytest.fixture
async def store(path: Path) -> AsyncIterator[StoreTenant]:
    clock = Clock()
    opened = await open_store(f"sqlite:///{path}", StoreConfig(clock=clock))
    yield StoreTenant(opened, "acme", clock)
    await opened.close()


def rows(path: Path, table: str) -> int:
    # By the store's own library: another one in the process would end its locks (SQLite, "How
    # To Corrupt", 2.2).
    with closing(apsw.Connection(str(path))) as connection:
        return int(connection.execute(f"SELECT count(*) FROM {table}").get)


async def test_housekeeping_frees_what_nobody_can_read(store: StoreTenant, path: Path) -> None:
    await store.save("expires", ttl=seconds(60))
    for number in range(30):
        await store.set_value("deleted", f"k{number}", bytes(20_000))
        await store.set_value("expires", f"k{number}", bytes(200_000))
        await store.set_value(f"e{number}", "over", ttl=seconds(60))
    await store.set_value(None, "stays")
    await store.delete("deleted")
    assert rows(path, "value") == 91
    store.clock.advance(60)
    slices = 0
    while await store.store.maintain(20):
        slices += 1
        assert verify(str(path)).problems == []
    assert slices > 5
    assert (rows(path, "value"), rows(path, "scope")) == (1, 1)
    assert await store.keys(None) == ["stays"]


async def test_a_scope_is_forgotten_with_its_last_value(store: StoreTenant, path: Path) -> None:
    for key in ("a", "b"):
        await store.set_value("run", key)
    await store.delete_value("run", "a")
    assert rows(path, "scope") == 1
    await store.delete_value("run", "b")
    assert rows(path, "scope") == 0


async def test_what_is_set_after_a_delete_is_not_freed_with_it(
    store: StoreTenant, path: Path
) -> None:
    """The scope that is to be freed keeps its number until it is empty."""
    for turn in range(5):
        for number in range(4):
            await store.set_value("run", f"k{number}", b"%d" % turn)
        await store.delete("run")
    await store.set_value("run", "k0", b"last")
    while await store.store.maintain(1):
        pass
    assert (await store.get_value("run", "k0")).value == b"last"
    assert (rows(path, "value"), rows(path, "scope")) == (1, 1)


async def test_sets_that_come_together_are_one_transaction(
    store: StoreTenant, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    await store.set_value("run", "first")
    commits: list[int] = []
    run = Transactions.run

    def counted(self: Transactions, works: Sequence[Work]) -> list[Outcome]:
        commits.append(len(works))
        return run(self, works)

    monkeypatch.setattr(Transactions, "run", counted)
    await asyncio.gather(*(store.set_value("run", f"k{number}") for number in range(50)))
    assert sum(commits) == 50
    assert len(commits) < 50
    assert rows(path, "value") == 51


async def test_values_that_wait_are_bounded(tmp_path: Path) -> None:
    opened = await open_store(
        f"sqlite:///{tmp_path}/small.db", StoreConfig(clock=Clock(), max_inflight_bytes=100_000)
    )
    store = StoreTenant(opened, "acme", Clock())
    sets = [store.set_value("run", f"k{number}", bytes(40_000)) for number in range(5)]
    done = await asyncio.gather(*sets, return_exceptions=True)
    refused = [each for each in done if isinstance(each, Refusal)]
    assert {each.reason for each in refused} == {error_pb2.ERROR_REASON_SERVER_BUSY}
    assert len(await store.keys("run")) == 5 - len(refused) > 0
    await opened.close()


async def test_no_statement_scans_a_table(
    store: StoreTenant, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Asks SQLite for its plan of every statement of the module."""
    statements: set[str] = set()
    do = sql.do

    def noted(connection: Any, step: Any) -> Any:
        statements.add(step.sql)
        return do(connection, step)

    monkeypatch.setattr(sql, "do", noted)
    await store.set_value("run", "a", ttl=seconds(1))
    await store.set_value("run", "b")
    await store.get_value("run", "a")
    await store.keys("run", "a")
    await store.delete_value("run", "b")
    store.clock.advance(1)
    await store.maintain()
    await store.set_value("run", "c")
    await store.delete("run")
    await store.maintain()

    about = [each for each in statements if "scope" in each or " value " in each]
    assert len(about) >= 6
    with closing(apsw.Connection(str(path))) as connection:
        for each in about:
            asked = sql.query(connection, f"EXPLAIN QUERY PLAN {each}", [1] * each.count("?"))
            plan = [str(row[3]) for row in asked]
            assert plan or each.startswith("INSERT"), each
            # A partial index that holds only what is looked for may be walked from its start.
            assert [step for step in plan if "SCAN" in step and "scope_gone" not in step] == []
            assert not any("TEMP B-TREE" in step for step in plan), (each, plan)
