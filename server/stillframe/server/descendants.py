"""Deletes an execution with all that descend from it, in bounded steps."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from stillframe.server.stores.projection import METADATA
from stillframe.v1.snapshot_pb2 import ExecutionFilter
from stillframe.v1.snapshot_service_pb2 import DeleteExecutionRequest

if TYPE_CHECKING:
    from stillframe.server.stores.base import Store
    from stillframe.v1.snapshot_service_pb2 import DeleteExecutionResponse

PAGE = 500
"""Executions read at once, and deletes handed to the store at once."""


async def delete_tree(store: Store, request: DeleteExecutionRequest) -> DeleteExecutionResponse:
    """Deletes the execution that the request names, then its descendants.

    The execution goes first, because its preconditions decide whether anything does.
    Its descendants go deepest first: after a crash, whatever is left still leads back
    to the execution by its parents, and a repeated call finds it. Children that appear
    meanwhile are found too.
    """
    tenant_id, root = request.tenant_id, request.execution_id
    descendants = await _descendants(store, tenant_id, root)
    response = await store.delete(request)
    while descendants:
        for start in range(0, len(descendants), PAGE):
            deletes = [
                store.delete(DeleteExecutionRequest(tenant_id=tenant_id, execution_id=name))
                for name in descendants[start : start + PAGE]
            ]
            answers = await asyncio.gather(*deletes)
            response.deleted_count += sum(answer.deleted_count for answer in answers)
        descendants = await _descendants(store, tenant_id, root)
    return response


async def _descendants(store: Store, tenant_id: str, root: str) -> list[str]:
    """Returns whose head names one of them, or the root, as its parent; deepest first."""
    # Insertion order is breadth first; a cycle ends at a name that is known.
    found = {root: None}
    waiting = [root]
    while waiting:
        parent = waiting.pop(0)
        for name in await _children(store, tenant_id, parent):
            if name not in found:
                found[name] = None
                waiting.append(name)
    return list(found)[:0:-1]


async def _children(store: Store, tenant_id: str, parent: str) -> list[str]:
    where = ExecutionFilter(parent_execution_id=parent)
    names: list[str] = []
    after: object = ""
    while isinstance(after, str):
        found = await store.list_executions(
            tenant_id, where, after=after, limit=PAGE, selection=METADATA
        )
        names += (item.header.execution_id for item in found.page.items)
        after = found.page.next
    return names
