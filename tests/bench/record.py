"""What a run found, as it is kept: a line of JSON in a file that git ignores."""

from __future__ import annotations

import json
import os
import subprocess
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.bench import machine

if TYPE_CHECKING:
    from tests.bench.results import Result

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / ".run" / "bench"
"""Git ignores it. It must be on a disk, as the working tree usually is."""


@dataclass
class Record:
    """One run: where it ran, and what its rows gave. Begun when it is made."""

    machine: dict[str, Any]
    settings: dict[str, Any]
    rows: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])
    skipped: dict[str, str] = field(default_factory=dict[str, str])
    at: str = field(default_factory=lambda: datetime.now(UTC).isoformat(timespec="seconds"))
    begin: float = field(default_factory=time.monotonic)

    @classmethod
    def open(cls, folder: Path, **settings: Any) -> Record:
        """Looks at the machine, and prints what a reader must know of it. Raises
        UnsuitableDiskError.
        """
        FOLDER.mkdir(parents=True, exist_ok=True)
        folder.mkdir(parents=True, exist_ok=True)
        record = cls(machine.description(folder), settings)
        print(record.told(), flush=True)
        return record

    def told(self) -> str:
        was = self.machine
        return (
            f"{was['cores']} cores of {was['cpu']}, Python {was['python']},"
            f" {was['filesystem']}; fsync of 16 KiB appended: median"
            f" {was['fsync_ms']} ms, p99 {was['fsync_p99_ms']} ms, in place"
            f" {was['fsync_in_place_ms']} ms; load average {was['load_before']}"
        )

    def add(self, result: Result) -> None:
        """Prints a result and remembers it."""
        print("\n".join(f"  {line}" for line in result.lines()), flush=True)
        self.rows.append(result.record())

    def skip(self, row: str, reason: str) -> None:
        print(f"  skipped: {reason}", flush=True)
        self.skipped[row] = reason

    def keep(self) -> None:
        """Appends the run to the results file."""
        self.machine["load_after"] = round(os.getloadavg()[0], 2)
        seconds = round(time.monotonic() - self.begin)
        kept = {
            "time": self.at,
            "commit": _commit(),
            **self.settings,
            "machine": self.machine,
            "rows": self.rows,
            "skipped": self.skipped,
            "seconds": seconds,
        }
        with (FOLDER / "results.jsonl").open("a", encoding="utf-8") as file:
            file.write(json.dumps(kept) + "\n")
        print(f"\n{seconds} s; kept in {FOLDER.relative_to(ROOT)}/results.jsonl")


def _commit() -> str:
    done = subprocess.run(
        ["git", "describe", "--always", "--dirty"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    return done.stdout.strip()
