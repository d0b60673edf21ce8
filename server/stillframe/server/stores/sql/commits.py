"""What every commit needs: where its tenant is, the row of its execution, its change.

The steps run in a transaction that nothing else of the tenant commits beside.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, TypeVar

from stillframe.server.stores import marks, rules
from stillframe.server.stores.execution import Execution
from stillframe.server.stores.refusals import Refusal
from stillframe.server.stores.sql import headers, rows
from stillframe.server.stores.sql.rows import ExecutionRow
from stillframe.server.stores.sql.steps import Ask, Write, insert
from stillframe.v1.snapshot_pb2 import ExecutionSnapshot

if TYPE_CHECKING:
    from collections.abc import Callable

    from stillframe.server.stores.base import StoreConfig
    from stillframe.server.stores.records import Head
    from stillframe.server.stores.sql.steps import Row, Steps
    from stillframe.v1.snapshot_service_pb2 import ChangeKind

T = TypeVar("T")


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
    """Remembers where each tenant is; `forget` after a rollback, or once others may have
    committed.
    """

    def __init__(self, config: StoreConfig) -> None:
        self.config = config
        self._tenants: dict[str, TenantState] = {}
        self.touched: set[str] = set()
        """Tenants with a new revision since the owner last looked."""
        self.read: set[tuple[str, str]] = set()
        """Tenants and names of the executions whose rows were read since then, to be changed."""

    def forget(self) -> None:
        self._tenants.clear()
        self.touched.clear()
        self.read.clear()

    def tenant(self, tenant_id: str) -> Steps[TenantState]:
        known = self._tenants.get(tenant_id)
        if known is not None:
            return known
        found = yield from rows.tenant_row(tenant_id)
        if found is None:
            [(number,)] = yield Ask(
                "INSERT INTO tenant (name) VALUES (?) RETURNING id", (tenant_id,)
            )
            state = TenantState(tenant_id, number, 0, 0)
        else:
            newest = yield from rows.newest(found[0])
            state = tenant_state(tenant_id, found[0], newest)
        self._tenants[tenant_id] = state
        return state

    def next_commit(self, tenant: TenantState) -> tuple[int, str, int]:
        tenant.revision += 1
        tenant.commit_time = rules.next_commit_time(self.config.clock(), tenant.commit_time)
        self.touched.add(tenant.name)
        return tenant.revision, marks.new_mark(), tenant.commit_time

    def row(self, tenant: TenantState, name: str) -> Steps[ExecutionRow]:
        self.read.add((tenant.name, name))
        found = yield from rows.execution_row(tenant.id, name)
        return found or ExecutionRow(None, None, Execution(name))

    def count(self, tenant: TenantState) -> Steps[int]:
        """Returns how many executions the tenant has."""
        if tenant.executions is None:
            sql = "SELECT count(*) FROM execution WHERE tenant_id = ? AND content_id IS NOT NULL"
            [(tenant.executions,)] = yield Ask(sql, (tenant.id,))
        return tenant.executions or 0

    def at_quota(self, tenant: TenantState) -> Steps[bool]:
        """Tells whether the tenant may not have one more execution."""
        maximum = self.config.max_executions
        return maximum > 0 and (yield from self.count(tenant)) >= maximum

    def decide(
        self, tenant: TenantState, row: ExecutionRow, decide: Callable[[Execution], T]
    ) -> Steps[T]:
        """Returns what the rules decide, and writes the floor back when a call that raised it
        is refused by a later rule.
        """
        floor = row.execution.epoch_floor
        try:
            return decide(row.execution)
        except Refusal:
            if row.execution.epoch_floor != floor:
                yield from self.keep(tenant, row)
            raise

    def unwritten(
        self,
        tenant: TenantState,
        execution: Execution,
        save: rules.Save,
        decision: rules.Unwritten,
    ) -> bool:
        """Does what a save without a snapshot leaves behind; tells whether that is to be kept."""
        head = decision.unchanged
        if head is None:
            return False  # A replay changes nothing.
        if decision.ttl_nanos is not None:
            now = max(self.config.clock(), tenant.commit_time)
            head = replace(head, expire_at=rules.expire_at(now, decision.ttl_nanos, None))
            execution.head = head
        save.remember(execution, decision.response)
        return True

    def keep(self, tenant: TenantState, row: ExecutionRow) -> Steps[None]:
        """Writes the row of `execution` back."""
        values = self.columns(tenant, row)
        if row.id is None:
            [(row.id,)] = yield Ask(INSERT_EXECUTION + " RETURNING id", values)
        else:
            yield Write(UPDATE_EXECUTION, [(*values[:-2], row.id)])

    def columns(self, tenant: TenantState, row: ExecutionRow) -> Row:
        """Returns what INSERT_EXECUTION takes."""
        execution, head = row.execution, row.execution.head
        header = head.header if head else ExecutionSnapshot()
        return (
            row.content_id,
            rows.change_id(tenant.id, head.revision) if head else None,
            execution.last_version,
            execution.epoch_floor,
            head.expire_at if head else None,
            # A tombstone's age, and of no use before: a column that never changes needs no
            # new row in an index.
            0 if head else self.config.clock(),
            header.state or None,
            header.user_id if header.HasField("user_id") else None,
            header.parent_execution_id if header.HasField("parent_execution_id") else None,
            execution.answers.encode(),
            tenant.id,
            execution.execution_id,
        )


EXECUTION = (
    "content_id, head_id, last_version, epoch_floor, expire_at, touched, state, user_id,"
    " parent_name, answers"
)
"""The columns that commits change."""
INSERT_EXECUTION = insert("execution", f"{EXECUTION}, tenant_id, name")
UPDATE_EXECUTION = (
    "UPDATE execution SET content_id = ?, head_id = ?, last_version = ?, epoch_floor = ?,"
    " expire_at = ?, touched = ?, state = ?, user_id = ?, parent_name = ?, answers = ?"
    " WHERE id = ?"
)
CHANGE = (
    "id, mark, kind, content_id, version, entry_count, entries_size, snapshot_id, header, before"
)
"""What `change_columns` returns."""
INSERT_CHANGE = insert("change", CHANGE)


def tenant_state(name: str, number: int, newest: tuple[int, bytes, bytes] | None) -> TenantState:
    """Returns where a tenant is, from revision, mark and header of its newest change."""
    if newest is None:
        return TenantState(name, number, 0, 0)
    time = ExecutionSnapshot.FromString(newest[2]).commit_time
    return TenantState(name, number, newest[0], time.ToNanoseconds())


def change_columns(
    tenant: int,
    head: Head,
    kind: ChangeKind.ValueType,
    content_id: int | None,
    before: ExecutionSnapshot | None,
    row_id: int | None = None,
) -> Row:
    """Returns a record of the change log, or with a `row_id` a header row that is none."""
    header = head.header
    return (
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
    )
