"""The SQLite store: one file, one writer thread with group commit, readers beside it.

`lanes` has the threads, `connection` opens and migrates the file, `saving` decides and
writes saves, `heads` has those that loads find in memory, `housekeeping` cleans up; the
other reads and commits are steps of `stores.sql`. The schema stands in `schema`.
"""

# apsw's stubs name Buffer, and Python has that from 3.12 on.
# pyright: reportUnknownMemberType=false

from __future__ import annotations

import asyncio
import logging
import threading
from typing import TYPE_CHECKING, Any, ClassVar, TypeAlias, TypeVar

import apsw

from stillframe.server.stores import projection, refusals, rules
from stillframe.server.stores.refusals import Refusal
from stillframe.server.stores.signals import Signals
from stillframe.server.stores.sql.commits import Commits
from stillframe.server.stores.sql.steps import first
from stillframe.server.stores.sql.store import SqlStore
from stillframe.server.stores.sqlite import connection as opening
from stillframe.server.stores.sqlite.heads import Heads
from stillframe.server.stores.sqlite.housekeeping import Housekeeping
from stillframe.server.stores.sqlite.lanes import Job, Lane, Outcome
from stillframe.server.stores.sqlite.rows import NEW_IDS, run
from stillframe.server.stores.sqlite.saving import Writer

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from filelock import FileLock

    from stillframe.server.stores.base import StoreConfig
    from stillframe.server.stores.projection import Selection
    from stillframe.server.stores.records import Stored
    from stillframe.server.stores.sql.steps import Steps
    from stillframe.server.stores.sqlite.heads import Name, Whole
    from stillframe.v1.snapshot_service_pb2 import (
        SaveSnapshotRequest,
        SaveSnapshotResponse,
        SnapshotSelector,
    )

T = TypeVar("T")

Read: TypeAlias = "Callable[[apsw.Connection], Any]"
Write: TypeAlias = "Callable[[apsw.Connection], Any] | rules.Save | list[rules.Save | Refusal]"

READERS = 2

_log = logging.getLogger(__name__)


