"""The plainest correct store: dictionaries, and the model that others are held against.

Nothing awaits between reading and writing, so a commit is atomic because the event
loop is one thread. Nothing is durable.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, ClassVar

from stillframe.server.stores import marks, projection, refusals, rules
from stillframe.server.stores.base import UnknownStoreError
from stillframe.server.stores.execution import Execution
from stillframe.server.stores.filters import Matcher, filter_fields, has_labels, meets
from stillframe.server.stores.marks import Position
from stillframe.server.stores.projection import PageBuilder, Selection
from stillframe.server.stores.records import (
    Change,
    Claimed,
    EntryInfo,
    EntryKey,
    Head,
    HeadPage,
    HistoryKey,
    Page,
    SnapshotFilter,
    Stored,
)
from stillframe.server.stores.signals import Signals
from stillframe.v1 import snapshot_service_pb2
from stillframe.v1.snapshot_service_pb2 import DeleteExecutionResponse

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from stillframe.server.stores.base import StoreConfig
    from stillframe.v1.snapshot_pb2 import ExecutionFilter, ExecutionSnapshot
    from stillframe.v1.snapshot_service_pb2 import (
        ChangeKind,
        DeleteExecutionRequest,
        SaveSnapshotRequest,
        SaveSnapshotResponse,
        SnapshotSelector,
    )


@dataclass(slots=True)
class _Version:
    """One committed snapshot: a Content."""

    head: Head
    entries: dict[EntryKey, tuple[EntryInfo, bytes]]

    def sizes(self) -> Iterable[tuple[EntryKey, int]]:
        return ((key, self.entries[key][0].size) for key in sorted(self.entries))

    def payloads(self, chosen: set[EntryKey] | None) -> list[tuple[EntryKey, bytes]]:
        keys = self.entries if chosen is None else chosen
        return [(key, self.entries[key][1]) for key in sorted(keys)]


@dataclass(slots=True)
class _Run:
    """One execution's name: its record, and its snapshots while it exists."""

    execution: Execution
    versions: dict[int, _Version] = field(default_factory=dict[int, _Version])
    touched: int = 0
    """When it last lost or was refused a head; what its tombstone's age goes by."""

    @property
    def head(self) -> _Version | None:
        head = self.execution.head
        return self.versions[head.version] if head else None


@dataclass(slots=True)
class _Tenant:
    """A tenant: its executions and its change log."""

    origin_mark: str
    config: StoreConfig
    runs: dict[str, _Run] = field(default_factory=dict[str, _Run])
    changes: list[Change] = field(default_factory=list[Change])
    floor: int = 1
    """The first revision that the log has, or will have."""
    commit_time: int = 0

    @property
    def revision(self) -> int:
        return self.floor + len(self.changes) - 1

    def run(self, execution_id: str) -> _Run:
        return self.runs.setdefault(execution_id, _Run(Execution(execution_id)))

    def existing(self, execution_id: str) -> _Run:
        run = self.runs.get(execution_id)
        if run is None or run.execution.head is None:
            raise refusals.execution_not_found(execution_id)
        return run

    def heads(self) -> list[_Version]:
        runs = (self.runs[name] for name in sorted(self.runs))
        return [run.head for run in runs if run.head is not None]

    def next_commit(self) -> tuple[int, str, int]:
        self.commit_time = rules.next_commit_time(self.config.clock(), self.commit_time)
        return self.revision + 1, marks.new_mark(), self.commit_time

    def bury(self, run: _Run, head: Head, kind: ChangeKind.ValueType) -> Position:
        """Commits the end of an execution."""
        revision, mark, commit_time = self.next_commit()
        name = run.execution.execution_id
        header = rules.deleted_header(head, revision, commit_time)
        self.changes.append(Change(revision, mark, kind, name, header, filter_fields(head.header)))
        run.execution.head = None
        run.versions = {}
        run.touched = commit_time
        return Position(revision, mark)


