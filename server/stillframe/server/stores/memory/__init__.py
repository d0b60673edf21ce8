"""The plainest correct store: dictionaries, and the model that others are held against.

Nothing awaits between reading and writing, so a commit is atomic because the event
loop is one thread. Nothing is durable.
"""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING, ClassVar

from stillframe.server.stores import marks, projection, refusals, rules
from stillframe.server.stores.base import UnknownStoreError
from stillframe.server.stores.filters import Matcher, has_labels, meets
from stillframe.server.stores.memory.tenant import Entries, Source, Tenant, Version
from stillframe.server.stores.projection import PageBuilder, Selection
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
from stillframe.server.stores.signals import Signals
from stillframe.v1 import snapshot_service_pb2
from stillframe.v1.snapshot_service_pb2 import (
    DeleteExecutionResponse,
    DeleteSnapshotsResponse,
    ForkExecutionResponse,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from stillframe.server.stores.base import StoreConfig
    from stillframe.server.stores.marks import Position
    from stillframe.v1.snapshot_pb2 import ExecutionFilter
    from stillframe.v1.snapshot_service_pb2 import (
        DeleteExecutionRequest,
        DeleteSnapshotsRequest,
        ForkExecutionRequest,
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


class MemoryStore:
    """Keeps everything in this process: `memory:`."""

    kind: ClassVar[str] = "memory"

    def __init__(self, config: StoreConfig) -> None:
        self._config = config
        self._origin_mark = marks.new_mark()
        self._tenants: dict[str, Tenant] = {}
        self._signals = Signals()

    @classmethod
    async def open(cls, url: str, config: StoreConfig) -> MemoryStore:
        if url != "memory:":
            raise UnknownStoreError(f"{url!r}: the memory store is opened by memory: alone")
        return cls(config)

    async def close(self) -> None:
        pass

    def _tenant(self, tenant_id: str) -> Tenant:
        """Returns the tenant, or an empty one that is kept nowhere."""
        retention = self._config.retention_of(tenant_id)
        return self._tenants.get(tenant_id) or Tenant(self._origin_mark, self._config, retention)

    def _open_tenant(self, tenant_id: str) -> Tenant:
        return self._tenants.setdefault(tenant_id, self._tenant(tenant_id))

    async def save(self, request: SaveSnapshotRequest) -> SaveSnapshotResponse:
        response = self._save(request)
        # Others get their turn, as in a store that waits for a disk: a writer in a loop
        # would starve every reader. The commit is over; a cancellation comes too late.
        await asyncio.sleep(0)
        return response

    async def save_many(
        self, requests: Sequence[SaveSnapshotRequest]
    ) -> list[SaveSnapshotResponse | refusals.Refusal]:
        answers: list[SaveSnapshotResponse | refusals.Refusal] = []
        for request in requests:
            try:
                answers.append(self._save(request))
            except refusals.Refusal as refusal:
                answers.append(refusal)
        await asyncio.sleep(0)
        return answers

    def _save(self, request: SaveSnapshotRequest) -> SaveSnapshotResponse:
        save = rules.Save(request, self._config)
        tenant = self._open_tenant(request.tenant_id)
        run = tenant.run(request.execution_id)
        execution = run.execution
        decision = save.decide(execution, Entries(tenant, run))
        if isinstance(decision, rules.Unwritten):
            if decision.unchanged:
                head = decision.unchanged
                if decision.ttl_nanos is not None:
                    now = max(self._config.clock(), tenant.commit_time)
                    head = replace(head, expire_at=rules.expire_at(now, decision.ttl_nanos, None))
                execution.head = head
                save.remember(execution, decision.response)
            return decision.response
        created = execution.head is None
        head = save.new_head(execution, decision, *tenant.next_commit())
        entries = dict(run.head.entries) if run.head else {}
        entries |= {key: (info, save.payloads[key]) for key, info in decision.set_entries.items()}
        for key in decision.removed:
            del entries[key]
        tenant.put(run, [Version(head, entries)])
        self._signals.notify(request.tenant_id)
        return save.answer(execution, head, created=created)

    async def claim(
        self, tenant_id: str, execution_id: str, *, allow_missing: bool, selection: Selection
    ) -> Claimed:
        tenant = self._open_tenant(tenant_id)
        if not allow_missing:
            tenant.existing(execution_id)
        run = tenant.run(execution_id)
        epoch = run.execution.claim()
        head = run.head
        return Claimed(epoch, projection.read(head.head, head, selection) if head else None)

    async def delete(self, request: DeleteExecutionRequest) -> DeleteExecutionResponse:
        tenant = self._open_tenant(request.tenant_id)
        run = tenant.run(request.execution_id)
        delete = rules.Delete(request)
        decision = delete.decide(run.execution)
        if isinstance(decision, DeleteExecutionResponse):
            return decision
        if decision is None:
            tenant.values.drop(request.execution_id)
            return delete.nothing(run.execution)
        position = tenant.bury(run, decision, snapshot_service_pb2.CHANGE_KIND_DELETED)
        self._signals.notify(request.tenant_id)
        return delete.answer(run.execution, *position)

    async def fork(self, request: ForkExecutionRequest) -> ForkExecutionResponse:
        fork = rules.Fork(request, self._config)
        tenant = self._open_tenant(request.tenant_id)
        run = tenant.run(request.new_execution_id)
        decision = fork.decide(run.execution, Source(tenant, request.execution_id))
        if isinstance(decision, ForkExecutionResponse):
            return decision
        *history, chosen = tenant.existing(request.execution_id).up_to(decision.version)
        if not request.include_history:
            history = []
        revision, mark, commit_time = tenant.next_commit()
        number = run.execution.last_version
        copies: list[Version] = []
        for old in history:
            number += 1
            head = fork.inherited(old.head, number, revision, commit_time)
            copies.append(Version(head, old.entries))
        head = fork.new_head(chosen.head, number + 1, revision, mark, commit_time)
        copies.append(Version(head, chosen.entries))
        tenant.put(run, copies)
        self._signals.notify(request.tenant_id)
        return fork.answer(run.execution, head, len(copies))

    async def prune(self, request: DeleteSnapshotsRequest) -> DeleteSnapshotsResponse:
        prune = rules.Prune(request)
        run = self._open_tenant(request.tenant_id).run(request.execution_id)
        decision = prune.decide(run.execution)
        if decision is not None:
            return decision
        gone = [
            number
            for number, version in run.versions.items()
            if version is not run.head and prune.selects(version.head.header)
        ]
        for number in gone:
            del run.versions[number]
        return prune.answer(run.execution, len(gone))

    async def load(
        self, tenant_id: str, execution_id: str, selector: SnapshotSelector, selection: Selection
    ) -> Stored:
        chosen = self._tenant(tenant_id).existing(execution_id).chosen(selector)
        return projection.read(chosen.head, chosen, selection)

    async def outlines(
        self, tenant_id: str, execution_id: str, selectors: Sequence[SnapshotSelector]
    ) -> list[Outline]:
        run = self._tenant(tenant_id).existing(execution_id)
        return [
            Outline(
                chosen.head.header, {key: chosen.entries[key][0] for key in sorted(chosen.entries)}
            )
            for chosen in map(run.chosen, selectors)
        ]

    async def heads(self, tenant_id: str, execution_ids: Sequence[str]) -> list[Head | None]:
        runs = self._tenant(tenant_id).runs
        return [runs[name].execution.head if name in runs else None for name in execution_ids]

    async def list_executions(
        self,
        tenant_id: str,
        where: ExecutionFilter,
        *,
        after: str,
        limit: int,
        selection: Selection,
    ) -> HeadPage:
        tenant = self._tenant(tenant_id)
        matches = Matcher(where)
        page = PageBuilder(selection, limit)
        position = tenant.position(tenant.revision)
        for version in tenant.heads():
            name = version.head.header.execution_id
            if name <= after:
                continue
            if page.full():
                return HeadPage(Page(page.items, after), position)
            if not matches(name, version.head.header):
                page.skip()
            elif not page.add(projection.read(version.head, version, selection)):
                return HeadPage(Page(page.items, after), position)
            after = name
        return HeadPage(Page(page.items), position)

    async def count_executions(self, tenant_id: str, where: ExecutionFilter, limit: int) -> int:
        matches = Matcher(where)
        headers = (version.head.header for version in self._tenant(tenant_id).heads())
        return min(limit, sum(matches(header.execution_id, header) for header in headers))

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
        tenant = self._tenant(tenant_id)
        if execution_id is not None:
            runs = [tenant.existing(execution_id)]
        else:
            runs = list(tenant.runs.values())
        matches = Matcher(where.executions)
        versions = [
            version
            for run in runs
            if run.execution.head and matches(run.execution.execution_id, run.execution.head.header)
            for version in run.versions.values()
        ]
        page = PageBuilder(selection, limit)
        for version in sorted(versions, key=_history_key, reverse=True):
            header = version.head.header
            if before is not None and version.history_key >= before:
                continue
            if page.full():
                return Page(page.items, before)
            if not (meets(where.criteria, header) and has_labels(where.labels, header)):
                page.skip()
            elif not page.add(projection.read(version.head, version, selection)):
                return Page(page.items, before)
            before = version.history_key
        return Page(page.items)

    async def changes(self, tenant_id: str, after: int, limit: int) -> list[Change]:
        tenant = self._tenant(tenant_id)
        if after + 1 < tenant.floor:
            raise refusals.history_compacted(after, tenant.floor)
        start = after + 1 - tenant.floor
        return tenant.changes[start : start + limit]

    async def position(self, tenant_id: str, revision: int | None = None) -> Position:
        tenant = self._tenant(tenant_id)
        return tenant.position(tenant.revision if revision is None else revision)

    async def wait(self, tenant_id: str, after: int) -> None:
        if self._tenant(tenant_id).revision <= after:
            await self._signals.wait(tenant_id)

    async def set_value(self, request: SetValueRequest) -> SetValueResponse:
        response = self._open_tenant(request.tenant_id).values.set(request, self._config.clock())
        await asyncio.sleep(0)  # As in `save`.
        return response

    async def get_value(self, request: GetValueRequest) -> GetValueResponse:
        return self._tenant(request.tenant_id).values.get(request, self._config.clock())

    async def delete_value(self, request: DeleteValueRequest) -> DeleteValueResponse:
        return self._tenant(request.tenant_id).values.delete(request, self._config.clock())

    async def list_keys(
        self, tenant_id: str, execution_id: str | None, *, prefix: str, after: str, limit: int
    ) -> KeyPage:
        values = self._tenant(tenant_id).values
        return values.list_keys(execution_id, prefix, after, limit, self._config.clock())

    async def check(self) -> None:
        pass

    async def maintain(self, budget: int) -> bool:
        left = budget
        for tenant_id, tenant in self._tenants.items():
            revision = tenant.revision
            left -= tenant.maintain(left)
            if tenant.revision > revision:
                self._signals.notify(tenant_id)
            if left <= 0:
                return True
        return False


def _history_key(version: Version) -> HistoryKey:
    return version.history_key
