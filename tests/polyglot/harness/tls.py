"""TLS before a server that has none: a proxy that ends it, as operators put one there."""

from __future__ import annotations

import asyncio
import ssl
import threading
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

import trustme

if TYPE_CHECKING:
    from collections.abc import Generator
    from pathlib import Path


class TlsProxy:
    """Takes TLS connections that speak HTTP/2 on 127.0.0.1, and passes their bytes on."""

    def __init__(self, target: str, context: ssl.SSLContext) -> None:
        self._host, _, port = target.rpartition(":")
        self._port = int(port)
        self._context = context
        self._connections: set[asyncio.Task[None]] = set()
        self.address = ""
        self.protocols: list[str | None] = []
        """What was agreed on by ALPN, for each connection."""

    async def serve(self, ready: threading.Event, stop: asyncio.Event) -> None:
        server = await asyncio.start_server(self._accept, "127.0.0.1", 0, ssl=self._context)
        async with server:
            self.address = f"127.0.0.1:{server.sockets[0].getsockname()[1]}"
            ready.set()
            await stop.wait()
            for each in self._connections:
                each.cancel()
            await asyncio.gather(*self._connections, return_exceptions=True)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._connections.add(task)
        try:
            self.protocols.append(writer.get_extra_info("ssl_object").selected_alpn_protocol())
            inner, outer = await asyncio.open_connection(self._host, self._port)
            await asyncio.gather(_pass(reader, outer), _pass(inner, writer))
        except asyncio.CancelledError:
            pass
        finally:
            self._connections.discard(task)
            writer.transport.abort()


async def _pass(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(ConnectionError, ssl.SSLError):
        while data := await reader.read(65_536):
            writer.write(data)
            await writer.drain()
    writer.close()


@contextmanager
def tls_proxy(target: str, folder: Path) -> Generator[tuple[TlsProxy, Path]]:
    """A proxy with a certificate for 127.0.0.1, and the file of the root that signed it."""
    authority = trustme.CA()
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.set_alpn_protocols(["h2"])
    authority.issue_cert("127.0.0.1", "localhost").configure_cert(context)  # pyright: ignore[reportUnknownMemberType]
    roots = folder / "roots.pem"
    authority.cert_pem.write_to_path(str(roots))

    proxy = TlsProxy(target, context)
    loop = asyncio.new_event_loop()
    ready, stop = threading.Event(), asyncio.Event()
    thread = threading.Thread(target=loop.run_until_complete, args=(proxy.serve(ready, stop),))
    thread.start()
    try:
        assert ready.wait(30)
        yield proxy, roots
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join()
        loop.close()