class SqliteStore(SqlStore):
    """Keeps everything in one SQLite file: `sqlite:///path.db`."""

    kind: ClassVar[str] = "sqlite"
    new_ids: ClassVar[str] = NEW_IDS

    def __init__(self, path: str, vfs: str | None, config: StoreConfig, held: FileLock) -> None:
        super().__init__(config)
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
        self._writer = Writer(first, self._commits)
        self._heads = Heads()
        self._commit_number = 0
        self._housekeeping = Housekeeping(self._commits, config)
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

    def _commit(self, connection: apsw.Connection, jobs: list[Job[Write]]) -> list[Outcome]:
        """Runs the jobs of a batch in one transaction: group commit.

        A refusal is an answer and fails no other job. Anything else may have left half
        of a job behind, so the batch is rolled back and its jobs are run one by one.
        """
        self._commit_number += 1
        try:
            outcomes = self._transaction(connection, jobs)
        except Exception as error:  # noqa: BLE001 - whatever it is, no job may be half done
            self._roll_back(connection)
            if len(jobs) == 1:
                return [Outcome(error=_translate(error))]
            return [self._commit(connection, [job])[0] for job in jobs]
        try:
            self._tell()
        except Exception:  # noqa: BLE001 - logged, and forgotten
            # It is committed all the same; what is in memory may be half of it.
            _log.exception("what a commit changed could not be told")
            self._commits.forget()
            self._writer.forget_all()
        return outcomes

    def _transaction(self, connection: apsw.Connection, jobs: list[Job[Write]]) -> list[Outcome]:
        connection.execute("BEGIN IMMEDIATE")
        outcomes: list[Outcome] = []
        for job in jobs:
            try:
                outcomes.append(Outcome(self._do(connection, job.work)))
            except Refusal as refusal:
                outcomes.append(Outcome(error=refusal))
        self._writer.flush()
        self._heads.hide(self._commit_number, self._writer.changed())
        # Refusals wait for it too: they were decided against what it makes durable.
        connection.execute("COMMIT")
        return outcomes

    def _do(self, connection: apsw.Connection, work: Write) -> Any:
        if isinstance(work, rules.Save):
            return self._writer.save(work)
        if not callable(work):
            return [self._writer.try_save(save) for save in work]
        self._writer.flush()
        self._commits.read.clear()
        try:
            return work(connection)
        finally:
            self._writer.forget(self._commits.read)

    def _tell(self) -> None:
        """Tells the event loop what the end of a transaction changed."""
        touched, self._commits.touched = self._commits.touched, set()
        self._commits.read.clear()
        self._housekeeping.disturb(touched)
        shown = self._writer.settle()
        if touched or shown:
            self._loop.call_soon_threadsafe(self._told, self._commit_number, touched, shown)

    def _told(self, commit: int, touched: set[str], shown: Mapping[Name, Whole | None]) -> None:
        self._heads.show(commit, shown)
        for tenant_id in touched:
            self._signals.notify(tenant_id)

    def _roll_back(self, connection: apsw.Connection) -> None:
        self._commits.forget()
        self._writer.forget_all()
        self._housekeeping.forget()
        self._tell()
        if connection.in_transaction:
            try:
                connection.execute("ROLLBACK")
            except apsw.Error:
                _log.exception("the rollback of a failed commit failed")

    async def _read(self, steps: Callable[[], Steps[T]]) -> T:
        result: T = await self._reading.do(lambda connection: run(connection, steps()))
        return result

    async def _write(
        self, tenant_id: str, steps: Callable[[Commits], Steps[T]], cost: int = 0
    ) -> T:
        del tenant_id  # One writer is alone in every tenant.
        result: T = await self._writing.do(
            lambda connection: run(connection, steps(self._commits)), cost
        )
        return result

    async def save(self, request: SaveSnapshotRequest) -> SaveSnapshotResponse:
        save = rules.Save(request, self._config)
        answer: SaveSnapshotResponse = await self._writing.do(save, save.inflight_bytes)
        return answer

    async def save_many(
        self, requests: Sequence[SaveSnapshotRequest]
    ) -> list[SaveSnapshotResponse | Refusal]:
        saves = [self._read_save(request) for request in requests]
        cost = sum(save.inflight_bytes for save in saves if isinstance(save, rules.Save))
        answers: list[SaveSnapshotResponse | Refusal] = await self._writing.do(saves, cost)
        return answers

    async def load(
        self, tenant_id: str, execution_id: str, selector: SnapshotSelector, selection: Selection
    ) -> Stored:
        whole = self._heads.get((tenant_id, execution_id))
        if whole is not None and (
            selector.version == whole.head.version or selector.WhichOneof("selector") is None
        ):
            return projection.read(whole.head, whole, selection)
        return await super().load(tenant_id, execution_id, selector, selection)

    async def wait(self, tenant_id: str, after: int) -> None:
        # Registered before the store is read: a commit in between is not missed.
        signal = asyncio.ensure_future(self._signals.wait(tenant_id))
        try:
            if (await self.position(tenant_id)).revision <= after:
                await signal
        finally:
            signal.cancel()

    async def check(self) -> None:
        await self._read(lambda: first("SELECT 1 FROM store"))

    async def maintain(self, budget: int) -> bool:
        is_more: bool = await self._writing.do(
            lambda connection: self._housekeeping.run(connection, budget)
        )
        return is_more


def _run_reads(connection: apsw.Connection, jobs: list[Job[Read]]) -> list[Outcome]:
    return [_run_read(connection, job) for job in jobs]


def _run_read(connection: apsw.Connection, job: Job[Read]) -> Outcome:
    """Runs a job in a transaction of its own, so that it sees one snapshot of the store."""
    try:
        connection.execute("BEGIN")
        try:
            outcome = Outcome(job.work(connection))
        except Exception as error:  # noqa: BLE001 - handed to the caller
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
