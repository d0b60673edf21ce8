"""An older backup is restored while clients are connected: what they are told, and when.

As docs/operations.md has it: the servers are stopped, the backup is restored, the servers are
started. The clients wait meanwhile, and go on with what they know.
"""

from __future__ import annotations

import asyncio
import shutil
import sqlite3
import subprocess
from contextlib import ExitStack, closing
from typing import TYPE_CHECKING, Protocol

import pytest

from stillframe.client import (
    AsyncClient,
    CaughtUp,
    Change,
    DeltaBaseMismatchError,
    EtagMismatchError,
    ExecutionNotFoundError,
    FreshnessStatus,
    InitialStateEnd,
    Restarted,
    RevisionInFutureError,
    SaveOutcome,
    StoreReplacedError,
    WatchMode,
)
from stillframe.testing import ServerProcess
from tests.databases import Database, tool
from tests.integration.saves import DEADLINE
from tests.integration.states import RIDES_OUT, assert_is, running

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from stillframe.client import AsyncWatch, WatchEvent

KEPT, LOST = 3, 5
"""Saves that the backup has, and saves after it."""


class Place(Protocol):
    """Servers over one store, and its backup."""

    servers: list[ServerProcess]

    def back_up(self) -> None:
        """Makes a backup while the servers run."""

    def restore(self) -> None: ...


class Postgres:
    """Two servers over one database."""

    def __init__(self, database: Database, folder: Path) -> None:
        self._url = database.url
        self._dump = folder / "dump"
        self._drop()  # What the test before left.
        self.servers = [ServerProcess(self._url) for _ in range(2)]

    def back_up(self) -> None:
        command = [tool("pg_dump"), "--format=custom", f"--file={self._dump}", self._url]
        subprocess.run(command, check=True)

    def restore(self) -> None:
        self._drop()
        command = [tool("pg_restore"), "--single-transaction", f"--dbname={self._url}"]
        subprocess.run([*command, str(self._dump)], check=True)

    def _drop(self) -> None:
        drop = "DROP SCHEMA IF EXISTS stillframe CASCADE"
        subprocess.run([tool("psql"), "-q", "-c", drop, self._url], check=True)


class Sqlite:
    """A server over a file."""

    def __init__(self, folder: Path) -> None:
        self._file = folder / "stillframe.db"
        self._copy = folder / "copy.db"
        self.servers = [ServerProcess(f"sqlite:///{self._file}")]

    def back_up(self) -> None:
        with (
            closing(sqlite3.connect(self._file)) as here,
            closing(sqlite3.connect(self._copy)) as there,
        ):
            here.backup(there)

    def restore(self) -> None:
        for name in ("-wal", "-shm"):
            self._file.with_name(self._file.name + name).unlink(missing_ok=True)
        shutil.copyfile(self._copy, self._file)


@pytest.fixture(scope="module")
def database() -> Iterator[Database]:
    """Of these tests' own: what they drop is theirs."""
    with closing(Database()) as opened:
        yield opened


