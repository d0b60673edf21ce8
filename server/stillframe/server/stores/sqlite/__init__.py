"""The SQLite store: one file, one writer thread with group commit, readers beside it.

`lanes` has the threads, `connection` opens and migrates the file, `write` commits,
`read` and `lists` read, `housekeeping` cleans up. The schema stands in `schema`.
"""

# apsw's stubs name Buffer, and Python has that from 3.12 on.
# pyright: reportUnknownMemberType=false

from __future__ import annotations

import asyncio
import logging
import threading
import traceback
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

import apsw

from stillframe.server.stores import refusals, rules
from stillframe.server.stores.refusals import Refusal
from stillframe.server.stores.signals import Signals
from stillframe.server.stores.sqlite import connection as opening
from stillframe.server.stores.sqlite import forking, lists, pruning, read, values
from stillframe.server.stores.sqlite.commits import Commits
from stillframe.server.stores.sqlite.housekeeping import Housekeeping
from stillframe.server.stores.sqlite.lanes import Job, Lane, Outcome
from stillframe.server.stores.sqlite.write import Writer

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from filelock import FileLock

    from stillframe.server.stores.base import StoreConfig
    from stillframe.server.stores.marks import Position
    from stillframe.server.stores.projection import Selection
    from stillframe.server.stores.records import (
        Change,
        Claimed,
        Head,
        HeadPage,
        HistoryKey,
        KeyPage,
        Outline,
        Page,
        SnapshotFilter,
        Stored,
    )
    from stillframe.v1.snapshot_pb2 import ExecutionFilter
    from stillframe.v1.snapshot_service_pb2 import (
        DeleteExecutionRequest,
        DeleteExecutionResponse,
        DeleteSnapshotsRequest,
        DeleteSnapshotsResponse,
        ForkExecutionRequest,
        ForkExecutionResponse,
        SaveSnapshotRequest,
        SaveSnapshotResponse,
        SnapshotSelector,
    )
    from stillframe.v1.working_memory_service_pb2 import (
        DeleteValueRequest,
        DeleteValueResponse,
        GetValueRequest,
        GetValueResponse,
        SetValueRequest,
        SetValueResponse,
    )

T = TypeVar("T")

READERS = 2

_log = logging.getLogger(__name__)


