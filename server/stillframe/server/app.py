"""The composition root: binds the handlers to gRPC, and runs and drains the server."""

from __future__ import annotations

import asyncio
import logging
import signal
import time
from collections import deque
from importlib import import_module
from typing import TYPE_CHECKING, Any

import grpc
from grpc_health.v1 import health, health_pb2_grpc
from grpc_reflection.v1alpha import reflection

from stillframe.server import allocator, telemetry
from stillframe.server.errors import status_of
from stillframe.server.health import Health
from stillframe.server.pipeline import Pipelines
from stillframe.server.service import Service
from stillframe.server.stores import open_store, refusals
from stillframe.server.watch import Feed
from stillframe.server.working_memory import WorkingMemory
from stillframe.v1 import snapshot_service_pb2, working_memory_service_pb2

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    from google.rpc.status_pb2 import Status

    from stillframe.server.config import Settings
    from stillframe.server.stores.base import Store

    Context = grpc.aio.ServicerContext[bytes, bytes]
    _Unary = Callable[[bytes], Awaitable[bytes]]

_DESCRIPTORS = snapshot_service_pb2.DESCRIPTOR, working_memory_service_pb2.DESCRIPTOR
SERVICE_NAMES: tuple[str, ...] = tuple(
    service.full_name for file in _DESCRIPTORS for service in file.services_by_name.values()
)
SNAPSHOTS, WORKING_MEMORY = SERVICE_NAMES

MAINTENANCE_BUDGET = 500
"""Rows of one slice of housekeeping: a few milliseconds of the writer's time."""

CHECK_SECONDS = 5.0
"""How long a store may take to say that it can be used."""

STRAY_GRACE = 1.0
"""Seconds that a drain waits for calls without a handler. grpc.aio loses one now and then
that arrives as the drain begins; it would last the whole grace, and ends with CANCELLED."""

LONGEST_UPLOAD = 60.0
"""Seconds after which a call that has not started counts as given up by its client."""

_OVERSIZE = 4 * 2**20
"""By how much gRPC's own bound on messages is above ours, which has a reason to give."""

_log = logging.getLogger(__name__)


class ListenError(Exception):
    """The address cannot be listened on."""


