"""Filters, criteria and projections as messages."""

from collections.abc import Sequence

from google.protobuf.timestamp_pb2 import Timestamp

from stillframe.client._encoding import NANOS, invalid_field
from stillframe.client._queries import Criteria, Filter, MapProjection, Projection
from stillframe.v1 import snapshot_pb2 as pb


def criteria_message(criteria: Criteria) -> pb.SnapshotCriteria:
    """The bounds of a message."""
    return pb.SnapshotCriteria(
        sequence_min=criteria.sequence_min,
        sequence_max=criteria.sequence_max,
        timestamp_min=_timestamp(criteria.timestamp_min_ns),
        timestamp_max=_timestamp(criteria.timestamp_max_ns),
        commit_time_min=_timestamp(criteria.commit_time_min_ns),
        commit_time_max=_timestamp(criteria.commit_time_max_ns),
    )


def filter_message(filter: Filter | None) -> pb.ExecutionFilter | None:  # noqa: A002
    """The filter of a message; None stays None."""
    if filter is None:
        return None
    _refuse_empty("execution_ids", filter.execution_ids)
    _refuse_empty("states", filter.states)
    _refuse_empty("state_classes", filter.state_classes)
    _refuse_empty("wait_reasons", filter.wait_reasons)
    return pb.ExecutionFilter(
        execution_ids=filter.execution_ids or (),
        execution_id_prefix=filter.execution_id_prefix,
        states=[pb.ExecutionState.ValueType(each) for each in filter.states or ()],
        state_classes=[pb.StateClass.ValueType(each) for each in filter.state_classes or ()],
        wait_reasons=[pb.WaitReason.ValueType(each) for each in filter.wait_reasons or ()],
        user_id=filter.user_id,
        parent_execution_id=filter.parent_execution_id,
        labels=filter.labels,
        criteria=criteria_message(filter.criteria) if filter.criteria is not None else None,
    )


def projection_message(projection: Projection | None) -> pb.SnapshotProjection | None:
    """The projection of a message; None stays None, which selects every entry."""
    if projection is None:
        return None
    return pb.SnapshotProjection(
        step_outputs=_map_projection(projection.step_outputs),
        variables=_map_projection(projection.variables),
    )


def _map_projection(projection: MapProjection | None) -> pb.MapProjection | None:
    if projection is None:
        return None
    return pb.MapProjection(
        all=projection.all, keys=projection.keys, key_prefixes=projection.key_prefixes
    )


def _refuse_empty(field: str, values: Sequence[object] | None) -> None:
    # A repeated field has no presence: empty would arrive as "no condition", and a list of
    # wanted ids that came out empty would match every execution of the tenant.
    if values is not None and not values:
        raise invalid_field(f"filter.{field}", "is empty; None is no condition")


def _timestamp(nanoseconds: int | None) -> Timestamp | None:
    if nanoseconds is None:
        return None
    return Timestamp(seconds=nanoseconds // NANOS, nanos=nanoseconds % NANOS)
