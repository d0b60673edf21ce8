"""The PostgreSQL store: any number of servers over one database, none with state of its own.

`connection` reads the URL, opens and migrates; `running` runs steps in transactions;
`batches` and `saving` commit saves, many at a time; `waking` tells tails of commits;
`housekeeping` cleans up. The other reads and commits are steps of `stores.sql`. The
schema stands in `schema`.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, ClassVar, TypeVar

import psycopg
from psycopg_pool import PoolClosed, PoolTimeout

from stillframe.server.stores import refusals, rules
from stillframe.server.stores.base import StoreOpenError
from stillframe.server.stores.postgres import running
from stillframe.server.stores.postgres.batches import Batches
from stillframe.server.stores.postgres.connection import Options, migrate, parse_url
from stillframe.server.stores.postgres.housekeeping import Housekeeping
from stillframe.server.stores.postgres.running import Runner
from stillframe.server.stores.postgres.waking import Waking
from stillframe.server.stores.refusals import Refusal
from stillframe.server.stores.signals import Signals
from stillframe.server.stores.sql.steps import Ask
from stillframe.server.stores.sql.store import SqlStore

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from stillframe.server.stores.base import StoreConfig
    from stillframe.server.stores.sql.commits import Commits
    from stillframe.server.stores.sql.steps import Row, Steps
    from stillframe.v1.snapshot_service_pb2 import SaveSnapshotRequest, SaveSnapshotResponse

T = TypeVar("T")


class PostgresStore(SqlStore):
    """Keeps everything in one schema of a PostgreSQL database: `postgresql://…`."""

    kind: ClassVar[str] = "postgresql"
    new_ids: ClassVar[str] = "SELECT nextval('inherited_id') FROM generate_series(1, ?)"

    def __init__(self, options: Options, config: StoreConfig) -> None:
        super().__init__(config)
        self._signals = Signals()
        self.runner = Runner(options)
        self._waking = Waking(options, self.runner, self._signals)
        self.batches = Batches(self.runner, config, self._waking.touched)
        self._housekeeping = Housekeeping(
            self.runner, config, options.key("housekeeping"), self._waking.touched
        )

    @classmethod
    async def open(cls, url: str, config: StoreConfig) -> PostgresStore:
        options = parse_url(url)
        await migrate(options)
        store = cls(options, config)
        try:
            await store.runner.open()
        except (psycopg.Error, PoolTimeout) as error:
            await store.runner.close()
            raise StoreOpenError(f"PostgreSQL cannot be opened: {error}") from error
        store._waking.start()
        return store

    async def close(self) -> None:
        await self._waking.close()
        await self.runner.close()

    async def _read(self, steps: Callable[[], Steps[T]]) -> T:
        return await self.runner.read(steps)

    async def _write(
        self, tenant_id: str, steps: Callable[[Commits], Steps[T]], cost: int = 0
    ) -> T:
        return await self.batches.commit(tenant_id, steps, cost)

    async def save(self, request: SaveSnapshotRequest) -> SaveSnapshotResponse:
        save = rules.Save(request, self._config)
        [answer] = await self.batches.save(request.tenant_id, [save], save.inflight_bytes)
        if isinstance(answer, Refusal):
            raise answer
        return answer

    async def save_many(
        self, requests: Sequence[SaveSnapshotRequest]
    ) -> list[SaveSnapshotResponse | Refusal]:
        saves = [self._read_save(request) for request in requests]
        by_tenant: dict[str, list[int]] = {}
        for index, request in enumerate(requests):
            by_tenant.setdefault(request.tenant_id, []).append(index)
        groups = await asyncio.gather(
            *(
                self._save_group(tenant_id, [saves[index] for index in indexes])
                for tenant_id, indexes in by_tenant.items()
            ),
            return_exceptions=True,
        )
        failures = [group for group in groups if isinstance(group, BaseException)]
        if len(failures) == len(groups) and failures:
            raise failures[0]
        answers: dict[int, SaveSnapshotResponse | Refusal] = {}
        for indexes, group in zip(by_tenant.values(), groups, strict=True):
            if isinstance(group, Refusal):
                answers |= dict.fromkeys(indexes, group)
            elif isinstance(group, BaseException):
                raise group
            else:
                answers |= dict(zip(indexes, group, strict=True))
        return [answers[index] for index in range(len(requests))]

    async def _save_group(
        self, tenant_id: str, saves: list[rules.Save | Refusal]
    ) -> list[SaveSnapshotResponse | Refusal]:
        cost = sum(save.inflight_bytes for save in saves if isinstance(save, rules.Save))
        return await self.batches.save(tenant_id, saves, cost)

    async def wait(self, tenant_id: str, after: int) -> None:
        # Registered before the store is read: a commit in between is not missed.
        signal = asyncio.ensure_future(self._signals.wait(tenant_id))
        try:
            with self._waking.waiting(tenant_id, after):
                if (await self.position(tenant_id)).revision <= after:
                    await signal
        finally:
            signal.cancel()

    async def check(self) -> None:
        [(is_standby,)] = await self._read(_is_standby)
        if is_standby:
            raise refusals.store_unavailable()

    async def maintain(self, budget: int) -> bool:
        return await asyncio.shield(self.runner.start(self._maintain(budget)))

    async def _maintain(self, budget: int) -> bool:
        try:
            return await self._housekeeping.run(budget)
        except (psycopg.Error, PoolTimeout, PoolClosed) as error:
            raise running.translate(error) from error


def _is_standby() -> Steps[list[Row]]:
    return (yield Ask("SELECT pg_is_in_recovery()"))
