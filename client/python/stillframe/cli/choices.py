"""The names that options take and output shows, such as `running`.

They are those of the client's enums in lower case. They stand here once more so that
help and shell completion work without loading the client; a test compares the two.
"""

import enum


class State(enum.StrEnum):
    """ExecutionState."""

    CREATED = enum.auto()
    PLANNING = enum.auto()
    RUNNING = enum.auto()
    PAUSED = enum.auto()
    WAITING = enum.auto()
    COMPLETED = enum.auto()
    FAILED = enum.auto()
    CANCELLED = enum.auto()


class Wait(enum.StrEnum):
    """WaitReason."""

    APPROVAL = enum.auto()
    USER_INPUT = enum.auto()
    RATE_LIMIT = enum.auto()
    EXTERNAL = enum.auto()
    CHECKPOINT = enum.auto()
    COST_THRESHOLD = enum.auto()
    MEMORY_PRESSURE = enum.auto()
    SUB_AGENT = enum.auto()


class Group(enum.StrEnum):
    """StateClass."""

    TERMINAL = enum.auto()
    RESUMABLE = enum.auto()
    ACTIVE = enum.auto()
