"""A small server on a socket that answers what a test wrote down, and a clock without waits."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, NamedTuple, cast

import grpc
from grpc import aio

from stillframe.client import AsyncClient, Clock
from stillframe.v1 import snapshot_pb2 as pb
from stillframe.v1 import snapshot_service_pb2 as rpc
from stillframe.v1 import working_memory_service_pb2 as memory
from stillframe.v1.snapshot_service_pb2_grpc import (
    SnapshotServiceServicer,
    add_SnapshotServiceServicer_to_server,
)
from stillframe.v1.working_memory_service_pb2_grpc import (
    WorkingMemoryServiceServicer,
    add_WorkingMemoryServiceServicer_to_server,
)
from tests.unit.client.support import item_saved, status_details

Frames = tuple[rpc.WatchFrame, ...]


class Refusal(NamedTuple):
    """What the server answers with instead of a message."""

    code: grpc.StatusCode
    reason: str = ""


UNAVAILABLE = Refusal(grpc.StatusCode.UNAVAILABLE)
FENCED = Refusal(grpc.StatusCode.FAILED_PRECONDITION, "FENCED")


if TYPE_CHECKING:
    # The types ask for every method; a test's server has those that the test calls.
    _Base = object
else:

    class _Base(SnapshotServiceServicer, WorkingMemoryServiceServicer):
        pass


class Service(_Base):
    """Answers what the test wrote down, and writes down what it was asked."""

    def __init__(self) -> None:
        self.asked: list[Any] = []
        self.refusals: list[Refusal] = []
        self.watches: list[tuple[Frames, Refusal | None]] = []
        self.gate = asyncio.Event()
        self.gate.set()
        self.arrived = asyncio.Event()
        self.cancelled = asyncio.Event()
        self.version = 0

    async def _answer(self, request: Any, context: Any) -> None:
        self.asked.append(request)
        self.arrived.set()
        await self.gate.wait()
        if self.refusals:
            await self._refuse(self.refusals.pop(0), context)

    async def _refuse(self, refusal: Refusal, context: Any) -> None:
        trailer = status_details(refusal.code, refusal.reason)
        context.set_trailing_metadata((("grpc-status-details-bin", trailer),))
        await context.abort(refusal.code, "as it happened")

    async def SaveSnapshot(self, request: Any, context: Any) -> Any:  # noqa: N802
        await self._answer(request, context)
        self.version += 1
        return rpc.SaveSnapshotResponse(version=self.version, etag=f"e{self.version}")

    async def LoadSnapshot(self, request: Any, context: Any) -> Any:  # noqa: N802
        await self._answer(request, context)
        return rpc.LoadSnapshotResponse(snapshot=pb.ExecutionSnapshot(etag="loaded"))

    async def ClaimExecution(self, request: Any, context: Any) -> Any:  # noqa: N802
        await self._answer(request, context)
        return rpc.ClaimExecutionResponse(writer_epoch=7)

    async def ListExecutions(self, request: Any, context: Any) -> Any:  # noqa: N802
        await self._answer(request, context)
        number = int(request.page_token or 0)
        heads = [pb.ExecutionSnapshot(execution_id=f"run-{number}")]
        token = str(number + 1) if number < 2 else ""
        return rpc.ListExecutionsResponse(executions=heads, next_page_token=token)

    async def DiffSnapshots(self, request: Any, context: Any) -> Any:  # noqa: N802
        await self._answer(request, context)
        number = int(request.page_token or 0)
        entries = [rpc.EntryDifference(map=pb.SNAPSHOT_MAP_VARIABLES, key=f"k{number}")]
        token = str(number + 1) if number < 2 else ""
        return rpc.DiffSnapshotsResponse(entries=entries, next_page_token=token)

    async def ForkExecution(self, request: Any, context: Any) -> Any:  # noqa: N802
        await self._answer(request, context)
        return rpc.ForkExecutionResponse(version=1, etag="forked")

    async def DeleteSnapshots(self, request: Any, context: Any) -> Any:  # noqa: N802
        await self._answer(request, context)
        return rpc.DeleteSnapshotsResponse(deleted_count=4)

    async def SetValue(self, request: Any, context: Any) -> Any:  # noqa: N802
        await self._answer(request, context)
        self.version += 1
        return memory.SetValueResponse(etag=f"m{self.version}")

    async def GetValue(self, request: Any, context: Any) -> Any:  # noqa: N802
        await self._answer(request, context)
        return memory.GetValueResponse(value=b"\x00\xff", etag="m1")

    async def DeleteValue(self, request: Any, context: Any) -> Any:  # noqa: N802
        await self._answer(request, context)
        return memory.DeleteValueResponse(deleted=True)

    async def ListKeys(self, request: Any, context: Any) -> Any:  # noqa: N802
        await self._answer(request, context)
        number = int(request.page_token or 0)
        token = str(number + 1) if number < 2 else ""
        return memory.ListKeysResponse(
            keys=[memory.KeyInfo(key=f"k{number}")], next_page_token=token
        )

    async def GetServerInfo(self, request: Any, context: Any) -> Any:  # noqa: N802
        await self._answer(request, context)
        return rpc.GetServerInfoResponse(store_kind="fake")

    async def SaveSnapshots(self, requests: Any, context: Any) -> Any:  # noqa: N802
        """Answers each message once it may; refuses the call that comes upon a refusal."""
        async for request in requests:
            await self._answer(request, context)
            results: list[rpc.SaveItemResult] = []
            for item in request.items:
                self.version += 1
                results.append(item_saved(item, self.version))
            yield rpc.SaveSnapshotsResponse(results=results)

    async def WatchSnapshots(self, request: Any, context: Any) -> Any:  # noqa: N802
        self.asked.append(request)
        frames, refusal = self.watches.pop(0)
        try:
            yield rpc.WatchSnapshotsResponse(frames=frames)
            if refusal is not None:
                await self._refuse(refusal, context)
            if not frames[-1].HasField("goodbye"):
                await asyncio.Event().wait()
        finally:
            self.cancelled.set()


@asynccontextmanager
async def serving(**options: Any) -> AsyncGenerator[tuple[AsyncClient, Service]]:
    service = Service()
    server = aio.server()
    add_SnapshotServiceServicer_to_server(cast("Any", service), server)
    add_WorkingMemoryServiceServicer_to_server(cast("Any", service), server)
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    try:
        async with AsyncClient(f"127.0.0.1:{port}", tenant="acme", **options) as client:
            yield client, service
    finally:
        service.gate.set()
        await server.stop(None)


class Naps:
    """A clock whose sleeps take no time and are put down."""

    def __init__(self) -> None:
        self.taken: list[float] = []
        self.clock = Clock(random=lambda: 1.0, sleep=self._sleep)

    async def _sleep(self, seconds: float) -> None:
        self.taken.append(seconds)
