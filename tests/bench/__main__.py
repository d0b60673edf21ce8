"""`python -m tests.bench`: measures the rows, prints the table, and keeps the results."""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from tests.bench import footprint, growth, machine, postgres, rates, watching
from tests.bench.record import FOLDER, Record
from tests.bench.results import Result, SkippedError
from tests.bench.settings import Bench

if TYPE_CHECKING:
    from collections.abc import Callable

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
    record = Record.open(options.folder, quick=options.quick)
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
                record.skip(name, str(reason))
                continue
            for result in results:
                record.add(result)
    record.keep()
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


if __name__ == "__main__":
    try:
        sys.exit(main())
    except machine.UnsuitableDiskError as error:
        sys.exit(f"{error}; choose another with --folder")
