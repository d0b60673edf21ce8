"""What the PostgreSQL store runs to its end, whoever waits for it."""

from __future__ import annotations

import asyncio
import gc
from typing import Any

from stillframe.server.stores import refusals
from stillframe.server.stores.postgres.connection import parse_url
from stillframe.server.stores.postgres.running import Runner


async def test_a_refusal_whose_caller_has_left_is_no_fault() -> None:
    told: list[dict[str, Any]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: told.append(context))
    runner = Runner(parse_url("postgresql://nobody@127.0.0.1:1/none"))
    begun, end = asyncio.Event(), asyncio.Event()

    async def read() -> None:
        begun.set()
        await end.wait()
        raise refusals.execution_not_found("run-1")

    task = runner.start(read())
    caller = asyncio.ensure_future(asyncio.shield(task))
    await begun.wait()
    caller.cancel()
    await asyncio.wait({caller})
    end.set()
    await asyncio.wait({task})
    del task, caller
    gc.collect()
    assert told == []
