"""Commits that wait, by tenant: while one transaction is under way, the next one collects.

So a server has one transaction of a tenant at a time, in the order of the calls, and
never waits for the tenant's lock with more than one connection.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from dataclasses import dataclass, field
from itertools import groupby, islice
from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar

from stillframe.server.stores import refusals
from stillframe.server.stores.postgres.payloads import Payloads
from stillframe.server.stores.postgres.saving import Batch
from stillframe.server.stores.refusals import Refusal
from stillframe.server.stores.sql.commits import Commits
from stillframe.v1.snapshot_service_pb2 import SaveSnapshotResponse

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from stillframe.server.stores import rules
    from stillframe.server.stores.base import StoreConfig
    from stillframe.server.stores.postgres.running import Runner
    from stillframe.server.stores.postgres.session import Session
    from stillframe.server.stores.sql.steps import Steps

T = TypeVar("T")

Saves: TypeAlias = "Sequence[rules.Save | Refusal]"
Answers: TypeAlias = list[SaveSnapshotResponse | Refusal]

MAX_SAVES = 256
"""Of one transaction; other commits count as eight."""
MAX_BYTES = 16 * 2**20
"""Of the payloads of one transaction, beyond its first job's."""
_OTHER = 8

_log = logging.getLogger(__name__)


@dataclass(slots=True, eq=False)
class _Job:
    """What one call wants committed, and the future that waits for what it gives."""

    future: asyncio.Future[Any]
    saves: Saves | None
    """Those that no transaction has taken yet."""
    steps: Callable[[Commits], Steps[Any]] | None
    cost: int
    """Bytes that it keeps in memory until it ends."""
    has_begun: bool = False
    answers: Answers = field(default_factory=list[SaveSnapshotResponse | Refusal])
    """Of the saves that transactions before have taken."""

    @property
    def weight(self) -> int:
        return _OTHER if self.saves is None else len(self.saves)


