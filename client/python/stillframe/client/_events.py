"""What a watch delivers.

`resume_token` in an event is a point up to which everything was delivered: a watch that
starts with it goes on from there. It is empty in events of the initial state (DESIGN
section 5).
"""

from dataclasses import dataclass

from stillframe.client._enums import ChangeKind, WatchMode
from stillframe.client._types import StoredSnapshot


@dataclass(frozen=True, kw_only=True, slots=True)
class WatchOpened:
    """The watch is open, with these settings. Comes again after every reconnection.

    `full`: whether snapshots carry entries. `max_message_bytes`: the bound on response
    messages in force. `progress_interval`: seconds between progress events, at most.
    """

    mode: WatchMode
    full: bool
    max_message_bytes: int
    progress_interval: float
    resume_token: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Change:
    """An execution changed, or, with `initial`, is part of the initial state.

    `snapshot`: for SAVED and LEFT_FILTER the new head; for DELETED and EXPIRED the ids, the
    version, and what filters test of the head that is gone. `content_gone`: the entries were
    asked for and are no longer there.
    """

    kind: ChangeKind
    snapshot: StoredSnapshot
    initial: bool
    content_gone: bool
    resume_token: str


@dataclass(frozen=True, kw_only=True, slots=True)
class InitialStateEnd:
    """The changes so far, applied in order, are the state at the resume token."""

    execution_count: int
    resume_token: str


@dataclass(frozen=True, kw_only=True, slots=True)
class CaughtUp:
    """The stream has reached the present."""

    resume_token: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Progress:
    """Everything up to the resume token was delivered, whether or not anything matched."""

    resume_token: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Restarted:
    """The watch starts over with the initial state: forget what it delivered so far.

    `reason`: INTERRUPTED (cut off during the initial state), or the reason of the error that
    the watch was told to survive: HISTORY_COMPACTED, STORE_REPLACED, REVISION_IN_FUTURE.
    """

    reason: str


WatchEvent = WatchOpened | Change | InitialStateEnd | CaughtUp | Progress | Restarted
"""Everything that iterating a watch gives."""
