"""What a call selects: filters on heads, bounds on snapshots, projections of entries.

Times are whole nanoseconds since the Unix epoch, because a float or a datetime would round
them and bounds are inclusive.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from stillframe.client._enums import ExecutionState, StateClass, WaitReason


@dataclass(frozen=True, kw_only=True, slots=True)
class Criteria:
    """Bounds that select snapshots: inclusive, all must hold, None is no bound, 0 is a value.

    `Criteria(sequence_max=41)` reads "at or before sequence 41". `timestamp_*` is the
    engine's clock (a snapshot without a timestamp does not meet such a bound),
    `commit_time_*` the store's.
    """

    sequence_min: int | None = None
    sequence_max: int | None = None
    timestamp_min_ns: int | None = None
    timestamp_max_ns: int | None = None
    commit_time_min_ns: int | None = None
    commit_time_max_ns: int | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Filter:
    """Selects executions by their head. Fields are ANDed, the values of one are ORed, and
    labels must all hold. None is no condition; a sequence that is empty is refused with
    InvalidFieldError, because the contract cannot tell it from None and would match all.
    """

    execution_ids: Sequence[str] | None = None
    execution_id_prefix: str | None = None
    states: Sequence[ExecutionState] | None = None
    state_classes: Sequence[StateClass] | None = None
    wait_reasons: Sequence[WaitReason] | None = None
    user_id: str | None = None
    parent_execution_id: str | None = None
    labels: Mapping[str, str] = field(default_factory=dict[str, str])
    criteria: Criteria | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class MapProjection:
    """Which entries of one map an answer carries: all, or those that any key or key prefix
    names; at most 1,000 keys and prefixes. A key that does not exist is passed over.
    """

    all: bool = False
    keys: Sequence[str] = ()
    key_prefixes: Sequence[str] = ()


ALL_ENTRIES = MapProjection(all=True)
"""Every entry of a map."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Projection:
    """Which entries of a snapshot an answer carries. The header is always there; None carries
    no entry of that map, so `Projection()` is the header only.
    """

    step_outputs: MapProjection | None = None
    variables: MapProjection | None = None
