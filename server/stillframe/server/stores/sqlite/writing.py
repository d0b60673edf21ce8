"""The writer's queue, and its thread.

While one transaction is made durable, the next one's jobs collect. It is decided on the event
loop, where memory has all that it takes, or else in the thread; the thread commits.
"""

from __future__ import annotations

import asyncio
import logging
import threading
from collections import deque
from queue import SimpleQueue
from typing import TYPE_CHECKING, Any

from stillframe.server.stores import refusals
from stillframe.server.stores.sqlite.lanes import Job, Outcome, close, deliver

if TYPE_CHECKING:
    from collections.abc import Callable

    import apsw

    from stillframe.server.stores.sqlite.transactions import Transactions, Work

MAX_BATCH = 256
"""Jobs of one transaction."""

_log = logging.getLogger(__name__)


class Writing:
    """Jobs that are committed in their order, as many at a time as wait.

    A job whose future was cancelled before its transaction began is not run; one that has
    begun is run to its end.
    """

    def __init__(
        self, connection: apsw.Connection, transactions: Transactions, max_bytes: int
    ) -> None:
        self._connection = connection
        self._transactions = transactions
        self._loop = asyncio.get_running_loop()
        self._max_bytes = max_bytes
        self._bytes = 0
        self._closed = False
        self._waiting: deque[Job[Work]] = deque()
        self._is_busy = False
        self._idle = asyncio.Event()
        self._idle.set()
        self._turns: SimpleQueue[Callable[[], None] | None] = SimpleQueue()
        self._thread = threading.Thread(target=self._work, name="stillframe-writer", daemon=True)
        self._thread.start()

    async def do(self, work: Work, cost: int = 0) -> Any:
        """Does `work` in a transaction and returns what it gives, once that is durable.

        Raises SERVER_BUSY when the jobs that wait cost more than the bound.
        """
        if self._closed:
            raise refusals.shutting_down()
        if self._bytes and self._bytes + cost > self._max_bytes:
            raise refusals.server_busy("max_inflight_bytes", self._max_bytes)
        job = Job(work, self._loop.create_future(), cost)
        self._bytes += cost
        self._waiting.append(job)
        if not self._is_busy:
            self._is_busy = True
            self._idle.clear()
            # Not at once: others of this turn of the event loop may come with it.
            self._loop.call_soon(self._next)
        return await job.future

    async def close(self) -> None:
        """Works off what was accepted, then ends the thread and closes the connection."""
        if self._closed:
            return
        self._closed = True
        await self._idle.wait()
        self._turns.put(None)
        await asyncio.to_thread(self._thread.join)
        close(self._connection)

    def _next(self) -> None:
        """Begins the next transaction, if anything waits for one."""
        batch: list[Job[Work]] = []
        while self._waiting and len(batch) < MAX_BATCH:
            job = self._waiting.popleft()
            if job.future.cancelled():
                self._bytes -= job.cost
            else:
                batch.append(job)
        if not batch:
            self._is_busy = False
            self._idle.set()
            return
        outcomes: list[Outcome] | None = None
        try:
            prompt = self._transactions.prompt([job.work for job in batch])
            if prompt:
                self._waiting.extendleft(reversed(batch[prompt:]))
                batch = batch[:prompt]
                outcomes = self._transactions.begin([job.work for job in batch])
        except Exception:  # noqa: BLE001 - logged; the thread begins anew, and may find out why
            _log.exception("a transaction failed on the event loop")
        self._turns.put(lambda: self._turn(batch, outcomes))

    def _work(self) -> None:
        while (turn := self._turns.get()) is not None:
            turn()

    def _turn(self, batch: list[Job[Work]], outcomes: list[Outcome] | None) -> None:
        """Ends a transaction, or does all of it. Runs in the thread."""
        works = [job.work for job in batch]
        try:
            if outcomes is None:
                outcomes = self._transactions.run(works)
            else:
                outcomes = self._transactions.finish(works, outcomes)
        except Exception as error:  # noqa: BLE001 - logged, and told to the callers
            # The thread must go on: without it every later job would wait for ever.
            _log.exception("a transaction failed")
            outcomes = [Outcome(error=error)] * len(batch)
        self._loop.call_soon_threadsafe(self._ended, batch, outcomes)

    def _ended(self, batch: list[Job[Work]], outcomes: list[Outcome]) -> None:
        self._bytes -= sum(job.cost for job in batch)
        deliver(batch, outcomes)
        self._next()
