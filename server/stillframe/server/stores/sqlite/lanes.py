"""Threads that work off jobs for an event loop, several at a time.

Handing a job to a thread and its result back costs a system call or two each way; a
lane takes whatever has queued up, and hands all results back at once, so that under
load the hand-over is shared.
"""

from __future__ import annotations

import asyncio
import logging
import threading
from dataclasses import dataclass
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, Any, Generic, TypeAlias, TypeVar

import apsw

from stillframe.server.stores import refusals

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

Read: TypeAlias = "Callable[[apsw.Connection], Any]"

W = TypeVar("W")
"""What a job says that is to be done."""

_log = logging.getLogger(__name__)


@dataclass(slots=True)
class Outcome:
    """What a job gave: a value or an exception."""

    value: Any = None
    error: BaseException | None = None


@dataclass(slots=True, eq=False)
class Job(Generic[W]):
    """What is to be done, and the future that waits for what it gives."""

    work: W
    future: asyncio.Future[Any]
    cost: int = 0
    """Bytes that it keeps in memory until it ends."""


class Lane:
    """A queue of jobs, and the threads that work it off.

    `run` is called in a thread with its connection and a batch, and returns the
    outcomes in the batch's order. A job whose future was cancelled before a thread
    took it is not run; one that was taken is run to its end.
    """

    MAX_BATCH = 256

    def __init__(
        self,
        name: str,
        connections: Sequence[apsw.Connection],
        run: Callable[[apsw.Connection, list[Job[Read]]], list[Outcome]],
    ) -> None:
        self._run = run
        self._loop = asyncio.get_running_loop()
        self._queue: SimpleQueue[Job[Read] | None] = SimpleQueue()
        self._closed = False
        self._connections = connections
        self._threads = [
            threading.Thread(target=self._work, args=(c,), name=f"{name}-{i}", daemon=True)
            for i, c in enumerate(connections)
        ]
        for thread in self._threads:
            thread.start()

    async def do(self, work: Read) -> Any:
        """Does `work` in a thread and returns what it gives."""
        if self._closed:
            raise refusals.shutting_down()
        future: asyncio.Future[Any] = self._loop.create_future()
        job = Job(work, future)
        self._queue.put(job)
        return await future

    async def close(self) -> None:
        """Works off what was accepted, then ends the threads and closes the connections."""
        if self._closed:
            return
        self._closed = True
        for _ in self._threads:
            self._queue.put(None)
        for thread in self._threads:
            await asyncio.to_thread(thread.join)
        for connection in self._connections:
            close(connection)

    def _work(self, connection: apsw.Connection) -> None:
        while (batch := self._next_batch()) is not None:
            wanted = [job for job in batch if not job.future.cancelled()]
            outcomes = self._outcomes(connection, wanted) if wanted else []
            self._loop.call_soon_threadsafe(deliver, wanted, outcomes)

    def _outcomes(self, connection: apsw.Connection, jobs: list[Job[Read]]) -> list[Outcome]:
        try:
            return self._run(connection, jobs)
        except Exception as error:  # noqa: BLE001 - logged, and told to the callers
            # The thread must go on: without it every later job would wait for ever.
            _log.exception("a batch failed")
            return [Outcome(error=error)] * len(jobs)

    def _next_batch(self) -> list[Job[Read]] | None:
        """Waits for a job and takes what has queued up behind it; None at the end."""
        job = self._queue.get()
        if job is None:
            return None
        batch = [job]
        while len(batch) < self.MAX_BATCH:
            try:
                job = self._queue.get_nowait()
            except Empty:
                break
            if job is None:
                self._queue.put(None)  # for the next round
                break
            batch.append(job)
        return batch


def close(connection: apsw.Connection) -> None:
    """Closes a connection, whatever it says to that."""
    try:
        connection.close()
    except apsw.Error:
        # What was committed is in the WAL: the next server finds it there.
        _log.exception("a connection did not close cleanly")
        connection.close(force=True)


def deliver(jobs: Sequence[Job[W]], outcomes: Sequence[Outcome]) -> None:
    """Gives the outcomes of jobs to those who wait for them."""
    for job, outcome in zip(jobs, outcomes, strict=True):
        if job.future.done():  # cancelled while it was run
            continue
        if outcome.error is not None:
            job.future.set_exception(outcome.error)
        else:
            job.future.set_result(outcome.value)


def translate(error: Exception) -> Exception:
    """Returns a Refusal for what SQLite reports; anything else is a fault of ours."""
    if isinstance(error, apsw.Error):
        _log.error("%s: %s: %s", threading.current_thread().name, type(error).__name__, error)
        return refusals.store_unavailable()
    return error
