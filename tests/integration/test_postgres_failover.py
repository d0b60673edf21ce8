"""The database fails over to an asynchronous standby that lacks the last commits.

Servers and clients stay as they are. What was acknowledged and had not reached the standby is
lost; what matters is that nobody is told anything else.
"""

from __future__ import annotations

import asyncio
from contextlib import ExitStack, closing
from typing import TYPE_CHECKING

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict

from stillframe.client import (
    AsyncClient,
    CaughtUp,
    DeltaBaseMismatchError,
    RevisionInFutureError,
    WatchMode,
)
from stillframe.testing import ServerProcess
from tests.databases import Database, with_options
from tests.integration.saves import DEADLINE
from tests.integration.states import RIDES_OUT, assert_is, running
from tests.integration.test_postgres_restore import rest_of, until_sequence

if TYPE_CHECKING:
    from collections.abc import Iterator

KEPT, LOST = 3, 5
"""Saves that reach the standby, and saves that do not."""


@pytest.fixture
def database() -> Iterator[Database]:
    with closing(Database()) as opened:
        yield opened


def has_replayed(standby: psycopg.Connection[tuple[bool]], position: str) -> bool:
    query = "SELECT pg_last_wal_replay_lsn() >= %s::pg_lsn"
    row = standby.execute(query, (position,)).fetchone()
    return row is not None and bool(row[0])


def cut_off(primary_url: str, standby_url: str) -> None:
    """Has the standby follow up to here, and no further."""
    with (
        psycopg.connect(primary_url, autocommit=True) as primary,
        psycopg.connect(standby_url, autocommit=True) as standby,
    ):
        row = primary.execute("SELECT pg_current_wal_flush_lsn()").fetchone()
        assert row is not None
        while not has_replayed(standby, row[0]):
            pass
        standby.execute("ALTER SYSTEM SET primary_conninfo = ''")
        standby.execute("SELECT pg_reload_conf()")
        receiving = "SELECT 1 FROM pg_stat_wal_receiver"
        while standby.execute(receiving).fetchone() is not None:
            pass


async def test_a_failover_that_loses_commits_is_no_secret(database: Database) -> None:
    standby_url = await asyncio.to_thread(database.start_standby)
    hosts = ",".join(str(conninfo_to_dict(url)["host"]) for url in (database.url, standby_url))
    url = with_options(database.url, host=hosts, target_session_attrs="read-write")
    with ExitStack() as stack:
        servers = [stack.enter_context(ServerProcess(url)) for _ in range(2)]
        addresses = ",".join(server.address for server in servers)
        async with (
            asyncio.timeout(2 * DEADLINE),
            AsyncClient(addresses, tenant="acme", timeout=DEADLINE, retry=RIDES_OUT) as client,
            client.watch(initial_state=True, mode=WatchMode.EVERY_CHANGE) as watch,
        ):
            await rest_of(watch, CaughtUp)
            execution = client.execution("run-1")
            for number in range(1, KEPT + 1):
                await execution.save(running(number))
            await asyncio.to_thread(cut_off, database.url, standby_url)
            later = range(KEPT + 1, KEPT + LOST + 1)
            lost = [await execution.save(running(number)) for number in later][-1]
            await until_sequence(watch, KEPT + LOST)
            watching = asyncio.create_task(rest_of(watch))

            await asyncio.to_thread(database.stop)
            await asyncio.to_thread(database.promote_standby)

            with pytest.raises(RevisionInFutureError) as told:
                await watching
            assert told.value.metadata["head_revision"] == str(KEPT)
            assert_is(await client.load("run-1"), running(KEPT))
            with pytest.raises(DeltaBaseMismatchError):
                await execution.save(running(KEPT + LOST + 1))
            await execution.load()
            onward = await execution.save(running(KEPT + LOST + 1))
            assert onward.revision == KEPT + 1
            assert onward.etag != lost.etag