class Server:
    """A server over an open store. The store stays the caller's to close."""

    def __init__(self, settings: Settings, store: Store) -> None:
        self._settings = settings
        self._store = store
        self._feed = Feed(store, settings)
        self._pipelines = Pipelines(store, settings)
        self._service = Service(store, self._feed, self._pipelines, settings)
        self._working_memory = WorkingMemory(store, settings)
        self._health = Health("", *SERVICE_NAMES)
        self._handlers: set[asyncio.Task[Any]] = set()
        self._tasks: list[asyncio.Task[None]] = []
        self._port = 0
        self._server = grpc.aio.server(options=_options(settings))
        self._arrivals = _Arrivals(self._method_handlers())
        self._server.add_generic_rpc_handlers((self._arrivals,))
        health_pb2_grpc.add_HealthServicer_to_server(self._health, self._server)  # pyright: ignore[reportUnknownMemberType]
        if settings.reflection:
            names = (*SERVICE_NAMES, health.SERVICE_NAME, reflection.SERVICE_NAME)
            reflection.enable_server_reflection(names, self._server)

    @property
    def address(self) -> str:
        """Host and port; the port is known once the server has started."""
        host, _, _ = self._settings.listen.rpartition(":")
        return f"{host}:{self._port}"

    async def start(self) -> None:
        """Listens and serves. Raises ListenError."""
        try:
            self._port = self._server.add_insecure_port(self._settings.listen)
        except RuntimeError:
            raise ListenError(f"cannot listen on {self._settings.listen}") from None
        await self._server.start()
        self._tasks = [
            asyncio.create_task(self._maintain(), name="maintenance"),
            asyncio.create_task(self._watch_store(), name="health"),
        ]
        self._health.tell(serving=True)

    async def stop(self, grace: float | None = None) -> None:
        """Says NOT_SERVING, ends watches and pipelines, lets saves in flight finish.

        Returns once no handler uses the store any more. `grace` is in seconds; unset is
        the settings' drain_grace.
        """
        self._health.drain()
        self._feed.drain()
        self._pipelines.drain()
        seconds = self._settings.drain_grace if grace is None else grace
        stopping = asyncio.create_task(self._server.stop(seconds))
        while not stopping.done():
            if self._handlers:
                waited = {stopping, *self._handlers}
                await asyncio.wait(waited, return_when=asyncio.FIRST_COMPLETED)
                continue
            await asyncio.wait({stopping}, timeout=STRAY_GRACE)
            if not (self._handlers or self._arrivals.pending()):
                await self._server.stop(0)
        for task in self._tasks:
            task.cancel()
        # The server returns before the handlers that it cancelled have ended.
        await asyncio.gather(*self._handlers, *self._tasks, return_exceptions=True)
        await self._pipelines.settle()

    async def _watch_store(self) -> None:
        """Says NOT_SERVING while the store cannot be used, so that a load balancer looks
        elsewhere; calls are answered all the same.
        """
        while True:
            await asyncio.sleep(self._settings.health_interval)
            try:
                async with asyncio.timeout(CHECK_SECONDS):
                    await self._store.check()
            except (refusals.Refusal, TimeoutError):
                self._health.tell(serving=False)
            except Exception:  # noqa: BLE001 - logged, and tried again
                _log.exception("the check of the store failed")
                self._health.tell(serving=False)
            else:
                self._health.tell(serving=True)

    async def _maintain(self) -> None:
        while True:
            try:
                while await self._store.maintain(MAINTENANCE_BUDGET):
                    pass
            except refusals.Refusal as refusal:
                _log.warning("housekeeping waits: %s", refusal.message)
            except Exception:  # noqa: BLE001 - logged, and tried again
                _log.exception("housekeeping failed and goes on")
            await asyncio.sleep(self._settings.maintenance_interval)

    def _method_handlers(self) -> dict[str, grpc.RpcMethodHandler[bytes, bytes]]:
        """Returns the handlers by their paths."""
        service, memory = self._service, self._working_memory
        snapshots: dict[str, _Unary] = {
            "SaveSnapshot": service.save_snapshot,
            "LoadSnapshot": service.load_snapshot,
            "ClaimExecution": service.claim_execution,
            "CheckFreshness": service.check_freshness,
            "ListExecutions": service.list_executions,
            "ListSnapshots": service.list_snapshots,
            "DiffSnapshots": service.diff_snapshots,
            "ForkExecution": service.fork_execution,
            "DeleteSnapshots": service.delete_snapshots,
            "DeleteExecution": service.delete_execution,
            "GetServerInfo": service.get_server_info,
        }
        values: dict[str, _Unary] = {
            "SetValue": memory.set_value,
            "GetValue": memory.get_value,
            "DeleteValue": memory.delete_value,
            "ListKeys": memory.list_keys,
        }
        # Bytes in and out: no serialisers, so that a handler sees malformed messages too.
        handlers: dict[str, grpc.RpcMethodHandler[bytes, bytes]] = {
            f"/{name}/{rpc}": grpc.unary_unary_rpc_method_handler(self._unary(rpc, handler))
            for name, unary in ((SNAPSHOTS, snapshots), (WORKING_MEMORY, values))
            for rpc, handler in unary.items()
        }
        handlers[f"/{SNAPSHOTS}/WatchSnapshots"] = grpc.unary_stream_rpc_method_handler(
            self._stream("WatchSnapshots", service.watch_snapshots)
        )
        handlers[f"/{SNAPSHOTS}/SaveSnapshots"] = grpc.stream_stream_rpc_method_handler(
            self._stream("SaveSnapshots", service.save_snapshots)
        )
        return handlers

    def _track(self) -> None:
        """Keeps the current call's task until it has ended, its answer sent."""
        self._arrivals.started()
        task = asyncio.current_task()
        if task is not None:
            self._handlers.add(task)
            task.add_done_callback(self._handlers.discard)

    def _unary(self, rpc: str, handler: _Unary) -> Callable[[bytes, Context], Awaitable[bytes]]:
        async def serve_call(data: bytes, context: Context) -> bytes:
            self._track()
            try:
                return await handler(data)
            except Exception as error:  # noqa: BLE001 - nothing else may reach the client
                status = status_of(error, rpc)
            await _abort(context, status)
            raise AssertionError("abort raises")

        return serve_call

    def _stream(
        self, rpc: str, handler: Callable[[Any], AsyncIterator[bytes]]
    ) -> Callable[[Any, Context], AsyncIterator[bytes]]:
        async def serve_call(request: Any, context: Context) -> AsyncIterator[bytes]:
            self._track()
            try:
                async for data in handler(request):
                    yield data
            except Exception as error:  # noqa: BLE001 - nothing else may reach the client
                status = status_of(error, rpc)
            else:
                return
            await _abort(context, status)

        return serve_call


