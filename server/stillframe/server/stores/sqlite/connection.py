"""Opens SQLite files: durable settings, schema migrations, one server a file."""

# apsw's stubs name Buffer, and Python has that from 3.12 on.
# pyright: reportUnknownMemberType=false

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, urlsplit

import apsw
from filelock import FileLock, Timeout

from stillframe.server.stores.base import StoreOpenError, UnknownStoreError
from stillframe.server.stores.marks import new_mark
from stillframe.server.stores.sql import schema

if TYPE_CHECKING:
    from collections.abc import Iterator

# "Stlf": `file` and others can tell the file from another program's.
APPLICATION_ID = 0x53746C66

BUSY_MILLISECONDS = 5_000
"""How long a transaction waits for another program that writes to the file."""

LOG_PAGES = 4_096
"""Of the WAL, before it is brought into the file: 16 MiB. Pages that many commits write go
there once for all of them."""


def parse_url(url: str) -> tuple[str, str | None]:
    """Returns the path and the VFS that a URL names.

    `sqlite:///relative.db` or `sqlite:////absolute.db`, with `?vfs=NAME` for a VFS that
    the process has registered.
    """
    parts = urlsplit(url)
    options = dict(parse_qsl(parts.query))
    path = parts.path.removeprefix("/")
    if parts.scheme != "sqlite" or parts.netloc or not path or options.keys() - {"vfs"}:
        raise UnknownStoreError(f"{url!r} is not sqlite:///relative.db or sqlite:////absolute.db")
    return path, options.get("vfs")


def lock(path: str) -> FileLock:
    """Takes the file for this server. The lock ends with the process, whatever its end."""
    if not Path(path).absolute().parent.is_dir():
        raise StoreOpenError(f"{path} cannot be opened: its folder does not exist")
    held = FileLock(f"{path}.lock")
    try:
        held.acquire(timeout=0)
    except Timeout:
        raise StoreOpenError(f"{path} is open in another server") from None
    except OSError as error:
        raise StoreOpenError(f"{path} cannot be opened: {error}") from error
    return held


def connect(path: str, vfs: str | None, *, read_only: bool = False) -> apsw.Connection:
    """Opens a connection. What a writer commits is on the disk when COMMIT returns."""
    try:
        connection = apsw.Connection(path, vfs=vfs)
        connection.set_busy_timeout(BUSY_MILLISECONDS)
        # The page size counts for new files alone. Measured at one commit a step: pages
        # of 4 KiB write half of what pages of 16 KiB do (DESIGN section 8).
        connection.execute("PRAGMA page_size = 4096")
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("PRAGMA cache_size = -32768")
        connection.execute(f"PRAGMA wal_autocheckpoint = {LOG_PAGES}")
        if read_only:
            connection.execute("PRAGMA query_only = ON")
    except apsw.Error as error:
        raise StoreOpenError(f"{path} cannot be opened: {error}") from error
    return connection


def migrations() -> Iterator[tuple[int, str]]:
    """Yields the schema's steps in order: what version each leads to, and its SQL."""
    return schema.migrations("stillframe.server.stores.sqlite")


def migrate(connection: apsw.Connection) -> None:
    """Brings the schema forward, each step in a transaction of its own.

    Raises StoreOpenError for a file of another program, and for a newer schema, which
    this server would damage.
    """
    try:
        _migrate(connection)
    except apsw.Error as error:
        raise StoreOpenError(f"{connection.filename} cannot be opened: {error}") from error


def _migrate(connection: apsw.Connection) -> None:
    current = int(connection.execute("PRAGMA user_version").get)
    application = int(connection.execute("PRAGMA application_id").get)
    tables = int(connection.execute("SELECT count(*) FROM sqlite_schema").get)
    if application != APPLICATION_ID and (tables or current):
        raise StoreOpenError(f"{connection.filename} is a database of another program")
    steps = list(migrations())
    if current > steps[-1][0]:
        raise StoreOpenError(
            f"{connection.filename} has schema {current}, and this server knows up to "
            f"{steps[-1][0]}: use a newer server"
        )
    for version, sql in steps:
        if version <= current:
            continue
        with connection:
            connection.execute(sql)
            if version == 1:
                connection.execute(
                    "INSERT INTO store (origin_mark) VALUES (?)", (bytes.fromhex(new_mark()),)
                )
            connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
            connection.execute(f"PRAGMA user_version = {version}")
