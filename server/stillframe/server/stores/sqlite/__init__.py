"""The SQLite store: one file, one writer with group commit, readers beside it.

`writing` has the writer's queue and thread, `transactions` what is done in them, `saving`
decides and writes saves, `heads` has those that loads find in memory, `housekeeping` cleans
up. `lanes` has the readers, `connection` opens and migrates the file; the other reads and
commits are steps of `stores.sql`. The schema stands in `schema`.
"""

# apsw's stubs name Buffer, and Python has that from 3.12 on.
# pyright: reportUnknownMemberType=false

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, ClassVar, TypeVar

import apsw

from stillframe.server.stores import projection, rules
from stillframe.server.stores.signals import Signals
from stillframe.server.stores.sql.steps import first
from stillframe.server.stores.sql.store import SqlStore
from stillframe.server.stores.sqlite import connection as opening
from stillframe.server.stores.sqlite.heads import Heads
from stillframe.server.stores.sqlite.lanes import Job, Lane, Outcome, Read, translate
from stillframe.server.stores.sqlite.rows import NEW_IDS, run
from stillframe.server.stores.sqlite.transactions import Transactions
from stillframe.server.stores.sqlite.writing import Writing

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from filelock import FileLock

    from stillframe.server.stores.base import StoreConfig
    from stillframe.server.stores.projection import Selection
    from stillframe.server.stores.records import Stored
    from stillframe.server.stores.refusals import Refusal
    from stillframe.server.stores.sql.commits import Commits
    from stillframe.server.stores.sql.steps import Steps
    from stillframe.server.stores.sqlite.heads import Name, Whole
    from stillframe.v1.snapshot_service_pb2 import (
        SaveSnapshotRequest,
        SaveSnapshotResponse,
        SnapshotSelector,
    )

T = TypeVar("T")

READERS = 2


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
        self._heads = Heads()
        self._transactions = Transactions(first, config, self._heads, self._told)
        self._writing = Writing(first, self._transactions, config.max_inflight_bytes)
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

    def _told(self, commit: int, touched: set[str], shown: Mapping[Name, Whole | None]) -> None:
        """Hears of a commit, in whichever thread that was."""
        self._loop.call_soon_threadsafe(self._show, commit, touched, shown)

    def _show(self, commit: int, touched: set[str], shown: Mapping[Name, Whole | None]) -> None:
        self._heads.show(commit, shown)
        for tenant_id in touched:
            self._signals.notify(tenant_id)

    async def _read(self, steps: Callable[[], Steps[T]]) -> T:
        result: T = await self._reading.do(lambda connection: run(connection, steps()))
        return result

    async def _write(
        self, tenant_id: str, steps: Callable[[Commits], Steps[T]], cost: int = 0
    ) -> T:
        del tenant_id  # One writer is alone in every tenant.
        result: T = await self._writing.do(
            lambda connection: run(connection, steps(self._transactions.commits)), cost
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
            lambda connection: self._transactions.housekeeping.run(connection, budget)
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
            outcome = Outcome(error=translate(error))
        connection.execute("COMMIT")
    except apsw.Error as error:
        return Outcome(error=translate(error))
    return outcome
