"""Compares snapshots with the head of an engine's event store (DESIGN section 4)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from stillframe.server.stores import refusals
from stillframe.v1 import snapshot_pb2
from stillframe.v1.snapshot_pb2 import Freshness

if TYPE_CHECKING:
    from stillframe.v1.snapshot_pb2 import ExecutionSnapshot
    from stillframe.v1.snapshot_service_pb2 import LoadSnapshotRequest


def compare(
    execution_id: str, header: ExecutionSnapshot | None, event_store_head: int
) -> Freshness:
    """Returns how a snapshot compares with the sequence of the event store's last event."""
    answer = Freshness(execution_id=execution_id, event_store_head=event_store_head)
    if header is None:
        answer.status = snapshot_pb2.FRESHNESS_STATUS_MISSING
        return answer
    answer.version = header.version
    answer.snapshot_sequence = header.sequence_number
    behind = event_store_head - header.sequence_number
    answer.distance = abs(behind)
    if behind > 0:
        answer.status = snapshot_pb2.FRESHNESS_STATUS_STALE
    elif behind < 0:
        answer.status = snapshot_pb2.FRESHNESS_STATUS_AHEAD
    else:
        answer.status = snapshot_pb2.FRESHNESS_STATUS_FRESH
    return answer


def demand(request: LoadSnapshotRequest, freshness: Freshness) -> None:
    """Refuses a snapshot that is less fresh than the request allows."""
    if not (request.require_fresh or request.HasField("max_behind")):
        return
    if freshness.status == snapshot_pb2.FRESHNESS_STATUS_AHEAD:
        raise refusals.snapshot_ahead(freshness)
    stale = freshness.status == snapshot_pb2.FRESHNESS_STATUS_STALE
    if stale and freshness.distance > request.max_behind:
        raise refusals.snapshot_stale(freshness, request.max_behind)
