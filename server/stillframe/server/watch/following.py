"""Reads what follows a position, and sees to it that it does follow it.

A store can be replaced under a server: by an older copy of it, or by a standby that lacks
the last commits. Then it gives out revisions again, and the next one after N may follow
another N than the one that a watcher has seen. No gap shows that; the mark does.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from stillframe.server.stores import refusals
from stillframe.server.stores.refusals import Refusal
from stillframe.v1 import error_pb2

if TYPE_CHECKING:
    from stillframe.server.stores.base import Store
    from stillframe.server.stores.marks import Position
    from stillframe.server.stores.records import Change

REPLACED = frozenset(
    (error_pb2.ERROR_REASON_STORE_REPLACED, error_pb2.ERROR_REASON_REVISION_IN_FUTURE)
)
"""The reasons by which a store turns out not to be the one that it was."""


async def changes_after(
    store: Store, tenant_id: str, position: Position, limit: int
) -> list[Change]:
    """Returns the changes after a position, in order, as Store.changes gives them.

    Raises STORE_REPLACED or REVISION_IN_FUTURE where the store has another change at the
    position, or none.
    """
    if not position.revision:
        return await store.changes(tenant_id, 0, limit)
    try:
        # From the position's own change on: it tells its mark in the same read.
        found = await store.changes(tenant_id, position.revision - 1, limit + 1)
    except Refusal as refusal:
        if refusal.reason != error_pb2.ERROR_REASON_HISTORY_COMPACTED:
            raise
        # The log may begin with the one after it.
        return await store.changes(tenant_id, position.revision, limit)
    if not found:
        await confirm(store, tenant_id, position)
    elif found[0].revision == position.revision:
        if found[0].mark != position.mark:
            raise refusals.store_replaced(position.revision)
        del found[0]
    return found[:limit]


async def confirm(store: Store, tenant_id: str, position: Position) -> None:
    """Sees to it that the store has this position. Raises STORE_REPLACED,
    REVISION_IN_FUTURE or HISTORY_COMPACTED where it has not.
    """
    found = await store.position(tenant_id, position.revision)
    if found.mark != position.mark:
        raise refusals.store_replaced(position.revision)
