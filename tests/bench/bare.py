"""The reference for gRPC: a bare grpc.aio server, which takes and gives bytes.

`python -m tests.bench.bare` listens on a free port and prints the address.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import grpc
import grpc.aio

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    Context = grpc.aio.ServicerContext[bytes, bytes]

SERVICE = "bench.Bare"
MAX_MESSAGE = 64 * 2**20


class Bare:
    """Echo gives a request back. Fan answers each of its calls with its request, then with
    every event that Publish is told, one event a message.
    """

    def __init__(self) -> None:
        self._events: list[bytes] = []
        self._published = asyncio.Event()

    async def echo(self, request: bytes, _: Context) -> bytes:
        return request

    async def publish(self, request: bytes, _: Context) -> bytes:
        self._events.append(request)
        self._published.set()
        self._published = asyncio.Event()
        return b""

    async def fan(self, request: bytes, _: Context) -> AsyncIterator[bytes]:
        # A watch begins with what comes after it.
        position = len(self._events)
        yield request
        while True:
            published = self._published
            while position < len(self._events):
                yield self._events[position]
                position += 1
            await published.wait()


async def serve() -> None:
    bare = Bare()
    server = grpc.aio.server(
        options=[
            ("grpc.so_reuseport", 0),
            ("grpc.max_receive_message_length", MAX_MESSAGE),
            ("grpc.max_send_message_length", MAX_MESSAGE),
        ]
    )
    handlers: dict[str, grpc.RpcMethodHandler[bytes, bytes]] = {
        "Echo": grpc.unary_unary_rpc_method_handler(bare.echo),
        "Publish": grpc.unary_unary_rpc_method_handler(bare.publish),
        "Fan": grpc.unary_stream_rpc_method_handler(bare.fan),
    }
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(SERVICE, handlers),))
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    print(f"127.0.0.1:{port}", flush=True)
    await server.wait_for_termination()


if __name__ == "__main__":
    asyncio.run(serve())
