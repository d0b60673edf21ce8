"""What filters and criteria match. Stores and watches test with these alone, so that a
list and a watch agree.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from stillframe.v1 import snapshot_pb2
from stillframe.v1.snapshot_pb2 import ExecutionSnapshot

if TYPE_CHECKING:
    from collections.abc import Mapping

    from google.protobuf.timestamp_pb2 import Timestamp

    from stillframe.v1.snapshot_pb2 import ExecutionFilter, ExecutionState, SnapshotCriteria

STATES_OF_CLASS = {
    snapshot_pb2.STATE_CLASS_TERMINAL: (
        snapshot_pb2.EXECUTION_STATE_COMPLETED,
        snapshot_pb2.EXECUTION_STATE_FAILED,
        snapshot_pb2.EXECUTION_STATE_CANCELLED,
    ),
    snapshot_pb2.STATE_CLASS_RESUMABLE: (
        snapshot_pb2.EXECUTION_STATE_PAUSED,
        snapshot_pb2.EXECUTION_STATE_WAITING,
    ),
    snapshot_pb2.STATE_CLASS_ACTIVE: (
        snapshot_pb2.EXECUTION_STATE_RUNNING,
        snapshot_pb2.EXECUTION_STATE_WAITING,
    ),
}


class Matcher:
    """A filter, made ready to be tested many times.

    Tests nothing but the header's filter fields, those that `filter_fields` keeps, and
    the execution_id, which the caller passes beside them.
    """

    def __init__(self, where: ExecutionFilter) -> None:
        self.where = where
        self.execution_ids = frozenset(where.execution_ids)
        self.states = _states(where)
        self._wait_reasons = frozenset(where.wait_reasons)
        self._labels = dict(where.labels)
        self._criteria = where.criteria if where.HasField("criteria") else None
        self._all = not where.ByteSize()

    def __call__(self, execution_id: str, header: ExecutionSnapshot) -> bool:
        where = self.where
        return self._all or (
            (not self.execution_ids or execution_id in self.execution_ids)
            and execution_id.startswith(where.execution_id_prefix)
            and (self.states is None or header.state in self.states)
            and (not self._wait_reasons or header.wait_reason in self._wait_reasons)
            and _equals(where, header, "user_id")
            and _equals(where, header, "parent_execution_id")
            and has_labels(self._labels, header)
            and (self._criteria is None or meets(self._criteria, header))
        )


def _states(where: ExecutionFilter) -> frozenset[ExecutionState.ValueType] | None:
    """Returns the states that `states` and `state_classes` leave; None is all of them."""
    allowed: frozenset[ExecutionState.ValueType] | None = None
    if where.states:
        allowed = frozenset(where.states)
    if where.state_classes:
        classes = frozenset(s for c in where.state_classes for s in STATES_OF_CLASS[c])
        allowed = classes if allowed is None else allowed & classes
    if where.wait_reasons:
        waiting = frozenset((snapshot_pb2.EXECUTION_STATE_WAITING,))
        allowed = waiting if allowed is None else allowed & waiting
    return allowed


def _equals(where: ExecutionFilter, header: ExecutionSnapshot, name: str) -> bool:
    # Unset differs from empty, in the filter and in the header.
    if not where.HasField(name):  # type: ignore[arg-type]
        return True
    return header.HasField(name) and getattr(header, name) == getattr(where, name)  # type: ignore[arg-type]


def has_labels(labels: Mapping[str, str], header: ExecutionSnapshot) -> bool:
    return all(header.labels.get(key) == value for key, value in labels.items())


def meets(criteria: SnapshotCriteria, header: ExecutionSnapshot) -> bool:
    """Tells whether a snapshot meets every bound. Bounds are inclusive."""
    sequence = header.sequence_number
    if criteria.HasField("sequence_min") and sequence < criteria.sequence_min:
        return False
    if criteria.HasField("sequence_max") and sequence > criteria.sequence_max:
        return False
    for name in ("timestamp", "commit_time"):
        low, high = f"{name}_min", f"{name}_max"
        has_low, has_high = criteria.HasField(low), criteria.HasField(high)  # type: ignore[arg-type]
        if not (has_low or has_high):
            continue
        if not header.HasField(name):
            return False
        moment = _instant(getattr(header, name))
        if has_low and moment < _instant(getattr(criteria, low)):
            return False
        if has_high and moment > _instant(getattr(criteria, high)):
            return False
    return True


def _instant(time: Timestamp) -> tuple[int, int]:
    return time.seconds, time.nanos


def filter_fields(header: ExecutionSnapshot) -> ExecutionSnapshot:
    """Returns the part of a header that filters test: what the change log keeps of the
    state before a change.
    """
    kept = ExecutionSnapshot(
        state=header.state,
        wait_reason=header.wait_reason,
        sequence_number=header.sequence_number,
        labels=header.labels,
        version=header.version,
    )
    if header.HasField("user_id"):
        kept.user_id = header.user_id
    if header.HasField("parent_execution_id"):
        kept.parent_execution_id = header.parent_execution_id
    if header.HasField("timestamp"):
        kept.timestamp.CopyFrom(header.timestamp)
    kept.commit_time.CopyFrom(header.commit_time)
    return kept
