"""One run under test: its engines, its watcher, and what they reported."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from stillframe.client import ExecutionState, Snapshot
from tests.replay.engine import Engine, before_save, open_job
from tests.replay.event_log import EventLog
from tests.replay.processes import Child, ChildError, Report

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from stillframe.client import Client
    from tests.replay.job import Job

TENANT = "replay"


def _nobody(_: Report) -> None:
    pass


@dataclass(kw_only=True)
class Run:
    """A run of a job, by one engine process after another.

    `folder` has the event log, which the engines share as they would share a database, and the
    log of effects: a line for each step that really ran.
    """

    target: str
    execution_id: str
    module: str
    """Whose `open_job(input)` makes the job, in the engines and here."""
    input: Path
    folder: Path
    delta: bool = False
    tenant: str = TENANT
    engines: list[Child] = field(default_factory=list[Child])

    def __post_init__(self) -> None:
        self.folder.mkdir(parents=True)
        self.job: Job = open_job(self.module, self.input)

    @property
    def end_id(self) -> str:
        """The execution whose first change tells the watcher that the run is over."""
        return f"{self.execution_id}-end"

    def engine(
        self, name: str, *holds: str, on_report: Callable[[Report], None] = _nobody
    ) -> Child:
        """Starts an engine process, which blocks at these points."""
        arguments = [
            *self._place(),
            *("--job", self.module, "--input", str(self.input), "--folder", str(self.folder)),
            *(part for hold in holds for part in ("--hold", hold)),
            *(["--delta"] if self.delta else []),
        ]
        child = Child(name, "tests.replay.engine", arguments, on_report=on_report)
        self.engines.append(child)
        return child

    def watcher(self, *, on_report: Callable[[Report], None] = _nobody) -> Child:
        """Starts the watcher process; it is watching once it reports `opened`."""
        arguments = [*self._place(), "--until", self.end_id]
        return Child("watcher", "tests.replay.watcher", arguments, on_report=on_report)

    def end_watch(self, client: Client, watcher: Child) -> list[Report]:
        """Ends the watch once everything that was committed up to now was delivered; returns
        the changes that the watcher saw.
        """
        client.save(self.end_id, Snapshot(state=ExecutionState.COMPLETED))
        if code := watcher.wait():
            raise ChildError(f"the watcher ended with exit code {code}: {watcher.told()}")
        return [report for report in watcher.reports if report["what"] == "change"]

    def acknowledged(self) -> list[Report]:
        """What the engines report of their acknowledged saves, in order."""
        return [
            report
            for engine in self.engines
            for report in engine.reports
            if report["what"] == "saved"
        ]

    def effects(self) -> list[str]:
        """The steps that really ran, in order."""
        path = self.folder / "effects.log"
        return path.read_text(encoding="utf-8").splitlines() if path.exists() else []

    def _place(self) -> list[str]:
        return [
            *("--target", self.target, "--tenant", self.tenant),
            *("--execution", self.execution_id),
        ]


def crash_and_resume(
    run: Run, crash_at: Sequence[int], say: Callable[[str, str], None]
) -> list[str]:
    """Runs the job, with an engine that is killed at each of these steps between its event
    append and its save. Returns what was wrong with how the run was taken up again.
    """
    problems: list[str] = []
    before: int | None = None
    for number, step in enumerate([*sorted(crash_at), None], 1):
        holds = [] if step is None else [before_save(step)]
        with run.engine(f"engine {number}", *holds) as engine:
            claimed = engine.expect("claimed")
            if before is not None:
                say("resume", f"{engine.name} {_how(claimed)}")
                problems += _wrong_resume(engine.name, claimed, before)
            if step is None:
                engine.expect("finished")
                engine.wait()
            else:
                engine.expect("holding", at=before_save(step))
                engine.kill()
                say(
                    "crash",
                    f"{engine.name} killed at step {step}: its event is in the log, its snapshot is not saved",
                )
            before = step
    return problems


def _how(claimed: Report) -> str:
    snapshot = f"the snapshot has {claimed['sequence']} of {claimed['log_head']} events"
    return f"claimed epoch {claimed['epoch']}: {claimed['status']}, {snapshot}"


def _wrong_resume(name: str, claimed: Report, killed_at: int) -> list[str]:
    """An engine killed at step n leaves n events and a snapshot of n - 1 of them."""
    expected = {
        "status": "STALE" if killed_at > 1 else "MISSING",
        "distance": 1 if killed_at > 1 else 0,
        "sequence": killed_at - 1,
        "log_head": killed_at,
    }
    return [
        f"{name}: the claim says {key} {claimed[key]}, not {value}"
        for key, value in expected.items()
        if claimed[key] != value
    ]


def run_in_one_go(client: Client, run: Run) -> None:
    """Runs the job with one engine, in this process, that nobody disturbs."""
    with EventLog(run.folder / "events.log") as log:
        Engine(
            client=client,
            execution_id=run.execution_id,
            job=run.job,
            log=log,
            observer=_Nobody(),
            delta=run.delta,
        ).run()


class _Nobody:
    """The observer of an engine that nobody looks at."""

    def report(self, what: str, **fields: object) -> None:
        pass

    def reached(self, point: str) -> None:
        pass
