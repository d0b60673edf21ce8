"""What was recorded of a run. Everything that the checks need, and nothing that does I/O."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from stillframe.client import ChangeKind, ExecutionState
from tests.chaos.operations import END, Kind, Operation, Role, state_of, team_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

UNKNOWN = "no answer"
"""The outcome of an operation that may or may not have taken effect."""


@dataclass(slots=True, kw_only=True)
class Attempt:
    """An operation as its engine saw it.

    `began` and `ended` are read from one counter of the run: where one attempt ended at less
    than another began at, it was over before.
    """

    engine: str
    role: Role
    operation: Operation
    tag: str = ""
    """The operation's, with the epoch."""
    began: int
    ended: int | None = None
    refusal: str = ""
    """The reason of a refusal, or UNKNOWN; empty when it was answered."""
    version: int = 0
    """Of the save, the fork, or what a load or claim gave; 0 for none."""
    etag: str = ""
    revision: int = 0
    outcome: str = ""
    """Of a save."""
    epoch: int = 0
    """What a claim gave."""
    snapshot_count: int = 0
    """Of a fork."""
    loaded_tag: str = ""
    """Of what a load or claim gave."""
    whole: bool = True
    """Whether what a load or claim gave is, in every field, the snapshot of its tag."""

    @property
    def answered(self) -> bool:
        return self.ended is not None and not self.refusal

    def __str__(self) -> str:
        what = f"{self.engine}: {self.operation.kind.value} {self.operation.execution_id}"
        return f"{what} {self.tag}".rstrip()


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """A change: of the change log, or as a watcher got it."""

    revision: int
    execution_id: str
    kind: ChangeKind
    version: int
    tag: str
    whole: bool | None = None
    """Whether the content is that of the tag; None when there was none."""
    gone: bool = False
    """The watcher was told that the content is no longer there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """A snapshot as it is read back when all is over."""

    execution_id: str
    version: int
    etag: str
    revision: int
    tag: str
    whole: bool
    forked_from: tuple[str, int] | None = None
    """The execution and version that a fork copied it from."""


@dataclass(frozen=True, slots=True)
class Where:
    """A filter of a watcher: what the client sends, as a predicate of what a change is of."""

    name: str
    matches: Callable[[str, str], bool]
    """Of the execution_id and the tag."""

    def __str__(self) -> str:
        return self.name


@dataclass(slots=True, kw_only=True)
class Watched:
    """What a watcher was given."""

    name: str
    where: Where
    every_change: bool
    full: bool
    from_beginning: bool
    """It started with the first revision there is; else with the initial state."""
    initial: dict[str, Record] | None = None
    """The heads at the end of the initial state."""
    changes: list[Record] = field(default_factory=list[Record])
    """What came after it, in the order in which it came."""
    connections: int = 0
    """How often it was opened."""
    server: int = 0
    """Which server comes first among the addresses that it has."""
    last: str = ""
    """The kind of the last event that it got."""
    failure: str = ""
    """Why it ended too early."""

    def view(self) -> dict[str, Record]:
        """The heads that the watcher knows of in the end."""
        known = dict(self.initial or {})
        for change in self.changes:
            if change.kind is ChangeKind.SAVED:
                known[change.execution_id] = change
            else:
                known.pop(change.execution_id, None)
        return known


@dataclass(slots=True)
class History:
    """A run."""

    attempts: list[Attempt] = field(default_factory=list[Attempt])
    watches: list[Watched] = field(default_factory=list[Watched])
    logs: dict[str, list[Record]] = field(default_factory=dict[str, list[Record]])
    """The change log from its beginning, as each server tells it in the end."""
    kept: list[Kept] = field(default_factory=list[Kept])
    """Every snapshot that there is in the end."""
    heads: list[Kept] = field(default_factory=list[Kept])
    faults: list[str] = field(default_factory=list[str])
    """What went wrong with the run itself: something did not come to rest."""

    def of(self, *kinds: Kind) -> Iterator[Attempt]:
        """The attempts of these kinds."""
        return (each for each in self.attempts if each.operation.kind in kinds)

    def answered(self, *kinds: Kind) -> Iterator[Attempt]:
        """Those of them that were answered."""
        return (each for each in self.of(*kinds) if each.answered)

    @property
    def log(self) -> list[Record]:
        for log in self.logs.values():
            return log
        return []


SHARED_IDS = ("shared-0", "shared-1", "shared-2", END)

EVERYTHING = Where("everything", lambda _id, _tag: True)
RED = Where("team red", lambda _id, tag: team_of(tag) == "red")
RUNNING = Where("running", lambda _id, tag: state_of(tag) is ExecutionState.RUNNING)
SHARED = Where("shared", lambda execution_id, _tag: execution_id in SHARED_IDS)