class _Arrivals(grpc.GenericRpcHandler):
    """Finds the handlers, and counts the calls whose handler has not started: the request of
    a unary call is still on its way.
    """

    def __init__(self, handlers: dict[str, grpc.RpcMethodHandler[bytes, bytes]]) -> None:
        self._handlers = handlers
        self._since: deque[float] = deque()

    def service(
        self, handler_call_details: grpc.HandlerCallDetails
    ) -> grpc.RpcMethodHandler[bytes, bytes] | None:
        handler = self._handlers.get(handler_call_details.method)
        if handler is not None:
            self._since.append(time.monotonic())
        return handler

    def started(self) -> None:
        """A handler has started: one of them, and which does not matter."""
        if self._since:
            self._since.popleft()

    def pending(self) -> bool:
        """Tells whether a request is on its way. Those that were given up are forgotten after
        a while: nobody says so.
        """
        while self._since and time.monotonic() - self._since[0] > LONGEST_UPLOAD:
            self._since.popleft()
        return bool(self._since)


def _options(settings: Settings) -> list[tuple[str, int]]:
    return [
        # On by default: a second server on the port would start, and share its calls.
        ("grpc.so_reuseport", 0),
        ("grpc.max_receive_message_length", settings.max_request_bytes + _OVERSIZE),
        ("grpc.max_send_message_length", settings.max_request_bytes + _OVERSIZE),
        # The default answers a watcher's pings with too_many_pings.
        ("grpc.http2.min_ping_interval_without_data_ms", 10_000),
        ("grpc.http2.min_recv_ping_interval_without_data_ms", 10_000),
        ("grpc.keepalive_permit_without_calls", 1),
    ]


async def _abort(context: Context, status: Status) -> None:
    code = next(each for each in grpc.StatusCode if each.value[0] == status.code)
    details = (("grpc-status-details-bin", status.SerializeToString()),)
    await context.abort(code, status.message, details)


def serve(settings: Settings, ready: Callable[[str], None]) -> int:
    """Opens the store, serves until SIGTERM or SIGINT, drains, and returns the exit code.

    `ready` is called once with the address that the server listens on. Raises
    UnknownStoreError, StoreOpenError and ListenError before that.
    """
    telemetry.configure_logging(settings.log_level, as_json=settings.log_json)
    allocator.keep_large_buffers()
    with asyncio.Runner(loop_factory=_new_event_loop) as runner:
        return runner.run(_serve(settings, ready))


def _new_event_loop() -> asyncio.AbstractEventLoop:
    """Returns uvloop's event loop, which is the faster one, or asyncio's where it is not
    installed: there is none for Windows.
    """
    try:
        uvloop = import_module("uvloop")
    except ImportError:
        return asyncio.new_event_loop()
    loop: asyncio.AbstractEventLoop = uvloop.new_event_loop()
    return loop


async def _serve(settings: Settings, ready: Callable[[str], None]) -> int:
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopping.set)
    store = await open_store(settings.store, settings.store_config())
    try:
        server = Server(settings, store)
        await server.start()
        ready(server.address)
        await stopping.wait()
        _log.info("stopping")
        await server.stop()
    finally:
        await store.close()
    return 0
