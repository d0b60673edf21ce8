"""The watchers: each a cursor over one tenant's changes."""

from __future__ import annotations

import asyncio
from contextlib import contextmanager
from typing import TYPE_CHECKING

from stillframe.server.stores import refusals
from stillframe.server.stores.marks import Position, parse_resume_token
from stillframe.server.watch.cursor import Cursor
from stillframe.server.watch.following import confirm
from stillframe.server.watch.ring import Rings, Tail
from stillframe.server.watch.windows import Shared
from stillframe.v1 import snapshot_service_pb2 as messages
from stillframe.v1.snapshot_service_pb2 import WatchFrame

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Generator

    from stillframe.server.config import Settings
    from stillframe.server.stores.base import Store
    from stillframe.server.watch.windows import Windows
    from stillframe.v1.snapshot_pb2 import SnapshotProjection
    from stillframe.v1.snapshot_service_pb2 import WatchSnapshotsRequest


class Feed:
    """All watches of a server. They share a tail for each tenant that is watched."""

    def __init__(self, store: Store, settings: Settings) -> None:
        self._store = store
        self._settings = settings
        self._rings = Rings(settings.watch_buffer_bytes)
        self._watched: dict[str, tuple[Tail, Shared]] = {}
        self._watches = 0
        self._draining = asyncio.Event()

    def drain(self) -> None:
        """Ends every watch with Goodbye, and refuses new ones."""
        self._draining.set()
        for tail, _ in self._watched.values():
            tail.wake()

    async def watch(
        self, request: WatchSnapshotsRequest, projection: SnapshotProjection | None, max_bytes: int
    ) -> AsyncIterator[bytes]:
        """Yields the response messages of one watch; raises Refusal."""
        if self._draining.is_set():
            raise refusals.shutting_down()
        if self._watches >= self._settings.max_watches:
            raise refusals.server_busy("max_watches", self._settings.max_watches, retry_after=1.0)
        self._watches += 1
        try:
            # What a caller saved before it opened the watch belongs to the present, even
            # if the tail has not read it yet.
            present = await self._store.position(request.tenant_id)
            with self._watching(request.tenant_id, present) as (tail, shared):
                # Before the start is looked at: what is found out after it counts.
                replaced = tail.replaced
                start = await self._start(request, present)
                windows = shared.windows(request, projection, max_bytes)
                cursor = Cursor(self._store, tail, request, windows, start, replaced)
                async for data in self._run(request, cursor, tail, present.revision):
                    yield data
        finally:
            self._watches -= 1

    async def _start(self, request: WatchSnapshotsRequest, present: Position) -> Position:
        """Returns the position that a watch starts after; for an initial state, one that it
        is not older than.
        """
        if request.WhichOneof("start") != "resume_token":
            return present
        token = parse_resume_token(request.resume_token)
        if token is None:
            raise AssertionError("validation lets only tokens through")
        await confirm(self._store, request.tenant_id, token)
        return token

    @contextmanager
    def _watching(self, tenant_id: str, present: Position) -> Generator[tuple[Tail, Shared]]:
        watched = self._watched.get(tenant_id)
        if watched is None:
            tail = Tail(self._store, self._rings, tenant_id)
            watched = self._watched[tenant_id] = tail, Shared(self._store, tail)
            tail.start(present)
        tail, _ = watched
        tail.watchers += 1
        try:
            yield watched
        finally:
            tail.watchers -= 1
            if not tail.watchers:
                del self._watched[tenant_id]
                tail.stop()

    async def _run(
        self, request: WatchSnapshotsRequest, cursor: Cursor, tail: Tail, present: int
    ) -> AsyncIterator[bytes]:
        start = request.WhichOneof("start") or "now"
        opened = WatchFrame(opened=self._opened(cursor.windows))
        if start == "now":
            opened.resume_token = cursor.token
        # Who starts now is at the present as a rule, and is told so in the same message.
        tell = cursor.gather if start == "now" else cursor.send
        for data in tell(opened):
            yield data
        if start == "initial_state":
            async for data in cursor.initial_state(self._draining):
                yield data
        async for data in self._changes(cursor, tail, present):
            yield data
        for data in cursor.send(_goodbye(cursor)):
            yield data

    async def _changes(self, cursor: Cursor, tail: Tail, present: int) -> AsyncIterator[bytes]:
        """Yields changes as they come, until the server drains."""
        interval = self._settings.progress_interval
        loop = asyncio.get_running_loop()
        caught_up = False
        next_progress = loop.time() + interval
        while not self._draining.is_set():
            advanced = tail.advanced
            await cursor.confirm()
            if cursor.revision < max(tail.revision, present):
                async for data in cursor.window():
                    yield data
                caught_up = caught_up and not cursor.fell_behind
                if loop.time() >= next_progress:
                    next_progress = loop.time() + interval
                    for data in cursor.send(_progress(cursor)):
                        yield data
                continue
            if not caught_up:
                caught_up = True
                next_progress = loop.time() + interval
                frame = WatchFrame(resume_token=cursor.token, caught_up=messages.WatchCaughtUp())
                for data in cursor.send(frame):
                    yield data
                continue
            try:
                async with asyncio.timeout_at(next_progress):
                    await advanced.wait()
            except TimeoutError:
                next_progress = loop.time() + interval
                for data in cursor.send(_progress(cursor)):
                    yield data

    def _opened(self, windows: Windows) -> messages.WatchOpened:
        opened = messages.WatchOpened(
            mode=windows.mode, view=windows.view, max_message_bytes=windows.max_bytes
        )
        opened.progress_interval.FromNanoseconds(int(self._settings.progress_interval * 1e9))
        return opened


def _progress(cursor: Cursor) -> WatchFrame:
    return WatchFrame(resume_token=cursor.token, progress=messages.WatchProgress())


def _goodbye(cursor: Cursor) -> WatchFrame:
    token = cursor.token if cursor.complete else ""
    return WatchFrame(resume_token=token, goodbye=messages.WatchGoodbye())
