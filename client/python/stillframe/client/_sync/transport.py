"""Calls over grpc: the channel of a process, and the loop that retries.

Imported at the first call (see `_connection`).
"""

import os
import threading
from collections.abc import Iterator
from typing import Any, TypeVar, cast
from weakref import WeakSet

import grpc

from stillframe.client._connection import Connection, resolve_target
from stillframe.client._errors import ClosedError, StillframeError
from stillframe.client._requests import Call
from stillframe.client._retry import Attempts
from stillframe.client._statuses import DETAILS_TRAILER, error_from_status
from stillframe.v1 import snapshot_service_pb2 as rpc
from stillframe.v1.snapshot_service_pb2_grpc import SnapshotServiceStub
from stillframe.v1.working_memory_service_pb2_grpc import WorkingMemoryServiceStub

T = TypeVar("T")

_transports: "WeakSet[Transport]" = WeakSet()


class StreamCall(Iterator[T]):
    """One call with a stream of responses; its errors are the client's."""

    def __init__(self, call: Any) -> None:
        self._call = call

    def __next__(self) -> T:
        try:
            return cast("T", next(self._call))
        except grpc.RpcError as error:
            raise error_of(error) from error

    def cancel(self) -> None:
        """Ends the call from any thread; a blocked `next` then fails with CANCELLED."""
        self._call.cancel()


class Stubs:
    """The stubs of both services over one channel."""

    def __init__(self, channel: grpc.Channel) -> None:
        self.snapshots = SnapshotServiceStub(channel)
        self._memory = WorkingMemoryServiceStub(channel)

    def method(self, name: str) -> Any:
        """Returns a method of either service: no two have the same name."""
        found = getattr(self.snapshots, name, None)
        return found or getattr(self._memory, name)


class Transport:
    """One channel for each process that uses it, made at its first call. Thread-safe."""

    def __init__(self, connection: Connection, channel: grpc.Channel | None) -> None:
        self._connection = connection
        self._given = channel
        self._lock = threading.Lock()
        self._closed = threading.Event()
        self._wakers: WeakSet[threading.Event] = WeakSet()
        self._pid = 0
        self._channel: grpc.Channel | None = None
        self._stubs: Stubs | None = None
        _transports.add(self)

    @property
    def is_closed(self) -> bool:
        return self._closed.is_set()

    def unary(self, call: Call[T], timeout: float | None) -> T:
        """Makes a call, with retries. Raises StillframeError."""
        connection = self._connection
        attempts = Attempts(connection.retry, timeout, connection.clock)
        while True:
            method = self._stubs_of_process().method(call.method)
            try:
                answer = method(
                    call.request, timeout=attempts.remaining(), metadata=connection.metadata
                )
            except grpc.RpcError as failure:
                error = error_of(failure)
                delay = None if self.is_closed else attempts.delay_after(error)
                if delay is None:
                    raise error from failure
                connection.clock.wait(self._closed, delay)
            except ValueError:
                # What grpc raises for a channel that another thread closes meanwhile.
                self._stubs_of_process()
                raise
            else:
                return call.read(answer)

    def watch(self, request: rpc.WatchSnapshotsRequest) -> StreamCall[rpc.WatchSnapshotsResponse]:
        """Starts one call of a watch."""
        return StreamCall(
            self._snapshots().WatchSnapshots(request, metadata=self._connection.metadata)
        )

    def pipeline(
        self, messages: Iterator[rpc.SaveSnapshotsRequest]
    ) -> StreamCall[rpc.SaveSnapshotsResponse]:
        """Starts one call of a pipeline. Another thread takes the messages."""
        service = self._snapshots()
        try:
            return StreamCall(service.SaveSnapshots(messages, metadata=self._connection.metadata))
        except ValueError:
            # As in `unary`.
            self._snapshots()
            raise

    def wake_at_close(self, waker: threading.Event) -> None:
        """Sets an event when the client is closed, for waits outside of a call."""
        with self._lock:
            self._wakers.add(waker)
            if self._closed.is_set():
                waker.set()

    def close(self) -> None:
        """Closes the channel, unless it was given. Ends calls and waits of other threads."""
        with self._lock:
            self._closed.set()
            for waker in self._wakers:
                waker.set()
            channel, self._channel, self._stubs = self._channel, None, None
            pid = self._pid
        if channel is not None and pid == os.getpid() and channel is not self._given:
            channel.close()

    def renew_lock(self) -> None:
        """In a child process: what another thread of the parent held stays locked for good."""
        self._lock = threading.Lock()

    def _snapshots(self) -> SnapshotServiceStub:
        return self._stubs_of_process().snapshots

    def _stubs_of_process(self) -> "Stubs":
        with self._lock:
            if self._closed.is_set():
                raise ClosedError("the client is closed")
            # After a fork the parent's channel is dead in the child: its threads are gone.
            if self._stubs is None or self._pid != os.getpid():
                self._pid = os.getpid()
                self._channel = self._given or self._open()
                self._stubs = Stubs(self._channel)
            return self._stubs

    def _open(self) -> grpc.Channel:
        connection = self._connection
        target, options = resolve_target(connection.target), connection.options()
        if connection.credentials is None:
            return grpc.insecure_channel(target, options)
        return grpc.secure_channel(target, connection.credentials, options)


def error_of(failure: grpc.RpcError) -> StillframeError:
    """The client's error for one of grpc's."""
    # Every RpcError that a call raises is a Call too; the types do not say so.
    call = cast("grpc.Call", failure)
    details: bytes | None = None
    for key, value in call.trailing_metadata() or ():
        if key == DETAILS_TRAILER and isinstance(value, bytes):
            details = value
    return error_from_status(call.code().name, call.details() or "", details)


def _renew_locks() -> None:
    for transport in list(_transports):
        transport.renew_lock()


os.register_at_fork(after_in_child=_renew_locks)
