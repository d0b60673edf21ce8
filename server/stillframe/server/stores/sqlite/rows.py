"""How rows read as the store's types, for reading and writing alike."""

# apsw's stubs name Buffer, and Python has that from 3.12 on.
# pyright: reportUnknownMemberType=false

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

from stillframe.server.stores.execution import Answers, Execution
from stillframe.server.stores.records import EntryInfo, EntryKey, Head
from stillframe.v1.snapshot_pb2 import ExecutionSnapshot

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    import apsw

REVISION_BITS = 40
"""change.id = tenant.id * 2^40 + revision: the log of a tenant is one range of rows, and a
revision is found without an index of its own."""

MAX_KEYS_ASKED = 500
"""Keys that one statement asks for; beyond it all are read."""

HEAD_COLUMNS = "change.header, change.mark, change.entry_count, change.entries_size"


def query(
    connection: apsw.Connection, sql: str, values: Sequence[Any] | dict[str, Any] = ()
) -> Iterator[tuple[Any, ...]]:
    """Yields the rows of a statement, as the schema types their columns."""
    return cast("Iterator[tuple[Any, ...]]", connection.execute(sql, values))


def first(
    connection: apsw.Connection, sql: str, values: Sequence[Any] | dict[str, Any] = ()
) -> tuple[Any, ...] | None:
    """Returns the first row of a statement, or None."""
    return next(query(connection, sql, values), None)


def change_id(tenant: int, revision: int) -> int:
    return (tenant << REVISION_BITS) + revision


def revision_of(change: int) -> int:
    return change & ((1 << REVISION_BITS) - 1)


def tenant_row(connection: apsw.Connection, name: str) -> tuple[int, int] | None:
    """Returns a tenant's id and its log's floor."""
    row = first(connection, "SELECT id, floor FROM tenant WHERE name = ?", (name,))
    return (row[0], row[1]) if row else None


def newest(connection: apsw.Connection, tenant: int) -> tuple[int, bytes, bytes] | None:
    """Returns revision, mark and header of a tenant's newest change."""
    row = first(
        connection,
        "SELECT id, mark, header FROM change WHERE id BETWEEN ? AND ? ORDER BY id DESC LIMIT 1",
        (change_id(tenant, 0), change_id(tenant + 1, 0) - 1),
    )
    return (revision_of(row[0]), row[1], row[2]) if row else None


def head_of(
    header: bytes, mark: bytes, entry_count: int, entries_size: int, expire_at: int | None = None
) -> Head:
    message = ExecutionSnapshot.FromString(header)
    return Head(message, mark.hex(), entry_count, entries_size, expire_at)


@dataclass(frozen=True, slots=True)
class StoredContent:
    """The entries of one version of one content: a projection.Content."""

    connection: apsw.Connection
    content_id: int
    version: int | None
    """None is the head, whose entries all stand in one table."""

    def _rows(
        self, columns: str, condition: str = "", *values: object
    ) -> Iterator[tuple[Any, ...]]:
        # The head's entries are one range of an index, in the order of keys.
        sql = f"SELECT map, key, {columns} FROM entry WHERE content_id = ?{condition}"
        asked = (self.content_id, *values)
        if self.version is None:
            return query(self.connection, f"{sql} ORDER BY map, key", asked)
        old = f"SELECT map, key, {columns} FROM history WHERE content_id = ?{condition}"
        return query(
            self.connection,
            f"{sql} AND since <= ? UNION ALL {old} AND until > ? AND since <= ? ORDER BY 1, 2",
            (*asked, self.version, *asked, self.version, self.version),
        )

    def _rows_of(self, keys: Iterable[EntryKey], columns: str) -> Iterator[tuple[Any, ...]]:
        for key in keys:
            yield from self._rows(columns, " AND map = ? AND key = ?", *key)

    def sizes(self) -> Iterator[tuple[EntryKey, int]]:
        # length() of a blob reads its row's head, not its overflow pages.
        for name, key, size in self._rows("length(payload)"):
            yield EntryKey(name, key), size

    def payloads(self, chosen: set[EntryKey] | None) -> list[tuple[EntryKey, bytes]]:
        found_rows: Iterable[tuple[Any, ...]]
        if chosen is not None and len(chosen) <= MAX_KEYS_ASKED:
            found_rows = self._rows_of(sorted(chosen), "payload")
        else:
            found_rows = self._rows("payload")
        found = ((EntryKey(name, key), payload) for name, key, payload in found_rows)
        return [(key, payload) for key, payload in found if chosen is None or key in chosen]

    def infos(self, keys: Iterable[EntryKey] | None) -> Mapping[EntryKey, EntryInfo]:
        """Returns digest and size of these entries, or of all of them."""
        columns = "digest, length(payload)"
        asked = None if keys is None else list(keys)
        found_rows: Iterable[tuple[Any, ...]]
        if asked is not None and len(asked) <= MAX_KEYS_ASKED:
            found_rows = self._rows_of(asked, columns)
        else:
            found_rows = self._rows(columns)
        found = {EntryKey(m, k): EntryInfo(digest, size) for m, k, digest, size in found_rows}
        if asked is None:
            return found
        wanted = set(asked)
        return {key: info for key, info in found.items() if key in wanted}


@dataclass(slots=True)
class ExecutionRow:
    """A row of `execution` with what the rules hold of it."""

    id: int | None
    content_id: int | None
    execution: Execution


def execution_row(connection: apsw.Connection, tenant: int, name: str) -> ExecutionRow | None:
    row = first(
        connection,
        "SELECT execution.id, execution.content_id, last_version, epoch_floor, answers,"
        f" {HEAD_COLUMNS}, expire_at"
        " FROM execution LEFT JOIN change ON change.id = execution.head_id"
        " WHERE execution.tenant_id = ? AND execution.name = ?",
        (tenant, name),
    )
    if row is None:
        return None
    row_id, content_id, last_version, epoch_floor, answers, *head = row
    return ExecutionRow(
        row_id,
        content_id,
        Execution(
            name,
            None if content_id is None else head_of(*head),
            last_version,
            epoch_floor,
            Answers(answers),
        ),
    )
