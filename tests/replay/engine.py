"""An engine with an event log of its own, which saves a snapshot after every step.

    python -m tests.replay.engine --job tests.replay.formats --input FILE …

It claims the run, compares the snapshot with its event log, replays the events that the
snapshot lacks, and goes on with the first step that no event tells of. What it does it reports
as JSON lines on stdout. At the points named by `--hold` it says so and blocks until it reads a
line on stdin: that is where a test kills or freezes it, at exactly that point and without any
waiting for a time to pass.
"""

from __future__ import annotations

import argparse
import importlib
import json
import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, cast

from stillframe.client import Client, FencedError, FreshnessStatus, StillframeError
from tests.replay.event_log import EventLog, LogMovedError
from tests.replay.job import RunState, content, digest

if TYPE_CHECKING:
    from collections.abc import Callable

    from stillframe.client import Claim, Saved, Snapshot
    from tests.replay.event_log import Event
    from tests.replay.job import Job

EXIT_FAILED = 1
EXIT_FENCED = 3

AFTER_CLAIM = "after-claim"
"""Holds once the run is claimed, before anything is saved."""


def before_save(sequence: int) -> str:
    """Holds when this event is in the log, and the snapshot that includes it is not saved."""
    return f"before-save:{sequence}"


def after_save(sequence: int) -> str:
    """Holds when the snapshot with this event is acknowledged."""
    return f"after-save:{sequence}"


class EngineError(Exception):
    """The run cannot go on."""


class Observer(Protocol):
    """Is told what an engine does, and may block it."""

    def report(self, what: str, **fields: Any) -> None:
        """Something was done."""
        ...

    def reached(self, point: str) -> None:
        """The engine is at this point; returns when the engine may go on."""
        ...


class _Saver(Protocol):
    """The two ways to save: whole snapshots, or the client's delta tracking."""

    def claim(self, event_store_head: int) -> Claim: ...
    def save(self, snapshot: Snapshot) -> Saved: ...


class _Whole:
    def __init__(self, client: Client, execution_id: str) -> None:
        self._client = client
        self._execution_id = execution_id
        self._epoch = 0

    def claim(self, event_store_head: int) -> Claim:
        claim = self._client.claim(
            self._execution_id, allow_missing=True, event_store_head=event_store_head
        )
        self._epoch = claim.writer_epoch
        return claim

    def save(self, snapshot: Snapshot) -> Saved:
        return self._client.save(self._execution_id, snapshot, writer_epoch=self._epoch)


class _Deltas:
    def __init__(self, client: Client, execution_id: str) -> None:
        self._execution = client.execution(execution_id)

    def claim(self, event_store_head: int) -> Claim:
        return self._execution.claim(allow_missing=True, event_store_head=event_store_head)

    def save(self, snapshot: Snapshot) -> Saved:
        return self._execution.save(snapshot)


