"""Forks: copies an execution up to a snapshot, as patches where it has patches."""

# apsw's stubs name Buffer, and Python has that from 3.12 on.
# pyright: reportUnknownMemberType=false

from __future__ import annotations

from bisect import bisect_left
from itertools import count
from typing import TYPE_CHECKING

from stillframe.server.stores import patches, refusals
from stillframe.server.stores.sqlite import commits, read, rows
from stillframe.server.stores.sqlite.history import FIRST_KEY, Chains, next_key
from stillframe.server.stores.sqlite.rows import HEAD_COLUMNS
from stillframe.v1.snapshot_service_pb2 import CHANGE_KIND_SAVED as SAVED
from stillframe.v1.snapshot_service_pb2 import ForkExecutionResponse

if TYPE_CHECKING:
    from collections.abc import Iterator

    import apsw

    from stillframe.server.stores import rules
    from stillframe.server.stores.records import Head
    from stillframe.server.stores.sqlite.commits import Commits, TenantState
    from stillframe.server.stores.sqlite.history import Past
    from stillframe.server.stores.sqlite.rows import ExecutionRow
    from stillframe.v1.snapshot_service_pb2 import SnapshotSelector


def fork(connection: apsw.Connection, shared: Commits, asked: rules.Fork) -> ForkExecutionResponse:
    """Commits a fork. Runs in the writer's thread, in a transaction."""
    request = asked.request
    tenant = shared.tenant(connection, request.tenant_id)
    row = shared.row(connection, tenant, request.new_execution_id)
    source = _Source(shared, connection, tenant, request.execution_id)
    chosen = asked.decide(row.execution, source)
    if isinstance(chosen, ForkExecutionResponse):
        return chosen
    numbers = source.versions(chosen, with_history=request.include_history)
    copy = _Copy(connection, source.content_id, numbers, row.execution.last_version)
    revision, mark, commit_time = shared.next_commit(tenant)
    row.content_id = rows.change_id(tenant.id, revision)
    for row_id, number in zip(_free_ids(connection), numbers[:-1], strict=False):
        inherited = asked.inherited(
            source.version(number), copy.number(number), revision, commit_time
        )
        commits.write_change(connection, tenant.id, inherited, SAVED, row.content_id, None, row_id)
    copy.entries(row.content_id, source.head, chosen)
    copy.history(row.content_id)
    head = asked.new_head(chosen, copy.number(chosen.version), revision, mark, commit_time)
    commits.write_change(connection, tenant.id, head, SAVED, row.content_id, None)
    row.execution.head = head
    row.execution.last_version = head.version
    if tenant.executions is not None:
        tenant.executions += 1
    response = asked.answer(row.execution, head, len(numbers))
    shared.keep(connection, tenant, row)
    return response


def _free_ids(connection: apsw.Connection) -> Iterator[int]:
    """Yields ids of header rows that are outside of the change log: below zero."""
    row = rows.first(connection, "SELECT min(id) FROM change")
    lowest = row[0] if row and row[0] else 0
    return count(min(lowest, 0) - 1, -1)


class _Source:
    """The execution that is forked: a rules.fork.Source."""

    def __init__(
        self, shared: Commits, connection: apsw.Connection, tenant: TenantState, name: str
    ) -> None:
        self._commits, self._connection, self._tenant = shared, connection, tenant
        self._row: ExecutionRow = shared.row(connection, tenant, name)

    @property
    def head(self) -> Head:
        if self._row.execution.head is None:
            raise refusals.execution_not_found(self._row.execution.execution_id)
        return self._row.execution.head

    @property
    def content_id(self) -> int:
        if self._row.content_id is None:
            raise refusals.execution_not_found(self._row.execution.execution_id)
        return self._row.content_id

    def select(self, selector: SnapshotSelector) -> Head | None:
        return read.select(self._connection, self.head, self.content_id, selector)

    def at_quota(self) -> bool:
        return self._commits.at_quota(self._connection, self._tenant)

    def versions(self, chosen: Head, *, with_history: bool) -> list[int]:
        """Returns the versions that the fork takes, in their order."""
        if not with_history:
            return [chosen.version]
        sql = "SELECT version FROM change WHERE content_id = ? AND version <= ? ORDER BY version"
        values = (self.content_id, chosen.version)
        return [number for (number,) in rows.query(self._connection, sql, values)]

    def version(self, number: int) -> Head:
        sql = f"SELECT {HEAD_COLUMNS} FROM change WHERE content_id = ? AND version = ?"
        [row] = rows.query(self._connection, sql, (self.content_id, number))
        return rows.head_of(*row)


class _Copy:
    """Copies values of a content to another, whose versions are numbered anew.

    `numbers` are the versions that are copied, the new head's last.
    """

    def __init__(
        self, connection: apsw.Connection, content_id: int, numbers: list[int], last_version: int
    ) -> None:
        self._connection = connection
        self._chains = Chains(connection, content_id)
        self._content_id = content_id
        self._last_version = last_version
        self.numbers = numbers

    def number(self, version: int) -> int:
        """Returns the new number of the first copied version from this one on."""
        return self._last_version + 1 + bisect_left(self.numbers, version)

    def entries(self, content_id: int, head: Head, chosen: Head) -> None:
        """Writes what the new head has."""
        content = read.content_of(self._connection, self._content_id, chosen, head)
        self._connection.executemany(
            "INSERT INTO entry (content_id, map, key, since, digest, payload)"
            " VALUES (?, ?, ?, ?, ?, ?)",
            (
                (
                    content_id,
                    *value.entry,
                    self.number(value.since),
                    value.info.digest,
                    value.payload,
                )
                for value in content.values()
            ),
        )

    def history(self, content_id: int) -> None:
        """Writes the values that copied versions have and the new head has not."""
        entry = FIRST_KEY
        while (found := next_key(self._connection, self._content_id, entry)) is not None:
            entry = found
            # What ended at the first version, or after the last, no copied history needs.
            for past in self._chains.of(entry, self.numbers[0]):
                if past.until > self.numbers[-1]:
                    break
                if self.number(past.since) < self.number(past.until):
                    self._past(content_id, past)

    def _past(self, content_id: int, past: Past) -> None:
        form, base, link, payload = self._payload(past)
        self._connection.execute(
            "INSERT INTO history (content_id, map, key, until, since, form, base, link, size,"
            " digest, payload) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                content_id,
                *past.entry,
                self.number(past.until),
                self.number(past.since),
                form,
                base,
                link,
                past.size,
                past.digest,
                payload,
            ),
        )

    def _payload(self, past: Past) -> tuple[int, int | None, int, bytes]:
        if past.base is None or self._is_copied(past, past.base):
            sql = (
                "SELECT payload FROM history"
                " WHERE content_id = ? AND map = ? AND key = ? AND until = ?"
            )
            values = (self._content_id, *past.entry, past.until)
            [(payload,)] = rows.query(self._connection, sql, values)
            base = None if past.base is None else self.number(past.base)
            return past.form, base, past.link, payload
        # It is against a value that waits for its sweep, and is not copied.
        packed = patches.pack(self._chains.value(past))
        return int(packed.form), None, 0, packed.data

    def _is_copied(self, past: Past, base: int) -> bool:
        """Tells whether a copied version has the value that a patch is against."""
        end = self.numbers[-1] + 1
        following = next(self._chains.of(past.entry, base), None)
        if following is not None and following.since == base:
            end = min(end, following.until)
        start = bisect_left(self.numbers, base)
        return start < len(self.numbers) and self.numbers[start] < end
