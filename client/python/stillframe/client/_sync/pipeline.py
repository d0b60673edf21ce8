"""`Pipeline`: saves that do not wait for each other, over one stream."""

import threading
from collections.abc import Iterator
from concurrent.futures import Future
from datetime import timedelta
from types import TracebackType
from typing import TYPE_CHECKING, Self

from stillframe.client import _types as t
from stillframe.client._connection import Connection
from stillframe.client._encoding import encode_snapshot
from stillframe.client._errors import ClosedError, DeadlineExceededError, StillframeError
from stillframe.client._pipelining import PipelineCore, Settled, keep
from stillframe.client._requests import Requests, SaveOptions
from stillframe.v1 import snapshot_service_pb2 as rpc

if TYPE_CHECKING:
    from stillframe.client._sync.transport import StreamCall, Transport


class Pipeline:
    """Saves without waiting for the answers: how an engine saves fast. Every save is made, in
    contrast to `Saver`, and those of one execution take effect in the order of the calls.

    What goes over the wire is what changed since the execution's save before, where that is
    known and smaller. If somebody else has written in between, or a save before was refused,
    the save fails with DeltaBaseMismatchError or EtagMismatchError, and so do those that were
    sent behind it; the next one is whole and replaces whatever is there. It is the
    `writer_epoch` of a claim that keeps a second engine out.

    A broken connection, a server that restarts, a store that cannot write for a while: what
    has no answer is sent again, and takes effect once. After `max_absence` seconds of that,
    or after an error that concerns no single save, the pipeline has stopped for good: every
    save without an answer, and every later call, gets the error.

    Usable from many threads. A callback of a future runs in the pipeline's thread and must
    not wait for the pipeline. Close it, or use it as a context manager: what was not flushed
    when the process ends may be lost.
    """

    def __init__(
        self,
        requests: Requests,
        transport: "Transport",
        connection: Connection,
        *,
        max_unanswered: int,
        max_absence: float,
    ) -> None:
        self._codec = requests.codec
        self._transport = transport
        self._clock = connection.clock
        self._core: PipelineCore[Future[t.Saved]] = PipelineCore(
            requests,
            connection.retry,
            connection.clock,
            max_unanswered=max_unanswered,
            max_absence=max_absence,
        )
        self._changed = threading.Condition()
        self._stopping = threading.Event()
        self._calls = 0
        self._call: StreamCall[rpc.SaveSnapshotsResponse] | None = None
        self._thread: threading.Thread | None = None
        transport.wake_at_close(self._stopping)

    def save(
        self,
        execution_id: str,
        snapshot: t.Snapshot,
        *,
        expected_etag: str | None = None,
        must_not_exist: bool = False,
        writer_epoch: int | None = None,
        ttl: timedelta | float | None = None,
        allow_sequence_regression: bool = False,
        request_id: str | None = None,
    ) -> "Future[t.Saved]":
        """Takes a copy of the snapshot, to be saved as soon as can be. The options as in
        `Client.save`; a save with a `request_id` of the caller's is sent whole.

        Gives a future of the answer, or of the error of this save. Blocks while too much is
        without an answer: `max_unanswered` saves, 16 MiB, or 32 saves of this execution.

        Raises ValueEncodeError, SnapshotTooLargeError and the like for this snapshot, and the
        error that stopped the pipeline.
        """
        encoded = encode_snapshot(snapshot, self._codec)
        options = SaveOptions(
            expected_etag=expected_etag,
            must_not_exist=must_not_exist,
            writer_epoch=writer_epoch,
            ttl=ttl,
            allow_sequence_regression=allow_sequence_regression,
            request_id=request_id,
        )
        future: Future[t.Saved] = Future()
        # It cannot be taken back: `cancel` gives False.
        future.set_running_or_notify_cancel()
        with self._changed:
            self._changed.wait_for(lambda: self._core.has_room(execution_id))
            self._core.submit(execution_id, encoded, options, future)
            if self._thread is None:
                # A daemon: a process that dies of an error must not hang on it.
                self._thread = threading.Thread(
                    target=self._run, name="stillframe-pipeline", daemon=True
                )
                self._thread.start()
            self._changed.notify_all()
        return future

    def flush(self, timeout: float | None = None) -> None:
        """Waits until every save so far has its answer, be it an error, which its future has.

        `timeout`: seconds; raises DeadlineExceededError after them, and the pipeline goes on.
        Raises the error that stopped the pipeline.
        """
        core = self._core
        with self._changed:
            ticket = core.newest
            if not self._changed.wait_for(lambda: core.is_settled(ticket), timeout):
                raise DeadlineExceededError(f"not answered within {timeout} s")
            core.check()

    def close(self) -> None:
        """Flushes, and ends the stream. Idempotent. Raises what `flush` raises."""
        with self._changed:
            self._core.close()
            self._changed.notify_all()
        try:
            self.flush()
        finally:
            self._end()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        try:
            self.close()
        except StillframeError as failure:
            if error is None:
                raise
            # The body's own error is the one to see.
            error.add_note(f"and the pipeline failed: {failure!r}")

    def _end(self) -> None:
        self._stopping.set()
        self._stop(ClosedError("the pipeline is closed"))
        with self._changed:
            thread, call = self._thread, self._call
        if call is not None:
            call.cancel()
        if thread is not None:
            thread.join()

    def _stop(self, error: StillframeError) -> None:
        with self._changed:
            broken = self._core.stop(error)
            self._changed.notify_all()
        keep(broken)

    def _run(self) -> None:
        try:
            while True:
                with self._changed:
                    self._changed.wait_for(lambda: self._core.has_work or self._stopping.is_set())
                if self._stopping.is_set():
                    break
                delay = self._exchange()
                if delay is None:
                    return
                if delay:
                    self._clock.wait(self._stopping, delay)
        except BaseException as error:
            # A fault of the client's own: whoever waits must hear of it.
            self._stop(StillframeError(f"the pipeline broke: {error!r}"))
            raise
        self._stop(ClosedError("the client is closed"))

    def _exchange(self) -> float | None:
        """Makes one call; the seconds to wait before the next one, None to stop."""
        error: StillframeError | None = None
        try:
            for response in self._open():
                with self._changed:
                    settled, error = self._core.receive(response)
                    self._changed.notify_all()
                keep(settled)
                if error is not None:
                    break
        except StillframeError as failure:
            error = failure
        finally:
            self._hang_up()
        if self._stopping.is_set():
            return 0.0
        broken: list[Settled[Future[t.Saved]]]
        with self._changed:
            broken, delay = self._core.ended(error)
            self._changed.notify_all()
        keep(broken)
        return delay

    def _open(self) -> "StreamCall[rpc.SaveSnapshotsResponse]":
        with self._changed:
            self._calls += 1
            self._core.begin()
            number = self._calls
        call = self._transport.pipeline(self._messages(number))
        with self._changed:
            self._call = call
        if self._stopping.is_set():
            # It came before there was a call to cancel.
            call.cancel()
        return call

    def _messages(self, number: int) -> Iterator[rpc.SaveSnapshotsRequest]:
        """The messages of one call, taken by a thread of gRPC's until the call is over."""
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._calls != number or self._core.has_unsent)
                if self._calls != number:
                    return
                message = self._core.next_message()
            yield message

    def _hang_up(self) -> None:
        with self._changed:
            call, self._call = self._call, None
            # The messages of this call end, and no answer of it counts any more.
            self._calls += 1
            self._changed.notify_all()
        if call is not None:
            call.cancel()
