"""Filters, criteria, selectors and projections as messages."""

from collections.abc import Sized

from google.protobuf.timestamp_pb2 import Timestamp

from stillframe.client._encoding import NANOS, invalid_field
from stillframe.client._queries import Criteria, Filter, MapProjection, Projection
from stillframe.v1 import snapshot_pb2 as pb
from stillframe.v1 import snapshot_service_pb2 as rpc


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
    refuse_empty("filter.execution_ids", filter.execution_ids)
    refuse_empty("filter.states", filter.states)
    refuse_empty("filter.state_classes", filter.state_classes)
    refuse_empty("filter.wait_reasons", filter.wait_reasons)
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


def selector_message(
    field: str, version: int | None, snapshot_id: str | None, criteria: Criteria | None
) -> rpc.SnapshotSelector | None:
    """The selector of a message; without any of the three None, which selects the head.

    `field` is its name in the request, for the error when more than one is given.
    """
    if sum(each is not None for each in (version, snapshot_id, criteria)) > 1:
        raise invalid_field(field, "takes one of version, snapshot_id and criteria")
    if version is not None:
        return rpc.SnapshotSelector(version=version)
    if snapshot_id is not None:
        return rpc.SnapshotSelector(snapshot_id=snapshot_id)
    if criteria is not None:
        return rpc.SnapshotSelector(latest_matching=criteria_message(criteria))
    return None


def projection_message(projection: Projection | None) -> pb.SnapshotProjection | None:
    """The projection of a message; None stays None, which selects every entry."""
    if projection is None:
        return None
    return pb.SnapshotProjection(
        step_outputs=_map_projection(projection.step_outputs),
        variables=_map_projection(projection.variables),
    )


def refuse_empty(field: str, values: Sized | None) -> None:
    """Refuses what selects nothing, where the contract would read it as no condition.

    A repeated field and a map have no presence: a list of wanted ids that came out empty
    would match everything.
    """
    if values is not None and not values:
        raise invalid_field(field, "is empty; None is no condition")


def _map_projection(projection: MapProjection | None) -> pb.MapProjection | None:
    if projection is None:
        return None
    return pb.MapProjection(
        all=projection.all, keys=projection.keys, key_prefixes=projection.key_prefixes
    )


def _timestamp(nanoseconds: int | None) -> Timestamp | None:
    if nanoseconds is None:
        return None
    return Timestamp(seconds=nanoseconds // NANOS, nanos=nanoseconds % NANOS)
