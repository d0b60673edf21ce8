"""The database goes away, and comes back: nothing false is said, and no server restarts."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack, closing
from typing import TYPE_CHECKING, Any

import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc

from stillframe.client import AsyncClient, ExecutionState, Snapshot
from stillframe.testing import ServerProcess
from stillframe.v1 import snapshot_service_pb2 as service
from tests.conformance.calls import EVERY_CHANGE
from tests.conformance.support import new_tenant, refused, save_request, snapshot
from tests.databases import Database
from tests.integration.saves import DEADLINE, Tenant

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

HEALTH: Any = health_pb2_grpc
SERVING = health_pb2.HealthCheckResponse.SERVING
NOT_SERVING = health_pb2.HealthCheckResponse.NOT_SERVING


@pytest.fixture(scope="module")
def database() -> Iterator[Database]:
    with closing(Database()) as own:
        yield own


@pytest.fixture
async def tenant(database: Database) -> AsyncIterator[Tenant]:
    async with asyncio.timeout(2 * DEADLINE), AsyncExitStack() as stack:
        server = stack.enter_context(ServerProcess(database.url))
        yield await stack.enter_async_context(Tenant(server.address, new_tenant()))


class HealthWatch:
    """The health service's watch of a server."""

    def __init__(self, tenant: Tenant) -> None:
        stub = HEALTH.HealthStub(tenant.channel)
        self._call = stub.Watch(health_pb2.HealthCheckRequest())

    async def becomes(self, status: Any) -> None:
        while (await self._call.read()).status != status:
            pass


async def test_all_goes_on_when_the_database_is_back(database: Database, tenant: Tenant) -> None:
    health = HealthWatch(tenant)
    await health.becomes(SERVING)
    first = await tenant.save(save_request(tenant.tenant_id, "a", snapshot(1)))
    request = service.WatchSnapshotsRequest(now=service.WatchFromNow(), mode=EVERY_CHANGE)
    async with tenant.watch(request) as watch:
        opened = await watch.until("caught_up")
        await asyncio.to_thread(database.stop)
        try:
            with refused("STORE_UNAVAILABLE") as told:
                await tenant.save(save_request(tenant.tenant_id, "b", snapshot(1)))
            assert told.retry_after
            with refused("STORE_UNAVAILABLE") as told:
                await tenant.load("a", 1)
            assert told.retry_after
            await health.becomes(NOT_SERVING)
            # The watch is open, and says no more than that there is nothing new.
            frame = await watch.frame()
            assert frame is not None
            assert frame.HasField("progress")
            assert frame.resume_token == opened[-1].resume_token == first.resume_token
        finally:
            await asyncio.to_thread(database.start)
        await health.becomes(SERVING)
        second = await tenant.save(save_request(tenant.tenant_id, "c", snapshot(1)))
        assert second.revision == 2
        assert (await watch.change()).snapshot.execution_id == "c"
    assert (await tenant.load("a", 1)).sequence_number == 1


async def test_our_client_rides_it_out(database: Database, tenant: Tenant) -> None:
    """A client whose retries reach over the outage sees no error, and no save is done twice."""
    async with AsyncClient(tenant.address, tenant=tenant.tenant_id, timeout=DEADLINE) as client:
        state = Snapshot(state=ExecutionState.RUNNING, sequence_number=1)
        await client.save("run", state)
        await asyncio.to_thread(database.stop)
        saving = asyncio.create_task(
            client.save("run", Snapshot(state=ExecutionState.RUNNING, sequence_number=2))
        )
        loading = asyncio.create_task(client.load("run", version=1))
        with refused("STORE_UNAVAILABLE"):
            await tenant.load("run", 1)
        await asyncio.to_thread(database.start)
        assert (await saving).version == 2
        assert (await loading).sequence_number == 1


async def test_a_server_does_not_start_without_its_database(database: Database) -> None:
    await asyncio.to_thread(database.stop)
    try:
        process = ServerProcess(database.url)
        with pytest.raises(Exception, match="PostgreSQL cannot be opened"):
            await asyncio.to_thread(process.start)
    finally:
        await asyncio.to_thread(database.start)
