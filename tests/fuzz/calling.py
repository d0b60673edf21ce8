"""Calls with bytes, as no generated client could make them."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, TypeAlias, cast

import grpc
import grpc.aio
from google.protobuf.message import DecodeError

from stillframe.v1 import snapshot_service_pb2 as service
from tests.fuzz.judging import METHODS, Answer

if TYPE_CHECKING:
    from tests.fuzz.messages import Call

    Unary: TypeAlias = grpc.aio.UnaryUnaryMultiCallable[bytes, bytes]
    Watch: TypeAlias = grpc.aio.UnaryStreamMultiCallable[bytes, bytes]
    Stream: TypeAlias = grpc.StreamStreamMultiCallable[bytes, bytes]

TIMEOUT = 60.0
"""Seconds after which a call is given up on: the server hangs."""

_WATCHED = 20
"""Messages of a watch that are read at most; it has no end of its own."""

_OPTIONS = [("grpc.max_receive_message_length", -1)]


class Caller:
    """Channels that know nothing of messages."""

    def __init__(self, address: str, in_flight: int) -> None:
        self._channel = grpc.aio.insecure_channel(address, options=_OPTIONS)
        # grpc.aio reports an error of its own when it is still sending while the server
        # ends the call, and loses the server's; the other stack does not.
        self._blocking = grpc.insecure_channel(address, options=_OPTIONS)
        self._threads = ThreadPoolExecutor(in_flight, "fuzz-stream")

    async def close(self) -> None:
        await self._channel.close()
        self._blocking.close()
        self._threads.shutdown()

    async def call(self, call: Call) -> Answer:
        """Makes a call and returns what came back."""
        method = METHODS[call.rpc]
        path = f"/{method.containing_service.full_name}/{call.rpc}"
        received: list[bytes] = []
        try:
            if method.client_streaming:
                loop = asyncio.get_running_loop()
                await loop.run_in_executor(self._threads, self._stream, path, call, received)
            elif method.server_streaming:
                await self._watch(path, call, received)
            else:
                unary: Unary = self._channel.unary_unary(path)
                received.append(await unary(call.requests[0], timeout=TIMEOUT))
        except grpc.RpcError as error:
            return _failed(cast("grpc.Call", error), received)
        return Answer(grpc.StatusCode.OK, tuple(received))

    def _stream(self, path: str, call: Call, received: list[bytes]) -> None:
        stream: Stream = self._blocking.stream_stream(path)
        received.extend(stream(iter(call.requests), timeout=TIMEOUT))

    async def _watch(self, path: str, call: Call, received: list[bytes]) -> None:
        """Reads a watch until it ends or has reached the present."""
        watch: Watch = self._channel.unary_stream(path)
        stream = watch(call.requests[0], timeout=TIMEOUT)
        try:
            while len(received) < _WATCHED:
                data = await stream.read()
                if data is grpc.aio.EOF:
                    return
                received.append(cast("bytes", data))
                if _at_present(received[-1]):
                    return
        finally:
            stream.cancel()


def _failed(error: grpc.Call, received: list[bytes]) -> Answer:
    details = [
        data
        for key, data in error.trailing_metadata() or ()
        if key == "grpc-status-details-bin" and isinstance(data, bytes)
    ]
    return Answer(error.code(), tuple(received), error.details() or "", b"".join(details))


def _at_present(data: bytes) -> bool:
    try:
        response = service.WatchSnapshotsResponse.FromString(data)
    except DecodeError:
        # The judge will say so.
        return True
    return any(frame.HasField("caught_up") for frame in response.frames)
