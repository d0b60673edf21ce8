"""What an engine runs: a job is a fixed list of steps, and every step gives a result.

The state of a run is a fold over the results of its steps and over nothing else. That is what
makes a snapshot a cache of the event log, and what lets a checker compute the same state
without the engine, the log or the server.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol, Self

from stillframe.client import ExecutionState, Snapshot

if TYPE_CHECKING:
    from stillframe.client import StoredSnapshot

SCHEMA_VERSION = "replay/1"


@dataclass(frozen=True, kw_only=True, slots=True)
class Result:
    """What a step gives, as JSON values: its output, the variables that it sets, and the items
    that it appends to variables that are lists. Appending keeps the events of a growing
    message list as small as what is new in them.
    """

    output: Any
    sets: Mapping[str, Any] = field(default_factory=dict[str, Any])
    appends: Mapping[str, Sequence[Any]] = field(default_factory=dict[str, Sequence[Any]])


class Job(Protocol):
    """The steps of a run. `perform` must give the same result whenever it is called with the
    same state: recorded runs read it from the record, the demo's job computes it.
    """

    @property
    def title(self) -> str:
        """One line that says what this is."""
        ...

    @property
    def step_ids(self) -> Sequence[str]:
        """The steps, in the order in which they run."""
        ...

    @property
    def labels(self) -> Mapping[str, str]:
        """The labels of every snapshot."""
        ...

    @property
    def final_state(self) -> ExecutionState:
        """The state that the run ends in."""
        ...

    def perform(self, index: int, state: RunState) -> Result:
        """Runs the step with this index (from 0) on the state before it."""
        ...


@dataclass(slots=True)
class RunState:
    """The state of a run after `sequence` steps: each step makes one event, so that the number
    of the last event is also the number of steps that are done.
    """

    sequence: int = 0
    step_outputs: dict[str, Any] = field(default_factory=dict[str, Any])
    variables: dict[str, Any] = field(default_factory=dict[str, Any])

    @classmethod
    def restored(cls, snapshot: StoredSnapshot) -> Self:
        """The state that a snapshot was made of."""
        return cls(
            sequence=snapshot.sequence_number,
            step_outputs=dict(snapshot.step_outputs),
            variables=dict(snapshot.variables),
        )

    def apply(self, step_id: str, result: Result) -> None:
        """Goes on to the state after one more step."""
        self.sequence += 1
        self.step_outputs[step_id] = result.output
        self.variables.update(result.sets)
        for name, items in result.appends.items():
            # A new list, not extend(): the old one may stand in an event or in a snapshot.
            self.variables[name] = [*self.variables.get(name, []), *items]

    def snapshot(self, job: Job, timestamp_ns: int | None) -> Snapshot:
        """What the engine saves in this state."""
        done = self.sequence == len(job.step_ids)
        return Snapshot(
            state=job.final_state if done else ExecutionState.RUNNING,
            sequence_number=self.sequence,
            current_step_id=job.step_ids[self.sequence - 1] if self.sequence else None,
            step_outputs=self.step_outputs,
            variables=self.variables,
            timestamp_ns=timestamp_ns,
            labels=dict(job.labels),
            snapshot_id=f"after-{self.sequence}",
            parent_snapshot_id=f"after-{self.sequence - 1}" if self.sequence > 1 else None,
            schema_version=SCHEMA_VERSION,
        )


def content(snapshot: Snapshot) -> dict[str, Any]:
    """Every field of a snapshot that an engine sets, as one JSON object."""
    return {
        "state": snapshot.state.name,
        "wait_reason": snapshot.wait_reason.name if snapshot.wait_reason else None,
        "user_id": snapshot.user_id,
        "current_step_id": snapshot.current_step_id,
        "timestamp_ns": snapshot.timestamp_ns,
        "sequence_number": snapshot.sequence_number,
        "labels": dict(snapshot.labels),
        "snapshot_id": snapshot.snapshot_id,
        "parent_snapshot_id": snapshot.parent_snapshot_id,
        "parent_execution_id": snapshot.parent_execution_id,
        "schema_version": snapshot.schema_version,
        "step_outputs": dict(snapshot.step_outputs),
        "variables": dict(snapshot.variables),
    }


def canonical(value: object) -> str:
    """JSON in which equal values, and only they, look equal: 1 is not 1.0, 0.0 is not -0.0."""
    return json.dumps(value, sort_keys=True, ensure_ascii=True, separators=(",", ":"))


def digest(fields: Mapping[str, Any]) -> str:
    """Names the content of a snapshot: two with the same content have the same digest."""
    return hashlib.sha256(canonical(fields).encode()).hexdigest()
