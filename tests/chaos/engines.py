"""The engines of a run: each works its row off, and records what it was told."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from itertools import count
from typing import TYPE_CHECKING, Any

from stillframe.client import DeadlineExceededError, StillframeError, UnavailableError
from tests.chaos.history import UNKNOWN, Attempt, History
from tests.chaos.operations import Kind, Operation, Role, row, snapshot_of

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from stillframe.client import (
        AsyncClient,
        AsyncExecution,
        AsyncPipeline,
        Forked,
        Saved,
        StoredSnapshot,
    )
    from tests.chaos.operations import Engine

UNANSWERED = 24
"""Saves of a pipeline that wait for their answers: fewer than an execution remembers."""


@dataclass
class Run:
    """What the actors of a run share."""

    history: History = field(default_factory=History)
    stopping: asyncio.Event = field(default_factory=asyncio.Event)
    _ticks: Any = field(default_factory=lambda: count(1))

    def tick(self) -> int:
        """The next number of the run's counter."""
        number: int = next(self._ticks)
        return number

    def begin(self, engine: Engine, operation: Operation, tag: str = "") -> Attempt:
        """Records that an operation begins."""
        attempt = Attempt(
            engine=engine.name,
            role=engine.role,
            operation=operation,
            tag=tag or operation.tag,
            began=self.tick(),
        )
        self.history.attempts.append(attempt)
        return attempt


async def work(run: Run, engine: Engine, client: AsyncClient, seed: int) -> None:
    """Works an engine's row off until the run stops."""
    worker = _WORKERS[engine.role](run, engine, client)
    for operation in row(engine, seed):
        if run.stopping.is_set():
            break
        await asyncio.sleep(operation.think)
        await worker.perform(operation)
    await worker.finish()


def whole(read: StoredSnapshot, *, forked: bool = False) -> bool:
    """Tells whether a snapshot is, in every field, the one that was saved under its tag. The
    head of a fork has a sequence number of its own.
    """
    saved = snapshot_of(read.labels["tag"])
    return read.omission is None and (
        (forked or read.sequence_number == saved.sequence_number)
        and read.state == saved.state
        and read.current_step_id == saved.current_step_id
        and dict(read.labels) == dict(saved.labels)
        and dict(read.step_outputs) == dict(saved.step_outputs)
        and dict(read.variables) == dict(saved.variables)
    )


class Worker:
    """Makes every operation one call."""

    def __init__(self, run: Run, engine: Engine, client: AsyncClient) -> None:
        self.run = run
        self.engine = engine
        self.client = client

    async def perform(self, operation: Operation) -> None:
        attempt = self.run.begin(self.engine, operation)
        await self.answer(attempt, self.call(operation, attempt.tag))

    async def finish(self) -> None:
        """Ends what is still under way."""

    async def answer(self, attempt: Attempt, call: Awaitable[Any]) -> Any:
        """Records the answer of a call; returns it, None for a refusal."""
        try:
            answer = await call
        except StillframeError as error:
            attempt.refusal = UNKNOWN if _is_unknown(error) else error.reason or repr(error)
            return None
        finally:
            attempt.ended = self.run.tick()
        _RECORD[attempt.operation.kind](attempt, answer)
        return answer

    def call(self, operation: Operation, tag: str) -> Awaitable[Any]:
        name = operation.execution_id
        match operation.kind:
            case Kind.SAVE | Kind.CREATE:
                create = operation.kind is Kind.CREATE
                snapshot = snapshot_of(tag)
                return self.client.save(name, snapshot, must_not_exist=create, ttl=operation.ttl)
            case Kind.LOAD:
                return self.client.load(name)
            case Kind.CLAIM:
                return self.client.claim(name, allow_missing=True)
            case Kind.DELETE:
                return self.client.delete(name)
            case Kind.FORK:
                return self.client.fork(
                    operation.source,
                    name,
                    include_history=operation.with_history,
                    sequence_number=0,
                )


class Runner(Worker):
    """Saves through a handle what it has claimed, and leaves it alone once it is fenced."""

    def __init__(self, run: Run, engine: Engine, client: AsyncClient) -> None:
        super().__init__(run, engine, client)
        self._handles: dict[str, AsyncExecution | None] = {}

    async def perform(self, operation: Operation) -> None:
        name = operation.execution_id
        if operation.kind is Kind.LOAD:
            await super().perform(operation)
            return
        if operation.kind is Kind.CLAIM or name not in self._handles:
            await self._claim(name)
        handle = self._handles.get(name)
        if operation.kind is Kind.SAVE and handle is not None:
            tag = f"{operation.tag}@{handle.writer_epoch}"
            attempt = self.run.begin(self.engine, operation, tag)
            await self.answer(attempt, handle.save(snapshot_of(tag)))
            if attempt.refusal == "FENCED":
                self._handles[name] = None

    async def _claim(self, name: str) -> None:
        handle = self.client.execution(name)
        attempt = self.run.begin(self.engine, Operation(Kind.CLAIM, name))
        claim = await self.answer(attempt, handle.claim(allow_missing=True))
        self._handles[name] = handle if claim is not None else None


