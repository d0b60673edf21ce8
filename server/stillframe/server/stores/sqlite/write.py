"""What saves write. Everything here runs in the writer's thread, in a transaction."""

# apsw's stubs name Buffer, and Python has that from 3.12 on.
# pyright: reportUnknownMemberType=false

from __future__ import annotations

from typing import TYPE_CHECKING

from stillframe.server.stores import rules
from stillframe.server.stores.filters import filter_fields
from stillframe.server.stores.refusals import Refusal
from stillframe.server.stores.sql import commits, history
from stillframe.server.stores.sql.content import HeadContent
from stillframe.server.stores.sql.rows import change_id
from stillframe.server.stores.sqlite.rows import first, run
from stillframe.v1 import snapshot_service_pb2

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    import apsw

    from stillframe.server.stores.records import EntryInfo, EntryKey
    from stillframe.server.stores.sql.commits import Commits, TenantState
    from stillframe.server.stores.sql.rows import ExecutionRow
    from stillframe.v1.snapshot_service_pb2 import SaveSnapshotResponse


class Writer:
    """Applies saves to the tables."""

    def __init__(self, shared: Commits) -> None:
        self._commits = shared

    def save(self, connection: apsw.Connection, save: rules.Save) -> SaveSnapshotResponse:
        request = save.request
        tenant = run(connection, self._commits.tenant(request.tenant_id))
        row = run(connection, self._commits.row(tenant, request.execution_id))
        execution = row.execution
        entries = _Entries(self._commits, connection, tenant, row)
        decision = run(
            connection,
            self._commits.decide(tenant, row, lambda execution: save.decide(execution, entries)),
        )
        if isinstance(decision, rules.Unwritten):
            if self._commits.unwritten(tenant, execution, save, decision):
                run(connection, self._commits.keep(tenant, row))
            return decision.response
        before = execution.head
        revision, mark, commit_time = self._commits.next_commit(tenant)
        head = save.new_head(execution, decision, revision, mark, commit_time)
        if row.content_id is None:
            row.content_id = change_id(tenant.id, revision)
        self._write_entries(connection, row.content_id, head.version, save, decision)
        execution.head = head
        execution.last_version = head.version
        columns = commits.change_columns(
            tenant.id,
            head,
            snapshot_service_pb2.CHANGE_KIND_SAVED,
            row.content_id,
            filter_fields(before.header) if before else None,
        )
        connection.execute(commits.INSERT_CHANGE, columns)
        if before is None and tenant.executions is not None:
            tenant.executions += 1
        response = save.answer(execution, head, created=before is None)
        run(connection, self._commits.keep(tenant, row))
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
            run(connection, history.move(content_id, version, entry, save.payloads[entry]))
        for entry in write.removed:
            run(connection, history.move(content_id, version, entry, None))
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
        return run(self._connection, HeadContent(self._row.content_id).infos(keys))

    def version_of(self, snapshot_id: str) -> int | None:
        row = first(
            self._connection,
            "SELECT version FROM change WHERE content_id = ? AND snapshot_id = ?",
            (self._row.content_id, snapshot_id),
        )
        return row[0] if row else None

    def at_quota(self) -> bool:
        return run(self._connection, self._commits.at_quota(self._tenant))
