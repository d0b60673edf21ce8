"""What the tests of the client share: a server that a test plays itself (grpcio-testing), a
clock that only moves when somebody waits, and shorthands for messages.
"""

import threading
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any, TypeVar, cast

import grpc
import grpc_testing as _grpc_testing
from google.protobuf.message import Message
from google.rpc import error_details_pb2, status_pb2

from stillframe.client import Client, Clock, ExecutionState, RetryPolicy, Snapshot
from stillframe.v1 import snapshot_service_pb2 as rpc
from stillframe.v1 import working_memory_service_pb2

T = TypeVar("T")

PATIENCE = 20.0
"""Seconds after which a test that waits for something has failed."""

# It has no types.
grpc_testing: Any = _grpc_testing

SERVICES = [
    service
    for file in (rpc.DESCRIPTOR, working_memory_service_pb2.DESCRIPTOR)
    for service in file.services_by_name.values()
]
METHODS: dict[str, Any] = {method.name: method for each in SERVICES for method in each.methods}

RUNNING = ExecutionState.RUNNING


def snapshot(**variables: Any) -> Snapshot:
    return Snapshot(state=RUNNING, variables=variables)


def status_details(
    code: grpc.StatusCode,
    reason: str = "",
    *,
    domain: str = "stillframe",
    metadata: dict[str, str] | None = None,
    retry_after: float | None = None,
    violations: tuple[tuple[str, str], ...] = (),
) -> bytes:
    """The bytes of the grpc-status-details-bin trailer."""
    number, _ = code.value
    status = status_pb2.Status(code=number, message="as it happened")
    if reason:
        info = error_details_pb2.ErrorInfo(domain=domain, reason=reason, metadata=metadata or {})
        status.details.add().Pack(info)
    if retry_after is not None:
        retry = error_details_pb2.RetryInfo()
        retry.retry_delay.FromNanoseconds(round(retry_after * 1e9))
        status.details.add().Pack(retry)
    if violations:
        bad = error_details_pb2.BadRequest()
        for field, description in violations:
            bad.field_violations.add(field=field, description=description)
        status.details.add().Pack(bad)
    return bytes(status.SerializeToString())


@dataclass
class Taken:
    """One call that reached the test's server."""

    request: Any
    metadata: dict[str, Any]
    timeout: float | None
    call: Any

    def reply(self, response: Message) -> None:
        self.call.terminate(response, (), grpc.StatusCode.OK, "")

    def fail(self, code: grpc.StatusCode, reason: str = "", **details: Any) -> None:
        trailer = status_details(code, reason, **details)
        self.call.terminate(None, (("grpc-status-details-bin", trailer),), code, "as it happened")

    def fail_stream(self, code: grpc.StatusCode, reason: str) -> None:
        trailer = status_details(code, reason)
        self.call.terminate((("grpc-status-details-bin", trailer),), code, "as it happened")


class _Recording:
    """grpcio-testing forgets deadlines; this puts them down."""

    def __init__(self, channel: Any) -> None:
        self._channel = channel
        self.timeouts: dict[str, list[float | None]] = {}

    def unary_unary(self, method: str, *args: Any, **kwargs: Any) -> Callable[..., Any]:
        call = self._channel.unary_unary(method, *args, **kwargs)
        timeouts = self.timeouts.setdefault(method, [])

        def record(request: Any, *, timeout: float | None, **options: Any) -> Any:
            timeouts.append(timeout)
            return call(request, timeout=timeout, **options)

        return record

    def __getattr__(self, name: str) -> Any:
        return getattr(self._channel, name)


class Stage:
    """A client, and the test as its server, under a clock that only waits move."""

    def __init__(self) -> None:
        self.time: Any = grpc_testing.strict_fake_time(1_000.0)
        self.waits: list[float] = []
        self._testing: Any = grpc_testing.channel(SERVICES, self.time)
        self._channel = _Recording(self._testing)

    def client(self, *, jitter: float = 0.5, **options: Any) -> Client:
        options.setdefault(
            "retry", RetryPolicy(max_attempts=8, initial_backoff=1.0, max_backoff=8.0)
        )
        return Client(
            "unused:1",
            tenant="acme",
            channel=cast("grpc.Channel", self._channel),
            clock=Clock(monotonic=self.time.time, random=lambda: jitter, wait=self._wait),
            **options,
        )

    def start(self, act: Callable[[], T]) -> Future[T]:
        """Does something with the client while the test goes on."""
        future: Future[T] = Future()

        def run() -> None:
            try:
                future.set_result(act())
            except BaseException as error:  # noqa: BLE001 - the future carries it
                future.set_exception(error)

        # Daemons: a test that fails while its client waits must not hang the rest.
        threading.Thread(target=run, daemon=True).start()
        return future

    def take(self, method: str) -> Taken:
        """The next call of a method; waits for it."""
        metadata, request, call = self._take(self._testing.take_unary_unary, method)
        service = METHODS[method].containing_service.full_name
        timeout = self._channel.timeouts[f"/{service}/{method}"][-1]
        # grpcio-testing adds a line of its own, to say that gRPC may.
        sent = {key: value for key, value in metadata if not key.startswith("grpc.")}
        return Taken(request, sent, timeout, call)

    def take_watch(self) -> Taken:
        """The next call of WatchSnapshots; waits for it."""
        metadata, request, call = self._take(self._testing.take_unary_stream, "WatchSnapshots")
        return Taken(request, dict(metadata), None, call)

    def take_pipeline(self) -> "TakenPipeline":
        """The next call of SaveSnapshots; waits for it."""
        taking = self.start(lambda: self._testing.take_stream_stream(METHODS["SaveSnapshots"]))
        _, call = cast("tuple[Any, Any]", taking.result(PATIENCE))
        return TakenPipeline(self, call)

    def _take(self, take: Callable[[Any], Any], method: str) -> tuple[Any, Any, Any]:
        taking = self.start(lambda: take(METHODS[method]))
        return cast("tuple[Any, Any, Any]", taking.result(PATIENCE))

    def _wait(self, _: object, seconds: float) -> None:
        self.waits.append(seconds)
        self.time.sleep_for(seconds)


@dataclass
class TakenPipeline:
    """One call of SaveSnapshots that reached the test's server."""

    stage: Stage
    call: Any

    def items(self, count: int) -> list[rpc.SaveItem]:
        """The next items; waits for them."""
        found: list[rpc.SaveItem] = []
        while len(found) < count:
            found += self.stage.start(self.call.take_request).result(PATIENCE).items
        assert len(found) == count
        return found

    def send(self, *results: rpc.SaveItemResult) -> None:
        self.call.send_response(rpc.SaveSnapshotsResponse(results=results))

    def end(self, code: grpc.StatusCode, reason: str = "", **details: Any) -> None:
        trailer = status_details(code, reason, **details)
        self.call.terminate((("grpc-status-details-bin", trailer),), code, "as it happened")


def item_saved(item: rpc.SaveItem, version: int) -> rpc.SaveItemResult:
    answer = rpc.SaveSnapshotResponse(
        version=version, etag=f"e{version}", outcome=rpc.SAVE_OUTCOME_UPDATED
    )
    return rpc.SaveItemResult(item_id=item.item_id, saved=answer)


def item_failed(item: rpc.SaveItem, code: grpc.StatusCode, reason: str) -> rpc.SaveItemResult:
    error = rpc.SaveError.FromString(status_details(code, reason))
    return rpc.SaveItemResult(item_id=item.item_id, error=error)
