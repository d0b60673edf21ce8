"""The contract of DESIGN sections 3 to 5 as dictionaries and lists: what a store must answer.

Written from the contract, not from a store; `model_values` has the working memory. It makes no marks of its own: the etag of what
a store has made is told to it.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, field
from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

from stillframe.v1 import snapshot_service_pb2 as service
from stillframe.v1.snapshot_pb2 import ExecutionSnapshot
from stillframe.v1.snapshot_service_pb2 import (
    DeleteExecutionRequest,
    DeleteExecutionResponse,
    DeleteSnapshotsRequest,
    DeleteSnapshotsResponse,
    ForkExecutionRequest,
    ForkExecutionResponse,
    SaveSnapshotRequest,
    SaveSnapshotResponse,
)
from tests.conformance.model_values import ValuesModel
from tests.conformance.refused import RefusedError

if TYPE_CHECKING:
    from stillframe.server.stores.retention import Retention
    from stillframe.v1.snapshot_pb2 import SnapshotCriteria
    from stillframe.v1.snapshot_service_pb2 import ChangeKind, SnapshotSelector
    from tests.conformance.support import Clock

    Request: TypeAlias = (
        SaveSnapshotRequest | DeleteExecutionRequest | ForkExecutionRequest | DeleteSnapshotsRequest
    )
    Response: TypeAlias = (
        SaveSnapshotResponse
        | DeleteExecutionResponse
        | ForkExecutionResponse
        | DeleteSnapshotsResponse
    )

REMEMBERED = 32


class Version(NamedTuple):
    """A committed snapshot."""

    content: ExecutionSnapshot
    """What the client set, whole."""
    etag: str
    revision: int
    commit_time: int
    origin: tuple[str, int, str] | None = None
    """Execution, version and etag that a fork copied."""


class Logged(NamedTuple):
    """A record of the change log."""

    revision: int
    kind: ChangeKind.ValueType
    execution_id: str
    version: int
    sequence_before: int | None


@dataclass
class Run:
    """An execution's name: what exists, and what a tombstone keeps."""

    versions: dict[int, Version] = field(default_factory=dict[int, Version])
    last_version: int = 0
    floor: int = 0
    answers: OrderedDict[str, tuple[Request, Response]] = field(
        default_factory=OrderedDict[str, "tuple[Request, Response]"]
    )
    expire_at: int | None = None

    @property
    def head(self) -> Version | None:
        return self.versions[max(self.versions)] if self.versions else None