class Batches:
    """A queue for each tenant with commits that wait; each is worked off a batch at a time."""

    def __init__(self, runner: Runner, config: StoreConfig, touched: Callable[[str], None]) -> None:
        self._runner = runner
        self._config = config
        self._touched = touched
        self._queues: dict[str, deque[_Job]] = {}
        self._bytes = 0
        self._payloads = Payloads(config.head_cache_bytes)
        self.batch = Batch
        """What decides and writes saves; tests put another one in its place."""
        self.transactions = 0
        """How many were committed."""

    async def save(self, tenant_id: str, saves: Saves, cost: int) -> Answers:
        """Commits saves together, and perhaps with others of the tenant.

        Raises SERVER_BUSY when what waits has more bytes than it may.
        """
        answers: Answers = await self._do(tenant_id, saves, None, cost)
        return answers

    async def commit(
        self, tenant_id: str, steps: Callable[[Commits], Steps[T]], cost: int = 0
    ) -> T:
        """Commits steps of a tenant, perhaps with others."""
        result: T = await self._do(tenant_id, None, steps, cost)
        return result

    async def _do(
        self,
        tenant_id: str,
        saves: Saves | None,
        steps: Callable[[Commits], Steps[Any]] | None,
        cost: int,
    ) -> Any:
        maximum = self._config.max_inflight_bytes
        if self._bytes and self._bytes + cost > maximum:
            raise refusals.server_busy("max_inflight_bytes", maximum)
        job = _Job(asyncio.get_running_loop().create_future(), saves, steps, cost)
        if tenant_id in self._queues:
            self._queues[tenant_id].append(job)
        else:
            queue = deque([job])
            self._runner.start(self._work_off(tenant_id, queue))
            self._queues[tenant_id] = queue
        self._bytes += cost
        try:
            return await job.future
        finally:
            if not job.has_begun:
                # The caller has gone: what is left in the queue is empty.
                self._let_go(job)

    def _let_go(self, job: _Job) -> None:
        """Forgets what a job keeps in memory, which counts for as long as it does so."""
        self._bytes -= job.cost
        job.cost = 0
        job.saves = job.steps = None

    async def _work_off(self, tenant_id: str, queue: deque[_Job]) -> None:
        while batch := _next_batch(queue):
            await self._run(tenant_id, batch)
        # Nobody has queued since: there was no await in between.
        del self._queues[tenant_id]

    async def _run(self, tenant_id: str, jobs: list[_Job]) -> None:
        """Commits the jobs together; one by one where they fail for no reason of the
        database's, so that none fails for another.

        What one transaction does not take is the next one's, before all that is queued.
        """
        while jobs:
            try:
                outcomes: list[Any] = await self._commit(tenant_id, jobs)
            except Exception as error:  # noqa: BLE001 - whatever it is, the callers are told
                if len(jobs) > 1 and not isinstance(error, Refusal):
                    _log.warning("a batch failed, and is done one by one: %s", type(error).__name__)
                    for job in jobs:
                        await self._run(tenant_id, [job])
                    return
                outcomes = [error] * len(jobs)
            for job, outcome in zip(jobs, outcomes, strict=False):
                _tell(job, outcome)
            for job in jobs:
                if job.future.done():
                    self._let_go(job)
            jobs = [job for job in jobs if not job.future.done()]

    async def _commit(self, tenant_id: str, jobs: list[_Job]) -> list[Any]:
        """Returns the outcomes of as many jobs as the transaction took; of the last one
        perhaps only those of its first saves.
        """
        has_moved_on = False

        async def attempt(session: Session) -> list[Any]:
            nonlocal has_moved_on
            has_moved_on = False
            outcomes: list[Any] = []
            moved_bytes = 0
            for are_saves, group in groupby(jobs, key=lambda job: job.saves is not None):
                commits = Commits(self._config)
                group_jobs = list(group)
                if not are_saves:
                    outcomes += await self._others(session, commits, group_jobs)
                    has_moved_on |= bool(commits.touched)
                    continue
                saves = [save for job in group_jobs for save in job.saves or ()]
                batch = self.batch(tenant_id, saves, commits, self._payloads, moved_bytes)
                answers = await batch.commit(session)
                moved_bytes = batch.moved_bytes
                has_moved_on |= bool(commits.touched)
                outcomes += _shared_out(group_jobs, answers)
                if len(answers) < len(saves):
                    break
            return outcomes

        outcomes = await self._runner.commit(tenant_id, attempt)
        self.transactions += 1
        if has_moved_on:
            self._touched(tenant_id)
        return outcomes

    @staticmethod
    async def _others(session: Session, commits: Commits, jobs: list[_Job]) -> list[Any]:
        outcomes: list[Any] = []
        for job in jobs:
            assert job.steps is not None  # noqa: S101 - for the type checkers
            try:
                outcomes.append(await session.run(job.steps(commits)))
            except Refusal as refusal:
                outcomes.append(refusal)
        return outcomes


def _shared_out(jobs: Sequence[_Job], answers: Answers) -> list[Answers]:
    """Returns for each of the jobs the answers to its saves, as far as there are any."""
    rest = iter(answers)
    return [[*islice(rest, len(job.saves or ()))] for job in jobs]


def _tell(job: _Job, outcome: Any) -> None:
    """Gives the caller what came of a job, once that is known of all its saves."""
    if job.saves is not None and not isinstance(outcome, Exception):
        answers: Answers = outcome
        job.answers += answers
        job.saves = job.saves[len(answers) :]
        if job.saves:
            return
        outcome = job.answers
    elif job.answers and isinstance(outcome, Refusal):
        # Of the rest: what was taken before is so for good.
        outcome = [*job.answers, *[outcome] * len(job.saves or ())]
    if job.future.done():
        return  # Its caller has gone meanwhile.
    if isinstance(outcome, Exception):
        job.future.set_exception(outcome)
    else:
        job.future.set_result(outcome)


def _next_batch(queue: deque[_Job]) -> list[_Job]:
    """Takes what a transaction holds; a job whose caller has gone before is not begun."""
    batch: list[_Job] = []
    weight = size = 0
    while queue:
        job = queue[0]
        if job.future.cancelled():
            queue.popleft()
            continue
        weight, size = weight + job.weight, size + job.cost
        if batch and (weight > MAX_SAVES or size > MAX_BYTES):
            break
        queue.popleft()
        job.has_begun = True
        batch.append(job)
    return batch
