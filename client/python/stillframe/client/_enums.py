"""The enums of the contract as Python enums, with the numbers of the proto files.

A number that this version does not know (a newer server's) is kept as a pseudo-member
instead of failing a load: `from_wire` makes one, a plain constructor call still refuses it.
"""

import enum
from typing import TypeVar

_E = TypeVar("_E", bound=enum.IntEnum)


class ExecutionState(enum.IntEnum):
    """The state that an execution is in, as the engine reports it."""

    CREATED = 1
    PLANNING = 2
    RUNNING = 3
    PAUSED = 4
    WAITING = 5
    COMPLETED = 6
    FAILED = 7
    CANCELLED = 8

    @property
    def is_terminal(self) -> bool:
        """Whether the execution has ended: COMPLETED, FAILED or CANCELLED."""
        return self in (
            ExecutionState.COMPLETED,
            ExecutionState.FAILED,
            ExecutionState.CANCELLED,
        )

    @property
    def can_resume(self) -> bool:
        """Whether the execution stopped and can go on: PAUSED or WAITING."""
        return self in (ExecutionState.PAUSED, ExecutionState.WAITING)

    @property
    def is_active(self) -> bool:
        """Whether the execution is under way: RUNNING or WAITING."""
        return self in (ExecutionState.RUNNING, ExecutionState.WAITING)


class WaitReason(enum.IntEnum):
    """What an execution in state WAITING waits for."""

    APPROVAL = 1
    USER_INPUT = 2
    RATE_LIMIT = 3
    EXTERNAL = 4
    CHECKPOINT = 5
    COST_THRESHOLD = 6
    MEMORY_PRESSURE = 7
    SUB_AGENT = 8


class StateClass(enum.IntEnum):
    """A group of states, for filters; the properties of ExecutionState by the same names."""

    TERMINAL = 1
    RESUMABLE = 2
    ACTIVE = 3


class SnapshotMap(enum.IntEnum):
    """One of the two maps of a snapshot."""

    STEP_OUTPUTS = 1
    VARIABLES = 2


class DifferenceKind(enum.IntEnum):
    """How an entry differs between two snapshots.

    ADDED: only the second has it. REMOVED: only the first has it. CHANGED: both have it, with
    different payloads.
    """

    ADDED = 1
    REMOVED = 2
    CHANGED = 3


class OmissionReason(enum.IntEnum):
    """Why an entry was left out of an answer."""

    NOT_SELECTED = 1
    TOO_LARGE = 2


class FreshnessStatus(enum.IntEnum):
    """How a snapshot compares with the engine's event store.

    STALE: replay the events after the snapshot's sequence number. AHEAD: the snapshot knows
    events that the event store lost; never resume from it silently.
    """

    FRESH = 1
    STALE = 2
    AHEAD = 3
    MISSING = 4


class SaveOutcome(enum.IntEnum):
    """What a save did.

    UNCHANGED: everything equals the head, no version was made. REPLAYED: the request_id was
    seen before, and this is the first answer again.
    """

    CREATED = 1
    UPDATED = 2
    UNCHANGED = 3
    REPLAYED = 4


class WatchMode(enum.IntEnum):
    """How a watch treats changes that are superseded before they are delivered.

    LATEST may skip a change that a later one of the same execution follows; EVERY_CHANGE
    delivers all of them, in the order of revisions, without gap or duplicate.
    """

    LATEST = 1
    EVERY_CHANGE = 2


class ChangeKind(enum.IntEnum):
    """What happened to an execution, seen through the filter of a watch.

    LEFT_FILTER: its new head does not match the filter, the one before did.
    """

    SAVED = 1
    DELETED = 2
    EXPIRED = 3
    LEFT_FILTER = 4


def from_wire(cls: type[_E], number: int) -> _E:
    """The member of `cls` with this number, or a pseudo-member for an unknown one."""
    try:
        return cls(number)
    except ValueError:
        member = int.__new__(cls, number)
        member._name_ = f"UNRECOGNIZED_{number}"
        member._value_ = number
        return member
