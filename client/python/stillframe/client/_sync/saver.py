"""`Saver`: saves in a thread of its own."""

import threading
from datetime import timedelta
from types import TracebackType
from typing import Self

from stillframe.client import _types as t
from stillframe.client._connection import Connection
from stillframe.client._errors import ClosedError, DeadlineExceededError, StillframeError
from stillframe.client._requests import SaveOptions
from stillframe.client._saver import Job, SaverCore
from stillframe.client._sync.execution import Execution


class Saver:
    """Saves the states of one execution in the background. The newest wins: while a save is
    under way one state waits, and a newer one takes its place.

    The server's absence is ridden out for `max_absence` seconds. After that, or after an
    error that waiting does not mend (FencedError, SnapshotTooLargeError), the saver has
    stopped for good, and every submit and flush raises the error.

    Usable from many threads. Close it, or use it as a context manager: what was not flushed
    when the process ends is lost.
    """

    def __init__(
        self,
        execution: Execution,
        connection: Connection,
        *,
        max_absence: float,
    ) -> None:
        self._execution = execution
        self._timeout = connection.timeout
        self._clock = connection.clock
        self._core = SaverCore(connection.retry, connection.clock, max_absence)
        self._changed = threading.Condition()
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None

    @property
    def execution(self) -> Execution:
        """The handle that it saves through; its claim gives the saves their epoch."""
        return self._execution

    def submit(
        self,
        snapshot: t.Snapshot,
        *,
        ttl: timedelta | float | None = None,
        allow_sequence_regression: bool = False,
    ) -> None:
        """Takes a copy of the snapshot, to be saved as soon as can be, and returns at once.
        The options as in `Client.save`.

        Raises ValueEncodeError and the like for this snapshot, and the error that stopped
        the saver.
        """
        encoded = self._execution.encode(snapshot)
        options = SaveOptions(ttl=ttl, allow_sequence_regression=allow_sequence_regression)
        with self._changed:
            self._core.submit(encoded, options)
            if self._thread is None:
                # A daemon: a process that dies of an error must not hang on it.
                self._thread = threading.Thread(
                    target=self._run, name="stillframe-saver", daemon=True
                )
                self._thread.start()
            self._changed.notify_all()

    def flush(self, timeout: float | None = None) -> t.Saved | None:
        """Waits until the newest submitted state is durable, and returns the answer to it, or
        to a newer one; None when nothing was submitted.

        `timeout`: seconds; raises DeadlineExceededError after them, and the saver goes on.
        Raises the error that stopped the saver.
        """
        core = self._core
        with self._changed:
            ticket = core.newest
            if not self._changed.wait_for(lambda: core.is_settled(ticket), timeout):
                raise DeadlineExceededError(f"not durable within {timeout} s")
            core.check()
            return core.last

    def close(self) -> None:
        """Flushes, and ends the thread. Idempotent. Raises what `flush` raises."""
        with self._changed:
            self._core.close()
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
            error.add_note(f"and the background saver failed: {failure!r}")

    def _end(self) -> None:
        self._stopping.set()
        with self._changed:
            self._core.stop(ClosedError("the saver is closed"))
            self._changed.notify_all()
            thread = self._thread
        if thread is not None:
            thread.join()

    def _run(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._core.has_work or self._stopping.is_set())
                job = None if self._stopping.is_set() else self._core.take()
            if job is None:
                return
            delay = self._try(job)
            if delay is None:
                return
            if delay:
                self._clock.wait(self._stopping, delay)

    def _try(self, job: Job) -> float | None:
        """Makes one try; the seconds to wait before the next one, None to stop."""
        timeout = self._core.time_left(self._timeout)
        delay: float | None = 0.0
        try:
            saved = self._execution.save_encoded(job.snapshot, job.options, timeout)
        except StillframeError as error:
            with self._changed:
                delay = self._core.failed(job, error)
                self._changed.notify_all()
        except Exception as error:
            # A fault of the client's own: whoever waits must hear of it.
            with self._changed:
                self._core.stop(StillframeError(f"the saver broke: {error!r}"))
                self._changed.notify_all()
            raise
        else:
            with self._changed:
                self._core.saved(job, saved)
                self._changed.notify_all()
        return delay
