"""Counts what a SQLite store does: statements, rows, and bytes given to the disk.

The statements and rows come from SQLite's own trace, the bytes from a VFS that passes
everything on. Neither depends on how fast the machine is.
"""

# apsw's stubs name Buffer, and Python has that from 3.12 on.
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownParameterType=false

from __future__ import annotations

import os
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import apsw

if TYPE_CHECKING:
    from collections.abc import Generator


@dataclass
class Counts:
    """What has happened since the last `reset`. Read it while the store is idle."""

    statements: list[str] = field(default_factory=list[str])
    written: int = 0
    """Bytes, in the database and its log."""
    syncs: int = 0
    connections: list[apsw.Connection] = field(default_factory=list[apsw.Connection])
    _rows_before: int = 0

    def trace(self, event: dict[str, Any]) -> None:
        self.statements.append(event["sql"])

    @property
    def rows(self) -> int:
        """Rows inserted, updated and deleted."""
        return self._changes() - self._rows_before

    def reset(self) -> None:
        self.statements.clear()
        self.written = self.syncs = 0
        self._rows_before = self._changes()

    def pages(self) -> int:
        """Returns the bytes of the database's pages, as the newest commit left it."""
        sql = "SELECT page_count * page_size FROM pragma_page_count, pragma_page_size"
        return int(self.connections[0].execute(sql).get)

    def _changes(self) -> int:
        return sum(connection.total_changes() for connection in self.connections)


class CountingDisk(apsw.VFS):
    """Registers itself under a name, and passes everything on to the default VFS."""

    def __init__(self, name: str, counts: Counts) -> None:
        super().__init__(name, "")
        self._counts = counts

    def xOpen(  # noqa: N802 - SQLite's name
        self, name: str | apsw.URIFilename | None, flags: list[int]
    ) -> apsw.VFSFile:
        return CountingFile(self._counts, name, flags)


class CountingFile(apsw.VFSFile):
    def __init__(
        self, counts: Counts, name: str | apsw.URIFilename | None, flags: list[int]
    ) -> None:
        super().__init__("", name, flags)
        self._counts = counts

    def xWrite(self, data: Any, offset: int) -> None:  # noqa: N802 - SQLite's name
        self._counts.written += len(data)
        super().xWrite(data, offset)

    def xSync(self, flags: int) -> None:  # noqa: N802 - SQLite's name
        self._counts.syncs += 1
        super().xSync(flags)


@contextmanager
def counting() -> Generator[tuple[str, Counts]]:
    """Counts what every store does that is opened meanwhile on the VFS whose name it gives."""
    counts = Counts()
    disk_name = f"counting-{os.urandom(8).hex()}"
    disk = CountingDisk(disk_name, counts)

    def watch(connection: apsw.Connection) -> None:
        if connection.open_vfs == disk_name:
            connection.trace_v2(apsw.SQLITE_TRACE_STMT, counts.trace)
            counts.connections.append(connection)

    apsw.connection_hooks.append(watch)
    try:
        yield disk_name, counts
    finally:
        apsw.connection_hooks.remove(watch)
        disk.unregister()
