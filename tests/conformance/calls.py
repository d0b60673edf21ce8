"""A running server seen by one tenant through the generated stubs, and a watch of it.

No client of ours stands between: what is tested is the contract itself.
"""

from __future__ import annotations

import asyncio
from collections import deque
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, TypeAlias, cast

import grpc.aio

from stillframe.server.app import Server
from stillframe.v1 import snapshot_service_pb2 as service
from stillframe.v1.snapshot_service_pb2_grpc import SnapshotServiceStub
from stillframe.v1.working_memory_service_pb2 import (
    DeleteValueRequest,
    GetValueRequest,
    ListKeysRequest,
    SetValueRequest,
)
from stillframe.v1.working_memory_service_pb2_grpc import WorkingMemoryServiceStub
from tests.conformance.support import TIMEOUT, Clock, save_request, take_selector

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Awaitable, Iterable

    from stillframe.server.config import Settings
    from stillframe.server.stores.base import Store
    from stillframe.v1.snapshot_pb2 import ExecutionSnapshot
    from stillframe.v1.snapshot_service_pb2 import (
        ClaimExecutionResponse,
        DeleteExecutionResponse,
        DiffSnapshotsResponse,
        ForkExecutionResponse,
        LoadSnapshotResponse,
        SaveSnapshotResponse,
        SnapshotChange,
        SnapshotDelta,
        SnapshotSelector,
        WatchFrame,
        WatchSnapshotsRequest,
        WatchSnapshotsResponse,
    )
    from stillframe.v1.snapshot_service_pb2_grpc import SnapshotServiceAsyncStub
    from stillframe.v1.working_memory_service_pb2 import (
        GetValueResponse,
        ListKeysResponse,
        SetValueResponse,
    )
    from stillframe.v1.working_memory_service_pb2_grpc import WorkingMemoryServiceAsyncStub

    WatchCall: TypeAlias = grpc.aio.UnaryStreamCall[WatchSnapshotsRequest, WatchSnapshotsResponse]

FrameKind: TypeAlias = Literal["opened", "initial_state_end", "caught_up", "progress", "goodbye"]

EVERY_CHANGE = service.WATCH_MODE_EVERY_CHANGE
LATEST = service.WATCH_MODE_LATEST
FULL = service.SNAPSHOT_VIEW_FULL
METADATA = service.SNAPSHOT_VIEW_METADATA

SAVED = service.CHANGE_KIND_SAVED
DELETED = service.CHANGE_KIND_DELETED
EXPIRED = service.CHANGE_KIND_EXPIRED
LEFT_FILTER = service.CHANGE_KIND_LEFT_FILTER

NOW: dict[str, Any] = {"now": service.WatchFromNow()}
INITIAL_STATE: dict[str, Any] = {"initial_state": service.WatchFromInitialState()}


class Watch:
    """An open watch, read frame by frame."""

    def __init__(self, call: WatchCall) -> None:
        self._call = call
        self._ready: deque[WatchFrame] = deque()
        self.message_sizes: list[tuple[int, int]] = []
        """Bytes and frames of each message so far."""

    async def frame(self) -> WatchFrame | None:
        """Returns the next frame, or None at the end of the stream; raises its error."""
        while not self._ready:
            async with asyncio.timeout(TIMEOUT):
                read = await self._call.read()
            if read is grpc.aio.EOF:
                return None
            response = cast("WatchSnapshotsResponse", read)
            self.message_sizes.append((response.ByteSize(), len(response.frames)))
            self._ready.extend(response.frames)
        return self._ready.popleft()

    async def until(self, kind: FrameKind) -> list[WatchFrame]:
        """Returns the frames up to the next one of this kind, which is the last."""
        frames: list[WatchFrame] = []
        while (frame := await self.frame()) is not None:
            frames.append(frame)
            if frame.WhichOneof("frame") == kind:
                return frames
        raise AssertionError(f"the watch ended without {kind}")

    async def change_frames(self, count: int) -> list[WatchFrame]:
        """Returns the frames of the next `count` changes."""
        found: list[WatchFrame] = []
        while len(found) < count:
            frame = await self.frame()
            assert frame is not None, f"the watch ended after {len(found)} changes"
            if frame.HasField("change"):
                found.append(frame)
        return found

    async def changes(self, count: int) -> list[SnapshotChange]:
        return [frame.change for frame in await self.change_frames(count)]

    async def change(self) -> SnapshotChange:
        return (await self.changes(1))[0]

    async def changes_until(self, kind: FrameKind) -> list[SnapshotChange]:
        """Returns the changes before the next frame of this kind."""
        return [frame.change for frame in await self.until(kind) if frame.HasField("change")]

    async def code(self) -> grpc.StatusCode:
        async with asyncio.timeout(TIMEOUT):
            return await self._call.code()


