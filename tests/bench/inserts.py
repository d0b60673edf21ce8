"""Inserts rows one a transaction: `python -m tests.bench.inserts URL CONNECTIONS SECONDS`.

Prints a report as the load generator's. The CPU of the database is not in it.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from typing import Any

from tests.bench import load, references
from tests.bench.rates import SIZE

WARM_UP = 0.5


async def insert(url: str, connections: int, seconds: float) -> dict[str, Any]:
    asyncpg = references.optional("asyncpg")
    values = [each.SerializeToString() for each in load.all_new(SIZE)]
    setup = await asyncpg.connect(url)
    await setup.execute(
        "CREATE TABLE IF NOT EXISTS plain (id BIGSERIAL PRIMARY KEY, name TEXT, body BYTEA)"
    )
    await setup.close()
    pool = await asyncpg.create_pool(url, min_size=connections, max_size=connections)
    latencies: list[float] = []
    begin = time.perf_counter() + WARM_UP
    end = begin + seconds
    own = 0.0

    async def work(number: int) -> None:
        async with pool.acquire() as connection:
            statement = await connection.prepare("INSERT INTO plain (name, body) VALUES ($1, $2)")
            sent = time.perf_counter()
            while sent < end:
                await statement.fetch(f"run-{number:08x}", values[number % len(values)])
                now = time.perf_counter()
                if begin <= now <= end:
                    latencies.append(now - sent)
                sent = now

    async def measure() -> None:
        nonlocal own
        await asyncio.sleep(begin - time.perf_counter())
        before = time.process_time()
        await asyncio.sleep(end - time.perf_counter())
        own = time.process_time() - before

    await asyncio.gather(measure(), *(work(number) for number in range(connections)))
    await pool.close()
    latencies.sort()
    return {
        "count": len(latencies),
        "seconds": seconds,
        "p50": latencies[len(latencies) // 2],
        "p99": latencies[len(latencies) * 99 // 100],
        "own_cpu": own,
    }


if __name__ == "__main__":
    print(json.dumps(asyncio.run(insert(sys.argv[1], int(sys.argv[2]), float(sys.argv[3])))))
