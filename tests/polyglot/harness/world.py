"""The live server that scenes are played against."""

from __future__ import annotations

from contextlib import contextmanager
from time import monotonic
from typing import TYPE_CHECKING

import grpc

from stillframe.testing import ServerProcess
from stillframe.v1.snapshot_service_pb2 import WatchSnapshotsRequest
from stillframe.v1.snapshot_service_pb2_grpc import SnapshotServiceStub
from tests.polyglot.harness.programs import PATIENCE

if TYPE_CHECKING:
    from collections.abc import Generator
    from pathlib import Path

LIMITS = {
    "STILLFRAME_CHANGE_LOG_SIZE": "300",
    "STILLFRAME_MAX_EXECUTIONS": "40",
    "STILLFRAME_MAX_PAYLOAD_BYTES": "1000000",
    # Expiries and compactions are awaited.
    "STILLFRAME_MAINTENANCE_INTERVAL": "0.05",
}
"""Settings by which scenes meet limits with little to send."""


class LiveServer:
    """A server process over a SQLite store in a folder, at one address for good."""

    def __init__(self, server: ServerProcess, folder: Path) -> None:
        self._server = server
        self._folder = folder

    @property
    def address(self) -> str:
        return self._server.address

    def do(self, what: str, tenant: str, token: str) -> None:
        """What a `server` step of a scene does."""
        match what:
            case "kill":
                self._server.kill()
            case "start":
                self._server.start()
            case "restart":
                self._server.restart()
            case "replace":
                self._server.terminate()
                for file in self._folder.iterdir():
                    file.unlink()
                self._server.start()
            case "compacted":
                self._await_compaction(tenant, token)
            case _:
                raise ValueError(what)

    def _await_compaction(self, tenant: str, token: str) -> None:
        request = WatchSnapshotsRequest(tenant_id=tenant, resume_token=token)
        deadline = monotonic() + PATIENCE
        with grpc.insecure_channel(self.address) as channel:
            stub = SnapshotServiceStub(channel)
            while monotonic() < deadline:
                call = stub.WatchSnapshots(request)
                try:
                    next(call)
                except grpc.RpcError as error:
                    if error.code() is grpc.StatusCode.OUT_OF_RANGE:
                        return
                    raise
                finally:
                    call.cancel()
        raise AssertionError(f"the log was not compacted within {PATIENCE} s")


@contextmanager
def live_server(folder: Path) -> Generator[LiveServer]:
    """A server that ends with the block. The folder is its own."""
    with ServerProcess(f"sqlite:///{folder / 'scenes.db'}", env=LIMITS, cwd=folder) as server:
        yield LiveServer(server, folder)
