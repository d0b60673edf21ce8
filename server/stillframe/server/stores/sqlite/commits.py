"""What every commit needs: where its tenant is, the row of its execution, its change.

Everything here runs in the writer's thread, in a transaction.
"""

# apsw's stubs name Buffer, and Python has that from 3.12 on.
# pyright: reportUnknownMemberType=false

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from stillframe.server.stores import marks, rules
from stillframe.server.stores.execution import Execution
from stillframe.server.stores.refusals import Refusal
from stillframe.server.stores.sqlite import headers, rows
from stillframe.server.stores.sqlite.rows import ExecutionRow
from stillframe.v1.snapshot_pb2 import ExecutionSnapshot

if TYPE_CHECKING:
    from collections.abc import Generator

    import apsw

    from stillframe.server.stores.base import StoreConfig
    from stillframe.server.stores.records import Head
    from stillframe.v1.snapshot_service_pb2 import ChangeKind


@dataclass(slots=True)
class TenantState:
    """A tenant as the newest commit left it."""

    name: str
    id: int
    revision: int
    commit_time: int
    executions: int | None = None
    """How many there are; counted when a quota first asks."""


class Commits:
    """Remembers where each tenant is; `forget` after a rollback."""

    def __init__(self, config: StoreConfig) -> None:
        self.config = config
        self._tenants: dict[str, TenantState] = {}
        self.touched: set[str] = set()
        """Tenants with a new revision since the owner last looked."""

    def forget(self) -> None:
        self._tenants.clear()
        self.touched.clear()

    def tenant(self, connection: apsw.Connection, tenant_id: str) -> TenantState:
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

    def next_commit(self, tenant: TenantState) -> tuple[int, str, int]:
        tenant.revision += 1
        tenant.commit_time = rules.next_commit_time(self.config.clock(), tenant.commit_time)
        self.touched.add(tenant.name)
        return tenant.revision, marks.new_mark(), tenant.commit_time

    @staticmethod
    def row(connection: apsw.Connection, tenant: TenantState, name: str) -> ExecutionRow:
        found = rows.execution_row(connection, tenant.id, name)
        return found or ExecutionRow(None, None, Execution(name))

    def count(self, connection: apsw.Connection, tenant: TenantState) -> int:
        """Returns how many executions the tenant has."""
        if tenant.executions is None:
            sql = "SELECT count(*) FROM execution WHERE tenant_id = ? AND content_id IS NOT NULL"
            [(tenant.executions,)] = rows.query(connection, sql, (tenant.id,))
        return tenant.executions or 0

    def at_quota(self, connection: apsw.Connection, tenant: TenantState) -> bool:
        """Tells whether the tenant may not have one more execution."""
        maximum = self.config.max_executions
        return maximum > 0 and self.count(connection, tenant) >= maximum

    @contextmanager
    def keeping_floor(
        self, connection: apsw.Connection, tenant: TenantState, row: ExecutionRow
    ) -> Generator[None]:
        """Writes the floor back when a call that raised it is refused by a later rule."""
        floor = row.execution.epoch_floor
        try:
            yield
        except Refusal:
            if row.execution.epoch_floor != floor:
                self.keep(connection, tenant, row)
            raise

    def keep(self, connection: apsw.Connection, tenant: TenantState, row: ExecutionRow) -> None:
        """Writes the row of `execution` back."""
        execution, head = row.execution, row.execution.head
        header = head.header if head else ExecutionSnapshot()
        values = (
            row.content_id,
            rows.change_id(tenant.id, head.revision) if head else None,
            execution.last_version,
            execution.epoch_floor,
            head.expire_at if head else None,
            self.config.clock(),
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


def write_change(
    connection: apsw.Connection,
    tenant: int,
    head: Head,
    kind: ChangeKind.ValueType,
    content_id: int | None,
    before: ExecutionSnapshot | None,
    row_id: int | None = None,
) -> None:
    """Writes a record of the change log, or with a `row_id` a header row that is none."""
    header = head.header
    connection.execute(
        "INSERT INTO change (id, mark, kind, content_id, version, entry_count, entries_size,"
        " snapshot_id, header, before) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            rows.change_id(tenant, header.revision) if row_id is None else row_id,
            bytes.fromhex(head.mark),
            kind,
            content_id,
            header.version,
            head.entry_count,
            head.entries_size,
            header.snapshot_id if header.HasField("snapshot_id") else None,
            headers.pack(header),
            None if before is None else headers.pack_before(before, header),
        ),
    )
