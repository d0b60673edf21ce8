"""What commits write. Everything here runs in the writer's thread, in a transaction."""

# apsw's stubs name Buffer, and Python has that from 3.12 on.
# pyright: reportUnknownMemberType=false

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from stillframe.server.stores import projection, refusals, rules
from stillframe.server.stores.filters import filter_fields
from stillframe.server.stores.records import Claimed
from stillframe.server.stores.refusals import Refusal
from stillframe.server.stores.sqlite import commits, history, rows, values
from stillframe.server.stores.sqlite.content import HeadContent
from stillframe.v1 import snapshot_service_pb2
from stillframe.v1.snapshot_service_pb2 import DeleteExecutionResponse

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    import apsw

    from stillframe.server.stores.projection import Selection
    from stillframe.server.stores.records import EntryInfo, EntryKey, Head
    from stillframe.server.stores.sqlite.commits import Commits, TenantState
    from stillframe.server.stores.sqlite.rows import ExecutionRow
    from stillframe.v1.snapshot_service_pb2 import ChangeKind, SaveSnapshotResponse


class Writer:
    """Applies saves, claims, deletes and expiries to the tables."""

    def __init__(self, shared: Commits) -> None:
        self._commits = shared

    def save(self, connection: apsw.Connection, save: rules.Save) -> SaveSnapshotResponse:
        request = save.request
        tenant = self._commits.tenant(connection, request.tenant_id)
        row = self._commits.row(connection, tenant, request.execution_id)
        execution = row.execution
        with self._commits.keeping_floor(connection, tenant, row):
            decision = save.decide(execution, _Entries(self._commits, connection, tenant, row))
        if isinstance(decision, rules.Unwritten):
            self._unwritten(connection, tenant, row, save, decision)
            return decision.response
        before = execution.head
        revision, mark, commit_time = self._commits.next_commit(tenant)
        head = save.new_head(execution, decision, revision, mark, commit_time)
        if row.content_id is None:
            row.content_id = rows.change_id(tenant.id, revision)
        self._write_entries(connection, row.content_id, head.version, save, decision)
        execution.head = head
        execution.last_version = head.version
        commits.write_change(
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
        self._commits.keep(connection, tenant, row)
        return response

    def try_save(
        self, connection: apsw.Connection, save: rules.Save | Refusal
    ) -> SaveSnapshotResponse | Refusal:
        """Applies a save, and returns a refusal where `save` would raise it."""
        if isinstance(save, Refusal):
            return save
        try:
            return self.save(connection, save)
        except Refusal as refusal:
            return refusal

    def claim(
        self,
        connection: apsw.Connection,
        tenant_id: str,
        execution_id: str,
        selection: Selection,
        *,
        allow_missing: bool,
    ) -> Claimed:
        tenant = self._commits.tenant(connection, tenant_id)
        row = self._commits.row(connection, tenant, execution_id)
        head = row.execution.head
        if head is None and not allow_missing:
            raise refusals.execution_not_found(execution_id)
        epoch = row.execution.claim()
        self._commits.keep(connection, tenant, row)
        if head is None or row.content_id is None:
            return Claimed(epoch, None)
        content = HeadContent(connection, row.content_id)
        return Claimed(epoch, projection.read(head, content, selection))

    def delete(self, connection: apsw.Connection, delete: rules.Delete) -> DeleteExecutionResponse:
        request = delete.request
        tenant = self._commits.tenant(connection, request.tenant_id)
        row = self._commits.row(connection, tenant, request.execution_id)
        floor = row.execution.epoch_floor
        with self._commits.keeping_floor(connection, tenant, row):
            decision = delete.decide(row.execution)
        if isinstance(decision, DeleteExecutionResponse):
            return decision
        if decision is None:
            values.drop(connection, tenant.id, request.execution_id)
            answer = delete.nothing(row.execution)
            if request.request_id or row.execution.epoch_floor != floor:
                self._commits.keep(connection, tenant, row)
            return answer
        kind = snapshot_service_pb2.CHANGE_KIND_DELETED
        revision, mark = self._bury(connection, tenant, row, decision, kind)
        answer = delete.answer(row.execution, revision, mark)
        self._commits.keep(connection, tenant, row)
        return answer

    def expire(self, connection: apsw.Connection, limit: int) -> int:
        """Commits the end of executions whose time has come; returns how many."""
        due = list(
            rows.query(
                connection,
                "SELECT tenant.name, execution.name FROM execution"
                " JOIN tenant ON tenant.id = execution.tenant_id"
                " WHERE expire_at <= ? ORDER BY expire_at LIMIT ?",
                (self._commits.config.clock(), limit),
            )
        )
        for tenant_id, name in due:
            tenant = self._commits.tenant(connection, tenant_id)
            row = self._commits.row(connection, tenant, name)
            if row.execution.head is not None:
                kind = snapshot_service_pb2.CHANGE_KIND_EXPIRED
                self._bury(connection, tenant, row, row.execution.head, kind)
                self._commits.keep(connection, tenant, row)
        return len(due)

    def _bury(
        self,
        connection: apsw.Connection,
        tenant: TenantState,
        row: ExecutionRow,
        head: Head,
        kind: ChangeKind.ValueType,
    ) -> tuple[int, str]:
        """Commits the end of an execution; its content and its values become garbage."""
        revision, mark, commit_time = self._commits.next_commit(tenant)
        gone = replace(head, header=rules.deleted_header(head, revision, commit_time), mark=mark)
        before = filter_fields(head.header)
        commits.write_change(connection, tenant.id, gone, kind, None, before)
        connection.execute("INSERT INTO garbage (content_id) VALUES (?)", (row.content_id,))
        connection.execute("DELETE FROM sweep WHERE content_id = ?", (row.content_id,))
        values.drop(connection, tenant.id, row.execution.execution_id)
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
            now = max(self._commits.config.clock(), tenant.commit_time)
            head = replace(head, expire_at=rules.expire_at(now, decision.ttl_nanos, None))
            row.execution.head = head
        save.remember(row.execution, decision.response)
        self._commits.keep(connection, tenant, row)

    @staticmethod
    def _write_entries(
        connection: apsw.Connection,
        content_id: int,
        version: int,
        save: rules.Save,
        write: rules.Write,
    ) -> None:
        """Moves what changes to history, and sets the new entries."""
        for entry in write.replaced:
            history.move(connection, content_id, version, entry, save.payloads[entry])
        for entry in write.removed:
            history.move(connection, content_id, version, entry, None)
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


class _Entries:
    """What the rules ask of the head, answered from the tables."""

    def __init__(
        self,
        shared: Commits,
        connection: apsw.Connection,
        tenant: TenantState,
        row: ExecutionRow,
    ) -> None:
        self._commits, self._connection, self._tenant, self._row = shared, connection, tenant, row

    def infos(self, keys: Iterable[EntryKey] | None) -> Mapping[EntryKey, EntryInfo]:
        if self._row.content_id is None:
            return {}
        return HeadContent(self._connection, self._row.content_id).infos(keys)

    def version_of(self, snapshot_id: str) -> int | None:
        row = rows.first(
            self._connection,
            "SELECT version FROM change WHERE content_id = ? AND snapshot_id = ?",
            (self._row.content_id, snapshot_id),
        )
        return row[0] if row else None

    def at_quota(self) -> bool:
        return self._commits.at_quota(self._connection, self._tenant)
