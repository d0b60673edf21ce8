"""SaveSnapshots: saves that are sent before the answers to those before them have come.

On each stream three parts are at work at once: one reads items into the window, one
commits what has been read, a batch at a time, and the handler sends the results. Only
the window connects the first with the last: while too much is unanswered nothing is
read, and HTTP/2 holds the client back. One batch at a time is what keeps the items of
an execution in order whatever the store.

Nothing here acts on the end of the request stream: it looks the same when the client
has sent everything and when it has vanished. And the parts are told to end, never
cancelled: a read that is cancelled leaks in grpc.aio (grpc#43360), and a commit that is
cancelled may be cut between two items.
"""

from __future__ import annotations

import asyncio
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING

from google.protobuf.message import DecodeError

from stillframe.server import validation, wire
from stillframe.server.checks import MAX_ID_BYTES
from stillframe.server.errors import status_of
from stillframe.server.stores import refusals
from stillframe.server.stores.base import MIB
from stillframe.server.stores.refusals import Refusal, Violation
from stillframe.v1 import error_pb2
from stillframe.v1.snapshot_service_pb2 import (
    SaveItemResult,
    SaveSnapshotsRequest,
    SaveSnapshotsResponse,
)

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Coroutine, Iterator

    from stillframe.server.config import Settings
    from stillframe.server.stores.base import Store
    from stillframe.v1.snapshot_service_pb2 import (
        SaveItem,
        SaveSnapshotRequest,
        SaveSnapshotResponse,
    )

RPC = "SaveSnapshots"

WINDOW_ITEMS = 1_024
WINDOW_BYTES = 16 * MIB
"""A stream is not read while this much of it is unanswered, in items or in bytes."""

BATCH_ITEMS = 256
BATCH_BYTES = 4 * MIB
"""Saves handed to the store at once; a single larger one goes alone."""

MESSAGE_BYTES = MIB
"""What a message of results is cut at."""

_BUSY_DELAY = 0.1
"""Seconds to wait for a store that is busy and does not say how long."""

_SERVER_BUSY = error_pb2.ERROR_REASON_SERVER_BUSY
_NOT_TAKEN = (
    _SERVER_BUSY,
    error_pb2.ERROR_REASON_STORE_UNAVAILABLE,
    error_pb2.ERROR_REASON_SHUTTING_DOWN,
)
"""Refusals that say nothing of the save, but of the store."""
_REQUEST_ID_REUSED = error_pb2.ERROR_REASON_REQUEST_ID_REUSED


