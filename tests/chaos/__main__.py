"""Kills servers and restarts their database for a time, under writers and watchers.

    python -m tests.chaos [--seconds S] [--seed N]

A seed repeats what goes wrong, and what is written; when it happens is the machine's.
Exit codes: 0 all is well; 1 something is wrong.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import time
from contextlib import AsyncExitStack
from random import Random
from typing import TYPE_CHECKING

from stillframe.client import AsyncClient, ExecutionState, Snapshot
from tests.chaos.judging import judge
from tests.chaos.traffic import END, Writer, follow, listed, view
from tests.chaos.world import SERVERS, World
from tests.conformance.support import new_tenant
from tests.integration.saves import Tenant

if TYPE_CHECKING:
    from collections.abc import Sequence

WRITERS = 6
TIMEOUT = 30.0
"""Seconds that a call of an engine may take, over all of its retries."""
SETTLE = 120.0
"""Seconds within which the watchers must have seen the end."""


async def chaos(seed: int, seconds: float) -> list[str]:
    """Returns what is wrong."""
    chance = Random(seed)
    tenant_id = new_tenant()
    async with World() as world, AsyncExitStack() as stack:

        async def client(first: int) -> AsyncClient:
            target = world.target(first)
            opened = AsyncClient(target, tenant=tenant_id, timeout=TIMEOUT)
            return await stack.enter_async_context(opened)

        beginning = await _beginning(world, tenant_id)
        writers = [
            Writer(await client(number), number, Random(chance.random()))
            for number in range(WRITERS)
        ]
        followers = [
            asyncio.create_task(follow(await client(number), beginning))
            for number in range(SERVERS)
        ]
        viewers = [asyncio.create_task(view(await client(number))) for number in range(SERVERS)]
        over = asyncio.Event()
        writing = [asyncio.create_task(writer.run(over)) for writer in writers]
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            await asyncio.sleep(chance.uniform(0, 2))
            await world.befall(chance)
            # What fails for good, fails now.
            for task in (*writing, *followers, *viewers):
                if task.done():
                    task.result()
        over.set()
        await asyncio.gather(*writing)
        quiet = await client(0)
        await quiet.save(END, Snapshot(state=ExecutionState.COMPLETED, sequence_number=1))
        async with asyncio.timeout(SETTLE):
            followed, views = await asyncio.gather(*followers), await asyncio.gather(*viewers)
        log = await follow(quiet, beginning)
        heads = {name: etag async for name, etag in listed(quiet)}
        acknowledged = [each for writer in writers for each in writer.acknowledged]
        unknown = sum(writer.unknown for writer in writers)
        for line in world.told:
            print(f"  {line}")
        print(
            f"{len(acknowledged):,} answers, {unknown} calls without one, {len(log):,} changes,"
            f" {len(world.told)} mishaps"
        )
        return list(judge(log, acknowledged, followed, views, heads))


async def _beginning(world: World, tenant_id: str) -> str:
    """Returns the resume token of revision 0."""
    async with Tenant(world.servers[0].address, tenant_id) as tenant:
        return await tenant.beginning()


def main(arguments: Sequence[str] | None = None) -> int:
    """The command."""
    parser = argparse.ArgumentParser(prog="python -m tests.chaos", description=__doc__)
    parser.add_argument("--seconds", type=float, default=60, help="how long (60)")
    parser.add_argument("--seed", type=int, help="repeats a run; one by the clock otherwise")
    options = parser.parse_args(arguments)
    seed = options.seed if options.seed is not None else time.time_ns() % 2**32
    print(f"seed {seed}, {options.seconds:g} s", flush=True)
    wrong = asyncio.run(chaos(seed, options.seconds))
    for line in wrong:
        print(f"WRONG: {line}")
    print("all is well" if not wrong else f"{len(wrong)} things are wrong: --seed {seed}")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
