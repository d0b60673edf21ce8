"""`Watch`: a watch over grpc."""

import threading
from collections.abc import Iterator
from typing import TYPE_CHECKING, Self

from stillframe.client._errors import StillframeError
from stillframe.client._events import Change, WatchEvent
from stillframe.client._retry import Clock
from stillframe.client._watching import Watching

if TYPE_CHECKING:
    from stillframe.client._sync.transport import StreamCall, Transport
    from stillframe.v1 import snapshot_service_pb2 as rpc


class Watch(Iterator[WatchEvent]):
    """A stream of events that resumes by itself: over broken connections and restarts of the
    server, without a gap or a duplicate where its mode promises that.

    Iterating blocks until the next event and ends when the watch is closed. Close it, or use
    it as a context manager: what is left open holds a call until it is collected. One thread
    iterates; `close` may be called from any.
    """

    def __init__(
        self,
        watching: Watching,
        transport: "Transport",
        clock: Clock,
    ) -> None:
        self._watching = watching
        self._transport = transport
        self._clock = clock
        self._call: StreamCall[rpc.WatchSnapshotsResponse] | None = None
        self._closed = threading.Event()
        transport.wake_at_close(self._closed)

    @property
    def resume_token(self) -> str:
        """The point up to which everything was handed out, to start another watch with; empty
        before the first event that has one.
        """
        return self._watching.resume_token

    def changes(self) -> Iterator[Change]:
        """Iterates over the changes alone.

        With an initial state, prefer all events: a Restarted among them says to start anew.
        """
        for event in self:
            if isinstance(event, Change):
                yield event

    def close(self) -> None:
        """Ends the watch and its call. Idempotent."""
        self._closed.set()
        call = self._call
        if call is not None:
            call.cancel()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> WatchEvent:
        while not self._closed.is_set():
            event = self._watching.next_event()
            if event is not None:
                return event
            try:
                self._receive()
            except StillframeError as error:
                self._end(error)
        self._call = None
        raise StopIteration

    def _receive(self) -> None:
        if self._call is None:
            self._call = self._transport.watch(self._watching.next_request())
            if self._closed.is_set():
                # close() came before there was a call for it to cancel.
                self._call.cancel()
                return
        try:
            response = next(self._call, None)
        except BaseException:
            # A KeyboardInterrupt too must not leave the call running (grpc#43462).
            self._call.cancel()
            self._call = None
            raise
        if response is None:
            self._call = None
            self._end(None)
        else:
            self._watching.receive(response)

    def _end(self, error: StillframeError | None) -> None:
        if self._closed.is_set():
            return
        try:
            delay = self._watching.ended(error)
        except StillframeError:
            self._closed.set()
            raise
        self._clock.wait(self._closed, delay)