class _Entries:
    """What the rules ask of a run under the lock."""

    def __init__(self, tenant: _Tenant, run: _Run) -> None:
        self._tenant, self._run = tenant, run

    def infos(self, keys: Iterable[EntryKey] | None) -> Mapping[EntryKey, EntryInfo]:
        entries = self._run.head.entries if self._run.head else {}
        return {k: entries[k][0] for k in (entries if keys is None else keys) if k in entries}

    def version_of(self, snapshot_id: str) -> int | None:
        for number, version in self._run.versions.items():
            if _has_snapshot_id(version.head.header, snapshot_id):
                return number
        return None

    def at_quota(self) -> bool:
        maximum = self._tenant.config.max_executions
        return maximum > 0 and len(self._tenant.heads()) >= maximum


class MemoryStore:
    """Keeps everything in this process: `memory:`."""

    kind: ClassVar[str] = "memory"

    def __init__(self, config: StoreConfig) -> None:
        self._config = config
        self._origin_mark = marks.new_mark()
        self._tenants: dict[str, _Tenant] = {}
        self._signals = Signals()

    @classmethod
    async def open(cls, url: str, config: StoreConfig) -> MemoryStore:
        if url != "memory:":
            raise UnknownStoreError(f"{url!r}: the memory store is opened by memory: alone")
        return cls(config)

    async def close(self) -> None:
        pass

    def _tenant(self, tenant_id: str) -> _Tenant:
        return self._tenants.get(tenant_id) or _Tenant(self._origin_mark, self._config)

    def _open_tenant(self, tenant_id: str) -> _Tenant:
        return self._tenants.setdefault(tenant_id, _Tenant(self._origin_mark, self._config))

    async def save(self, request: SaveSnapshotRequest) -> SaveSnapshotResponse:
        save = rules.Save(request, self._config)
        tenant = self._open_tenant(request.tenant_id)
        run = tenant.run(request.execution_id)
        run.touched = self._config.clock()
        execution = run.execution
        decision = save.decide(execution, _Entries(tenant, run))
        if isinstance(decision, rules.Unwritten):
            if decision.unchanged:
                head = decision.unchanged
                if decision.ttl_nanos is not None:
                    now = max(self._config.clock(), tenant.commit_time)
                    head = replace(head, expire_at=rules.expire_at(now, decision.ttl_nanos, None))
                execution.head = head
                save.remember(execution, decision.response)
            return decision.response
        before = execution.head
        revision, mark, commit_time = tenant.next_commit()
        head = save.new_head(execution, decision, revision, mark, commit_time)
        entries = dict(run.head.entries) if run.head else {}
        entries |= {key: (info, save.payloads[key]) for key, info in decision.set_entries.items()}
        for key in decision.removed:
            del entries[key]
        run.versions[head.version] = _Version(head, entries)
        execution.head = head
        execution.last_version = head.version
        tenant.changes.append(
            Change(
                revision,
                mark,
                snapshot_service_pb2.CHANGE_KIND_SAVED,
                request.execution_id,
                projection.with_omission(head.header, projection.count_of(head)),
                filter_fields(before.header) if before else None,
            )
        )
        self._signals.notify(request.tenant_id)
        response = save.answer(execution, head, created=before is None)
        # Others get their turn, as in a store that waits for a disk: a writer in a loop
        # would starve every reader. The commit is over; a cancellation comes too late.
        await asyncio.sleep(0)
        return response

    async def claim(
        self, tenant_id: str, execution_id: str, *, allow_missing: bool, selection: Selection
    ) -> Claimed:
        tenant = self._open_tenant(tenant_id)
        run = tenant.run(execution_id) if allow_missing else tenant.existing(execution_id)
        run.touched = self._config.clock()
        epoch = run.execution.claim()
        head = run.head
        return Claimed(epoch, projection.read(head.head, head, selection) if head else None)

    async def delete(self, request: DeleteExecutionRequest) -> DeleteExecutionResponse:
        tenant = self._open_tenant(request.tenant_id)
        run = tenant.run(request.execution_id)
        run.touched = self._config.clock()
        delete = rules.Delete(request)
        decision = delete.decide(run.execution)
        if isinstance(decision, DeleteExecutionResponse):
            return decision
        position = tenant.bury(run, decision, snapshot_service_pb2.CHANGE_KIND_DELETED)
        self._signals.notify(request.tenant_id)
        return delete.answer(run.execution, *position)

    async def load(
        self, tenant_id: str, execution_id: str, selector: SnapshotSelector, selection: Selection
    ) -> Stored:
        run = self._tenant(tenant_id).existing(execution_id)
        chosen = _select(run, selector)
        if chosen is None:
            raise refusals.no_such_snapshot(execution_id, selector)
        return projection.read(chosen.head, chosen, selection)

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
        position = self._position(tenant, tenant.revision)
        for version in tenant.heads():
            name = version.head.header.execution_id
            if name <= after:
                continue
            if page.full():
                return HeadPage(Page(page.items, after), position)
            if not matches(name, version.head.header):
                page.skip()
            elif not page.add(version.head, version):
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
            if before is not None and _history_key(version) >= before:
                continue
            if page.full():
                return Page(page.items, before)
            if not (meets(where.criteria, header) and has_labels(where.labels, header)):
                page.skip()
            elif not page.add(version.head, version):
                return Page(page.items, before)
            before = _history_key(version)
        return Page(page.items)

    async def changes(self, tenant_id: str, after: int, limit: int) -> list[Change]:
        tenant = self._tenant(tenant_id)
        if after + 1 < tenant.floor:
            raise refusals.history_compacted(after, tenant.floor)
        start = after + 1 - tenant.floor
        return tenant.changes[start : start + limit]

    async def position(self, tenant_id: str, revision: int | None = None) -> Position:
        tenant = self._tenant(tenant_id)
        return self._position(tenant, tenant.revision if revision is None else revision)

    def _position(self, tenant: _Tenant, revision: int) -> Position:
        if revision > tenant.revision:
            raise refusals.revision_in_future(revision, tenant.revision)
        if revision == 0 and tenant.floor == 1:
            return Position(0, tenant.origin_mark)
        if revision < tenant.floor:
            raise refusals.history_compacted(revision, tenant.floor)
        return Position(revision, tenant.changes[revision - tenant.floor].mark)

    async def wait(self, tenant_id: str, after: int) -> None:
        if self._tenant(tenant_id).revision <= after:
            await self._signals.wait(tenant_id)

    async def maintain(self, budget: int) -> bool:
        left = budget
        now = self._config.clock()
        for tenant_id, tenant in self._tenants.items():
            for run in list(tenant.runs.values()):
                if left <= 0:
                    return True
                head = run.execution.head
                if head and head.expire_at is not None and head.expire_at <= now:
                    left -= 1
                    tenant.bury(run, head, snapshot_service_pb2.CHANGE_KIND_EXPIRED)
                    self._signals.notify(tenant_id)
                elif not head and now - run.touched >= self._config.tombstone_seconds * rules.NANOS:
                    left -= 1
                    del tenant.runs[run.execution.execution_id]
            surplus = min(left, len(tenant.changes) - self._config.change_log_size)
            if surplus > 0:
                left -= surplus
                del tenant.changes[:surplus]
                tenant.floor += surplus
        return left <= 0


def _history_key(version: _Version) -> HistoryKey:
    return HistoryKey(version.head.revision, version.head.version)


def _has_snapshot_id(header: ExecutionSnapshot, snapshot_id: str) -> bool:
    return header.HasField("snapshot_id") and header.snapshot_id == snapshot_id


def _select(run: _Run, selector: SnapshotSelector) -> _Version | None:
    match selector.WhichOneof("selector"):
        case None:
            return run.head
        case "version":
            return run.versions.get(selector.version)
        case "snapshot_id":
            found = (
                version
                for version in run.versions.values()
                if _has_snapshot_id(version.head.header, selector.snapshot_id)
            )
            return next(found, None)
        case "latest_matching":
            found = (
                version
                for _, version in sorted(run.versions.items(), reverse=True)
                if meets(selector.latest_matching, version.head.header)
            )
            return next(found, None)
