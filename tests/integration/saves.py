"""Saves whose every byte follows from a tag, so that what is read back shows what it was.

A tag is used for one save. A snapshot that was lost, mixed with another, or kept in
part differs from `tagged` of the tag that its label tells.
"""

from __future__ import annotations

import asyncio
import base64
import random
import zlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Self

import grpc.aio

from stillframe.v1 import snapshot_service_pb2 as service
from stillframe.v1.snapshot_service_pb2_grpc import SnapshotServiceStub
from tests.conformance.calls import Watch
from tests.conformance.support import saved_part, snapshot

if TYPE_CHECKING:
    from collections.abc import Sequence

    from stillframe.v1.snapshot_pb2 import ExecutionSnapshot
    from stillframe.v1.snapshot_service_pb2 import (
        SaveSnapshotRequest,
        SaveSnapshotResponse,
        SnapshotChange,
    )
    from stillframe.v1.snapshot_service_pb2_grpc import SnapshotServiceAsyncStub

DEADLINE = 60.0
"""Seconds that a whole test may take on a slow machine."""


def tagged(tag: str, size: int = 2_000) -> ExecutionSnapshot:
    """Builds the snapshot of a tag, of about `size` bytes."""
    number = zlib.crc32(tag.encode())
    return snapshot(
        number % 1_000,
        outputs={f"step-{number % 7}": _filler(tag, size // 2), "last": tag},
        variables={"state": _filler(f"{tag} state", number % size), "constant": "always"},
        labels={"tag": tag},
    )


def _filler(tag: str, size: int) -> str:
    """Returns text of a tag that compresses to no less than three quarters."""
    data = random.Random(tag).randbytes(size * 3 // 4)
    return f"{tag} {base64.b64encode(data).decode()}"


def whole(read: ExecutionSnapshot, size: int = 2_000) -> bool:
    """Tells whether a snapshot is, in every field, the one that was saved under its tag."""
    return not read.HasField("omission") and saved_part(read) == tagged(read.labels["tag"], size)


@dataclass
class Tenant:
    """The calls of one tenant, over a channel of its own."""

    address: str
    tenant_id: str
    channel: grpc.aio.Channel = field(init=False)
    stub: SnapshotServiceAsyncStub = field(init=False)

    async def __aenter__(self) -> Self:
        options = [
            ("grpc.max_receive_message_length", -1),
            # Channels to one address would share a connection, and its backoff.
            ("grpc.use_local_subchannel_pool", 1),
        ]
        self.channel = grpc.aio.insecure_channel(self.address, options=options)
        self.stub = SnapshotServiceStub(self.channel)
        async with asyncio.timeout(DEADLINE):
            await self.channel.channel_ready()
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self.channel.close()

    async def save(self, request: SaveSnapshotRequest) -> SaveSnapshotResponse:
        return await self.stub.SaveSnapshot(request, timeout=DEADLINE)

    async def load(self, execution_id: str, version: int) -> ExecutionSnapshot:
        request = service.LoadSnapshotRequest(
            tenant_id=self.tenant_id,
            execution_id=execution_id,
            selector=service.SnapshotSelector(version=version),
        )
        return (await self.stub.LoadSnapshot(request, timeout=DEADLINE)).snapshot

    async def heads(
        self, where: service.ListExecutionsRequest | None = None
    ) -> dict[str, ExecutionSnapshot]:
        """Lists every head, whole, that the request's filter matches."""
        request = service.ListExecutionsRequest()
        if where is not None:
            request.CopyFrom(where)
        request.tenant_id, request.view = self.tenant_id, service.SNAPSHOT_VIEW_FULL
        found: dict[str, ExecutionSnapshot] = {}
        while True:
            page = await self.stub.ListExecutions(request, timeout=DEADLINE)
            found |= {each.execution_id: each for each in page.executions}
            if not page.next_page_token:
                return found
            request.page_token = page.next_page_token

    async def history(self) -> list[ExecutionSnapshot]:
        """Lists every snapshot of the tenant, whole, oldest first."""
        request = service.ListSnapshotsRequest(
            tenant_id=self.tenant_id, view=service.SNAPSHOT_VIEW_FULL, page_size=1_000
        )
        found: list[ExecutionSnapshot] = []
        while True:
            page = await self.stub.ListSnapshots(request, timeout=DEADLINE)
            found += page.snapshots
            if not page.next_page_token:
                return found[::-1]
            request.page_token = page.next_page_token

    def watch(self, request: service.WatchSnapshotsRequest) -> WatchOfTenant:
        request.tenant_id = self.tenant_id
        return WatchOfTenant(self.stub.WatchSnapshots(request, timeout=DEADLINE))

    async def beginning(self) -> str:
        """Returns the resume token of the present: of an empty tenant, that of revision 0."""
        async with self.watch(service.WatchSnapshotsRequest(now=service.WatchFromNow())) as watch:
            return (await watch.until("opened"))[-1].resume_token

    async def changes_after(
        self, resume_token: str, where: service.WatchSnapshotsRequest | None = None
    ) -> list[SnapshotChange]:
        """Returns every change after a token, whole, up to the present."""
        request = service.WatchSnapshotsRequest()
        if where is not None:
            request.CopyFrom(where)
        request.resume_token = resume_token
        request.mode = service.WATCH_MODE_EVERY_CHANGE
        request.view = service.SNAPSHOT_VIEW_FULL
        async with self.watch(request) as watch:
            return await watch.changes_until("caught_up")


class WatchOfTenant(Watch):
    """A watch that is cut off at the end of its block."""

    def cut(self) -> None:
        self._call.cancel()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *exc: object) -> None:
        self.cut()


def gapless(numbers: Sequence[int]) -> bool:
    """Tells whether numbers are 1, 2, 3 … in this order."""
    return list(numbers) == list(range(1, len(numbers) + 1))
