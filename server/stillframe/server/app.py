"""The composition root: binds the handlers to gRPC, and runs and drains the server."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from stillframe.server.config import Settings
    from stillframe.server.stores.base import Store


class Server:
    """A server over an open store. The store stays the caller's to close."""

    def __init__(self, settings: Settings, store: Store) -> None: ...

    @property
    def address(self) -> str:
        """Host and port; the port is known once the server has started."""
        raise NotImplementedError

    async def start(self) -> None: ...

    async def stop(self, grace: float | None = None) -> None: ...


def serve(settings: Settings, ready: Callable[[str], None]) -> int:
    """Opens the store, serves until SIGTERM or SIGINT, drains, and returns the exit code.

    `ready` is called once with the address that the server listens on.
    """
    raise NotImplementedError
