"""Saves that wait, by tenant: while one transaction is under way, the next one collects."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from stillframe.server.stores import refusals
from stillframe.server.stores.postgres.saving import Batch
from stillframe.server.stores.refusals import Refusal
from stillframe.v1.snapshot_service_pb2 import SaveSnapshotResponse

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Sequence

    from stillframe.server.stores import rules
    from stillframe.server.stores.base import StoreConfig
    from stillframe.server.stores.postgres.connection import Connection
    from stillframe.server.stores.postgres.running import Runner

Answers: TypeAlias = list[SaveSnapshotResponse | Refusal]

MAX_BATCH_SAVES = 256
MAX_BATCH_BYTES = 16 * 2**20
"""Of the payloads of one transaction, beyond its first job's."""

_log = logging.getLogger(__name__)


@dataclass(slots=True, eq=False)
class _Job:
    """Saves of one call, and the future that waits for their answers."""

    saves: Sequence[rules.Save | Refusal]
    future: asyncio.Future[Answers]
    cost: int


class Batches:
    """A queue for each tenant with saves that wait; each is worked off one batch at a time."""

    def __init__(self, runner: Runner, config: StoreConfig, touched: Callable[[str], None]) -> None:
        self._runner = runner
        self._config = config
        self._touched = touched
        self._queues: dict[str, deque[_Job]] = {}
        self._bytes = 0
        self.commits = 0
        """Transactions that were committed."""

    async def save(
        self, tenant_id: str, saves: Sequence[rules.Save | Refusal], cost: int
    ) -> Answers:
        """Commits saves together, and perhaps with others of the tenant.

        Raises SERVER_BUSY when the saves that wait have more bytes than they may.
        """
        with self.charged(cost):
            job = _Job(saves, asyncio.get_running_loop().create_future(), cost)
            queue = self._queues.get(tenant_id)
            if queue is None:
                queue = self._queues[tenant_id] = deque()
                queue.append(job)
                try:
                    self._runner.start(self._work_off(tenant_id, queue))
                except BaseException:
                    del self._queues[tenant_id]
                    raise
            else:
                queue.append(job)
            return await job.future

    @contextmanager
    def charged(self, cost: int) -> Generator[None]:
        """Counts bytes that wait for a commit, up to their bound."""
        maximum = self._config.max_inflight_bytes
        if self._bytes and self._bytes + cost > maximum:
            raise refusals.server_busy("max_inflight_bytes", maximum)
        self._bytes += cost
        try:
            yield
        finally:
            self._bytes -= cost

    async def _work_off(self, tenant_id: str, queue: deque[_Job]) -> None:
        while batch := self._next(queue):
            await self._run(tenant_id, batch)
        # Nobody has queued since: there was no await in between.
        del self._queues[tenant_id]

    @staticmethod
    def _next(queue: deque[_Job]) -> list[_Job]:
        """Takes what a batch holds; a job whose caller has gone before is not begun."""
        batch: list[_Job] = []
        count = size = 0
        while queue:
            job = queue[0]
            count, size = count + len(job.saves), size + job.cost
            if batch and (count > MAX_BATCH_SAVES or size > MAX_BATCH_BYTES):
                break
            queue.popleft()
            if not job.future.cancelled():
                batch.append(job)
        return batch

    async def _run(self, tenant_id: str, jobs: list[_Job]) -> None:
        """Commits the jobs together; one by one where they fail for no reason of the
        database's, so that none fails for another.
        """
        saves = [save for job in jobs for save in job.saves]
        try:
            answers = await self._commit(tenant_id, saves)
        except Exception as error:  # noqa: BLE001 - whatever it is, the callers are told
            if len(jobs) == 1 or isinstance(error, Refusal):
                for job in jobs:
                    if not job.future.done():
                        job.future.set_exception(error)
                return
            _log.warning("a batch failed, and is done one by one: %s", type(error).__name__)
            for job in jobs:
                await self._run(tenant_id, [job])
            return
        at = 0
        for job in jobs:
            if not job.future.done():
                job.future.set_result(answers[at : at + len(job.saves)])
            at += len(job.saves)

    async def _commit(self, tenant_id: str, saves: Sequence[rules.Save | Refusal]) -> Answers:
        is_new_revision = False

        async def attempt(connection: Connection) -> Answers:
            nonlocal is_new_revision
            batch = Batch(tenant_id, saves, self._config)
            answers = await batch.commit(connection)
            is_new_revision = batch.is_new_revision
            return answers

        answers = await self._runner.commit(tenant_id, attempt)
        self.commits += 1
        if is_new_revision:
            self._touched(tenant_id)
        return answers