class Piper(Worker):
    """Saves through a pipeline; makes another when one is broken."""

    def __init__(self, run: Run, engine: Engine, client: AsyncClient) -> None:
        super().__init__(run, engine, client)
        self._pipeline: AsyncPipeline | None = None
        self._waiting: set[asyncio.Task[Any]] = set()

    async def perform(self, operation: Operation) -> None:
        if self._pipeline is None:
            self._pipeline = self.client.pipeline(max_unanswered=UNANSWERED)
        attempt = self.run.begin(self.engine, operation)
        try:
            future = await self._pipeline.save(operation.execution_id, snapshot_of(attempt.tag))
        except StillframeError as error:
            attempt.refusal = UNKNOWN if _is_unknown(error) else error.reason or repr(error)
            attempt.ended = self.run.tick()
            await self._close()
            return
        task = asyncio.create_task(self.answer(attempt, future))
        self._waiting.add(task)
        task.add_done_callback(self._waiting.discard)

    async def finish(self) -> None:
        await self._close()
        await asyncio.gather(*self._waiting)

    async def _close(self) -> None:
        pipeline, self._pipeline = self._pipeline, None
        if pipeline is not None:
            try:
                await pipeline.close()
            except StillframeError as error:
                # What it broke has its own attempt; only the reason is looked at here.
                if not _is_unknown(error):
                    self.run.history.faults.append(f"{self.engine.name}: its pipeline: {error!r}")


class Lodger(Worker):
    """Saves with a ttl, and in the end gives everything back its life, so that it stays."""

    def __init__(self, run: Run, engine: Engine, client: AsyncClient) -> None:
        super().__init__(run, engine, client)
        self._names: dict[str, None] = {}
        self._number = 0

    async def perform(self, operation: Operation) -> None:
        self._names[operation.execution_id] = None
        self._number = int(operation.tag.partition("/")[2])
        await super().perform(operation)

    async def finish(self) -> None:
        for number, name in enumerate(self._names, self._number + 1):
            tag = f"{self.engine.name}/{number}"
            await super().perform(Operation(Kind.SAVE, name, tag, ttl=0))


_WORKERS: Mapping[Role, Callable[[Run, Engine, AsyncClient], Worker]] = {
    Role.RUNNER: Runner,
    Role.SENDER: Worker,
    Role.PIPER: Piper,
    Role.REMOVER: Worker,
    Role.FORKER: Worker,
    Role.LODGER: Lodger,
}


def _is_unknown(error: StillframeError) -> bool:
    """Tells whether nobody knows what became of a call. Not whatever a broken connection may
    be called: a server that fails with a reason of its own has something wrong with it.
    """
    return isinstance(error, UnavailableError | DeadlineExceededError) or (
        error.status in {"CANCELLED", "INTERNAL", "UNKNOWN"} and not error.reason
    )


def _saved(attempt: Attempt, saved: Saved) -> None:
    attempt.version, attempt.etag, attempt.revision = saved.version, saved.etag, saved.revision
    attempt.outcome = saved.outcome.name


def _forked(attempt: Attempt, forked: Forked) -> None:
    attempt.version, attempt.etag, attempt.revision = forked.version, forked.etag, forked.revision
    attempt.snapshot_count = forked.snapshot_count


def _loaded(attempt: Attempt, read: StoredSnapshot | None) -> None:
    if read is not None:
        attempt.version, attempt.etag, attempt.revision = read.version, read.etag, read.revision
        attempt.loaded_tag = read.labels["tag"]
        attempt.whole = whole(read)


def _claimed(attempt: Attempt, claim: Any) -> None:
    attempt.epoch = claim.writer_epoch
    _loaded(attempt, claim.snapshot)


def _deleted(attempt: Attempt, deleted: Any) -> None:
    attempt.revision = deleted.revision


_RECORD: Mapping[Kind, Callable[[Attempt, Any], None]] = {
    Kind.SAVE: _saved,
    Kind.CREATE: _saved,
    Kind.LOAD: _loaded,
    Kind.CLAIM: _claimed,
    Kind.DELETE: _deleted,
    Kind.FORK: _forked,
}