class Pipelines:
    """The SaveSnapshots streams of a server."""

    def __init__(self, store: Store, settings: Settings) -> None:
        self._store = store
        self._settings = settings
        self._streams: set[_Stream] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._draining = False

    def drain(self) -> None:
        """Stops reading. Streams end once what they have read is answered."""
        self._draining = True
        for stream in self._streams:
            stream.drain()

    async def settle(self) -> None:
        """Waits until no stream uses the store any more. The calls must be over."""
        for stream in self._streams:
            stream.end()
        while self._tasks:
            await asyncio.wait(self._tasks)

    async def run(self, requests: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
        """Yields the response messages of one stream; raises Refusal."""
        if self._draining:
            raise refusals.shutting_down()
        stream = _Stream(self._store, self._settings, requests)
        self._streams.add(stream)
        self._start(stream.read())
        self._start(stream.commit())
        try:
            while (data := await stream.results()) is not None:
                yield data
                stream.release()
        finally:
            # Without awaiting: it may be a GeneratorExit.
            self._streams.discard(stream)
            stream.end()
        if stream.failure is not None:
            raise stream.failure
        if stream.draining:
            raise refusals.shutting_down()

    def _start(self, part: Coroutine[None, None, None]) -> None:
        task = asyncio.create_task(part, name="save-snapshots")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


@dataclass(slots=True)
class _Message:
    """A request message: the items that are still to be taken, and its share of the window."""

    items: Iterator[SaveItem]
    count: int
    size: int
    unanswered: int


@dataclass(slots=True)
class _Result:
    """The result of one item, as a field of the response."""

    data: bytes
    message: _Message


class _Stream:
    """One stream. Its parts share this state, and wake each other by its events."""

    def __init__(self, store: Store, settings: Settings, requests: AsyncIterator[bytes]) -> None:
        self._store = store
        self._settings = settings
        self._requests = requests
        self._messages: deque[_Message] = deque()
        self._results: deque[_Result] = deque()
        self._sent: list[_Result] = []
        self._items = 0
        self._bytes = 0
        self._room = asyncio.Event()
        self._arrived = asyncio.Event()
        self._answered = asyncio.Event()
        self._stopping = asyncio.Event()
        self._read_all = False
        self._committed_all = False
        self.draining = False
        self.failure: Exception | None = None
        """Why the stream must end with an error, once what came before is answered."""

    def drain(self) -> None:
        """Reads no more, and commits what was read."""
        self.draining = True
        self._stop_reading()
        self._stopping.set()

    def end(self) -> None:
        """Nobody waits for results any more: what is not in the store is dropped."""
        self._messages.clear()
        self._stop_reading()
        self._stopping.set()

    def _stop_reading(self) -> None:
        self._read_all = True
        self._room.set()
        self._arrived.set()

    async def read(self) -> None:
        """Reads messages as long as there is room for them."""
        try:
            async for data in self._requests:
                if self._read_all:
                    return
                self._accept(data)
                while self._is_full() and not self._read_all:
                    self._room.clear()
                    await self._room.wait()
        except Exception as error:  # noqa: BLE001 - the handler's to raise
            self.failure = error
        finally:
            self._stop_reading()

    def _is_full(self) -> bool:
        return self._items >= WINDOW_ITEMS or self._bytes >= WINDOW_BYTES

    def _accept(self, data: bytes) -> None:
        try:
            items = SaveSnapshotsRequest.FromString(data).items
        except DecodeError:
            raise refusals.malformed_message(RPC) from None
        if items:
            self._messages.append(_Message(iter(items), len(items), len(data), len(items)))
            self._items += len(items)
            self._bytes += len(data)
            self._arrived.set()

    async def commit(self) -> None:
        """Commits what has been read, a batch at a time, until there is nothing to come."""
        try:
            while True:
                batch = self._next_batch()
                if batch:
                    await self._decide(batch)
                elif self._read_all:
                    return
                else:
                    self._arrived.clear()
                    await self._arrived.wait()
        except Exception as error:  # noqa: BLE001 - the handler's to raise
            self.failure = error
        finally:
            self._committed_all = True
            self._answered.set()

    def _next_batch(self) -> list[tuple[SaveItem, _Message]]:
        batch: list[tuple[SaveItem, _Message]] = []
        size = 0.0
        while self._messages and len(batch) < BATCH_ITEMS and size < BATCH_BYTES:
            message = self._messages[0]
            item = next(message.items, None)
            if item is None:
                self._messages.popleft()
                continue
            batch.append((item, message))
            # On average: protobuf would serialise an item to know its size.
            size += message.size / message.count
        return batch

    async def _decide(self, batch: list[tuple[SaveItem, _Message]]) -> None:
        """Has a batch decided, and appends a result for each item in its order."""
        outcomes: list[bytes | None] = []
        for item, message in batch:
            try:
                if message.size > self._settings.max_request_bytes:
                    self._check_size(item.save)
                validation.save_item(item, self._settings)
            except Refusal as refusal:
                outcomes.append(_error(refusal))
            else:
                outcomes.append(None)
        waiting = [item.save for (item, _), told in zip(batch, outcomes, strict=True) if not told]
        failure: Refusal | None = None
        decided: Iterator[bytes | None] = iter(())
        if waiting:
            answers, failure = await self._save(waiting)
            decided = iter(answers)
        for (item, message), told in zip(batch, outcomes, strict=True):
            outcome = told or next(decided)
            if outcome is not None:  # else given up: nobody is told
                self._results.append(_Result(_result(item, outcome), message))
        self._answered.set()
        if failure is not None:
            raise failure

    def _check_size(self, save: SaveSnapshotRequest) -> None:
        size, maximum = save.ByteSize(), self._settings.max_request_bytes
        if size > maximum:
            raise refusals.too_large("max_request_bytes", maximum, size)

    async def _save(
        self, saves: list[SaveSnapshotRequest]
    ) -> tuple[list[bytes | None], Refusal | None]:
        """Returns the outcome of each save; waits while the store is busy.

        Returns None for those that the store has not taken: with the reason when it can
        take none, or without one when the stream ends first. Then it must take none of
        those behind them either, because a client which sends a save again must not find
        one from behind it in its place.
        """
        outcomes: list[bytes | None] = [None] * len(saves)
        waiting = [*range(len(saves))]
        while True:
            undecided: dict[int, Refusal] = {}
            told = await self._ask_store([saves[index] for index in waiting])
            for index, outcome in zip(waiting, told, strict=True):
                if isinstance(outcome, Refusal):
                    undecided[index] = outcome
                else:
                    outcomes[index] = outcome
            waiting, reasons = [*undecided], [*undecided.values()]
            failure = next((each for each in reasons if each.reason != _SERVER_BUSY), None)
            if not waiting or failure is not None:
                return outcomes, failure
            try:
                async with asyncio.timeout(reasons[0].retry_after or _BUSY_DELAY):
                    await self._stopping.wait()
            except TimeoutError:
                continue
            self._messages.clear()
            return outcomes, None

    async def _ask_store(self, saves: list[SaveSnapshotRequest]) -> list[bytes | Refusal]:
        """Returns the outcome of each save, or the refusal of a store that has not taken it:
        it may have taken those of one tenant, and not those of another.
        """
        try:
            answers = await self._store.save_many(saves)
            if len(answers) != len(saves):
                raise AssertionError("a store answers every save")  # noqa: TRY301
        except Refusal as refusal:
            return [refusal] * len(saves)
        except Exception as error:  # noqa: BLE001 - every item is told, and the log
            return [_error(error)] * len(saves)
        return [_told(answer) for answer in answers]

    async def results(self) -> bytes | None:
        """Returns the next response message; None when there is none to come."""
        while not self._results:
            if self._committed_all:
                return None
            self._answered.clear()
            await self._answered.wait()
        size = 0
        while self._results and (not size or size + len(self._results[0].data) <= MESSAGE_BYTES):
            result = self._results.popleft()
            size += len(result.data)
            self._sent.append(result)
        return b"".join(result.data for result in self._sent)

    def release(self) -> None:
        """What `results` gave last is on its way: there is room for as much again."""
        self._items -= len(self._sent)
        for result in self._sent:
            result.message.unanswered -= 1
            if not result.message.unanswered:
                self._bytes -= result.message.size
        self._sent.clear()
        if not self._is_full():
            self._room.set()


def _saved(response: SaveSnapshotResponse) -> bytes:
    return wire.field(SaveItemResult.SAVED_FIELD_NUMBER, response.SerializeToString())


def _told(answer: SaveSnapshotResponse | Refusal) -> bytes | Refusal:
    if not isinstance(answer, Refusal):
        return _saved(answer)
    return answer if answer.reason in _NOT_TAKEN else _error(answer)


def _error(error: Exception) -> bytes:
    if isinstance(error, Refusal) and error.reason == _REQUEST_ID_REUSED:
        # The one violation that a store finds; `validation` gives the others their place.
        error.violations = tuple(
            Violation(f"save.{field}", description) for field, description in error.violations
        )
    # A SaveError is a google.rpc.Status under another name.
    return wire.field(SaveItemResult.ERROR_FIELD_NUMBER, status_of(error, RPC).SerializeToString())


def _result(item: SaveItem, outcome: bytes) -> bytes:
    item_id = item.item_id.encode()
    if len(item_id) > MAX_ID_BYTES:
        item_id = item_id[:MAX_ID_BYTES].decode(errors="ignore").encode()
    name = wire.field(SaveItemResult.ITEM_ID_FIELD_NUMBER, item_id)
    return wire.field(SaveSnapshotsResponse.RESULTS_FIELD_NUMBER, name + outcome)
