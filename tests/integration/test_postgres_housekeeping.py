"""Housekeeping by several servers over one database, one of which may hang."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from stillframe.server.stores.postgres import PostgresStore
from stillframe.server.stores.postgres.connection import connect, parse_url
from tests.conformance.support import TIMEOUT, seconds
from tests.databases import fresh
from tests.integration.postgres_support import Replicas, ask

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Generator

HANGS = """
import asyncio, os, signal, sys
from stillframe.server.stores.base import StoreConfig
from stillframe.server.stores.postgres import PostgresStore

def stop():
    # A slice asks for the time between two transactions.
    os.kill(os.getpid(), signal.SIGSTOP)
    return 0

async def main():
    store = await PostgresStore.open(sys.argv[1], StoreConfig(clock=stop))
    await store.maintain(100)

asyncio.run(main())
"""


@pytest.fixture
async def replicas(postgres_url: str) -> AsyncIterator[Replicas]:
    async with asyncio.timeout(2 * TIMEOUT), Replicas(fresh(postgres_url)) as replicas:
        yield replicas


@contextmanager
def server_that_hangs(url: str) -> Generator[int]:
    """Starts a process that stops itself amid a slice; gives its id."""
    process = subprocess.Popen([sys.executable, "-c", HANGS, url])
    try:
        yield process.pid
    finally:
        process.kill()
        process.wait()


async def test_a_server_that_hangs_does_not_stop_the_housekeeping_of_others(
    replicas: Replicas,
) -> None:
    store = await replicas.open(pool_size=1)
    await store.save("a", ttl=seconds(60))
    store.clock.advance(61)
    options = parse_url(replicas.url)
    key = options.key("housekeeping")
    with server_that_hangs(replicas.url) as pid:
        _, status = await asyncio.to_thread(os.waitpid, pid, os.WUNTRACED)
        assert os.WIFSTOPPED(status)
        # The hung server's slice: no reason to wait, nor to keep a connection from calls.
        assert not await store.store.maintain(100)
        assert await store.ids() == ["a"]
        async with await connect(options, "test") as look:
            await look.execute("SET lock_timeout = 0")
            await look.execute("SET statement_timeout = 0")
            # Comes back when the database has ended that slice.
            await look.execute("SELECT pg_advisory_lock(%s)", (key,))
            # Closing the connection would do it too, but not at once.
            await look.execute("SELECT pg_advisory_unlock(%s)", (key,))
        await store.maintain()
        assert await store.ids() == []


async def test_a_slice_leaves_no_limit_on_a_connection(replicas: Replicas) -> None:
    """A connection of the pool may be idle for as long as nobody calls."""
    store = await replicas.open(pool_size=1)
    await store.maintain()
    assert isinstance(store.store, PostgresStore)
    async with store.store.runner.connection() as connection:
        limit = "SELECT setting = reset_val FROM pg_settings WHERE name = 'idle_session_timeout'"
        assert await ask(connection, limit) == [(True,)]