@dataclass
class Api:
    """A running server, and a tenant that nobody else uses."""

    settings: Settings
    store: Store
    clock: Clock
    tenant_id: str
    server: Server
    channel: grpc.aio.Channel
    stub: SnapshotServiceAsyncStub
    memory: WorkingMemoryServiceAsyncStub
    stopped: bool = False

    async def stop(self) -> None:
        """Stops the server as a drain does, and then hangs up."""
        if not self.stopped:
            self.stopped = True
            await self.server.stop()
            await self.channel.close()

    async def restart(self) -> None:
        """Stops the server, and starts another over the same open store."""
        await self.stop()
        fresh = await start_server(self.settings, self.store, self.clock, self.tenant_id)
        self.server, self.channel, self.stub = fresh.server, fresh.channel, fresh.stub
        self.memory = fresh.memory
        self.stopped = False

    async def save(
        self,
        execution_id: str,
        content: ExecutionSnapshot | SnapshotDelta | None = None,
        **fields: Any,
    ) -> SaveSnapshotResponse:
        return await self.stub.SaveSnapshot(
            save_request(self.tenant_id, execution_id, content, **fields)
        )

    async def fill(self, saves: Iterable[tuple[str, ExecutionSnapshot]]) -> None:
        """Saves straight into the store, many at once, and in order for each execution: for
        tests that need much to be there.
        """
        batch: dict[str, Awaitable[SaveSnapshotResponse]] = {}
        for execution_id, content in saves:
            if execution_id in batch:
                await asyncio.gather(*batch.values())
                batch = {}
            request = save_request(self.tenant_id, execution_id, content)
            batch[execution_id] = self.store.save(request)
        await asyncio.gather(*batch.values())

    async def answer(self, execution_id: str, **fields: Any) -> LoadSnapshotResponse:
        """Calls LoadSnapshot; the fields of a selector may stand beside the request's."""
        return await self.stub.LoadSnapshot(
            service.LoadSnapshotRequest(
                tenant_id=self.tenant_id,
                execution_id=execution_id,
                selector=take_selector(fields),
                **fields,
            )
        )

    async def load(self, execution_id: str, **fields: Any) -> ExecutionSnapshot:
        return (await self.answer(execution_id, **fields)).snapshot

    async def claim(self, execution_id: str, **fields: Any) -> ClaimExecutionResponse:
        return await self.stub.ClaimExecution(
            service.ClaimExecutionRequest(
                tenant_id=self.tenant_id, execution_id=execution_id, **fields
            )
        )

    async def delete(self, execution_id: str, **fields: Any) -> DeleteExecutionResponse:
        return await self.stub.DeleteExecution(
            service.DeleteExecutionRequest(
                tenant_id=self.tenant_id, execution_id=execution_id, **fields
            )
        )

    async def fork(self, source: str, new: str, **fields: Any) -> ForkExecutionResponse:
        """Calls ForkExecution; the fields of a selector may stand beside the request's."""
        return await self.stub.ForkExecution(
            service.ForkExecutionRequest(
                tenant_id=self.tenant_id,
                execution_id=source,
                new_execution_id=new,
                selector=take_selector(fields),
                **fields,
            )
        )

    async def prune(self, execution_id: str, **fields: Any) -> int:
        """Calls DeleteSnapshots, and returns how many it deleted."""
        response = await self.stub.DeleteSnapshots(
            service.DeleteSnapshotsRequest(
                tenant_id=self.tenant_id, execution_id=execution_id, **fields
            )
        )
        return response.deleted_count

    async def diff(
        self,
        execution_id: str,
        older: SnapshotSelector | None = None,
        newer: SnapshotSelector | None = None,
        **fields: Any,
    ) -> DiffSnapshotsResponse:
        """Calls DiffSnapshots; the head stands for what is not given."""
        fields["from"] = older or service.SnapshotSelector()
        return await self.stub.DiffSnapshots(
            service.DiffSnapshotsRequest(
                tenant_id=self.tenant_id, execution_id=execution_id, to=newer, **fields
            )
        )

    async def executions(self, **fields: Any) -> service.ListExecutionsResponse:
        return await self.stub.ListExecutions(
            service.ListExecutionsRequest(tenant_id=self.tenant_id, **fields)
        )

    async def snapshots(self, **fields: Any) -> service.ListSnapshotsResponse:
        return await self.stub.ListSnapshots(
            service.ListSnapshotsRequest(tenant_id=self.tenant_id, **fields)
        )

    async def all_executions(self, **fields: Any) -> list[ExecutionSnapshot]:
        """Lists executions to the end, page after page."""
        found: list[ExecutionSnapshot] = []
        page = await self.executions(**fields)
        found += page.executions
        while page.next_page_token:
            page = await self.executions(**fields, page_token=page.next_page_token)
            found += page.executions
        return found

    async def all_snapshots(self, **fields: Any) -> list[ExecutionSnapshot]:
        """Lists snapshots to the end, page after page."""
        found: list[ExecutionSnapshot] = []
        page = await self.snapshots(**fields)
        found += page.snapshots
        while page.next_page_token:
            page = await self.snapshots(**fields, page_token=page.next_page_token)
            found += page.snapshots
        return found

    async def set_value(
        self, execution_id: str | None, key: str, value: bytes = b"v", **fields: Any
    ) -> SetValueResponse:
        return await self.memory.SetValue(
            SetValueRequest(
                tenant_id=self.tenant_id, execution_id=execution_id, key=key, value=value, **fields
            )
        )

    async def get_value(self, execution_id: str | None, key: str) -> GetValueResponse:
        return await self.memory.GetValue(
            GetValueRequest(tenant_id=self.tenant_id, execution_id=execution_id, key=key)
        )

    async def delete_value(self, execution_id: str | None, key: str, **fields: Any) -> bool:
        response = await self.memory.DeleteValue(
            DeleteValueRequest(
                tenant_id=self.tenant_id, execution_id=execution_id, key=key, **fields
            )
        )
        return response.deleted

    async def list_keys(self, execution_id: str | None, **fields: Any) -> ListKeysResponse:
        return await self.memory.ListKeys(
            ListKeysRequest(tenant_id=self.tenant_id, execution_id=execution_id, **fields)
        )

    async def keys(self, execution_id: str | None, **fields: Any) -> list[str]:
        """Lists keys to the end, page after page."""
        page = await self.list_keys(execution_id, **fields)
        found = [info.key for info in page.keys]
        while page.next_page_token:
            page = await self.list_keys(execution_id, **fields, page_token=page.next_page_token)
            found += [info.key for info in page.keys]
        return found

    async def maintain(self) -> None:
        """Does all the housekeeping that is due."""
        while await self.store.maintain(1000):
            pass

    @asynccontextmanager
    async def watch(self, **fields: Any) -> AsyncGenerator[Watch]:
        """Opens a watch. The first frame, `opened`, is still to be read."""
        call = self.stub.WatchSnapshots(
            service.WatchSnapshotsRequest(tenant_id=self.tenant_id, **fields)
        )
        try:
            yield Watch(call)
        finally:
            call.cancel()

    async def changes_after(self, resume_token: str, **fields: Any) -> list[SnapshotChange]:
        """Returns what a watch that resumes delivers until it has caught up."""
        async with self.watch(resume_token=resume_token, **fields) as watch:
            return await watch.changes_until("caught_up")


async def start_server(settings: Settings, store: Store, clock: Clock, tenant_id: str) -> Api:
    server = Server(settings, store)
    await server.start()
    # The answers may be as large as a snapshot may.
    channel = grpc.aio.insecure_channel(
        server.address, options=[("grpc.max_receive_message_length", -1)]
    )
    stubs = SnapshotServiceStub(channel), WorkingMemoryServiceStub(channel)
    return Api(settings, store, clock, tenant_id, server, channel, *stubs)