@dataclass(kw_only=True)
class Engine:
    """Runs a job to its end, from wherever the run stands."""

    client: Client
    execution_id: str
    job: Job
    log: EventLog
    observer: Observer
    delta: bool = False
    effects: Callable[[str], None] = lambda _: None
    """Is told of a step before the step runs: what it counts cannot be unsaid by a crash."""

    def run(self) -> None:
        """Raises FencedError when another engine has taken over."""
        kind = _Deltas if self.delta else _Whole
        saver: _Saver = kind(self.client, self.execution_id)
        state = self._resume(saver)
        for event in self.log.after(state.sequence):
            state.apply(event.step_id, event.result)
            self.observer.report("replaying", sequence=event.sequence, step=event.step_id)
            self._save(saver, state, event, replayed=True)
        steps = self.job.step_ids
        while state.sequence < len(steps):
            step_id = steps[state.sequence]
            self.effects(step_id)
            result = self.job.perform(state.sequence, state)
            event = self.log.append(step_id, result)
            state.apply(step_id, result)
            self._save(saver, state, event, replayed=False)
        self.observer.report("finished", sequence=state.sequence)

    def _resume(self, saver: _Saver) -> RunState:
        """Claims the run, and restores the state of its latest snapshot."""
        claim = saver.claim(self.log.head)
        status = claim.freshness.status if claim.freshness else FreshnessStatus.MISSING
        distance = claim.freshness.distance if claim.freshness else 0
        state = RunState.restored(claim.snapshot) if claim.snapshot else RunState()
        self.observer.report(
            "claimed",
            epoch=claim.writer_epoch,
            status=status.name,
            distance=distance,
            version=claim.snapshot.version if claim.snapshot else 0,
            sequence=state.sequence,
            log_head=self.log.head,
        )
        # Until the claim the engine before this one may have been at work.
        self.log.read()
        if (lost := state.sequence - self.log.head) > 0:
            raise EngineError(f"the snapshot knows {lost} events that the event log has lost")
        self.observer.reached(AFTER_CLAIM)
        if claim.snapshot is None and not self.job.step_ids:
            # Nothing to do is a result too, and the only snapshot that tells no event.
            self._acknowledged(saver, state.snapshot(self.job, None), replayed=False)
        return state

    def _save(self, saver: _Saver, state: RunState, event: Event, *, replayed: bool) -> None:
        self.observer.reached(before_save(event.sequence))
        self._acknowledged(saver, state.snapshot(self.job, event.time_ns), replayed=replayed)
        self.observer.reached(after_save(event.sequence))

    def _acknowledged(self, saver: _Saver, snapshot: Snapshot, *, replayed: bool) -> None:
        saved = saver.save(snapshot)
        self.observer.report(
            "saved",
            replayed=replayed,
            sequence=snapshot.sequence_number,
            step=snapshot.current_step_id,
            version=saved.version,
            etag=saved.etag,
            revision=saved.revision,
            outcome=saved.outcome.name,
            digest=digest(content(snapshot)),
        )


class _Pipes:
    """The observer of an engine process: reports on stdout, is let go on stdin."""

    def __init__(self, holds: list[str]) -> None:
        self._holds = set(holds)

    def report(self, what: str, **fields: Any) -> None:
        print(json.dumps({"what": what, **fields}), flush=True)

    def reached(self, point: str) -> None:
        if point in self._holds:
            self.report("holding", at=point)
            if not sys.stdin.readline():
                # Whoever started this engine is gone, and nobody else could ever end it.
                raise SystemExit(EXIT_FAILED)


def open_job(module: str, path: Path) -> Job:
    """The job that a module makes of an input: its `open_job(path)`."""
    return cast("Job", importlib.import_module(module).open_job(path))


def main() -> int:
    """The process. Its exit code says how the run ended for this engine."""
    parser = argparse.ArgumentParser(prog="python -m tests.replay.engine")
    parser.add_argument("--target", required=True)
    parser.add_argument("--tenant", required=True)
    parser.add_argument("--execution", required=True)
    parser.add_argument("--job", required=True, help="the module whose open_job reads the input")
    parser.add_argument("--input", required=True, type=Path)
    parser.add_argument("--folder", required=True, type=Path, help="where the run's logs are")
    parser.add_argument("--delta", action="store_true")
    parser.add_argument("--hold", action="append", default=[])
    options = parser.parse_args()
    observer = _Pipes(options.hold)
    folder: Path = options.folder
    effects = os.open(folder / "effects.log", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    try:
        with (
            Client(options.target, tenant=options.tenant) as client,
            EventLog(folder / "events.log") as log,
        ):
            Engine(
                client=client,
                execution_id=options.execution,
                job=open_job(options.job, options.input),
                log=log,
                observer=observer,
                delta=options.delta,
                effects=lambda step: _append_line(effects, step),
            ).run()
    except (FencedError, LogMovedError) as error:
        observer.report("fenced", by=type(error).__name__, error=str(error))
        return EXIT_FENCED
    except (StillframeError, EngineError) as error:
        observer.report("failed", error=str(error))
        return EXIT_FAILED
    return 0


def _append_line(descriptor: int, text: str) -> None:
    os.write(descriptor, text.encode() + b"\n")


if __name__ == "__main__":
    sys.exit(main())
