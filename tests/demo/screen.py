"""How the demo tells what happens: one short line at a time, with who did it in front."""

from __future__ import annotations

import os
import sys
import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.replay.processes import Report

_COLOURS = {
    "demo": "1",
    "server": "36",
    "watcher": "35",
    "engine A": "33",
    "engine B": "34",
    "engine C": "32",
    "engine D": "33",
    "WRONG": "1;31",
}


class Screen:
    """Prints lines from many threads, in colour where there is a terminal that shows it."""

    def __init__(self, steps: int) -> None:
        self._steps = steps
        self._lock = threading.Lock()
        self._coloured = sys.stdout.isatty() and "NO_COLOR" not in os.environ

    def say(self, who: str, text: str) -> None:
        """Prints who did what."""
        name = f"{who:>9}"
        if self._coloured and who in _COLOURS:
            name = f"\033[{_COLOURS[who]}m{name}\033[0m"
        with self._lock:
            print(f"{name} │ {text}".rstrip(), flush=True)

    def title(self, text: str) -> None:
        """Prints a line that begins a new part."""
        self.say("", "")
        self.say("demo", text)

    def engine(self, name: str, report: Report) -> None:
        """Prints what an engine did."""
        if report["what"] == "claimed":
            self.say(name, f"claims the run: writer epoch {report['epoch']}, {_standing(report)}")
        elif report["what"] == "replaying":
            self.say(name, f"replays event {report['sequence']} from its log")
        elif report["what"] == "saved":
            step = f"step {report['sequence']} of {self._steps} ({report['step']})"
            self.say(name, f"{step} saved: version {report['version']}")
        elif report["what"] == "fenced":
            self.say(name, f"its late save is refused, it stops: {report['error']}")
        elif report["what"] == "finished":
            self.say(name, "has no step left to run: the job is done")

    def watcher(self, report: Report) -> None:
        """Prints what the watcher saw."""
        if report["what"] == "opened":
            self.say("watcher", "watches every change of the run")
        elif report["what"] == "change":
            self.say(
                "watcher",
                f"    {report['kind']} version {report['version']}: {report['state']},"
                f" after step {report['sequence']}",
            )


def _standing(claimed: Report) -> str:
    """How the snapshot compares with the event log."""
    if claimed["status"] == "MISSING":
        return "no snapshot yet"
    if claimed["status"] == "FRESH":
        return f"FRESH: version {claimed['version']} has all {claimed['log_head']} events"
    return (
        f"{claimed['status']} by {claimed['distance']}: version {claimed['version']} has"
        f" {claimed['sequence']} of the {claimed['log_head']} events in the log"
    )
