"""What commits write. Everything here runs in the writer's thread, in a transaction."""

# apsw's stubs name Buffer, and Python has that from 3.12 on.
# pyright: reportUnknownMemberType=false

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from stillframe.server.stores import marks, projection, refusals, rules
from stillframe.server.stores.execution import Execution
from stillframe.server.stores.filters import filter_fields
from stillframe.server.stores.records import Claimed
from stillframe.server.stores.sqlite import rows
from stillframe.server.stores.sqlite.rows import ExecutionRow, StoredContent
from stillframe.v1 import snapshot_service_pb2
from stillframe.v1.snapshot_pb2 import ExecutionSnapshot
from stillframe.v1.snapshot_service_pb2 import DeleteExecutionResponse

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    import apsw

    from stillframe.server.stores.base import StoreConfig
    from stillframe.server.stores.projection import Selection
    from stillframe.server.stores.records import EntryInfo, EntryKey, Head
    from stillframe.v1.snapshot_service_pb2 import ChangeKind, SaveSnapshotResponse


@dataclass(slots=True)
class TenantState:
    """A tenant as the newest commit left it."""

    name: str
    id: int
    revision: int
    commit_time: int
    executions: int | None = None
    """How many there are; counted when a quota first asks."""


class Writer:
    """The one writer of a file: applies saves, claims and deletes to the tables.

    It remembers where each tenant is; `forget` after a rollback.
    """

    def __init__(self, config: StoreConfig) -> None:
        self._config = config
        self._tenants: dict[str, TenantState] = {}
        self.touched: set[str] = set()
        """Tenants with a new revision since the owner last looked."""

    def forget(self) -> None:
        self._tenants.clear()
        self.touched.clear()

    def save(self, connection: apsw.Connection, save: rules.Save) -> SaveSnapshotResponse:
        request = save.request
        tenant = self._tenant(connection, request.tenant_id)
        row = self._row(connection, tenant, request.execution_id)
        execution = row.execution
        floor = execution.epoch_floor
        try:
            decision = save.decide(execution, _Entries(self, connection, tenant, row))
        except refusals.Refusal:
            if execution.epoch_floor != floor:
                self._keep(connection, tenant, row)
            raise
        if isinstance(decision, rules.Unwritten):
            self._unwritten(connection, tenant, row, save, decision)
            return decision.response
        before = execution.head
        revision, mark, commit_time = self._next_commit(tenant)
        head = save.new_head(execution, decision, revision, mark, commit_time)
        if row.content_id is None:
            row.content_id = rows.change_id(tenant.id, revision)
        self._write_entries(connection, row.content_id, head.version, save, decision)
        execution.head = head
        execution.last_version = head.version
        _write_change(
            connection,
            tenant.id,
            head,
            snapshot_service_pb2.CHANGE_KIND_SAVED,
            row.content_id,
            filter_fields(before.header) if before else None,
        )
        if before is None and tenant.executions is not None:
            tenant.executions += 1
        response = save.answer(execution, head, created=before is None)
        self._keep(connection, tenant, row)
        return response

    def claim(
        self,
        connection: apsw.Connection,
        tenant_id: str,
        execution_id: str,
        selection: Selection,
        *,
        allow_missing: bool,
    ) -> Claimed:
        tenant = self._tenant(connection, tenant_id)
        row = self._row(connection, tenant, execution_id)
        head = row.execution.head
        if head is None and not allow_missing:
            raise refusals.execution_not_found(execution_id)
        epoch = row.execution.claim()
        self._keep(connection, tenant, row)
        if head is None or row.content_id is None:
            return Claimed(epoch, None)
        content = StoredContent(connection, row.content_id, None)
        return Claimed(epoch, projection.read(head, content, selection))

    def delete(self, connection: apsw.Connection, delete: rules.Delete) -> DeleteExecutionResponse:
        request = delete.request
        tenant = self._tenant(connection, request.tenant_id)
        row = self._row(connection, tenant, request.execution_id)
        floor = row.execution.epoch_floor
        try:
            decision = delete.decide(row.execution)
        except refusals.Refusal:
            if row.execution.epoch_floor != floor:
                self._keep(connection, tenant, row)
            raise
        if isinstance(decision, DeleteExecutionResponse):
            if request.request_id or row.execution.epoch_floor != floor:
                self._keep(connection, tenant, row)
            return decision
        kind = snapshot_service_pb2.CHANGE_KIND_DELETED
        revision, mark = self._bury(connection, tenant, row, decision, kind)
        answer = delete.answer(row.execution, revision, mark)
        self._keep(connection, tenant, row)
        return answer

    def expire(self, connection: apsw.Connection, limit: int) -> int:
        """Commits the end of executions whose time has come; returns how many."""
        due = list(
            rows.query(
                connection,
                "SELECT tenant.name, execution.name FROM execution"
                " JOIN tenant ON tenant.id = execution.tenant_id"
                " WHERE expire_at <= ? ORDER BY expire_at LIMIT ?",
                (self._config.clock(), limit),
            )
        )
        for tenant_id, name in due:
            tenant = self._tenant(connection, tenant_id)
            row = self._row(connection, tenant, name)
            if row.execution.head is not None:
                kind = snapshot_service_pb2.CHANGE_KIND_EXPIRED
                self._bury(connection, tenant, row, row.execution.head, kind)
                self._keep(connection, tenant, row)
        return len(due)

    def _bury(
        self,
        connection: apsw.Connection,
        tenant: TenantState,
        row: ExecutionRow,
        head: Head,
        kind: ChangeKind.ValueType,
    ) -> tuple[int, str]:
        """Commits the end of an execution; its content becomes garbage."""
        revision, mark, commit_time = self._next_commit(tenant)
        gone = replace(head, header=rules.deleted_header(head, revision, commit_time), mark=mark)
        before = filter_fields(head.header)
        _write_change(connection, tenant.id, gone, kind, None, before)
        connection.execute("INSERT INTO garbage (content_id) VALUES (?)", (row.content_id,))
        row.content_id = None
        row.execution.head = None
        if tenant.executions is not None:
            tenant.executions -= 1
        return revision, mark

    def _unwritten(
        self,
        connection: apsw.Connection,
        tenant: TenantState,
        row: ExecutionRow,
        save: rules.Save,
        decision: rules.Unwritten,
    ) -> None:
        head = decision.unchanged
        if head is None:
            return  # A replay changes nothing.
        if decision.ttl_nanos is not None:
            now = max(self._config.clock(), tenant.commit_time)
            head = replace(head, expire_at=rules.expire_at(now, decision.ttl_nanos, None))
            row.execution.head = head
        save.remember(row.execution, decision.response)
        self._keep(connection, tenant, row)

    def _next_commit(self, tenant: TenantState) -> tuple[int, str, int]:
        tenant.revision += 1
        tenant.commit_time = rules.next_commit_time(self._config.clock(), tenant.commit_time)
        self.touched.add(tenant.name)
        return tenant.revision, marks.new_mark(), tenant.commit_time

    def _tenant(self, connection: apsw.Connection, tenant_id: str) -> TenantState:
        known = self._tenants.get(tenant_id)
        if known is not None:
            return known
        found = rows.tenant_row(connection, tenant_id)
        if found is None:
            connection.execute("INSERT INTO tenant (name) VALUES (?)", (tenant_id,))
            state = TenantState(tenant_id, connection.last_insert_rowid(), 0, 0)
        else:
            newest = rows.newest(connection, found[0])
            time = ExecutionSnapshot.FromString(newest[2]).commit_time if newest else None
            state = TenantState(
                tenant_id,
                found[0],
                newest[0] if newest else 0,
                time.ToNanoseconds() if time else 0,
            )
        self._tenants[tenant_id] = state
        return state

    @staticmethod
    def _row(connection: apsw.Connection, tenant: TenantState, name: str) -> ExecutionRow:
        found = rows.execution_row(connection, tenant.id, name)
        return found or ExecutionRow(None, None, Execution(name))

    def count(self, connection: apsw.Connection, tenant: TenantState) -> int:
        """Returns how many executions the tenant has."""
        if tenant.executions is None:
            sql = "SELECT count(*) FROM execution WHERE tenant_id = ? AND content_id IS NOT NULL"
            [(tenant.executions,)] = rows.query(connection, sql, (tenant.id,))
        return tenant.executions or 0

    @property
    def max_executions(self) -> int:
        return self._config.max_executions

    def _keep(self, connection: apsw.Connection, tenant: TenantState, row: ExecutionRow) -> None:
        """Writes the row of `execution` back."""
        execution, head = row.execution, row.execution.head
        header = head.header if head else ExecutionSnapshot()
        values = (
            row.content_id,
            rows.change_id(tenant.id, head.revision) if head else None,
            execution.last_version,
            execution.epoch_floor,
            head.expire_at if head else None,
            self._config.clock(),
            header.state or None,
            header.user_id if header.HasField("user_id") else None,
            header.parent_execution_id if header.HasField("parent_execution_id") else None,
            execution.answers.encode(),
        )
        if row.id is None:
            connection.execute(
                "INSERT INTO execution (content_id, head_id, last_version, epoch_floor, expire_at,"
                " touched, state, user_id, parent_name, answers, tenant_id, name)"
                " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (*values, tenant.id, execution.execution_id),
            )
            row.id = connection.last_insert_rowid()
        else:
            connection.execute(
                "UPDATE execution SET content_id = ?, head_id = ?, last_version = ?,"
                " epoch_floor = ?, expire_at = ?, touched = ?, state = ?, user_id = ?,"
                " parent_name = ?, answers = ? WHERE id = ?",
                (*values, row.id),
            )

    @staticmethod
    def _write_entries(
        connection: apsw.Connection,
        content_id: int,
        version: int,
        save: rules.Save,
        write: rules.Write,
    ) -> None:
        """Moves what changes to history, and sets the new entries."""
        moved = [*write.replaced, *write.removed]
        connection.executemany(
            "INSERT INTO history (content_id, until, since, map, key, digest, payload)"
            " SELECT content_id, ?, since, map, key, digest, payload FROM entry"
            " WHERE content_id = ? AND map = ? AND key = ?",
            ((version, content_id, *entry) for entry in moved),
        )
        connection.executemany(
            "DELETE FROM entry WHERE content_id = ? AND map = ? AND key = ?",
            ((content_id, *entry) for entry in write.removed),
        )
        connection.executemany(
            "INSERT INTO entry (content_id, map, key, since, digest, payload)"
            " VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (content_id, map, key) DO UPDATE SET"
            " since = excluded.since, digest = excluded.digest, payload = excluded.payload",
            (
                (content_id, *entry, version, info.digest, save.payloads[entry])
                for entry, info in write.set_entries.items()
            ),
        )


