"""What each engine does: a row of operations without end, drawn from the seed alone.

What becomes of an operation depends on the faults around it; which operations come, in which
order, with which content does not.
"""

from __future__ import annotations

import random
import zlib
from dataclasses import dataclass
from enum import Enum
from itertools import count
from typing import TYPE_CHECKING

from stillframe.client import ExecutionState, Snapshot

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

END = "~the-end"
"""An execution that is saved once, last of all, and that every filter of a watcher matches."""

END_TAG = "end/1"

_STATES = (ExecutionState.RUNNING, ExecutionState.RUNNING, ExecutionState.COMPLETED)


class Kind(Enum):
    """What an operation is."""

    SAVE = "save"
    CREATE = "create"
    """A save with must_not_exist."""
    CLAIM = "claim"
    LOAD = "load"
    DELETE = "delete"
    FORK = "fork"


SAVES = frozenset((Kind.SAVE, Kind.CREATE))


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation of a row."""

    kind: Kind
    execution_id: str
    tag: str = ""
    """What a save's content follows from; unique in a run."""
    source: str = ""
    """The execution that a fork is made of."""
    with_history: bool = False
    ttl: float | None = None
    """Seconds."""
    think: float = 0.0
    """Seconds that the engine takes before it."""


class Role(Enum):
    """How an engine works."""

    RUNNER = "runner"
    """Claims executions that others claim too, and saves through handles."""
    SENDER = "sender"
    """Saves executions of its own whole, one call each."""
    PIPER = "piper"
    """Saves executions of its own through a pipeline."""
    REMOVER = "remover"
    """Creates, deletes and creates again."""
    FORKER = "forker"
    """Forks what senders save, and goes on with the fork."""
    LODGER = "lodger"
    """Saves with a ttl that often ends."""


@dataclass(frozen=True, slots=True)
class Engine:
    """An engine: its role, and its number among those of the role."""

    role: Role
    number: int

    @property
    def name(self) -> str:
        return f"{self.role.value}-{self.number}"


ENGINES = tuple(
    Engine(role, number)
    for role, many in (
        (Role.RUNNER, 3),
        (Role.SENDER, 3),
        (Role.PIPER, 2),
        (Role.REMOVER, 2),
        (Role.FORKER, 1),
        (Role.LODGER, 1),
    )
    for number in range(many)
)
"""As many as a run has."""


def row(engine: Engine, seed: int) -> Iterator[Operation]:
    """Yields the operations of an engine."""
    chance = random.Random(f"{seed} {engine.name}")
    draw = _ROWS[engine.role]
    for number in count(1):
        yield draw(chance, engine.name, number)


def snapshot_of(tag: str) -> Snapshot:
    """The snapshot of a tag, all of which follows from it.

    A tag is `engine/number`, with `@epoch` behind it if a claim gave one. The message list
    grows with the number, as that of an agent does, and begins anew now and then.
    """
    name, _, rest = tag.partition("/")
    number = int(rest.partition("@")[0] or "0")
    digest = zlib.crc32(tag.encode())
    filler = f"{tag} {digest:08x} "
    size = 60_000 if digest % 40 == 0 else digest % 2_000
    return Snapshot(
        state=state_of(tag),
        # Runners share their executions, and their numbers do not.
        sequence_number=0 if name.startswith(Role.RUNNER.value) else number,
        current_step_id=f"step-{number}",
        step_outputs={f"step-{digest % 5}": filler * (size // len(filler) + 1), "last": tag},
        variables={
            "messages": [f"message {each} of {name}" for each in range(number % 50)],
            "constant": "x" * 1_000,
        },
        labels={"tag": tag, "team": team_of(tag)},
    )


def state_of(tag: str) -> ExecutionState:
    return _STATES[zlib.crc32(tag.encode()) % len(_STATES)]


def team_of(tag: str) -> str:
    return "red" if zlib.crc32(tag.encode()) % 5 else "blue"


def epoch_of(tag: str) -> int:
    """The writer epoch under which a tag was saved; 0 for none."""
    return int(tag.partition("@")[2] or "0")


def _think(chance: random.Random) -> float:
    return chance.uniform(0, 0.05)


def _runner(chance: random.Random, name: str, number: int) -> Operation:
    execution_id = f"shared-{chance.randrange(3)}"
    kind = chance.choices((Kind.SAVE, Kind.CLAIM, Kind.LOAD), (20, 1, 2))[0]
    tag = f"{name}/{number}" if kind is Kind.SAVE else ""
    return Operation(kind, execution_id, tag, think=_think(chance))


def _sender(chance: random.Random, name: str, number: int) -> Operation:
    execution_id = f"{name}-{chance.randrange(4)}"
    if chance.randrange(8) == 0:
        return Operation(Kind.LOAD, execution_id, think=_think(chance))
    return Operation(Kind.SAVE, execution_id, f"{name}/{number}", think=_think(chance))


def _piper(chance: random.Random, name: str, number: int) -> Operation:
    execution_id = f"{name}-{chance.randrange(6)}"
    return Operation(Kind.SAVE, execution_id, f"{name}/{number}", think=chance.uniform(0, 0.03))


def _remover(chance: random.Random, name: str, number: int) -> Operation:
    execution_id = f"{name}-{chance.randrange(3)}"
    kinds = (Kind.SAVE, Kind.CREATE, Kind.DELETE, Kind.LOAD)
    kind = chance.choices(kinds, (6, 2, 2, 1))[0]
    tag = f"{name}/{number}" if kind in SAVES else ""
    return Operation(kind, execution_id, tag, think=_think(chance))


def _forker(chance: random.Random, name: str, number: int) -> Operation:
    # A fork, then some saves of it, then the next fork.
    first = number - (number - 1) % 5
    execution_id = f"fork-{first}-of-{name}"
    if number == first:
        source = f"sender-{chance.randrange(3)}-{chance.randrange(4)}"
        with_history = chance.randrange(2) == 0
        return Operation(Kind.FORK, execution_id, source=source, with_history=with_history)
    return Operation(Kind.SAVE, execution_id, f"{name}/{number}", think=_think(chance))


def _lodger(chance: random.Random, name: str, number: int) -> Operation:
    execution_id = f"{name}-{chance.randrange(6)}"
    ttl = chance.choice((None, 0.3, 0.6, 1.5))
    return Operation(Kind.SAVE, execution_id, f"{name}/{number}", ttl=ttl, think=_think(chance))


_ROWS: dict[Role, Callable[[random.Random, str, int], Operation]] = {
    Role.RUNNER: _runner,
    Role.SENDER: _sender,
    Role.PIPER: _piper,
    Role.REMOVER: _remover,
    Role.FORKER: _forker,
    Role.LODGER: _lodger,
}
