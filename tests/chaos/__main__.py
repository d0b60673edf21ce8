"""Runs chaos for a time and says what is wrong.

    python -m tests.chaos [--seed N] [--seconds S] [--store postgres|sqlite]

Exit codes: 0 all is well; 1 something is wrong.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
import time
from collections import Counter
from typing import TYPE_CHECKING

from tests.chaos.checks import wrong
from tests.chaos.places import STORES, chaos

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tests.chaos.history import History

EXIT_WRONG = 1


def main(arguments: Sequence[str] | None = None) -> int:
    """The command."""
    options = _options(arguments)
    seed = int(options.seed if options.seed is not None else time.time_ns() % 2**32)
    # gRPC's own remarks about a server that goes away are no news here.
    os.environ.setdefault("GRPC_VERBOSITY", "NONE")
    print(f"{options.store}: seed {seed}, {options.seconds:g} s", flush=True)
    history = asyncio.run(
        chaos(options.store, seed, options.seconds, lambda line: print(f"  {line}", flush=True))
    )
    _tell(history)
    problems = wrong(history)
    for problem in problems:
        print(f"  WRONG: {problem}")
    verdict = f"{len(problems)} findings" if problems else "all is well"
    print(f"{options.store}: seed {seed}, {verdict}", flush=True)
    return EXIT_WRONG if problems else 0


def _tell(history: History) -> None:
    attempts = Counter(
        (each.role.value, each.operation.kind.value, each.refusal or each.outcome or "answered")
        for each in history.attempts
    )
    for (role, kind, outcome), number in sorted(attempts.items()):
        print(f"  {number:>7,}  {role} {kind}: {outcome}")
    for watched in history.watches:
        print(
            f"  {len(watched.changes):>7,}  changes in {watched.connections} connections:"
            f" {watched.name}"
        )
    print(f"  {len(history.log):>7,}  revisions, {len(history.kept):,} snapshots kept")


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.chaos", description=__doc__)
    parser.add_argument("--seed", type=int, help="of faults and operations; unset is the time")
    parser.add_argument("--seconds", type=float, default=60, help="that faults go on for")
    parser.add_argument("--store", choices=STORES, default=STORES[0])
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())
