"""One tenant of the memory store: its executions, their snapshots, its change log."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import islice, pairwise
from typing import TYPE_CHECKING

from stillframe.server.stores import marks, projection, refusals, rules
from stillframe.server.stores.execution import Execution
from stillframe.server.stores.filters import filter_fields, meets
from stillframe.server.stores.marks import Position
from stillframe.server.stores.memory.values import Values
from stillframe.server.stores.records import Change, EntryInfo, EntryKey, Head, HistoryKey
from stillframe.v1 import snapshot_service_pb2

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from stillframe.server.stores.base import StoreConfig
    from stillframe.server.stores.retention import Retention
    from stillframe.v1.snapshot_pb2 import ExecutionSnapshot
    from stillframe.v1.snapshot_service_pb2 import ChangeKind, SnapshotSelector


@dataclass(slots=True)
class Version:
    """One committed snapshot: a Content."""

    head: Head
    entries: dict[EntryKey, tuple[EntryInfo, bytes]]
    """Never changed once committed: forks share it."""

    @property
    def history_key(self) -> HistoryKey:
        return HistoryKey(self.head.revision, self.head.version)

    def sizes(self) -> Iterable[tuple[EntryKey, int]]:
        return ((key, self.entries[key][0].size) for key in sorted(self.entries))

    def payloads(self, chosen: set[EntryKey] | None) -> list[tuple[EntryKey, bytes]]:
        keys = self.entries if chosen is None else chosen
        return [(key, self.entries[key][1]) for key in sorted(keys)]


@dataclass(slots=True)
class Run:
    """One execution's name: its record, and its snapshots while it exists."""

    execution: Execution
    versions: dict[int, Version] = field(default_factory=dict[int, Version])
    """In the order of versions."""
    touched: int = 0
    """When it last lost or was refused a head; what its tombstone's age goes by."""

    @property
    def head(self) -> Version | None:
        head = self.execution.head
        return self.versions[head.version] if head else None

    def select(self, selector: SnapshotSelector) -> Version | None:
        match selector.WhichOneof("selector"):
            case None:
                return self.head
            case "version":
                return self.versions.get(selector.version)
            case "snapshot_id":
                return self.with_snapshot_id(selector.snapshot_id)
            case "latest_matching":
                newest_first = reversed(self.versions.values())
                bounds = selector.latest_matching
                return next((v for v in newest_first if meets(bounds, v.head.header)), None)

    def chosen(self, selector: SnapshotSelector) -> Version:
        """Selects a snapshot; raises SNAPSHOT_NOT_FOUND."""
        found = self.select(selector)
        if found is None:
            raise refusals.no_such_snapshot(self.execution.execution_id, selector)
        return found

    def with_snapshot_id(self, snapshot_id: str) -> Version | None:
        for version in self.versions.values():
            if _has_snapshot_id(version.head.header, snapshot_id):
                return version
        return None

    def up_to(self, version: int) -> list[Version]:
        """Returns the snapshots up to this one."""
        return [each for number, each in self.versions.items() if number <= version]

    def outlived(self, retention: Retention, now: int) -> list[int]:
        """Returns the versions that the retention does not keep, oldest first."""
        if retention.versions is not None:
            surplus = max(0, len(self.versions) - retention.versions)
            return list(islice(self.versions, surplus))
        if retention.seconds is None:
            return []
        kept_for = retention.seconds * rules.NANOS
        return [
            old.head.version
            for old, newer in pairwise(self.versions.values())
            if newer.head.header.commit_time.ToNanoseconds() + kept_for <= now
        ]


