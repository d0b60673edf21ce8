"""`AsyncWatch`: a watch over grpc.aio."""

import asyncio
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, Self

from stillframe.client._errors import StillframeError
from stillframe.client._events import Change, WatchEvent
from stillframe.client._retry import Clock
from stillframe.client._watching import Watching

if TYPE_CHECKING:
    from stillframe.client._aio.transport import AioTransport, AioWatchCall


class AsyncWatch(AsyncIterator[WatchEvent]):
    """As `Watch`: a stream of events that resumes by itself.

    One task iterates. A wait for an event that is cancelled, as by asyncio.timeout, loses
    nothing: the next one goes on. Use it with `async with`: leaving an `async for` does not
    end its call (grpc#43462).
    """

    def __init__(self, watching: Watching, transport: "AioTransport", clock: Clock) -> None:
        self._watching = watching
        self._transport = transport
        self._clock = clock
        self._call: AioWatchCall | None = None
        self._step: asyncio.Task[None] | None = None
        self._closed = False

    @property
    def resume_token(self) -> str:
        """As `Watch.resume_token`."""
        return self._watching.resume_token

    async def changes(self) -> AsyncIterator[Change]:
        """As `Watch.changes`."""
        async for event in self:
            if isinstance(event, Change):
                yield event

    async def close(self) -> None:
        """Ends the watch and its call. Idempotent."""
        self._closed = True
        if self._call is not None:
            self._call.cancel()
            self._call = None
        step, self._step = self._step, None
        if step is not None:
            step.cancel()
            # Its end is awaited, its outcome is of no interest to anybody any more.
            await asyncio.wait([step])
            if not step.cancelled():
                step.exception()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> WatchEvent:
        while not self._is_closed():
            event = self._watching.next_event()
            if event is not None:
                return event
            # A task of its own, because a read that is cancelled cancels its call: what gives
            # up waiting for an event must not cut the watch off.
            if self._step is None:
                self._transport.close_with(self)
                self._step = asyncio.create_task(self._advance(), name="stillframe-watch")
            step = self._step
            await asyncio.wait([step])
            if self._step is step:
                self._step = None
            if step.cancelled():
                # close() came from another task.
                continue
            step.result()
        raise StopAsyncIteration

    async def _advance(self) -> None:
        """Brings the next response, or gets past the end of a call."""
        error: StillframeError | None = None
        try:
            if self._call is None:
                self._call = self._transport.watch(self._watching.next_request())
            response = await self._call.read()
        except StillframeError as failure:
            error, response = failure, None
        except BaseException:
            self._drop_call()
            raise
        if response is not None:
            self._watching.receive(response)
            return
        self._drop_call()
        await self._end(error)

    async def _end(self, error: StillframeError | None) -> None:
        if self._is_closed():
            return
        try:
            delay = self._watching.ended(error)
        except StillframeError:
            self._closed = True
            raise
        await self._clock.sleep(delay)

    def _drop_call(self) -> None:
        if self._call is not None:
            self._call.cancel()
            self._call = None

    def _is_closed(self) -> bool:
        return self._closed or self._transport.is_closed
