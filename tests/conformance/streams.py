"""A stream of saves, through the generated stub alone, and a gate before the store."""

from __future__ import annotations

import asyncio
from collections import deque
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, TypeAlias, cast

import grpc.aio
from google.rpc import status_pb2

from stillframe.v1 import snapshot_service_pb2 as service
from tests.conformance.support import STATUS_CODES, TIMEOUT, Refused, save_request

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Sequence
    from typing import Any

    import pytest

    from stillframe.server.stores.refusals import Refusal
    from stillframe.v1.snapshot_pb2 import ExecutionSnapshot
    from stillframe.v1.snapshot_service_pb2 import (
        SaveItem,
        SaveItemResult,
        SaveSnapshotRequest,
        SaveSnapshotResponse,
        SaveSnapshotsRequest,
        SaveSnapshotsResponse,
        SnapshotDelta,
    )
    from tests.conformance.calls import Api

    Call: TypeAlias = grpc.aio.StreamStreamCall[SaveSnapshotsRequest, SaveSnapshotsResponse]


class SaveStream:
    """An open stream of saves, whose results are read one by one."""

    def __init__(self, call: Call, tenant_id: str) -> None:
        self.call = call
        self._tenant_id = tenant_id
        self._ready: deque[SaveItemResult] = deque()
        self.message_sizes: list[tuple[int, int]] = []
        """Bytes and results of each message so far."""

    def item(
        self,
        item_id: str,
        execution_id: str,
        content: ExecutionSnapshot | SnapshotDelta | None = None,
        **fields: Any,
    ) -> SaveItem:
        """Builds an item, with its item_id as the request_id unless another is given."""
        fields.setdefault("request_id", item_id)
        save = save_request(self._tenant_id, execution_id, content, **fields)
        return service.SaveItem(item_id=item_id, save=save)

    async def send(self, *items: SaveItem) -> None:
        """Sends items in one message."""
        async with asyncio.timeout(TIMEOUT):
            await self.call.write(service.SaveSnapshotsRequest(items=items))

    async def result(self) -> SaveItemResult | None:
        """Returns the next result, or None at the end of the stream; raises its error."""
        while not self._ready:
            async with asyncio.timeout(TIMEOUT):
                read = await self.call.read()
            if read is grpc.aio.EOF:
                return None
            response = cast("SaveSnapshotsResponse", read)
            self.message_sizes.append((response.ByteSize(), len(response.results)))
            self._ready.extend(response.results)
        return self._ready.popleft()

    async def results(self, count: int) -> list[SaveItemResult]:
        found: list[SaveItemResult] = []
        while len(found) < count:
            result = await self.result()
            assert result is not None, f"the stream ended after {len(found)} results"
            found.append(result)
        return found

    async def rest(self) -> list[SaveItemResult]:
        """Returns the results up to the end of the stream."""
        found: list[SaveItemResult] = []
        while (result := await self.result()) is not None:
            found.append(result)
        return found

    async def finish(self) -> list[SaveItemResult]:
        """Says that no item follows, and returns the results up to the end."""
        await self.call.done_writing()
        found = await self.rest()
        assert await self.call.code() is grpc.StatusCode.OK
        return found


@asynccontextmanager
async def save_stream(api: Api, timeout: float | None = None) -> AsyncGenerator[SaveStream]:  # noqa: ASYNC109 - the call's
    call = api.stub.SaveSnapshots(timeout=timeout)
    try:
        yield SaveStream(call, api.tenant_id)
    finally:
        call.cancel()


def saved(result: SaveItemResult) -> SaveSnapshotResponse:
    """Returns the answer of an item that was saved."""
    assert result.HasField("saved"), result.error
    return result.saved


def refused_item(result: SaveItemResult, reason: str) -> Refused:
    """Expects that an item was refused for this reason; returns what it was told."""
    assert result.HasField("error"), result
    told = Refused()
    told.read_status(status_pb2.Status.FromString(result.error.SerializeToString()))
    assert told.reason == reason, told
    assert result.error.code == STATUS_CODES[reason].value[0]
    return told


class Gate:
    """Stands before a store's save_many: holds batches up, and counts them."""

    def __init__(self, api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
        self._save_many = api.store.save_many
        self.open = asyncio.Event()
        self.reached = asyncio.Event()
        """A batch has come to the gate."""
        self.batches: list[list[SaveSnapshotRequest]] = []
        self.failures: list[Exception] = []
        """What the next batches are answered with."""
        self.inside = 0
        monkeypatch.setattr(api.store, "save_many", self)

    async def __call__(
        self, requests: Sequence[SaveSnapshotRequest]
    ) -> list[SaveSnapshotResponse | Refusal]:
        self.inside += 1
        assert self.inside == 1, "two batches of one stream at once"
        try:
            self.batches.append(list(requests))
            self.reached.set()
            await self.open.wait()
            if self.failures:
                raise self.failures.pop(0)
            return await self._save_many(requests)
        finally:
            self.inside -= 1

    async def arrived(self) -> None:
        async with asyncio.timeout(TIMEOUT):
            await self.reached.wait()
        self.reached.clear()


async def round_trips(api: Api, count: int = 50) -> None:
    """Gives the server turns: what it can do without an answer from us, it has done after."""
    for _ in range(count):
        await api.stub.GetServerInfo(service.GetServerInfoRequest())


def running_parts() -> list[asyncio.Task[object]]:
    """Returns the tasks of all streams that the server has not done with."""
    return [task for task in asyncio.all_tasks() if task.get_name() == "save-snapshots"]


async def until_no_stream_runs() -> None:
    """Waits until the parts of every stream have ended."""
    async with asyncio.timeout(TIMEOUT):
        while tasks := running_parts():
            await asyncio.wait(tasks)
