"""`python -m tests.bench`: measures the rows, prints the table, and keeps the results."""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.bench import footprint, growth, machine, postgres, rates, watching
from tests.bench.results import Result, SkippedError
from tests.bench.settings import Bench

if TYPE_CHECKING:
    from collections.abc import Callable

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / ".run" / "bench"
"""Git ignores it. It must be on a disk, as the working tree usually is."""

ROWS: dict[str, Callable[[Bench], list[Result]]] = {
    "save": rates.save,
    "save-one": rates.save_one,
    "stream": rates.stream,
    "load": rates.load_head,
    "watch": watching.watch,
    "growth": growth.growth,
    "agents": growth.agents,
    "postgres": postgres.save,
    "heads": rates.heads,
    "memory": watching.memory,
    "streams": watching.streams,
    "start": footprint.start,
}


def main() -> int:
    options = _options()
    FOLDER.mkdir(parents=True, exist_ok=True)
    machine_was = machine.description(options.folder)
    print(_told(machine_was), flush=True)
    record: dict[str, Any] = {
        "time": datetime.now(UTC).isoformat(timespec="seconds"),
        "commit": _commit(),
        "quick": options.quick,
        "machine": machine_was,
        "rows": [],
        "skipped": {},
    }
    begin = time.monotonic()
    with tempfile.TemporaryDirectory(dir=options.folder) as folder:
        bench = Bench(
            folder=Path(folder),
            quick=options.quick,
            rounds=2 if options.quick else 5,
            seconds=0.7 if options.quick else 2.0,
            runs=options.runs or (20 if options.quick else 1_000),
        )
        for name in options.rows:
            print(f"\n{name}: {ROWS[name].__doc__}", flush=True)
            try:
                results = ROWS[name](bench)
            except SkippedError as reason:
                print(f"  skipped: {reason}", flush=True)
                record["skipped"][name] = str(reason)
                continue
            for result in results:
                print("\n".join(f"  {line}" for line in result.lines()), flush=True)
                record["rows"].append(result.record())
    machine_was["load_after"] = round(os.getloadavg()[0], 2)
    record["seconds"] = round(time.monotonic() - begin)
    with (FOLDER / "results.jsonl").open("a", encoding="utf-8") as file:
        file.write(json.dumps(record) + "\n")
    print(f"\n{record['seconds']} s; kept in {FOLDER.relative_to(ROOT)}/results.jsonl")
    return 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a minute or two, to see that it runs")
    parser.add_argument(
        "--rows",
        type=lambda text: text.replace(",", " ").split() or list(ROWS),
        default=list(ROWS),
        help=f"which rows, by commas: {', '.join(ROWS)}",
    )
    parser.add_argument("--runs", type=int, default=0, help="agent runs to save (default: 1000)")
    parser.add_argument("--folder", type=Path, default=FOLDER, help="where data goes: on a disk")
    options = parser.parse_args()
    if unknown := set(options.rows) - ROWS.keys():
        parser.error(f"no row {', '.join(sorted(unknown))}; there are {', '.join(ROWS)}")
    return options


def _told(machine_was: dict[str, Any]) -> str:
    return (
        f"{machine_was['cores']} cores of {machine_was['cpu']}, Python {machine_was['python']},"
        f" {machine_was['filesystem']}; fsync of 16 KiB appended: median"
        f" {machine_was['fsync_ms']} ms, p99 {machine_was['fsync_p99_ms']} ms, in place"
        f" {machine_was['fsync_in_place_ms']} ms; load average {machine_was['load_before']}"
    )


def _commit() -> str:
    done = subprocess.run(
        ["git", "describe", "--always", "--dirty"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    return done.stdout.strip()


if __name__ == "__main__":
    try:
        sys.exit(main())
    except machine.UnsuitableDiskError as error:
        sys.exit(f"{error}; choose another with --folder")