@pytest.fixture(params=["postgres", "sqlite"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Place]:
    made: Place
    if request.param == "postgres":
        made = Postgres(request.getfixturevalue("database"), tmp_path)
    else:
        made = Sqlite(tmp_path)
    with ExitStack() as stack:
        for server in made.servers:
            stack.enter_context(server)
        yield made


async def restore(place: Place, *, stopped: bool = True) -> None:
    """Restores the backup, as docs/operations.md says, or with the servers left running."""
    for server in place.servers if stopped else ():
        await asyncio.to_thread(server.terminate)
    await asyncio.to_thread(place.restore)
    for server in place.servers if stopped else ():
        await asyncio.to_thread(server.start)


async def until_sequence(watch: AsyncWatch, number: int) -> None:
    async for change in watch.changes():
        if change.snapshot.sequence_number == number:
            return


async def rest_of(watch: AsyncWatch, until: type[WatchEvent] = Change) -> list[WatchEvent]:
    """Reads a watch up to an event of a kind; raises what ends it before."""
    events: list[WatchEvent] = []
    async for event in watch:
        events.append(event)
        if isinstance(event, until):
            break
    return events


async def test_clients_that_know_more_than_the_store(place: Place) -> None:
    addresses = ",".join(server.address for server in place.servers)
    async with (
        asyncio.timeout(2 * DEADLINE),
        AsyncClient(addresses, tenant="acme", timeout=DEADLINE, retry=RIDES_OUT) as client,
        client.watch(initial_state=True, mode=WatchMode.EVERY_CHANGE) as watch,
        client.watch(initial_state=True, restart_if_lost=True, full=True) as starts_over,
    ):
        # They are open from here on.
        await rest_of(watch, CaughtUp)
        await rest_of(starts_over, CaughtUp)
        execution = client.execution("run-1")
        kept = [await execution.save(running(n)) for n in range(1, KEPT + 1)][-1]
        await asyncio.to_thread(place.back_up)
        again = await client.save("run-2", running(1), request_id="after the backup")
        assert (await client.claim("run-3", allow_missing=True)).writer_epoch == 1
        later = range(KEPT + 1, KEPT + LOST + 1)
        lost = [await execution.save(running(number)) for number in later][-1]
        await until_sequence(watch, KEPT + LOST)
        await until_sequence(starts_over, KEPT + LOST)
        watching = asyncio.create_task(rest_of(watch))
        starting = asyncio.create_task(rest_of(starts_over, InitialStateEnd))

        await restore(place)

        # A watch that knows a later revision is told, and one that may starts over.
        with pytest.raises(RevisionInFutureError) as future:
            await watching
        assert future.value.metadata["head_revision"] == str(KEPT)
        events = await starting
        assert Restarted(reason="REVISION_IN_FUTURE") in events
        [head] = [each for each in events if isinstance(each, Change) and each.initial]
        assert_is(head.snapshot, running(KEPT))

        # A delta and an expected etag name what is not there, although versions will be again.
        with pytest.raises(DeltaBaseMismatchError) as base:
            await execution.save(running(KEPT + LOST + 1))
        assert base.value.metadata["head_version"] == str(KEPT)
        with pytest.raises(EtagMismatchError) as etag:
            await client.save("run-1", running(99), expected_etag=lost.etag)
        assert etag.value.metadata["head_etag"] == kept.etag

        # A load says how many events are to be replayed.
        stale = await client.load("run-1", event_store_head=KEPT + LOST)
        assert stale.freshness is not None
        assert stale.freshness.status is FreshnessStatus.STALE
        assert stale.freshness.distance == LOST

        # What was done after the backup is forgotten: request ids and writer epochs too.
        replayed = await client.save("run-2", running(1), request_id="after the backup")
        assert replayed.outcome is SaveOutcome.CREATED
        assert replayed.etag != again.etag
        assert (await client.claim("run-3", allow_missing=True)).writer_epoch == 1

        # An engine that loads goes on; versions and revisions are given out again.
        await execution.load()
        onward = [await execution.save(running(100 + number)) for number in range(LOST)][-1]
        assert onward.version == lost.version
        assert onward.revision == lost.revision
        assert onward.etag != lost.etag
        async with client.watch(resume_token=kept.resume_token) as goes_on:
            [*_, first] = await rest_of(goes_on)
            assert isinstance(first, Change)
            assert first.snapshot.revision == kept.revision + 1
        with pytest.raises(StoreReplacedError):
            async with client.watch(resume_token=lost.resume_token) as late:
                await rest_of(late)


async def test_a_handle_that_may_overwrite_sends_the_whole(place: Place) -> None:
    addresses = ",".join(server.address for server in place.servers)
    async with (
        asyncio.timeout(2 * DEADLINE),
        AsyncClient(addresses, tenant="acme", timeout=DEADLINE, retry=RIDES_OUT) as client,
    ):
        execution = client.execution("run-1", overwrite=True)
        await execution.save(running(1))
        await asyncio.to_thread(place.back_up)
        await execution.save(running(2))
        await restore(place)
        saved = await execution.save(running(3))
        assert saved.version == 2
        assert_is(await client.load("run-1"), running(3))


@pytest.mark.parametrize("kept", [KEPT, 0])
async def test_servers_that_were_left_running_find_out(
    database: Database, tmp_path: Path, kept: int
) -> None:
    """A dump that is restored under them, or a standby that lacks the last commits."""
    place = Postgres(database, tmp_path)
    with place.servers[0], place.servers[1]:
        addresses = ",".join(server.address for server in place.servers)
        async with (
            asyncio.timeout(2 * DEADLINE),
            AsyncClient(addresses, tenant="acme", timeout=DEADLINE, retry=RIDES_OUT) as client,
            client.watch(initial_state=True, mode=WatchMode.EVERY_CHANGE) as watch,
        ):
            for number in range(kept + LOST):
                if number == kept:
                    await asyncio.to_thread(place.back_up)
                await client.save("run-1", running(number + 1))
            await until_sequence(watch, kept + LOST)
            watching = asyncio.create_task(rest_of(watch))
            await restore(place, stopped=False)
            # Nobody saves: the servers hear of it by looking.
            with pytest.raises(RevisionInFutureError):
                await watching
            if kept:
                assert_is(await client.load("run-1"), running(kept))
            else:
                # The backup is from before the tenant.
                with pytest.raises(ExecutionNotFoundError):
                    await client.load("run-1")
