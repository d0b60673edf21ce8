"""Checks a whole file: what `stillframe verify` says of it.

Reads one snapshot of the file, beside a server if one has it open, and writes nothing.
"""

# apsw's stubs name Buffer, and Python has that from 3.12 on.
# pyright: reportUnknownMemberType=false

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

import apsw
from google.protobuf.message import DecodeError

from stillframe.server.stores import patches
from stillframe.server.stores.base import StoreOpenError
from stillframe.server.stores.execution import Answers
from stillframe.server.stores.patches import DamagedError
from stillframe.server.stores.records import EntryKey
from stillframe.server.stores.rules.save import entries_size
from stillframe.server.stores.sql.content import PastContent
from stillframe.server.stores.sql.history import FIRST_KEY, Chains, Past, next_key
from stillframe.server.stores.sql.rows import change_id, revision_of
from stillframe.server.stores.sqlite import connection as opening
from stillframe.server.stores.sqlite import rows, verifying_values
from stillframe.v1.snapshot_pb2 import ExecutionSnapshot
from stillframe.v1.snapshot_service_pb2 import ChangeKind

if TYPE_CHECKING:
    from collections.abc import Iterator

MAX_PROBLEMS = 1_000
"""Problems that are told; a file with more is not worth a longer list."""


@dataclass
class Report:
    """What was looked at, and what is wrong."""

    tenants: int = 0
    executions: int = 0
    tombstones: int = 0
    snapshots: int = 0
    changes: int = 0
    values: int = 0
    patches: int = 0
    memory_values: int = 0
    """Values of the working memory; `values` are those of snapshots."""
    problems: list[str] = field(default_factory=list[str])

    @property
    def is_sound(self) -> bool:
        return not self.problems


def verify(path: str) -> Report:
    """Checks a file. Raises StoreOpenError for one that is not a store of this version."""
    if not Path(path).is_file():
        raise StoreOpenError(f"{path} is not a file")
    connection = _open(path)
    check = _Check(connection)
    try:
        for problem in islice(check.run(), MAX_PROBLEMS):
            check.report.problems.append(problem)
    except (apsw.Error, TypeError, ValueError) as error:
        # What cannot even be read, such as bytes that should be text: what was found
        # before it is worth telling.
        check.report.problems.append(f"the check ended early: {type(error).__name__}: {error}")
    finally:
        connection.close(force=True)
    return check.report


def _open(path: str) -> apsw.Connection:
    try:
        connection = apsw.Connection(path, flags=apsw.SQLITE_OPEN_READONLY)
        connection.set_busy_timeout(5_000)
        connection.execute("BEGIN")
        application = int(connection.execute("PRAGMA application_id").get)
        schema = int(connection.execute("PRAGMA user_version").get)
    except apsw.Error as error:
        raise StoreOpenError(f"{path} cannot be read: {error}") from error
    newest = max(version for version, _ in opening.migrations())
    if application != opening.APPLICATION_ID:
        raise StoreOpenError(f"{path} is not a store of Stillframe")
    if schema != newest:
        raise StoreOpenError(f"{path} has schema {schema}, and this version checks {newest}")
    return connection


