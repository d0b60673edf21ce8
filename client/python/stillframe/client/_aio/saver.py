"""`AsyncSaver`: saves in a task of its own."""

import asyncio
from datetime import timedelta
from types import TracebackType
from typing import Self

from stillframe.client import _types as t
from stillframe.client._aio.execution import AsyncExecution
from stillframe.client._connection import Connection
from stillframe.client._errors import ClosedError, DeadlineExceededError, StillframeError
from stillframe.client._requests import SaveOptions
from stillframe.client._saver import Job, SaverCore


class AsyncSaver:
    """As `Saver`: saves the states of one execution in the background, the newest wins.

    Belongs to one event loop. What was not flushed when the loop ends is lost.
    """

    def __init__(
        self, execution: AsyncExecution, connection: Connection, *, max_absence: float
    ) -> None:
        self._execution = execution
        self._timeout = connection.timeout
        self._clock = connection.clock
        self._core = SaverCore(connection.retry, connection.clock, max_absence)
        self._changed = asyncio.Condition()
        self._task: asyncio.Task[None] | None = None

    @property
    def execution(self) -> AsyncExecution:
        """As `Saver.execution`."""
        return self._execution

    async def submit(
        self,
        snapshot: t.Snapshot,
        *,
        ttl: timedelta | float | None = None,
        allow_sequence_regression: bool = False,
    ) -> None:
        """As `Saver.submit`."""
        encoded = self._execution.encode(snapshot)
        options = SaveOptions(ttl=ttl, allow_sequence_regression=allow_sequence_regression)
        self._core.submit(encoded, options)
        if self._task is None:
            self._task = asyncio.create_task(self._run(), name="stillframe-saver")
        await self._notify()

    async def flush(self, timeout: float | None = None) -> t.Saved | None:  # noqa: ASYNC109
        """As `Saver.flush`."""
        core = self._core
        ticket = core.newest
        try:
            async with asyncio.timeout(timeout), self._changed:
                await self._changed.wait_for(lambda: core.is_settled(ticket))
        except TimeoutError:
            raise DeadlineExceededError(f"not durable within {timeout} s") from None
        core.check()
        return core.last

    async def close(self) -> None:
        """As `Saver.close`."""
        self._core.close()
        try:
            await self.flush()
        finally:
            await self._end()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        try:
            await self.close()
        except StillframeError as failure:
            if error is None:
                raise
            # The body's own error is the one to see.
            error.add_note(f"and the background saver failed: {failure!r}")

    async def _end(self) -> None:
        self._core.stop(ClosedError("the saver is closed"))
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            await asyncio.wait([task])
        await self._notify()

    async def _notify(self) -> None:
        async with self._changed:
            self._changed.notify_all()

    async def _run(self) -> None:
        while True:
            async with self._changed:
                await self._changed.wait_for(lambda: self._core.has_work)
            job = self._core.take()
            if job is None:
                continue
            delay = await self._try(job)
            await self._notify()
            if delay is None:
                return
            if delay:
                await self._clock.sleep(delay)

    async def _try(self, job: Job) -> float | None:
        """Makes one try; the seconds to wait before the next one, None to stop."""
        timeout = self._core.time_left(self._timeout)
        try:
            saved = await self._execution.save_encoded(job.snapshot, job.options, timeout)
        except StillframeError as error:
            return self._core.failed(job, error)
        except Exception as error:
            # A fault of the client's own: whoever waits must hear of it.
            self._core.stop(StillframeError(f"the saver broke: {error!r}"))
            await self._notify()
            raise
        self._core.saved(job, saved)
        return 0.0
