"""`AsyncPipeline`: saves that do not wait for each other, over one stream."""

import asyncio
from datetime import timedelta
from types import TracebackType
from typing import TYPE_CHECKING, Self

from stillframe.client import _types as t
from stillframe.client._connection import Connection
from stillframe.client._encoding import encode_snapshot
from stillframe.client._errors import ClosedError, DeadlineExceededError, StillframeError
from stillframe.client._pipelining import PipelineCore, Settled, keep
from stillframe.client._requests import Requests, SaveOptions

if TYPE_CHECKING:
    from stillframe.client._aio.transport import AioPipelineCall, AioTransport


class AsyncPipeline:
    """As `Pipeline`: saves without waiting for the answers.

    Belongs to one event loop. What was not flushed when the loop ends may be lost.
    """

    def __init__(
        self,
        requests: Requests,
        transport: "AioTransport",
        connection: Connection,
        *,
        max_unanswered: int,
        max_absence: float,
    ) -> None:
        self._codec = requests.codec
        self._transport = transport
        self._clock = connection.clock
        self._core: PipelineCore[asyncio.Future[t.Saved]] = PipelineCore(
            requests,
            connection.retry,
            connection.clock,
            max_unanswered=max_unanswered,
            max_absence=max_absence,
        )
        self._turn = asyncio.Lock()
        self._changed = asyncio.Condition()
        self._task: asyncio.Task[None] | None = None

    async def save(
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
    ) -> "asyncio.Future[t.Saved]":
        """As `Pipeline.save`: what is awaited is room for the save, and what that gives is a
        future, which is awaited for the answer. Where a save waits for room, later ones wait
        behind it. Cancelling the future takes nothing back.
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
        # In turn, because a condition wakes whom it likes.
        async with self._turn, self._changed:
            await self._changed.wait_for(lambda: self._core.has_room(execution_id))
            future: asyncio.Future[t.Saved] = asyncio.get_running_loop().create_future()
            self._core.submit(execution_id, encoded, options, future)
            if self._task is None:
                self._task = asyncio.create_task(self._run(), name="stillframe-pipeline")
            self._changed.notify_all()
        return future

    async def flush(self, timeout: float | None = None) -> None:  # noqa: ASYNC109
        """As `Pipeline.flush`."""
        core = self._core
        ticket = core.newest
        try:
            async with asyncio.timeout(timeout), self._changed:
                await self._changed.wait_for(lambda: core.is_settled(ticket))
        except TimeoutError:
            raise DeadlineExceededError(f"not answered within {timeout} s") from None
        core.check()

    async def close(self) -> None:
        """As `Pipeline.close`."""
        self._core.close()
        await self._notify()
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
            error.add_note(f"and the pipeline failed: {failure!r}")

    async def _end(self) -> None:
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            await asyncio.wait([task])
        await self._stop(ClosedError("the pipeline is closed"))

    async def _stop(self, error: StillframeError) -> None:
        _break(self._core.stop(error))
        await self._notify()

    async def _notify(self) -> None:
        async with self._changed:
            self._changed.notify_all()

    async def _run(self) -> None:
        try:
            while True:
                async with self._changed:
                    await self._changed.wait_for(lambda: self._core.has_work)
                delay = await self._exchange()
                if delay is None:
                    return
                await self._clock.sleep(delay)
        except Exception as error:
            # A fault of the client's own: whoever waits must hear of it.
            await self._stop(StillframeError(f"the pipeline broke: {error!r}"))
            raise

    async def _exchange(self) -> float | None:
        """Makes one call; the seconds to wait before the next one, None to stop."""
        error: StillframeError | None = None
        try:
            call = self._transport.pipeline()
        except StillframeError as failure:
            error = failure
        else:
            self._core.begin()
            sending = asyncio.create_task(self._send(call), name="stillframe-pipeline-send")
            try:
                error = await self._receive(call)
            finally:
                call.cancel()
                sending.cancel()
                await asyncio.wait([sending])
        broken, delay = self._core.ended(error)
        _break(broken)
        await self._notify()
        return delay

    async def _receive(self, call: "AioPipelineCall") -> StillframeError | None:
        """Takes answers until the call is over; gives the reason, None for OK."""
        try:
            while (response := await call.read()) is not None:
                settled, error = self._core.receive(response)
                keep(settled)
                await self._notify()
                if error is not None:
                    return error
        except StillframeError as failure:
            return failure
        return None

    async def _send(self, call: "AioPipelineCall") -> None:
        while True:
            async with self._changed:
                await self._changed.wait_for(lambda: self._core.has_unsent)
            if not await call.write(self._core.next_message()):
                return


def _break(broken: list[Settled["asyncio.Future[t.Saved]"]]) -> None:
    """Breaks promises by the error that stopped the pipeline."""
    keep(broken)
    for promise, _ in broken:
        if not promise.cancelled():
            # Every later call raises it too: asyncio need not log each that nobody asks.
            promise.exception()
