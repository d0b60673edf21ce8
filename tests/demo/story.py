"""What happens to the engines of the demo, and what must have come of it.

    engine A   is killed between its event append and its save
    engine B   takes over, and freezes just before it saves the event that A could not
    engine C   takes over from B. B wakes up, and its late save is FENCED. C saves the event,
               goes on, and is killed right after a save was acknowledged
    engine D   takes over and finishes

Every engine is a process. It says when it has come to the point of its accident, and blocks
there; so the accident comes at that point, each time, and no time has to pass for it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tests.replay import checks
from tests.replay.engine import AFTER_CLAIM, EXIT_FENCED, after_save, before_save

if TYPE_CHECKING:
    from contextlib import ExitStack

    from stillframe.client import Client
    from tests.demo.screen import Screen
    from tests.replay.processes import Child, Report
    from tests.replay.run import Run

FEWEST_STEPS = 4
"""Two accidents at different steps, a snapshot before the first, a step after the second."""


@dataclass(kw_only=True)
class Story:
    """The demo's run and those who take part in it."""

    run: Run
    client: Client
    screen: Screen
    stack: ExitStack
    claims: dict[str, Report] = field(default_factory=dict[str, "Report"])
    fenced: list[Report] = field(default_factory=list["Report"])
    changed_by_fenced: list[str] = field(default_factory=list[str])
    watched: list[Report] = field(default_factory=list["Report"])

    @property
    def lost(self) -> int:
        """The step whose event is appended and whose snapshot is not saved."""
        return max(2, len(self.run.job.step_ids) // 3)

    @property
    def killed(self) -> int:
        """The step after whose save the second accident comes."""
        return max(self.lost + 1, 2 * len(self.run.job.step_ids) // 3)

    def tell(self) -> None:
        """Plays the story to its end."""
        screen = self.screen
        watcher = self.stack.enter_context(self.run.watcher(on_report=screen.watcher))
        watcher.expect("opened")

        screen.title("An engine starts. It appends an event to its log, then saves a snapshot.")
        first = self._engine("A", before_save(self.lost))
        first.expect("holding")
        watcher.expect("change", version=self.lost - 1)
        first.kill()
        screen.title(
            f"Engine A (process {first.pid}) was killed with SIGKILL: event {self.lost} is in"
            " its log, and not in a snapshot."
        )

        second = self._engine("B", before_save(self.lost))
        second.expect("holding")
        second.freeze()
        screen.title("Engine B froze before it could save. Is it dead? Nobody can tell.")

        third = self._engine("C", AFTER_CLAIM, after_save(self.killed))
        third.expect("holding", at=AFTER_CLAIM)
        screen.title("Engine B wakes up, and saves as if nothing had happened.")
        self._save_late(second)

        screen.title(f"Engine C goes on, with event {self.lost} first.")
        third.go()
        third.expect("holding", at=after_save(self.killed))
        watcher.expect("change", version=self.killed)
        third.kill()
        screen.title(
            f"Engine C (process {third.pid}) was killed with SIGKILL, right after the"
            f" acknowledgement of version {self.killed}."
        )

        last = self._engine("D")
        last.expect("finished")
        last.wait()
        self.watched = self.run.end_watch(self.client, watcher)

    def _engine(self, letter: str, *holds: str) -> Child:
        name = f"engine {letter}"
        child = self.run.engine(
            name, *holds, on_report=lambda report: self.screen.engine(name, report)
        )
        self.stack.enter_context(child)
        self.claims[name] = child.expect("claimed")
        return child

    def _save_late(self, engine: Child) -> None:
        """Lets a frozen engine go on, whose run was claimed by another meanwhile. The other
        has not saved yet, so that only the fence can keep the late save out.
        """
        before = self.client.load(self.run.execution_id)
        engine.thaw()
        engine.go()
        code = engine.wait()
        self.fenced = [report for report in engine.reports if report["what"] == "fenced"]
        if code != EXIT_FENCED:
            self.changed_by_fenced.append(f"{engine.name} ended with exit code {code}")
        if (after := self.client.load(self.run.execution_id)).etag != before.etag:
            self.changed_by_fenced.append(f"the late save made version {after.version}")

    def findings(self) -> dict[str, tuple[str, list[str]]]:
        """What is to be said at the end, with what is wrong about it."""
        run, client = self.run, self.client
        saves = run.acknowledged()
        replayed = [save["sequence"] for save in saves if save["replayed"]]
        skipped = {name: claim["sequence"] for name, claim in self.claims.items()}
        return {
            "saved": (
                f"{len(saves)} versions, one for each step; no step ran twice",
                checks.ran_once(run) + checks.acknowledged_once(run),
            ),
            "replayed": (
                f"{len(replayed)} event, number {self.lost}, which engine A left without a snapshot",
                checks.replayed_once(run, [self.lost]) + self._wrong_claims(),
            ),
            "skipped": (
                "{engine C} steps by engine C, {engine D} by D: a snapshot had them".format(
                    **skipped
                ),
                self._wrong_skips(skipped),
            ),
            "fenced": (
                f"{len(self.fenced)} late save, of engine B; it changed nothing",
                self._wrong_fence(),
            ),
            "seen": (
                f"{len(self.watched)} changes by the watcher: every one, once, in order",
                checks.watched_once(run, self.watched),
            ),
            "read back": ("every version, as it was saved", checks.reads_back(client, run)),
            "result": (
                "the same as of a computation that nobody interrupted",
                checks.ends_as_computed(client, run),
            ),
        }

    def _wrong_skips(self, skipped: dict[str, int]) -> list[str]:
        before = self.lost - 1
        expected = {
            "engine A": 0,
            "engine B": before,
            "engine C": before,
            "engine D": self.killed,
        }
        return [] if skipped == expected else [f"skipped {skipped}, not {expected}"]

    def _wrong_claims(self) -> list[str]:
        expected = {
            "engine A": ("MISSING", 0),
            "engine B": ("STALE", 1),
            "engine C": ("STALE", 1),
            "engine D": ("FRESH", 0),
        }
        found = {name: (c["status"], c["distance"]) for name, c in self.claims.items()}
        epochs = [claim["epoch"] for claim in self.claims.values()]
        wrong = [
            f"{name} was told {found.get(name)}, not {claim}"
            for name, claim in expected.items()
            if found.get(name) != claim
        ]
        if epochs != sorted(set(epochs)):
            wrong.append(f"the writer epochs do not rise: {epochs}")
        return wrong

    def _wrong_fence(self) -> list[str]:
        by = [report["by"] for report in self.fenced]
        refused = [] if by == ["FencedError"] else [f"the late save ended with {by}"]
        return refused + self.changed_by_fenced
