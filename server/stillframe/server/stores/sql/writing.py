"""Commits beside saves: claims, deletes, and the end of executions whose time has come."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from stillframe.server.stores import refusals, rules
from stillframe.server.stores.filters import filter_fields
from stillframe.server.stores.records import Claimed
from stillframe.server.stores.sql import commits, content, values
from stillframe.server.stores.sql.content import HeadContent
from stillframe.server.stores.sql.steps import Ask, Write
from stillframe.v1 import snapshot_service_pb2
from stillframe.v1.snapshot_service_pb2 import DeleteExecutionResponse

if TYPE_CHECKING:
    from stillframe.server.stores.projection import Selection
    from stillframe.server.stores.records import Head
    from stillframe.server.stores.sql.commits import Commits, TenantState
    from stillframe.server.stores.sql.rows import ExecutionRow
    from stillframe.server.stores.sql.steps import Steps
    from stillframe.v1.snapshot_service_pb2 import ChangeKind


def claim(
    shared: Commits,
    tenant_id: str,
    execution_id: str,
    selection: Selection,
    *,
    allow_missing: bool,
) -> Steps[Claimed]:
    tenant = yield from shared.tenant(tenant_id)
    row = yield from shared.row(tenant, execution_id)
    head = row.execution.head
    if head is None and not allow_missing:
        raise refusals.execution_not_found(execution_id)
    epoch = row.execution.claim()
    yield from shared.keep(tenant, row)
    if head is None or row.content_id is None:
        return Claimed(epoch, None)
    stored = yield from content.read(head, HeadContent(row.content_id), selection)
    return Claimed(epoch, stored)


def delete(shared: Commits, asked: rules.Delete) -> Steps[DeleteExecutionResponse]:
    request = asked.request
    tenant = yield from shared.tenant(request.tenant_id)
    row = yield from shared.row(tenant, request.execution_id)
    floor = row.execution.epoch_floor
    decision = yield from shared.decide(tenant, row, asked.decide)
    if isinstance(decision, DeleteExecutionResponse):
        return decision
    if decision is None:
        yield from values.drop(tenant.id, request.execution_id)
        answer = asked.nothing(row.execution)
        if request.request_id or row.execution.epoch_floor != floor:
            yield from shared.keep(tenant, row)
        return answer
    kind = snapshot_service_pb2.CHANGE_KIND_DELETED
    revision, mark = yield from _bury(shared, tenant, row, decision, kind)
    answer = asked.answer(row.execution, revision, mark)
    yield from shared.keep(tenant, row)
    return answer


def due(now: int, limit: int) -> Steps[list[tuple[str, str]]]:
    """Returns tenant and name of executions whose time has come."""
    found = yield Ask(
        "SELECT tenant.name, execution.name FROM execution"
        " CROSS JOIN tenant ON tenant.id = execution.tenant_id"
        " WHERE expire_at <= ? ORDER BY expire_at LIMIT ?",
        (now, limit),
    )
    return [(tenant_id, name) for tenant_id, name in found]


def expire(shared: Commits, tenant_id: str, execution_id: str, now: int) -> Steps[None]:
    """Commits the end of an execution, if its time has come."""
    tenant = yield from shared.tenant(tenant_id)
    row = yield from shared.row(tenant, execution_id)
    head = row.execution.head
    if head is None or head.expire_at is None or head.expire_at > now:
        return
    kind = snapshot_service_pb2.CHANGE_KIND_EXPIRED
    yield from _bury(shared, tenant, row, head, kind)
    yield from shared.keep(tenant, row)


def _bury(
    shared: Commits,
    tenant: TenantState,
    row: ExecutionRow,
    head: Head,
    kind: ChangeKind.ValueType,
) -> Steps[tuple[int, str]]:
    """Commits the end of an execution; its content and its values become garbage."""
    revision, mark, commit_time = shared.next_commit(tenant)
    gone = replace(head, header=rules.deleted_header(head, revision, commit_time), mark=mark)
    before = filter_fields(head.header)
    columns = commits.change_columns(tenant.id, gone, kind, None, before)
    yield Write(commits.INSERT_CHANGE, [columns])
    yield Write("INSERT INTO garbage (content_id) VALUES (?)", [(row.content_id,)])
    yield Write("DELETE FROM sweep WHERE content_id = ?", [(row.content_id,)])
    yield from values.drop(tenant.id, row.execution.execution_id)
    row.content_id = None
    row.execution.head = None
    if tenant.executions is not None:
        tenant.executions -= 1
    return revision, mark
