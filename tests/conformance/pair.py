"""A store and the plain model, asked the same things side by side."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from stillframe.server.config import Settings
from stillframe.server.stores.refusals import Refusal
from stillframe.server.stores.retention import Retention
from stillframe.server.watch import Feed
from stillframe.v1 import error_pb2
from stillframe.v1 import snapshot_service_pb2 as service
from stillframe.v1.snapshot_service_pb2 import (
    DeleteExecutionRequest,
    DeleteExecutionResponse,
    DeleteSnapshotsRequest,
    ForkExecutionRequest,
    ForkExecutionResponse,
    SaveSnapshotRequest,
    SaveSnapshotResponse,
    WatchSnapshotsRequest,
    WatchSnapshotsResponse,
)
from stillframe.v1.working_memory_service_pb2 import (
    DeleteValueRequest,
    GetValueRequest,
    SetValueRequest,
)
from tests.conformance.model import Model, Version
from tests.conformance.refused import RefusedError
from tests.conformance.support import saved_part

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Awaitable, Callable

    from stillframe.v1.snapshot_pb2 import ExecutionSnapshot
    from stillframe.v1.snapshot_service_pb2 import SnapshotSelector
    from tests.conformance.direct import StoreTenant
    from tests.conformance.model import Request

T = TypeVar("T")

EVERY_CHANGE = service.WATCH_MODE_EVERY_CHANGE
FULL = service.SNAPSHOT_VIEW_FULL


class Pair:
    """Gives what it is told to both, and checks that they answer and hold the same."""

    def __init__(self, runner: asyncio.Runner, store: StoreTenant, retention: Retention) -> None:
        self._runner = runner
        self.store = store
        self.model = Model(store.clock, retention)
        self.sent: list[Request | SetValueRequest] = []
        """What may be sent again."""
        self._feed = Feed(store.store, Settings())
        self._token = ""
        self._view: dict[str, int] = {}
        self._seen = 0

    def do(self, call: Awaitable[T]) -> T:
        async def run() -> T:
            return await call

        return self._runner.run(run())

    def _compare(
        self,
        call: Awaitable[T],
        expected: Callable[[T | None], T],
        request: Request | SetValueRequest | None = None,
    ) -> None:
        """Checks that store and model give the same answer, or refuse for the same reason."""
        answer: T | None = None
        reason = ""
        try:
            answer = self.do(call)
        except Refusal as refusal:
            reason = _name(refusal)
        if request is not None:
            self.sent.append(request)
        wanted: T | None = None
        refused = ""
        try:
            wanted = expected(answer)
        except RefusedError as refusal:
            refused = str(refusal)
        assert reason == refused
        assert answer == wanted

    def send(self, request: Request | SetValueRequest) -> None:
        """Makes the call that the request is for."""
        match request:
            case SaveSnapshotRequest():
                self._save(request)
            case DeleteExecutionRequest():
                self._delete(request)
            case ForkExecutionRequest():
                self._fork(request)
            case DeleteSnapshotsRequest():
                self._prune(request)
            case SetValueRequest():
                self._set_value(request)

    def _save(self, request: SaveSnapshotRequest) -> None:
        self._compare(
            self.store.store.save(request),
            lambda answer: self.model.save(request, answer.etag if answer else ""),
            request,
        )
        self.check(request.execution_id)

    def save_many(self, requests: list[SaveSnapshotRequest]) -> None:
        answers = self.do(self.store.save_many(*requests))
        assert len(answers) == len(requests)
        for request, answer in zip(requests, answers, strict=True):
            self.sent.append(request)
            etag = answer.etag if isinstance(answer, SaveSnapshotResponse) else ""
            wanted: SaveSnapshotResponse | str
            try:
                wanted = self.model.save(request, etag)
            except RefusedError as refused:
                wanted = str(refused)
            assert (_name(answer) if isinstance(answer, Refusal) else answer) == wanted
        for name in {request.execution_id for request in requests}:
            self.check(name)

    def claim(self, name: str, *, allow_missing: bool) -> None:
        async def call() -> int:
            return (await self.store.claim(name, allow_missing=allow_missing)).writer_epoch

        self._compare(call(), lambda _: self.model.claim(name, allow_missing=allow_missing))

    def _delete(self, request: DeleteExecutionRequest) -> None:
        def expected(answer: DeleteExecutionResponse | None) -> DeleteExecutionResponse:
            return self.model.delete(request, answer.resume_token if answer else "")

        self._compare(self.store.store.delete(request), expected, request)
        self.check_everything()

    def _fork(self, request: ForkExecutionRequest) -> None:
        name = request.new_execution_id
        etags: dict[int, str] = {}

        def expected(answer: ForkExecutionResponse | None) -> ForkExecutionResponse:
            if answer is not None:
                etags.update(self.do(self._etags(name)))
            return self.model.fork(request, etags, answer.resume_token if answer else "")

        self._compare(self.store.store.fork(request), expected, request)
        self.check(name)

    async def _etags(self, name: str) -> dict[int, str]:
        if await self.store.head(name) is None:
            return {}  # A replay, and the fork is gone.
        return {version: each.etag for version, each in (await self.store.versions(name)).items()}

    def _prune(self, request: DeleteSnapshotsRequest) -> None:
        self._compare(self.store.store.prune(request), lambda _: self.model.prune(request), request)
        # What goes may be what others, forks of it too, are read from.
        self.check_everything()

    def select(self, name: str, selector: SnapshotSelector) -> None:
        async def call() -> int:
            [outline] = await self.store.store.outlines(self.store.tenant_id, name, [selector])
            return outline.header.version

        self._compare(call(), lambda _: self.model.select(name, selector))

    def _set_value(self, request: SetValueRequest) -> None:
        self._compare(
            self.store.store.set_value(request),
            lambda answer: self.model.values.set(request, answer.etag if answer else ""),
            request,
        )

    def get_value(self, request: GetValueRequest) -> None:
        self._compare(self.store.store.get_value(request), lambda _: self.model.values.get(request))

    def delete_value(self, request: DeleteValueRequest) -> None:
        self._compare(
            self.store.store.delete_value(request), lambda _: self.model.values.delete(request)
        )

    def list_keys(self, scope: str | None, prefix: str, limit: int) -> None:
        self._compare(
            self.store.key_infos(scope, prefix, limit=limit),
            lambda _: self.model.values.keys(scope, prefix),
        )

    def keep_house(self, budget: int) -> None:
        """Does all that is due, in slices."""
        due = self.model.due()
        while self.do(self.store.store.maintain(budget)):
            pass
        ended = self.do(self.store.changes(after=len(self.model.log)))
        assert {change.execution_id for change in ended} == due
        assert all(change.kind == service.CHANGE_KIND_EXPIRED for change in ended)
        self.model.expire([change.execution_id for change in ended])
        self.model.retain()
        self.model.values.free()
        self.check_everything()

    def keep_house_for_a_moment(self, budget: int) -> None:
        """Does one slice: what it leaves half done must not show. Without a retention, and with
        nothing to expire, it must not show at all.
        """
        due = self.model.due() or self.model.values.over()
        if self.model.retention == Retention() and not due:
            self.do(self.store.store.maintain(budget))
            self.check_everything()

    def watch(
        self,
        mode: service.WatchMode.ValueType,
        view: service.SnapshotView.ValueType,
        *,
        start_over: bool,
    ) -> None:
        """Goes on with a watch from where the last one was cut off, or starts over."""
        request = WatchSnapshotsRequest(tenant_id=self.store.tenant_id, mode=mode, view=view)
        if start_over or not self._token:
            request.initial_state.SetInParent()
            self._view.clear()
        else:
            request.resume_token = self._token
        revisions = self.do(self._watch(request))
        after = self._seen if request.HasField("resume_token") else len(self.model.log)
        if mode == EVERY_CHANGE:
            assert revisions == list(range(after + 1, len(self.model.log) + 1))
        else:
            assert revisions == sorted(set(revisions))
        self._seen = len(self.model.log)
        heads = {name: run.last_version for name, run in self.model.existing.items()}
        assert self._view == heads

    async def _watch(self, request: WatchSnapshotsRequest) -> list[int]:
        """Applies what a watch gives until it has caught up; returns its revisions."""
        revisions: list[int] = []
        initial = request.HasField("initial_state")
        answers = self._feed.watch(request, None, 2**20)
        try:
            async for data in answers:
                for frame in WatchSnapshotsResponse.FromString(data).frames:
                    self._token = frame.resume_token or self._token
                    kind = frame.WhichOneof("frame")
                    if kind == "caught_up":
                        return revisions
                    if kind == "initial_state_end":
                        initial = False
                    elif kind == "change":
                        self._apply(frame.change, request)
                        if not initial:
                            revisions.append(frame.change.snapshot.revision)
        finally:
            await answers.aclose()  # type: ignore[attr-defined]
        raise AssertionError("the watch ended before it had caught up")

    def _apply(self, change: service.SnapshotChange, request: WatchSnapshotsRequest) -> None:
        name, version = change.snapshot.execution_id, change.snapshot.version
        if change.kind != service.CHANGE_KIND_SAVED:
            gone = self._view.pop(name, None)
            # LATEST may have passed over the save of what went at once.
            assert gone is not None or request.mode != EVERY_CHANGE
            return
        self._view[name] = version
        there = self.model.run(name).versions.get(version)
        if there is None:
            empty = not (change.snapshot.step_outputs or change.snapshot.variables)
            assert empty
        elif request.view == FULL:
            assert not change.content_gone
            assert saved_part(change.snapshot) == there.content

    def check(self, name: str) -> None:
        """One execution: its head, and every version, whichever way it is read."""
        run = self.model.run(name)
        head = self.do(self.store.head(name))
        assert (head is not None) == bool(run.versions)
        if head is None:
            return
        assert head.expire_at == run.expire_at
        stored = self.do(self.store.versions(name))
        assert list(stored) == sorted(run.versions)
        for number, version in run.versions.items():
            _equals(stored[number], name, number, version)
        some = len(self.model.log) % len(stored)
        chosen = list(stored)[some]
        assert self.do(self.store.load(name, version=chosen)) == stored[chosen]

    def check_everything(self) -> None:
        """Every execution, by the lists of heads and of history, and the change log."""
        existing = self.model.existing
        heads = self.do(self.store.executions(limit=4))
        assert [head.execution_id for head in heads] == list(existing)
        for head in heads:
            run = existing[head.execution_id]
            _equals(head, head.execution_id, run.last_version, run.versions[run.last_version])
        history = self.do(self.store.history(limit=7))
        places = sorted(
            (
                (each.revision, number, name)
                for name, run in existing.items()
                for number, each in run.versions.items()
            ),
            reverse=True,
        )
        assert [(each.revision, each.version, each.execution_id) for each in history] == places
        for each in history:
            version = existing[each.execution_id].versions[each.version]
            _equals(each, each.execution_id, each.version, version)
        for scope in {place[0] for place in self.model.values.kept} | set(self.model.runs):
            self.list_keys(scope, "", 2)
        self.check_log()

    def check_log(self) -> None:
        changes = self.do(self.store.changes(limit=20))
        assert [
            (
                change.revision,
                change.kind,
                change.execution_id,
                change.header.version,
                change.before.sequence_number if change.before is not None else None,
            )
            for change in changes
        ] == [tuple(each) for each in self.model.log]


def _equals(read: ExecutionSnapshot, name: str, number: int, version: Version) -> None:
    assert saved_part(read) == version.content
    assert (read.execution_id, read.version, read.etag, read.revision) == (
        name,
        number,
        version.etag,
        version.revision,
    )
    assert read.commit_time.ToNanoseconds() == version.commit_time
    if version.origin is None:
        assert not read.HasField("origin")
    else:
        origin = (read.origin.execution_id, read.origin.version, read.origin.etag)
        assert origin == version.origin


def _name(refusal: Refusal) -> str:
    return error_pb2.ErrorReason.Name(refusal.reason).removeprefix("ERROR_REASON_")