class _Check:
    """Walks the tables; each method yields what it finds wrong, in words."""

    def __init__(self, connection: apsw.Connection) -> None:
        self._connection = connection
        self.report = Report()

    def run(self) -> Iterator[str]:
        yield from self._pages()
        for tenant, name, floor in rows.query(
            self._connection, "SELECT id, name, floor FROM tenant ORDER BY id"
        ):
            self.report.tenants += 1
            yield from self._log(tenant, f"tenant {name!r}", floor)
            yield from self._executions(tenant, f"tenant {name!r}")
        yield from self._orphans()
        yield from self._working_memory()

    def _working_memory(self) -> Iterator[str]:
        for problem in verifying_values.check(self._connection):
            if problem is None:
                self.report.memory_values += 1
            else:
                yield problem

    def _pages(self) -> Iterator[str]:
        for (line,) in rows.query(self._connection, "PRAGMA integrity_check"):
            if line != "ok":
                yield f"SQLite: {line}"

    def _log(self, tenant: int, where: str, floor: int) -> Iterator[str]:
        """The change log: no gap above the floor, times that rise, rows that agree."""
        expected = floor
        time = 0
        for row_id, content_id, mark, kind, data in rows.query(
            self._connection,
            "SELECT id, content_id, mark, kind, header FROM change"
            " WHERE id >= ? AND id < ? ORDER BY id",
            (change_id(tenant, 0), change_id(tenant + 1, 0)),
        ):
            self.report.changes += 1
            revision = revision_of(row_id)
            at = f"{where}: revision {revision}"
            if revision >= floor:
                if revision != expected:
                    yield f"{at} follows a gap"
                expected = revision + 1
            elif content_id is None:
                yield f"{at} is below the log's floor {floor} and no version's header"
            header = _header(data)
            if header is None:
                yield f"{at}: its header does not decode"
                continue
            if kind not in ChangeKind.values() or len(mark) != 8:
                yield f"{at}: its kind {kind} or its mark is not one"
            commit_time = header.commit_time.ToNanoseconds()
            if commit_time <= time:
                yield f"{at} was not committed after the one below it"
            time = commit_time
        if expected == floor > 1:
            yield f"{where}: the log is empty and its floor is {floor}"

    def _executions(self, tenant: int, where: str) -> Iterator[str]:
        for name, answers, content_id, head_id, last_version, state, user_id, parent in rows.query(
            self._connection,
            "SELECT name, answers, content_id, head_id, last_version, state, user_id, parent_name"
            " FROM execution WHERE tenant_id = ? ORDER BY name",
            (tenant,),
        ):
            at = f"{where}: execution {name!r}"
            if not Answers(answers).are_whole():
                yield f"{at}: its answers do not decode"
            if content_id is None:
                self.report.tombstones += 1
                if head_id is not None:
                    yield f"{at}: a tombstone has a head"
                continue
            self.report.executions += 1
            row = rows.first(
                self._connection,
                "SELECT content_id, version, header FROM change WHERE id = ?",
                (head_id,),
            )
            newest = rows.first(
                self._connection,
                "SELECT max(version) FROM change WHERE content_id = ?",
                (content_id,),
            )
            header = _header(row[2]) if row else None
            if row is None or header is None or row[0] != content_id:
                yield f"{at}: its head is not in the change log"
                continue
            if newest is None or not row[1] == newest[0] == last_version:
                yield f"{at}: its head has version {row[1]}, and its newest is {newest}"
            columns = (state, user_id, parent)
            if header.execution_id != name or columns != _indexed(header):
                yield f"{at}: what its row says is not what its head says"
            yield from self._newest_record(tenant, content_id, head_id, at)
            yield from self._content(content_id, at)

    def _newest_record(self, tenant: int, content_id: int, head_id: int, at: str) -> Iterator[str]:
        """The log against the head: no later record of the same content."""
        later = rows.first(
            self._connection,
            "SELECT id FROM change WHERE content_id = ? AND id > ? AND id < ?",
            (content_id, head_id, change_id(tenant + 1, 0)),
        )
        if later is not None:
            yield f"{at}: the log has revision {revision_of(later[0])} after its head"

    def _content(self, content_id: int, at: str) -> Iterator[str]:
        """The values of one execution: digests, chains, and the totals of each version."""
        for map_, key, stored, size, links, form, data in rows.query(
            self._connection,
            "SELECT map, key, digest, size, links, form, payload FROM entry WHERE content_id = ?"
            " ORDER BY map, key",
            (content_id,),
        ):
            self.report.values += 1
            where = f"{at}: {_entry(map_, key)}"
            try:
                value = patches.check(patches.unpack(form, data), stored)
            except DamagedError as error:
                yield f"{where}: {error}"
            else:
                if len(value) != size:
                    yield f"{where} has {len(value)} bytes, and its row says {size}"
            if not 0 <= links <= patches.MAX_LINKS:
                yield f"{where}: its row says that {links} patches lead to it"
        chains = Chains(content_id)
        entry = FIRST_KEY
        while (found := rows.run(self._connection, next_key(content_id, entry))) is not None:
            entry = found
            # From the newest on, each is decoded with the one before it at hand.
            for past in reversed(rows.run(self._connection, chains.of(entry))):
                yield from self._past(chains, past, content_id, at)
        for version, count, size in rows.query(
            self._connection,
            "SELECT version, entry_count, entries_size FROM change WHERE content_id = ?"
            " ORDER BY version",
            (content_id,),
        ):
            self.report.snapshots += 1
            content = PastContent(content_id, version, chains)
            infos = rows.run(self._connection, content.infos(None))
            if (len(infos), entries_size(infos.items())) != (count, size):
                yield f"{at}: version {version} has not the entries that it was saved with"

    def _past(self, chains: Chains, past: Past, content_id: int, at: str) -> Iterator[str]:
        where = f"{at}: {_entry(*past.entry)} of versions {past.since} to {past.until - 1}"
        self.report.values += 1
        self.report.patches += past.base is not None
        if not past.since < past.until:
            yield f"{where}: no version has it"
        elif not self._is_needed(past, content_id):
            yield f"{where}: no version has it, and no sweep will free it"
        if past.link > patches.MAX_LINKS:
            yield f"{where}: {past.link} patches stand in a row"
        try:
            value = rows.run(self._connection, chains.value(past))
        except DamagedError as error:
            yield f"{where}: {error}"
        else:
            if len(value) != past.size:
                yield f"{where}: it has {len(value)} bytes, and its row says {past.size}"

    def _is_needed(self, past: Past, content_id: int) -> bool:
        row = rows.first(
            self._connection,
            "SELECT 1 FROM change WHERE content_id = ?1 AND version >= ?2 AND version < ?3"
            " UNION ALL SELECT 1 FROM sweep WHERE content_id = ?1",
            (content_id, past.since, past.until),
        )
        return row is not None

    def _orphans(self) -> Iterator[str]:
        for (name,) in rows.query(
            self._connection,
            "SELECT name FROM execution WHERE content_id IN (SELECT content_id FROM garbage)",
        ):
            yield f"execution {name!r} exists, and its content is to be freed as garbage"
        for table in ("entry", "history", "change"):
            for content_id, count in rows.query(
                self._connection,
                f"SELECT content_id, count(*) FROM {table} WHERE content_id IS NOT NULL"
                " AND content_id NOT IN"
                " (SELECT content_id FROM execution WHERE content_id IS NOT NULL)"
                " AND content_id NOT IN (SELECT content_id FROM garbage) GROUP BY content_id",
            ):
                yield f"{count} rows of {table} belong to no execution (content {content_id})"


def _header(data: bytes) -> ExecutionSnapshot | None:
    try:
        return ExecutionSnapshot.FromString(data)
    except DecodeError:
        return None


def _indexed(header: ExecutionSnapshot) -> tuple[int | None, str | None, str | None]:
    return (
        header.state or None,
        header.user_id if header.HasField("user_id") else None,
        header.parent_execution_id if header.HasField("parent_execution_id") else None,
    )


def _entry(map_: int, key: str) -> str:
    entry = EntryKey(map_, key)  # type: ignore[arg-type]
    return f"{'step output' if entry.map == 1 else 'variable'} {key!r}"