def _write_change(
    connection: apsw.Connection,
    tenant: int,
    head: Head,
    kind: ChangeKind.ValueType,
    content_id: int | None,
    before: ExecutionSnapshot | None,
) -> None:
    header = head.header
    connection.execute(
        "INSERT INTO change (id, mark, kind, content_id, version, entry_count, entries_size,"
        " snapshot_id, header, before) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            rows.change_id(tenant, header.revision),
            bytes.fromhex(head.mark),
            kind,
            content_id,
            header.version,
            head.entry_count,
            head.entries_size,
            header.snapshot_id if header.HasField("snapshot_id") else None,
            header.SerializeToString(),
            None if before is None else before.SerializeToString(),
        ),
    )


class _Entries:
    """What the rules ask of the head, answered from the tables."""

    def __init__(
        self,
        writer: Writer,
        connection: apsw.Connection,
        tenant: TenantState,
        row: ExecutionRow,
    ) -> None:
        self._writer, self._connection, self._tenant, self._row = writer, connection, tenant, row

    def infos(self, keys: Iterable[EntryKey] | None) -> Mapping[EntryKey, EntryInfo]:
        if self._row.content_id is None:
            return {}
        return StoredContent(self._connection, self._row.content_id, None).infos(keys)

    def version_of(self, snapshot_id: str) -> int | None:
        row = rows.first(
            self._connection,
            "SELECT version FROM change WHERE content_id = ? AND snapshot_id = ?",
            (self._row.content_id, snapshot_id),
        )
        return row[0] if row else None

    def at_quota(self) -> bool:
        maximum = self._writer.max_executions
        return maximum > 0 and self._writer.count(self._connection, self._tenant) >= maximum