class Model:
    """One tenant."""

    def __init__(self, clock: Clock, retention: Retention) -> None:
        self.clock = clock
        self.retention = retention
        self.runs: dict[str, Run] = {}
        self.log: list[Logged] = []
        self.commit_time = 0
        self.values = ValuesModel(clock)

    def run(self, name: str) -> Run:
        return self.runs.setdefault(name, Run())

    @property
    def existing(self) -> dict[str, Run]:
        return {name: run for name, run in sorted(self.runs.items()) if run.versions}

    def _commit(self, kind: ChangeKind.ValueType, name: str, version: int) -> int:
        head = self.run(name).head
        revision = len(self.log) + 1
        before = head.content.sequence_number if head else None
        self.log.append(Logged(revision, kind, name, version, before))
        self.commit_time = max(self.clock(), self.commit_time + 1_000)
        return revision

    @staticmethod
    def _replay(run: Run, request: Request) -> Response | None:
        known = run.answers.get(request.request_id) if request.request_id else None
        if known is None:
            return None
        if known[0] != request:
            raise RefusedError("REQUEST_ID_REUSED")
        return known[1]

    @staticmethod
    def _remember(run: Run, request: Request, response: Response) -> None:
        if request.request_id:
            run.answers[request.request_id] = (request, response)
            while len(run.answers) > REMEMBERED:
                run.answers.popitem(last=False)

    @staticmethod
    def _fence(
        run: Run, request: SaveSnapshotRequest | DeleteExecutionRequest | DeleteSnapshotsRequest
    ) -> None:
        epoch = request.writer_epoch if request.HasField("writer_epoch") else None
        if run.floor and (epoch is None or epoch < run.floor):
            raise RefusedError("FENCED")
        run.floor = epoch or run.floor

    def save(self, request: SaveSnapshotRequest, etag: str) -> SaveSnapshotResponse:
        """Answers a save; `etag` is what the store gave to what it may have made."""
        run = self.run(request.execution_id)
        replay = self._replay(run, request)
        if isinstance(replay, SaveSnapshotResponse):
            again = SaveSnapshotResponse()
            again.CopyFrom(replay)
            again.outcome = service.SAVE_OUTCOME_REPLAYED
            return again
        self._fence(run, request)
        head = run.head
        if request.must_not_exist and head:
            raise RefusedError("EXECUTION_EXISTS")
        if request.HasField("expected_etag") and (not head or head.etag != request.expected_etag):
            raise RefusedError("ETAG_MISMATCH")
        content = self._content(run, request)
        if (
            head
            and content.sequence_number < head.content.sequence_number
            and not request.allow_sequence_regression
        ):
            raise RefusedError("SEQUENCE_REGRESSION")
        if head and head.content == content:
            if request.HasField("ttl"):
                moment = max(self.clock(), self.commit_time)
                run.expire_at = _expiry(request, moment, None)
            response = _saved(head, run.last_version, service.SAVE_OUTCOME_UNCHANGED)
            self._remember(run, request, response)
            return response
        if content.HasField("snapshot_id") and any(
            each.content.snapshot_id == content.snapshot_id for each in run.versions.values()
        ):
            raise RefusedError("SNAPSHOT_ID_EXISTS")
        version = run.last_version + 1
        revision = self._commit(service.CHANGE_KIND_SAVED, request.execution_id, version)
        run.expire_at = _expiry(request, self.commit_time, run.expire_at)
        made = Version(content, etag, revision, self.commit_time)
        run.versions[version] = made
        run.last_version = version
        outcome = service.SAVE_OUTCOME_UPDATED if head else service.SAVE_OUTCOME_CREATED
        response = _saved(made, version, outcome)
        self._remember(run, request, response)
        return response

    def _content(self, run: Run, request: SaveSnapshotRequest) -> ExecutionSnapshot:
        content = ExecutionSnapshot()
        if not request.HasField("delta"):
            content.CopyFrom(request.snapshot)
            return content
        delta, head = request.delta, run.head
        if head is None:
            raise RefusedError("EXECUTION_NOT_FOUND")
        if delta.HasField("base_etag"):
            base = delta.base_etag
        else:
            known = run.answers.get(delta.base_request_id)
            made = known[1] if known else None
            base = ""
            if isinstance(made, SaveSnapshotResponse | ForkExecutionResponse):
                base = made.etag
        if base != head.etag:
            raise RefusedError("DELTA_BASE_MISMATCH")
        content.CopyFrom(delta.snapshot)
        content.ClearField("step_outputs")
        content.ClearField("variables")
        for name, removed in (
            ("step_outputs", delta.removed_step_outputs),
            ("variables", delta.removed_variables),
        ):
            entries = getattr(content, name)
            for source in (getattr(head.content, name), getattr(delta.snapshot, name)):
                for key, payload in source.items():
                    if key not in removed:
                        entries[key].CopyFrom(payload)
        return content

    def claim(self, name: str, *, allow_missing: bool) -> int:
        run = self.run(name)
        if not run.versions and not allow_missing:
            raise RefusedError("EXECUTION_NOT_FOUND")
        run.floor += 1
        return run.floor

    def delete(self, request: DeleteExecutionRequest, token: str) -> DeleteExecutionResponse:
        run = self.run(request.execution_id)
        replay = self._replay(run, request)
        if isinstance(replay, DeleteExecutionResponse):
            return replay
        self._fence(run, request)
        head = run.head
        response = DeleteExecutionResponse()
        if head:
            if request.HasField("expected_etag") and head.etag != request.expected_etag:
                raise RefusedError("ETAG_MISMATCH")
            response.deleted_count = 1
            response.revision = self._end(request.execution_id, service.CHANGE_KIND_DELETED)
            response.resume_token = token
        self.values.drop(request.execution_id)
        self._remember(run, request, response)
        return response

    def _end(self, name: str, kind: ChangeKind.ValueType) -> int:
        run = self.run(name)
        revision = self._commit(kind, name, run.last_version)
        run.versions.clear()
        self.values.drop(name)
        run.expire_at = None
        return revision

    def select(self, name: str, selector: SnapshotSelector) -> int:
        """Returns the version that a selector names."""
        run = self.runs.get(name)
        if run is None or not run.versions:
            raise RefusedError("EXECUTION_NOT_FOUND")
        match selector.WhichOneof("selector"):
            case "version":
                found = [number for number in run.versions if number == selector.version]
            case "snapshot_id":
                found = [
                    number
                    for number, each in run.versions.items()
                    if each.content.HasField("snapshot_id")
                    and each.content.snapshot_id == selector.snapshot_id
                ]
            case "latest_matching":
                bounds = selector.latest_matching
                found = [n for n, each in run.versions.items() if _meets(bounds, each)]
            case None:
                found = list(run.versions)
        if not found:
            raise RefusedError("SNAPSHOT_NOT_FOUND")
        return max(found)

    def fork(
        self, request: ForkExecutionRequest, etags: dict[int, str], token: str
    ) -> ForkExecutionResponse:
        """Answers a fork; `etags` are those of the versions that the store has made."""
        run = self.run(request.new_execution_id)
        replay = self._replay(run, request)
        if isinstance(replay, ForkExecutionResponse):
            return replay
        chosen = self.select(request.execution_id, request.selector)
        if run.versions:
            raise RefusedError("EXECUTION_EXISTS")
        source = self.run(request.execution_id).versions
        taken = [n for n in sorted(source) if n <= chosen] if request.include_history else [chosen]
        last = run.last_version
        head = last + len(taken)
        revision = self._commit(service.CHANGE_KIND_SAVED, request.new_execution_id, head)
        for version, number in enumerate(taken, start=last + 1):
            content = ExecutionSnapshot()
            content.CopyFrom(source[number].content)
            if number == chosen and request.HasField("sequence_number"):
                content.sequence_number = request.sequence_number
            origin = (request.execution_id, number, source[number].etag)
            run.versions[version] = Version(
                content, etags[version], revision, self.commit_time, origin
            )
        run.last_version = head
        run.expire_at = None
        response = ForkExecutionResponse(
            version=head,
            etag=etags[head],
            revision=revision,
            resume_token=token,
            snapshot_count=len(taken),
        )
        self._remember(run, request, response)
        return response

    def prune(self, request: DeleteSnapshotsRequest) -> DeleteSnapshotsResponse:
        run = self.run(request.execution_id)
        replay = self._replay(run, request)
        if isinstance(replay, DeleteSnapshotsResponse):
            return replay
        self._fence(run, request)
        if not run.versions:
            raise RefusedError("EXECUTION_NOT_FOUND")
        gone = [
            number
            for number, each in run.versions.items()
            if number != max(run.versions)
            and (not request.versions or number in request.versions)
            and (
                not request.snapshot_ids
                or (
                    each.content.HasField("snapshot_id")
                    and each.content.snapshot_id in request.snapshot_ids
                )
            )
            and _meets(request.criteria, each)
            and all(each.content.labels.get(k) == v for k, v in request.labels.items())
        ]
        for number in gone:
            del run.versions[number]
        response = DeleteSnapshotsResponse(deleted_count=len(gone))
        self._remember(run, request, response)
        return response

    def due(self) -> set[str]:
        """Returns the executions whose time has come."""
        now = self.clock()
        return {
            name
            for name, run in self.existing.items()
            if run.expire_at is not None and run.expire_at <= now
        }

    def expire(self, names: list[str]) -> None:
        """Ends executions, in the order in which the store has."""
        for name in names:
            self._end(name, service.CHANGE_KIND_EXPIRED)

    def retain(self) -> None:
        """Deletes the history that the retention does not keep."""
        for run in self.existing.values():
            numbers = sorted(run.versions)
            gone: list[int] = []
            if self.retention.versions is not None:
                gone = numbers[: -self.retention.versions]
            elif self.retention.seconds is not None:
                latest = self.clock() - self.retention.seconds * 10**9
                gone = [
                    number
                    for number, newer in pairwise(numbers)
                    if run.versions[newer].commit_time <= latest
                ]
            for number in gone:
                del run.versions[number]


def _saved(
    version: Version, number: int, outcome: service.SaveOutcome.ValueType
) -> SaveSnapshotResponse:
    mark = version.etag.partition("-")[2]
    return SaveSnapshotResponse(
        version=number,
        etag=version.etag,
        revision=version.revision,
        resume_token=f"r{version.revision}-{mark}",
        outcome=outcome,
    )


def _expiry(request: SaveSnapshotRequest, moment: int, old: int | None) -> int | None:
    if not request.HasField("ttl"):
        return old
    nanos = request.ttl.ToNanoseconds()
    return moment + nanos if nanos else None


def _meets(criteria: SnapshotCriteria, version: Version) -> bool:
    number, time = version.content.sequence_number, version.commit_time
    return (
        (not criteria.HasField("sequence_min") or number >= criteria.sequence_min)
        and (not criteria.HasField("sequence_max") or number <= criteria.sequence_max)
        and (
            not criteria.HasField("commit_time_min")
            or time >= criteria.commit_time_min.ToNanoseconds()
        )
        and (
            not criteria.HasField("commit_time_max")
            or time <= criteria.commit_time_max.ToNanoseconds()
        )
    )
