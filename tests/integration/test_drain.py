"""A drain waits for what is on its way, and for nothing else."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import grpc

from stillframe.server import app
from stillframe.server.app import Server
from stillframe.server.config import Settings
from stillframe.server.stores import open_store
from stillframe.server.stores.base import StoreConfig
from stillframe.v1.snapshot_service_pb2 import GetServerInfoRequest
from stillframe.v1.snapshot_service_pb2_grpc import SnapshotServiceStub
from tests.conformance.support import save_request, snapshot
from tests.integration.saves import DEADLINE

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    import pytest

HELD_AFTER = 2**20


class Relay:
    """Passes a client's bytes on to a server, up to some of them until it is told to go on."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._tasks: set[asyncio.Task[None]] = set()
        self.held = asyncio.Event()
        self.go_on = asyncio.Event()
        self.port = 0

    async def accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there, back = await asyncio.open_connection("127.0.0.1", self._port)
        for part in (self._pass(reader, back, hold=True), self._pass(there, writer, hold=False)):
            task = asyncio.create_task(part)
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def closed(self) -> None:
        """Waits until both ends of every connection are closed."""
        await asyncio.gather(*self._tasks)

    async def _pass(
        self, source: asyncio.StreamReader, target: asyncio.StreamWriter, *, hold: bool
    ) -> None:
        passed = 0
        try:
            while data := await source.read(2**16):
                target.write(data)
                await target.drain()
                passed += len(data)
                if hold and passed >= HELD_AFTER:
                    self.held.set()
                    await self.go_on.wait()
        except ConnectionError:
            pass
        finally:
            target.close()


@asynccontextmanager
async def relay(port: int) -> AsyncGenerator[Relay]:
    made = Relay(port)
    server = await asyncio.start_server(made.accept, "127.0.0.1", 0)
    made.port = server.sockets[0].getsockname()[1]
    yield made
    server.close()
    await made.closed()


async def test_a_save_that_is_still_arriving_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(app, "STRAY_GRACE", 0.01)
    store = await open_store("memory:", StoreConfig())
    server = Server(Settings(listen="127.0.0.1:0", reflection=False), store)
    await server.start()
    port = int(server.address.rpartition(":")[2])
    request = save_request("acme", "run", snapshot(1, variables={"v": b"x" * 4 * HELD_AFTER}))
    async with (
        asyncio.timeout(DEADLINE),
        relay(port) as between,
        grpc.aio.insecure_channel(f"127.0.0.1:{between.port}") as channel,
        grpc.aio.insecure_channel(server.address) as direct,
    ):
        stub = SnapshotServiceStub(channel)
        call = stub.SaveSnapshot(request)
        await between.held.wait()
        # Calls are taken in their order: by now the save has been.
        await SnapshotServiceStub(direct).GetServerInfo(GetServerInfoRequest())
        stopping = asyncio.create_task(server.stop(DEADLINE))
        # Many times what a drain gives to calls that are lost.
        await asyncio.wait({stopping}, timeout=0.5)
        assert not stopping.done()
        between.go_on.set()
        assert (await call).version == 1
        await stopping
    await store.close()
