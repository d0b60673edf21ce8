"""`stillframe verify` finds what is wrong with a file, and nothing with one that is sound."""

from __future__ import annotations

import sqlite3
from typing import TYPE_CHECKING

import pytest
from typer.testing import CliRunner, Result

from stillframe.cli.app import app
from stillframe.server.stores import open_store
from stillframe.server.stores.base import StoreConfig
from stillframe.server.stores.sqlite import connection as opening
from tests.conformance.direct import StoreTenant
from tests.conformance.support import Clock, seconds, snapshot

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
async def path(tmp_path: Path) -> Path:
    """A file with everything in it: history, forks, prunes, tombstones, a log with a floor,
    values.
    """
    file = tmp_path / "s.db"
    clock = Clock()
    opened = await open_store(
        f"sqlite:///{file}", StoreConfig(clock=clock, change_log_size=40, tombstone_seconds=1e9)
    )
    store = StoreTenant(opened, "acme", clock)
    for number in range(1, 41):
        variables = {"messages": "a line that an agent says\n" * number, "n": str(number)}
        await store.save("a", snapshot(number, variables=variables, user_id="ann"))
    await store.fork("a", "b", version=30, include_history=True)
    await store.prune("a", 3, 9, 10, 11, 39)
    await store.save("gone", snapshot(1, variables={"v": "x"}))
    await store.delete("gone")
    await store.set_value("a", "counter", b"1", ttl=seconds(60), request_id="r")
    await store.set_value(None, "note", b"of the tenant")
    await StoreTenant(opened, "other", clock).save("a", snapshot(1))
    await store.maintain()
    await opened.close()
    return file


def verify(path: Path, *options: str) -> Result:
    return CliRunner().invoke(app, ["verify", str(path), *options])


def test_a_sound_file_is_sound(path: Path) -> None:
    done = verify(path)
    assert done.exit_code == 0, done.output
    assert ": sound (2 tenants, 3 executions, " in done.stdout
    assert ", 2 values of the working memory)" in done.stdout


async def test_it_runs_beside_a_server(path: Path) -> None:
    store = await open_store(f"sqlite:///{path}")
    assert verify(path).exit_code == 0
    await store.close()


DAMAGES = {
    "DELETE FROM change WHERE id = (SELECT max(id) - 3 FROM change WHERE id < 2 << 40)": "follows a gap",
    "UPDATE entry SET payload = CAST(payload || x'00' AS BLOB) WHERE key = 'n'": "not the one that its digest names",
    "UPDATE entry SET digest = zeroblob(16) WHERE key = 'n'": "not the one that its digest names",
    "UPDATE entry SET form = 1 WHERE key = 'n'": "does not decode",
    "UPDATE entry SET size = size + 1 WHERE key = 'n'": "and its row says",
    "UPDATE entry SET links = 32 WHERE key = 'n'": "32 patches lead to it",
    "UPDATE history SET payload = zeroblob(40) WHERE key = 'messages' AND until = 20": "does not decode",
    "UPDATE history SET base = base - 1 WHERE key = 'messages' AND until = 20": "patch is not",
    "DELETE FROM history WHERE key = 'messages' AND until = 21 AND base": "has not the entries",
    "UPDATE history SET size = size + 1 WHERE key = 'n' AND until = 20": "and its row says",
    "UPDATE change SET mark = x'00' WHERE version = 20": "or its mark is not one",
    "UPDATE change SET kind = 9 WHERE version = 20": "its kind 9",
    "UPDATE change SET header = x'ff' WHERE version = 40": "does not decode",
    "UPDATE change SET version = 99 WHERE version = 20 AND id > 0": "and its newest is",
    "UPDATE change SET entry_count = 7 WHERE version = 20": "has not the entries",
    "UPDATE execution SET head_id = head_id - 1 WHERE name = 'a' AND tenant_id = 1": "its head",
    "UPDATE execution SET user_id = 'bob' WHERE name = 'a'": "what its row says",
    "UPDATE execution SET answers = x'00' WHERE name = 'a'": "its answers do not decode",
    "DELETE FROM execution WHERE name = 'b'": "belong to no execution",
    "INSERT INTO garbage SELECT content_id FROM execution WHERE name = 'b'": "to be freed as garb",
    "UPDATE execution SET answers = 'text' WHERE name = 'a'": "the check ended early",
    "UPDATE entry SET key = CAST(x'ff' AS TEXT) WHERE key = 'n'": "the check ended early",
    "INSERT INTO change SELECT id + 100, mark, kind, content_id, 77, entry_count, entries_size,"
    " NULL, header, before FROM change WHERE version = 40": "after its head",
    "INSERT INTO history SELECT NULL, content_id, map, 'x', 12, 10, 0, NULL, 0, size, digest,"
    " payload FROM history WHERE key = 'n' AND form = 0 LIMIT 1": "no sweep will free it",
    "UPDATE tenant SET floor = floor - 1 WHERE name = 'acme'": "follows a gap",
    "UPDATE value SET data = x'32' WHERE key = 'counter'": "execution 'a': value 'counter' is not",
    "UPDATE value SET data = x'32' WHERE key = 'note'": "tenant 'acme': value 'note' is not what",
    "UPDATE value SET expire_at = commit_time WHERE key = 'counter'": "its mark or its times",
    "UPDATE value SET mark = x'00' WHERE key = 'note'": "its mark or its times",
    "UPDATE value SET body = x'' WHERE key = 'counter'": "its request_id does not decode",
    "DELETE FROM value WHERE key = 'note'": "of the working memory is empty",
    "DELETE FROM scope WHERE name = 'a'": "1 values of the working memory belong to no scope",
    "UPDATE scope SET tenant_id = 9 WHERE name = 'a'": "belongs to no tenant",
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_damage_is_named(path: Path, damage: str) -> None:
    connection = sqlite3.connect(path)
    assert connection.execute(damage).rowcount > 0
    connection.commit()
    connection.close()
    done = verify(path)
    assert done.exit_code == 10, done.output
    assert DAMAGES[damage] in done.stdout


def test_pages_that_are_damaged_are_told(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[8 * 4096 : 12 * 4096] = b"\xff" * (4 * 4096)
    path.write_bytes(data)
    done = verify(path, "--json")
    assert done.exit_code == 10
    assert '"problems": ["SQLite: ' in done.stdout


def test_what_is_not_a_store_is_refused(tmp_path: Path) -> None:
    missing = verify(tmp_path / "missing.db")
    assert (missing.exit_code, missing.stdout) == (2, "")
    other = tmp_path / "other.db"
    with sqlite3.connect(other) as connection:
        connection.execute("CREATE TABLE theirs (x)")
    done = verify(other)
    assert done.exit_code == 2
    assert "is not a store of Stillframe" in done.stderr
    text = tmp_path / "text"
    text.write_text("no database")
    assert verify(text).exit_code == 2


def test_another_schema_is_refused(path: Path) -> None:
    newest = max(version for version, _ in opening.migrations())
    with sqlite3.connect(path) as connection:
        connection.execute(f"PRAGMA user_version = {newest + 1}")
    done = verify(path)
    assert done.exit_code == 2
    assert f"has schema {newest + 1}" in done.stderr