class SqliteStore:
    """Keeps everything in one SQLite file: `sqlite:///path.db`."""

    kind: ClassVar[str] = "sqlite"

    def __init__(self, path: str, vfs: str | None, config: StoreConfig, held: FileLock) -> None:
        self._config = config
        self._lock = held
        self._signals = Signals()
        self._loop = asyncio.get_running_loop()
        first = opening.connect(path, vfs)
        try:
            opening.migrate(first)
            readers = [opening.connect(path, vfs, read_only=True) for _ in range(READERS)]
        except BaseException:
            first.close()
            raise
        self._commits = Commits(config)
        self._writer = Writer(self._commits)
        self._housekeeping = Housekeeping(self._writer, config)
        self._writing = Lane("stillframe-writer", [first], self._commit, config.max_inflight_bytes)
        self._reading = Lane("stillframe-reader", readers, _run_reads)

    @classmethod
    async def open(cls, url: str, config: StoreConfig) -> SqliteStore:
        path, vfs = opening.parse_url(url)
        held = opening.lock(path)
        try:
            return cls(path, vfs, config, held)
        except BaseException:
            held.release()
            raise

    async def close(self) -> None:
        try:
            await self._reading.close()
            # Last: the last connection to close brings the WAL into the file.
            await self._writing.close()
        finally:
            self._lock.release()

    def _commit(self, connection: apsw.Connection, jobs: list[Job[Any]]) -> list[Outcome]:
        """Runs the jobs of a batch in one transaction: group commit.

        A refusal is an answer and fails no other job. Anything else may have left half
        of a job behind, so the batch is rolled back and its jobs are run one by one.
        """
        try:
            outcomes = self._transaction(connection, jobs)
        except Exception as error:  # noqa: BLE001 - whatever it is, no job may be half done
            self._roll_back(connection)
            if len(jobs) == 1:
                return [Outcome(error=_translate(error))]
            return [self._commit(connection, [job])[0] for job in jobs]
        touched, self._commits.touched = self._commits.touched, set()
        if touched:
            self._loop.call_soon_threadsafe(self._notify, touched)
        return outcomes

    def _transaction(self, connection: apsw.Connection, jobs: list[Job[Any]]) -> list[Outcome]:
        connection.execute("BEGIN IMMEDIATE")
        outcomes: list[Outcome] = []
        for job in jobs:
            try:
                outcomes.append(Outcome(job.work(connection)))
            except Refusal as refusal:
                outcomes.append(Outcome(error=refusal))
        # Refusals wait for it too: they were decided against what it makes durable.
        connection.execute("COMMIT")
        return outcomes

    def _roll_back(self, connection: apsw.Connection) -> None:
        self._commits.forget()
        if connection.in_transaction:
            try:
                connection.execute("ROLLBACK")
            except apsw.Error:
                _log.exception("the rollback of a failed commit failed")

    def _notify(self, tenant_ids: set[str]) -> None:
        for tenant_id in tenant_ids:
            self._signals.notify(tenant_id)

    async def _read(self, function: Callable[..., T], *values: object) -> T:
        return await self._reading.do(lambda connection: function(connection, *values))

    async def save(self, request: SaveSnapshotRequest) -> SaveSnapshotResponse:
        save = rules.Save(request, self._config)
        return await self._writing.do(
            lambda connection: self._writer.save(connection, save), save.inflight_bytes
        )

    async def save_many(
        self, requests: Sequence[SaveSnapshotRequest]
    ) -> list[SaveSnapshotResponse | Refusal]:
        saves = [_read_save(request, self._config) for request in requests]
        cost = sum(save.inflight_bytes for save in saves if isinstance(save, rules.Save))
        return await self._writing.do(
            lambda connection: [self._writer.try_save(connection, save) for save in saves], cost
        )

    async def claim(
        self, tenant_id: str, execution_id: str, *, allow_missing: bool, selection: Selection
    ) -> Claimed:
        return await self._writing.do(
            lambda connection: self._writer.claim(
                connection, tenant_id, execution_id, selection, allow_missing=allow_missing
            )
        )

    async def delete(self, request: DeleteExecutionRequest) -> DeleteExecutionResponse:
        delete = rules.Delete(request)
        return await self._writing.do(lambda connection: self._writer.delete(connection, delete))

    async def fork(self, request: ForkExecutionRequest) -> ForkExecutionResponse:
        fork = rules.Fork(request, self._config)
        return await self._writing.do(
            lambda connection: forking.fork(connection, self._commits, fork)
        )

    async def prune(self, request: DeleteSnapshotsRequest) -> DeleteSnapshotsResponse:
        prune = rules.Prune(request)
        return await self._writing.do(
            lambda connection: pruning.prune(connection, self._commits, prune)
        )

    async def load(
        self, tenant_id: str, execution_id: str, selector: SnapshotSelector, selection: Selection
    ) -> Stored:
        return await self._read(read.load, tenant_id, execution_id, selector, selection)

    async def outlines(
        self, tenant_id: str, execution_id: str, selectors: Sequence[SnapshotSelector]
    ) -> list[Outline]:
        return await self._read(read.outlines, tenant_id, execution_id, selectors)

    async def heads(self, tenant_id: str, execution_ids: Sequence[str]) -> list[Head | None]:
        return await self._read(read.heads, tenant_id, execution_ids)

    async def list_executions(
        self,
        tenant_id: str,
        where: ExecutionFilter,
        *,
        after: str,
        limit: int,
        selection: Selection,
    ) -> HeadPage:
        return await self._read(lists.list_executions, tenant_id, where, after, limit, selection)

    async def count_executions(self, tenant_id: str, where: ExecutionFilter, limit: int) -> int:
        return await self._read(lists.count_executions, tenant_id, where, limit)

    async def list_snapshots(
        self,
        tenant_id: str,
        execution_id: str | None,
        where: SnapshotFilter,
        *,
        before: HistoryKey | None,
        limit: int,
        selection: Selection,
    ) -> Page:
        return await self._read(
            lists.list_snapshots, tenant_id, execution_id, where, before, limit, selection
        )

    async def changes(self, tenant_id: str, after: int, limit: int) -> list[Change]:
        return await self._read(read.changes, tenant_id, after, limit)

    async def position(self, tenant_id: str, revision: int | None = None) -> Position:
        return await self._read(read.position, tenant_id, revision)

    async def wait(self, tenant_id: str, after: int) -> None:
        # Registered before the store is read: a commit in between is not missed.
        signal = asyncio.ensure_future(self._signals.wait(tenant_id))
        try:
            if (await self.position(tenant_id)).revision <= after:
                await signal
        finally:
            signal.cancel()

    async def set_value(self, request: SetValueRequest) -> SetValueResponse:
        value = rules.SetValue(request)
        return await self._writing.do(
            lambda connection: values.set_value(connection, self._commits, value),
            value.inflight_bytes,
        )

    async def get_value(self, request: GetValueRequest) -> GetValueResponse:
        return await self._read(values.get_value, request, self._config.clock())

    async def delete_value(self, request: DeleteValueRequest) -> DeleteValueResponse:
        return await self._writing.do(
            lambda connection: values.delete_value(connection, self._commits, request)
        )

    async def list_keys(
        self, tenant_id: str, execution_id: str | None, *, prefix: str, after: str, limit: int
    ) -> KeyPage:
        return await self._read(
            values.list_keys, tenant_id, execution_id, prefix, after, limit, self._config.clock()
        )

    async def maintain(self, budget: int) -> bool:
        return await self._writing.do(lambda connection: self._housekeeping.run(connection, budget))


def _read_save(request: SaveSnapshotRequest, config: StoreConfig) -> rules.Save | Refusal:
    try:
        return rules.Save(request, config)
    except Refusal as refusal:
        return refusal


def _run_reads(connection: apsw.Connection, jobs: list[Job[Any]]) -> list[Outcome]:
    return [_run_read(connection, job) for job in jobs]


def _run_read(connection: apsw.Connection, job: Job[Any]) -> Outcome:
    """Runs a job in a transaction of its own, so that it sees one snapshot of the store."""
    try:
        connection.execute("BEGIN")
        try:
            outcome = Outcome(job.work(connection))
        except Exception as error:  # noqa: BLE001 - handed to the caller
            # The frames hold cursors, and an open cursor would hold the snapshot past
            # the COMMIT.
            traceback.clear_frames(error.__traceback__)
            outcome = Outcome(error=_translate(error))
        connection.execute("COMMIT")
    except apsw.Error as error:
        return Outcome(error=_translate(error))
    return outcome


def _translate(error: Exception) -> Exception:
    """Returns a Refusal for what SQLite reports; anything else is a fault of ours."""
    if isinstance(error, apsw.Error):
        _log.error("%s: %s: %s", threading.current_thread().name, type(error).__name__, error)
        return refusals.store_unavailable()
    return error
