"""The methods of a store whose work is steps. How they are run is each store's business."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, ClassVar, TypeVar

from stillframe.server.stores import rules
from stillframe.server.stores.refusals import Refusal
from stillframe.server.stores.sql import forking, lists, pruning, read, values, writing

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

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
    from stillframe.server.stores.sql.commits import Commits
    from stillframe.server.stores.sql.steps import Steps
    from stillframe.v1.snapshot_pb2 import ExecutionFilter
    from stillframe.v1.snapshot_service_pb2 import (
        DeleteExecutionRequest,
        DeleteExecutionResponse,
        DeleteSnapshotsRequest,
        DeleteSnapshotsResponse,
        ForkExecutionRequest,
        ForkExecutionResponse,
        SaveSnapshotRequest,
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


class SqlStore(ABC):
    """All of a store but saves, waiting and housekeeping."""

    new_ids: ClassVar[str]
    """The statement that forks take ids of header rows from (forking.fork)."""

    def __init__(self, config: StoreConfig) -> None:
        self._config = config

    @abstractmethod
    async def _read(self, steps: Callable[[], Steps[T]]) -> T:
        """Runs steps that see one snapshot of the store, more than once if need be."""

    @abstractmethod
    async def _write(
        self, tenant_id: str, steps: Callable[[Commits], Steps[T]], cost: int = 0
    ) -> T:
        """Commits steps of a tenant, alone in it; runs them more than once if need be.

        A refusal commits what came before it. `cost` is the bytes that wait for the commit.
        """

    def _read_save(self, request: SaveSnapshotRequest) -> rules.Save | Refusal:
        try:
            return rules.Save(request, self._config)
        except Refusal as refusal:
            return refusal

    async def claim(
        self, tenant_id: str, execution_id: str, *, allow_missing: bool, selection: Selection
    ) -> Claimed:
        return await self._write(
            tenant_id,
            lambda commits: writing.claim(
                commits, tenant_id, execution_id, selection, allow_missing=allow_missing
            ),
        )

    async def delete(self, request: DeleteExecutionRequest) -> DeleteExecutionResponse:
        asked = rules.Delete(request)
        return await self._write(request.tenant_id, lambda commits: writing.delete(commits, asked))

    async def fork(self, request: ForkExecutionRequest) -> ForkExecutionResponse:
        asked = rules.Fork(request, self._config)
        return await self._write(
            request.tenant_id, lambda commits: forking.fork(commits, asked, self.new_ids)
        )

    async def prune(self, request: DeleteSnapshotsRequest) -> DeleteSnapshotsResponse:
        asked = rules.Prune(request)
        return await self._write(request.tenant_id, lambda commits: pruning.prune(commits, asked))

    async def load(
        self, tenant_id: str, execution_id: str, selector: SnapshotSelector, selection: Selection
    ) -> Stored:
        return await self._read(lambda: read.load(tenant_id, execution_id, selector, selection))

    async def outlines(
        self, tenant_id: str, execution_id: str, selectors: Sequence[SnapshotSelector]
    ) -> list[Outline]:
        return await self._read(lambda: read.outlines(tenant_id, execution_id, selectors))

    async def heads(self, tenant_id: str, execution_ids: Sequence[str]) -> list[Head | None]:
        return await self._read(lambda: read.heads(tenant_id, execution_ids))

    async def list_executions(
        self,
        tenant_id: str,
        where: ExecutionFilter,
        *,
        after: str,
        limit: int,
        selection: Selection,
    ) -> HeadPage:
        return await self._read(
            lambda: lists.list_executions(tenant_id, where, after, limit, selection)
        )

    async def count_executions(self, tenant_id: str, where: ExecutionFilter, limit: int) -> int:
        return await self._read(lambda: lists.count_executions(tenant_id, where, limit))

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
            lambda: lists.list_snapshots(tenant_id, execution_id, where, before, limit, selection)
        )

    async def changes(self, tenant_id: str, after: int, limit: int) -> list[Change]:
        return await self._read(lambda: read.changes(tenant_id, after, limit))

    async def position(self, tenant_id: str, revision: int | None = None) -> Position:
        return await self._read(lambda: read.position(tenant_id, revision))

    async def set_value(self, request: SetValueRequest) -> SetValueResponse:
        value = rules.SetValue(request)
        return await self._write(
            request.tenant_id,
            lambda commits: values.set_value(commits, value),
            value.inflight_bytes,
        )

    async def get_value(self, request: GetValueRequest) -> GetValueResponse:
        now = self._config.clock()
        return await self._read(lambda: values.get_value(request, now))

    async def delete_value(self, request: DeleteValueRequest) -> DeleteValueResponse:
        return await self._write(
            request.tenant_id, lambda commits: values.delete_value(commits, request)
        )

    async def list_keys(
        self, tenant_id: str, execution_id: str | None, *, prefix: str, after: str, limit: int
    ) -> KeyPage:
        now = self._config.clock()
        return await self._read(
            lambda: values.list_keys(tenant_id, execution_id, prefix, after, limit, now)
        )