@dataclass(slots=True)
class Tenant:
    """A tenant: its executions and its change log."""

    origin_mark: str
    config: StoreConfig
    retention: Retention
    runs: dict[str, Run] = field(default_factory=dict[str, Run])
    values: Values = field(default_factory=Values)
    changes: list[Change] = field(default_factory=list[Change])
    floor: int = 1
    """The first revision that the log has, or will have."""
    commit_time: int = 0

    @property
    def revision(self) -> int:
        return self.floor + len(self.changes) - 1

    def run(self, execution_id: str) -> Run:
        """Returns the execution's name, to be written to."""
        run = self.runs.setdefault(execution_id, Run(Execution(execution_id)))
        run.touched = self.config.clock()
        return run

    def existing(self, execution_id: str) -> Run:
        run = self.runs.get(execution_id)
        if run is None or run.execution.head is None:
            raise refusals.execution_not_found(execution_id)
        return run

    def heads(self) -> list[Version]:
        runs = (self.runs[name] for name in sorted(self.runs))
        return [run.head for run in runs if run.head is not None]

    def at_quota(self) -> bool:
        maximum = self.config.max_executions
        return maximum > 0 and len(self.heads()) >= maximum

    def position(self, revision: int) -> Position:
        if revision > self.revision:
            raise refusals.revision_in_future(revision, self.revision)
        if revision == 0 and self.floor == 1:
            return Position(0, self.origin_mark)
        if revision < self.floor:
            raise refusals.history_compacted(revision, self.floor)
        return Position(revision, self.changes[revision - self.floor].mark)

    def next_commit(self) -> tuple[int, str, int]:
        self.commit_time = rules.next_commit_time(self.config.clock(), self.commit_time)
        return self.revision + 1, marks.new_mark(), self.commit_time

    def put(self, run: Run, versions: list[Version]) -> None:
        """Commits snapshots; the last one is the new head, and the change's."""
        before = run.execution.head
        head = versions[-1].head
        run.versions |= {each.head.version: each for each in versions}
        run.execution.head = head
        run.execution.last_version = head.version
        self.changes.append(
            Change(
                head.revision,
                head.mark,
                snapshot_service_pb2.CHANGE_KIND_SAVED,
                run.execution.execution_id,
                projection.with_omission(head.header, projection.count_of(head)),
                filter_fields(before.header) if before else None,
            )
        )

    def bury(self, run: Run, head: Head, kind: ChangeKind.ValueType) -> Position:
        """Commits the end of an execution."""
        revision, mark, commit_time = self.next_commit()
        name = run.execution.execution_id
        header = rules.deleted_header(head, revision, commit_time)
        self.changes.append(Change(revision, mark, kind, name, header, filter_fields(head.header)))
        run.execution.head = None
        run.versions = {}
        self.values.drop(name)
        run.touched = commit_time
        return Position(revision, mark)

    def maintain(self, budget: int) -> int:
        """Does at most `budget` rows of housekeeping and returns how many it did."""
        left = budget
        now = self.config.clock()
        for run in list(self.runs.values()):
            if left <= 0:
                break
            head = run.execution.head
            if head and head.expire_at is not None and head.expire_at <= now:
                left -= 1
                self.bury(run, head, snapshot_service_pb2.CHANGE_KIND_EXPIRED)
            elif head:
                outlived = run.outlived(self.retention, now)[:left]
                left -= len(outlived)
                for version in outlived:
                    del run.versions[version]
            elif now - run.touched >= self.config.tombstone_seconds * rules.NANOS:
                left -= 1
                del self.runs[run.execution.execution_id]
        left -= self.values.free(left, now)
        surplus = min(left, len(self.changes) - self.config.change_log_size)
        if surplus > 0:
            left -= surplus
            del self.changes[:surplus]
            self.floor += surplus
        return budget - left


class Entries:
    """What the rules of a save ask of a run under the lock."""

    def __init__(self, tenant: Tenant, run: Run) -> None:
        self._tenant, self._run = tenant, run

    def infos(self, keys: Iterable[EntryKey] | None) -> Mapping[EntryKey, EntryInfo]:
        entries = self._run.head.entries if self._run.head else {}
        return {k: entries[k][0] for k in (entries if keys is None else keys) if k in entries}

    def version_of(self, snapshot_id: str) -> int | None:
        found = self._run.with_snapshot_id(snapshot_id)
        return found.head.version if found else None

    def at_quota(self) -> bool:
        return self._tenant.at_quota()


class Source:
    """What the rules of a fork ask of the execution that is forked, under the lock."""

    def __init__(self, tenant: Tenant, execution_id: str) -> None:
        self._tenant, self._execution_id = tenant, execution_id

    def select(self, selector: SnapshotSelector) -> Head | None:
        found = self._tenant.existing(self._execution_id).select(selector)
        return found.head if found else None

    def at_quota(self) -> bool:
        return self._tenant.at_quota()


def _has_snapshot_id(header: ExecutionSnapshot, snapshot_id: str) -> bool:
    return header.HasField("snapshot_id") and header.snapshot_id == snapshot_id
