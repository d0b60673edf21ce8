"""Fuzzes servers for a time or for so many messages, over each store in turn.

    python -m tests.fuzz [--messages N | --seconds S] [--seed N] [--store memory,sqlite]

Exit codes: 0 all is well; 1 something is wrong.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import tempfile
import time
from typing import TYPE_CHECKING

from stillframe.testing import ServerProcess
from tests.fuzz.campaign import SETTINGS, Campaign

if TYPE_CHECKING:
    from collections.abc import Sequence

EXIT_WRONG = 1

_SAY_EVERY = 20.0
"""Seconds."""


def main(arguments: Sequence[str] | None = None) -> int:
    """The command."""
    options = _options(arguments)
    stores: list[str] = options.store.split(",")
    seed = int(options.seed if options.seed is not None else time.time_ns() % 2**32)
    wrong = 0
    for store in stores:
        with tempfile.TemporaryDirectory(prefix="stillframe-") as folder:
            url = {"memory": "memory:", "sqlite": f"sqlite:///{folder}/fuzz.db"}.get(store, store)
            with ServerProcess(url, env=SETTINGS) as server:
                campaign = Campaign(server, seed)
                print(f"{store}: seed {seed}, pid {server.pid}", flush=True)
                asyncio.run(_run(campaign, options, len(stores)))
                wrong += _tell(store, campaign)
    return EXIT_WRONG if wrong else 0


async def _run(campaign: Campaign, options: argparse.Namespace, shares: int) -> None:
    start = said = time.monotonic()
    while not campaign.over:
        await campaign.round()
        now = time.monotonic()
        if now - said >= _SAY_EVERY:
            said = now
            print(_line(campaign, now - start), flush=True)
        if options.seconds is not None and now - start >= options.seconds / shares:
            return
        if options.seconds is None and campaign.report.messages >= options.messages / shares:
            return


def _line(campaign: Campaign, seconds: float) -> str:
    report = campaign.report
    return (
        f"  {report.messages:,} messages in {report.calls:,} calls, {seconds:,.0f} s, "
        f"{report.last_bytes / 2**20:,.0f} MiB (warm: {report.warm_bytes / 2**20:,.0f} MiB)"
    )


def _tell(store: str, campaign: Campaign) -> int:
    report = campaign.report
    for what, number in sorted(report.codes.items()):
        print(f"  {number:>8,}  {what}")
    for finding in report.findings:
        print(f"  WRONG: {finding}")
    verdict = f"{len(report.findings)} findings" if report.findings else "all is well"
    print(f"{store}: {report.messages:,} messages, {verdict}", flush=True)
    return len(report.findings)


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("--messages", type=int, default=20_000, help="of all stores together")
    parser.add_argument("--seconds", type=float, help="instead of --messages")
    parser.add_argument("--seed", type=int, help="of the random numbers; unset is the time")
    parser.add_argument("--store", default="memory,sqlite", help="stores or URLs, by commas")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())
