"""Calls over grpc.aio: a channel for each event loop, and the loop that retries.

Imported at the first call (see `_connection`).
"""

import asyncio
import os
from typing import TYPE_CHECKING, Any, Protocol, TypeVar
from weakref import WeakKeyDictionary, WeakSet

import grpc
from grpc import aio

from stillframe.client._connection import Connection, resolve_target
from stillframe.client._errors import CallCancelledError, ClosedError, StillframeError
from stillframe.client._requests import Call
from stillframe.client._retry import Attempts
from stillframe.client._statuses import DETAILS_TRAILER, error_from_status
from stillframe.v1 import snapshot_service_pb2 as rpc
from stillframe.v1.snapshot_service_pb2_grpc import SnapshotServiceStub
from stillframe.v1.working_memory_service_pb2_grpc import WorkingMemoryServiceStub

if TYPE_CHECKING:
    from stillframe.v1.snapshot_service_pb2_grpc import SnapshotServiceAsyncStub
    from stillframe.v1.working_memory_service_pb2_grpc import WorkingMemoryServiceAsyncStub

T = TypeVar("T")


class Closable(Protocol):
    """What is closed with the client."""

    async def close(self) -> None: ...


class AioWatchCall:
    """One call of a watch; its errors are the client's."""

    def __init__(
        self, call: "aio.UnaryStreamCall[rpc.WatchSnapshotsRequest, rpc.WatchSnapshotsResponse]"
    ) -> None:
        self._call = call

    async def read(self) -> rpc.WatchSnapshotsResponse | None:
        """The next response; None when the server ended the stream with OK."""
        try:
            response = await self._call.read()
        except aio.AioRpcError as failure:
            raise error_of(failure) from failure
        return response if isinstance(response, rpc.WatchSnapshotsResponse) else None

    def cancel(self) -> None:
        """Ends the call; a waiting `read` then fails with CANCELLED."""
        self._call.cancel()


class AioPipelineCall:
    """One call of a pipeline; its errors are the client's."""

    def __init__(
        self, call: "aio.StreamStreamCall[rpc.SaveSnapshotsRequest, rpc.SaveSnapshotsResponse]"
    ) -> None:
        self._call = call

    async def write(self, message: rpc.SaveSnapshotsRequest) -> bool:
        """Sends a message, as soon as the connection takes it; False when the call is over.

        Where the end comes amid a write, grpc.aio forgets what the server said: `read` then
        raises INTERNAL without a reason, which is taken for a broken connection.
        """
        try:
            await self._call.write(message)
        except (aio.AioRpcError, asyncio.InvalidStateError):
            return False
        return True

    async def read(self) -> rpc.SaveSnapshotsResponse | None:
        """The next response; None when the server ended the stream with OK."""
        try:
            response = await self._call.read()
        except aio.AioRpcError as failure:
            raise error_of(failure) from failure
        except asyncio.CancelledError:
            task = asyncio.current_task()
            if task is None or task.cancelling():
                raise
            # The call was cancelled, by a channel that is closed, and not who reads it.
            raise CallCancelledError("the channel is closed") from None
        return response if isinstance(response, rpc.SaveSnapshotsResponse) else None

    def cancel(self) -> None:
        """Ends the call."""
        self._call.cancel()


class AioStubs:
    """The stubs of both services over one channel."""

    def __init__(self, channel: aio.Channel) -> None:
        # One class for both kinds of channel; the types tell them apart.
        self.snapshots: SnapshotServiceAsyncStub = SnapshotServiceStub(channel)
        self._memory: WorkingMemoryServiceAsyncStub = WorkingMemoryServiceStub(channel)

    def method(self, name: str) -> Any:
        """Returns a method of either service: no two have the same name."""
        found = getattr(self.snapshots, name, None)
        return found or getattr(self._memory, name)


class AioTransport:
    """One channel for each event loop that uses it, made at its first call there."""

    def __init__(self, connection: Connection, channel: aio.Channel | None) -> None:
        self._connection = connection
        self._given = channel
        self._closed = False
        self._pid = os.getpid()
        self._channels: WeakKeyDictionary[
            asyncio.AbstractEventLoop, tuple[aio.Channel, AioStubs]
        ] = WeakKeyDictionary()
        self._watches: WeakKeyDictionary[asyncio.AbstractEventLoop, WeakSet[Closable]] = (
            WeakKeyDictionary()
        )

    @property
    def is_closed(self) -> bool:
        return self._closed

    async def unary(self, call: Call[T], timeout: float | None) -> T:  # noqa: ASYNC109
        """Makes a call, with retries. Raises StillframeError."""
        connection = self._connection
        attempts = Attempts(connection.retry, timeout, connection.clock)
        while True:
            method = self._stubs().method(call.method)
            try:
                answer = await method(
                    call.request, timeout=attempts.remaining(), metadata=connection.metadata
                )
            except aio.AioRpcError as failure:
                error = error_of(failure)
                delay = None if self._closed else attempts.delay_after(error)
                if delay is None:
                    raise error from failure
                await connection.clock.sleep(delay)
            except aio.UsageError:
                # What grpc raises for a channel that another task closes meanwhile.
                self._stubs()
                raise
            else:
                return call.read(answer)

    def watch(self, request: rpc.WatchSnapshotsRequest) -> AioWatchCall:
        """Starts one call of a watch."""
        metadata = self._connection.metadata
        return AioWatchCall(self._stubs().snapshots.WatchSnapshots(request, metadata=metadata))

    def pipeline(self) -> AioPipelineCall:
        """Starts one call of a pipeline."""
        service = self._stubs().snapshots
        try:
            return AioPipelineCall(service.SaveSnapshots(metadata=self._connection.metadata))
        except aio.UsageError:
            # As in `unary`.
            self._stubs()
            raise

    def close_with(self, watch: "Closable") -> None:
        """Closes a watch of the running loop when the client is closed there."""
        self._watches.setdefault(asyncio.get_running_loop(), WeakSet()).add(watch)

    async def close(self) -> None:
        """Closes the watches and the channel of the running loop, but not a channel that was
        given. Those of other loops cannot be closed from here, and go when their loops do.
        """
        self._closed = True
        loop = asyncio.get_running_loop()
        for watch in list(self._watches.pop(loop, ())):
            await watch.close()
        entry = self._channels.pop(loop, None)
        if entry is not None and entry[0] is not self._given and self._pid == os.getpid():
            await entry[0].close()

    def _stubs(self) -> "AioStubs":
        if self._closed:
            raise ClosedError("the client is closed")
        if self._pid != os.getpid():
            # The parent's channels are dead in the child: their threads are gone.
            self._pid = os.getpid()
            self._channels = WeakKeyDictionary()
        loop = asyncio.get_running_loop()
        entry = self._channels.get(loop)
        if entry is None:
            channel = self._given or self._open()
            entry = channel, AioStubs(channel)
            self._channels[loop] = entry
        return entry[1]

    def _open(self) -> aio.Channel:
        connection = self._connection
        target, options = resolve_target(connection.target), connection.options()
        if connection.credentials is None:
            return aio.insecure_channel(target, options)
        return aio.secure_channel(target, connection.credentials, options)


def error_of(failure: aio.AioRpcError) -> StillframeError:
    """The client's error for one of grpc's."""
    details: bytes | None = None
    for key, value in failure.trailing_metadata() or ():
        if key == DETAILS_TRAILER and isinstance(value, bytes):
            details = value
    code: grpc.StatusCode = failure.code()
    return error_from_status(code.name, failure.details() or "", details)
