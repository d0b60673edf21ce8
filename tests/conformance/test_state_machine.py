"""Any row of operations leaves a store as the plain model says, with the same answers.

Hypothesis makes the rows up and shortens those that fail. A longer search:
`HYPOTHESIS_PROFILE=long pytest tests/conformance/test_state_machine.py`.
"""

from __future__ import annotations

import asyncio
import os
from itertools import count
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import urlsplit

from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    rule,
    run_state_machine_as_test,
)

from stillframe.server.config import Settings
from stillframe.server.stores import open_store
from stillframe.server.stores.base import StoreConfig
from stillframe.server.stores.refusals import Refusal
from stillframe.server.stores.retention import Retention
from stillframe.server.watch import Feed
from stillframe.v1 import error_pb2
from stillframe.v1 import snapshot_service_pb2 as service
from stillframe.v1.snapshot_pb2 import ExecutionSnapshot, SnapshotCriteria
from stillframe.v1.snapshot_service_pb2 import (
    DeleteExecutionRequest,
    DeleteExecutionResponse,
    DeleteSnapshotsRequest,
    ForkExecutionRequest,
    ForkExecutionResponse,
    SaveSnapshotRequest,
    SaveSnapshotResponse,
    SnapshotSelector,
    WatchSnapshotsRequest,
    WatchSnapshotsResponse,
)
from tests.conformance.direct import StoreTenant
from tests.conformance.model import Model, RefusedError, Version
from tests.conformance.support import (
    Clock,
    delta,
    new_tenant,
    save_request,
    saved_part,
    seconds,
    snapshot,
)

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from pathlib import Path

    from stillframe.v1.snapshot_service_pb2 import SnapshotDelta
    from tests.conformance.model import Request

T = TypeVar("T")

settings.register_profile("long", max_examples=2_000, stateful_step_count=80)
LONG = os.environ.get("HYPOTHESIS_PROFILE") == "long"
SEARCH = settings(
    settings.get_profile("long") if LONG else settings.get_profile("default"),
    max_examples=2_000 if LONG else 60,
    stateful_step_count=80 if LONG else 40,
    deadline=None,
    # The same rows in every run of CI; a failure prints the row, shortened.
    derandomize=not LONG,
    phases=[Phase.generate, Phase.shrink],
    suppress_health_check=list(HealthCheck),
    database=None,
)

NAMES = st.sampled_from(["a", "a", "b"])
FORKS = st.sampled_from(["a", "b", "c", "c", "d", "d"])
PICKS = st.integers(0, 9)
KEYS = st.sampled_from(["k", "l", "\u00e9", "Z"])
LINES = "what an agent says, line after line; "
VALUES = st.sampled_from(
    ["", "x", "short", *(LINES * count for count in (2, 3, 40, 41)), os.urandom(100).hex()[:99]]
)
ENTRIES = st.dictionaries(KEYS, VALUES, max_size=3)
REQUEST_IDS = st.sampled_from(["", "", "r1", "r2", "r3"])
EPOCHS = st.sampled_from(["right"] * 8 + ["none", "low", "high"])
"""Against the floor that the execution has when the request is sent."""


@st.composite
def contents(draw: st.DrawFn) -> ExecutionSnapshot:
    fields: dict[str, Any] = {}
    if draw(st.booleans()):
        fields["labels"] = {"team": draw(st.sampled_from(["red", "blue"]))}
    if draw(st.integers(0, 3)) == 0:
        fields["snapshot_id"] = draw(st.sampled_from(["s1", "s2", "s3"]))
    if draw(st.integers(0, 3)) == 0:
        fields["user_id"] = draw(st.sampled_from(["ann", ""])) or "bob"
    return snapshot(
        draw(st.integers(0, 6)), outputs=draw(ENTRIES), variables=draw(ENTRIES), **fields
    )


@st.composite
def options(draw: st.DrawFn) -> dict[str, Any]:
    """The options of a save; `expected` is made an etag when it is sent."""
    chosen: dict[str, Any] = {
        "request_id": draw(REQUEST_IDS),
        "allow_sequence_regression": draw(st.booleans()),
        "must_not_exist": draw(st.integers(0, 5)) == 0,
    }
    chosen["epoch"] = draw(EPOCHS)
    if draw(st.integers(0, 3)) == 0:
        chosen["ttl"] = seconds(draw(st.sampled_from([0, 20, 60])))
    if not chosen["must_not_exist"] and draw(st.integers(0, 3)) == 0:
        chosen["expected"] = draw(st.booleans())
    return chosen


@st.composite
def bounds(draw: st.DrawFn) -> SnapshotCriteria:
    low, high = draw(st.integers(0, 6)), draw(st.integers(0, 6))
    return SnapshotCriteria(sequence_min=min(low, high), sequence_max=max(low, high))


@st.composite
def selectors(draw: st.DrawFn) -> SnapshotSelector:
    match draw(st.integers(0, 3)):
        case 0:
            return SnapshotSelector(version=draw(st.integers(1, 12)))
        case 1:
            return SnapshotSelector(snapshot_id=draw(st.sampled_from(["s1", "s2", "s3"])))
        case 2:
            return SnapshotSelector(latest_matching=draw(bounds()))
        case _:
            return SnapshotSelector()


class Machine(RuleBasedStateMachine):
    """A store and the model, side by side."""

    new_url: Callable[[], str] = staticmethod(lambda: "memory:")

    def __init__(self) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        self.clock = Clock()
        self.sent: list[Request] = []
        self.token = ""
        self.view: dict[str, int] = {}
        self.seen = 0

    def do(self, call: Awaitable[T]) -> T:
        async def run() -> T:
            return await call

        return self.runner.run(run())

    @initialize(retention=st.sampled_from(["all", "all", "last:2", "for:30s"]))
    def open(self, retention: str) -> None:
        keep = Retention.parse(retention)
        config = StoreConfig(clock=self.clock, retention=keep)
        store = self.do(open_store(self.new_url(), config))
        self.store = StoreTenant(store, new_tenant(), self.clock)
        self.model = Model(self.clock, keep)
        self.feed = Feed(store, Settings())

    def teardown(self) -> None:
        try:
            if hasattr(self, "store"):
                self.check_everything()
        finally:
            if hasattr(self, "store"):
                self.do(self.store.store.close())
            self.runner.close()

    def compare(
        self, call: Awaitable[T], expected: Callable[[T | None], T], request: Request | None = None
    ) -> T | None:
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
        return answer

    def picked(self, pick: int) -> str:
        """One of the executions that exist, or now and then one that may not."""
        existing = list(self.model.existing)
        return existing[pick % len(existing)] if existing and pick else "b"

    def epoch(self, name: str, chosen: str) -> int | None:
        floor = self.model.run(name).floor
        match chosen:
            case "right":
                return floor or None
            case "low":
                return max(1, floor - 1)
            case "high":
                return floor + 1
            case _:
                return None

    # Saves

    def build(
        self, name: str, content: ExecutionSnapshot | SnapshotDelta, chosen: dict[str, Any]
    ) -> SaveSnapshotRequest:
        fields = dict(chosen)
        fields["writer_epoch"] = self.epoch(name, fields.pop("epoch"))
        if "expected" in fields:
            head = self.model.run(name).head
            right = fields.pop("expected")
            fields["expected_etag"] = head.etag if head and right else "v1-0000000000000000"
        return save_request(self.store.tenant_id, name, content, **fields)

    def save(self, request: SaveSnapshotRequest) -> None:
        self.compare(
            self.store.store.save(request),
            lambda answer: self.model.save(request, answer.etag if answer else ""),
            request,
        )
        self.check(request.execution_id)

    @rule(name=NAMES, content=contents(), chosen=options())
    def save_whole(self, name: str, content: ExecutionSnapshot, chosen: dict[str, Any]) -> None:
        self.save(self.build(name, content, chosen))

    @rule(name=NAMES | FORKS, lines=st.lists(st.integers(1, 3), min_size=1, max_size=6))
    def append(self, name: str, lines: list[int]) -> None:
        """What engines do most: the same state, and a little more."""
        for line in lines:
            head = self.model.run(name).head
            content = ExecutionSnapshot()
            content.CopyFrom(head.content if head else snapshot(0))
            content.sequence_number += 1
            content.ClearField("snapshot_id")
            content.variables["k"].data += LINES.encode() * line
            self.clock.advance(1)
            self.save(self.build(name, content, {"epoch": "right"}))

    @rule(
        name=NAMES,
        content=contents(),
        removed=st.sets(KEYS, max_size=2),
        base=st.sampled_from(["head", "head", "stale", "r1", "r2"]),
        chosen=options(),
    )
    def save_delta(
        self,
        name: str,
        content: ExecutionSnapshot,
        removed: set[str],
        base: str,
        chosen: dict[str, Any],
    ) -> None:
        head = self.model.run(name).head
        by_etag = base in {"head", "stale"}
        etag = head.etag if head and base == "head" else "v9-0000000000000000"
        made = delta(
            etag if by_etag else None,
            content,
            base_request_id=None if by_etag else base,
            removed_outputs=sorted(removed - set(content.step_outputs)),
            removed_variables=sorted(removed - set(content.variables)),
        )
        self.save(self.build(name, made, chosen))

    @rule(items=st.lists(st.tuples(NAMES, contents(), options()), min_size=1, max_size=5))
    def save_many(self, items: list[tuple[str, ExecutionSnapshot, dict[str, Any]]]) -> None:
        requests = [self.build(name, content, chosen) for name, content, chosen in items]
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
        for name in {name for name, _, _ in items}:
            self.check(name)

    @rule(data=st.data())
    def send_again(self, data: st.DataObject) -> None:
        """A retry whose first answer was lost, or one that comes very late."""
        if not self.sent:
            return
        request = data.draw(st.sampled_from(self.sent[-8:]))
        self.sent.remove(request)
        if isinstance(request, SaveSnapshotRequest):
            self.save(request)
        elif isinstance(request, DeleteExecutionRequest):
            self.delete(request)
        elif isinstance(request, ForkExecutionRequest):
            self.fork(request)
        else:
            self.prune(request)

    # Claims, deletes, forks

    @rule(name=NAMES, allow_missing=st.booleans())
    def claim(self, name: str, allow_missing: bool) -> None:
        async def call() -> int:
            return (await self.store.claim(name, allow_missing=allow_missing)).writer_epoch

        self.compare(call(), lambda _: self.model.claim(name, allow_missing=allow_missing))

    def delete(self, request: DeleteExecutionRequest) -> None:
        def expected(answer: DeleteExecutionResponse | None) -> DeleteExecutionResponse:
            return self.model.delete(request, answer.resume_token if answer else "")

        self.compare(self.store.store.delete(request), expected, request)
        self.check(request.execution_id)

    @rule(name=NAMES, request_id=REQUEST_IDS, epoch=EPOCHS, wrong=st.integers(0, 5))
    def delete_execution(self, name: str, request_id: str, epoch: str, wrong: int) -> None:
        request = DeleteExecutionRequest(
            tenant_id=self.store.tenant_id,
            execution_id=name,
            request_id=request_id,
            writer_epoch=self.epoch(name, epoch),
            expected_etag="v1-0000000000000000" if wrong == 0 else None,
        )
        self.delete(request)

    def fork(self, request: ForkExecutionRequest) -> None:
        name = request.new_execution_id
        etags: dict[int, str] = {}

        def expected(answer: ForkExecutionResponse | None) -> ForkExecutionResponse:
            if answer is not None:
                etags.update(self.do(self._etags(name)))
            return self.model.fork(request, etags, answer.resume_token if answer else "")

        self.compare(self.store.store.fork(request), expected, request)
        self.check(name)

    async def _etags(self, name: str) -> dict[int, str]:
        if await self.store.head(name) is None:
            return {}  # A replay, and the fork is gone.
        return {version: each.etag for version, each in (await self.store.versions(name)).items()}

    @rule(
        pick=PICKS,
        name=FORKS,
        selector=selectors(),
        history=st.booleans(),
        sequence=st.sampled_from([None, None, 0, 3]),
        request_id=REQUEST_IDS,
    )
    def fork_execution(
        self,
        pick: int,
        name: str,
        selector: SnapshotSelector,
        history: bool,
        sequence: int | None,
        request_id: str,
    ) -> None:
        request = ForkExecutionRequest(
            tenant_id=self.store.tenant_id,
            execution_id=self.picked(pick),
            new_execution_id=name,
            selector=selector,
            include_history=history,
            sequence_number=sequence,
            request_id=request_id,
        )
        self.fork(request)

    # History

    def prune(self, request: DeleteSnapshotsRequest) -> None:
        self.compare(self.store.store.prune(request), lambda _: self.model.prune(request), request)
        self.check(request.execution_id)

    @rule(
        pick=PICKS,
        versions=st.lists(st.integers(1, 8), max_size=4, unique=True),
        criteria=st.none() | st.none() | bounds(),
        team=st.sampled_from([None, None, "red"]),
        epoch=EPOCHS,
        request_id=REQUEST_IDS,
    )
    def prune_history(
        self,
        pick: int,
        versions: list[int],
        criteria: SnapshotCriteria | None,
        team: str | None,
        epoch: str,
        request_id: str,
    ) -> None:
        name = self.picked(pick)
        labels = {"team": team} if team else {}
        self.prune(
            DeleteSnapshotsRequest(
                tenant_id=self.store.tenant_id,
                execution_id=name,
                versions=versions,
                criteria=criteria,
                labels=labels,
                all_history=not (versions or criteria or labels),
                writer_epoch=self.epoch(name, epoch),
                request_id=request_id,
            )
        )

    @rule(pause=st.sampled_from([0, 5, 25, 61, -10]), budget=st.sampled_from([7, 1000]))
    def keep_house(self, pause: float, budget: int) -> None:
        self.clock.advance(pause)
        due = self.model.due()
        while self.do(self.store.store.maintain(budget)):
            pass
        ended = self.do(self.store.changes(after=len(self.model.log)))
        assert {change.execution_id for change in ended} == due
        assert all(change.kind == service.CHANGE_KIND_EXPIRED for change in ended)
        self.model.expire([change.execution_id for change in ended])
        self.model.retain()
        self.check_everything()

    @rule(budget=st.integers(1, 5))
    def keep_house_for_a_moment(self, budget: int) -> None:
        """One slice: what it leaves half done must not show. Without a retention, and with
        nothing to expire, it must not show at all.
        """
        if self.model.retention == Retention() and not self.model.due():
            self.do(self.store.store.maintain(budget))
            self.check_everything()

    # Reads

    @rule(pick=PICKS, selector=selectors())
    def load(self, pick: int, selector: SnapshotSelector) -> None:
        name = self.picked(pick)

        async def call() -> int:
            [outline] = await self.store.store.outlines(self.store.tenant_id, name, [selector])
            return outline.header.version

        self.compare(call(), lambda _: self.model.select(name, selector))

    @rule(every=st.booleans(), over=st.booleans())
    def watch(self, every: bool, over: bool) -> None:
        """Goes on with a watch from where the last one was cut off, or starts over."""
        mode = service.WATCH_MODE_EVERY_CHANGE if every else service.WATCH_MODE_LATEST
        request = WatchSnapshotsRequest(tenant_id=self.store.tenant_id, mode=mode)
        if over or not self.token:
            request.initial_state.SetInParent()
            self.view.clear()
        else:
            request.resume_token = self.token
        revisions = self.do(self._watch(request))
        after = self.seen if request.HasField("resume_token") else len(self.model.log)
        if every:
            assert revisions == list(range(after + 1, len(self.model.log) + 1))
        else:
            assert revisions == sorted(set(revisions))
        self.seen = len(self.model.log)
        heads = {name: run.last_version for name, run in self.model.existing.items()}
        assert self.view == heads

    async def _watch(self, request: WatchSnapshotsRequest) -> list[int]:
        """Applies what a watch gives until it has caught up; returns its revisions."""
        revisions: list[int] = []
        initial = request.HasField("initial_state")
        answers = self.feed.watch(request, None, 2**20)
        try:
            async for data in answers:
                for frame in WatchSnapshotsResponse.FromString(data).frames:
                    self.token = frame.resume_token or self.token
                    kind = frame.WhichOneof("frame")
                    if kind == "caught_up":
                        return revisions
                    if kind == "initial_state_end":
                        initial = False
                    elif kind == "change":
                        self._apply(frame.change)
                        if not initial:
                            revisions.append(frame.change.snapshot.revision)
        finally:
            await answers.aclose()  # type: ignore[attr-defined]
        raise AssertionError("the watch ended before it had caught up")

    def _apply(self, change: service.SnapshotChange) -> None:
        if change.kind == service.CHANGE_KIND_SAVED:
            self.view[change.snapshot.execution_id] = change.snapshot.version
        else:
            del self.view[change.snapshot.execution_id]

    # What must hold

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
            self.equals(stored[number], name, number, version)
        some = len(self.model.log) % len(stored)
        chosen = list(stored)[some]
        assert self.do(self.store.load(name, version=chosen)) == stored[chosen]

    def equals(self, read: ExecutionSnapshot, name: str, number: int, version: Version) -> None:
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

    def check_everything(self) -> None:
        for name in self.model.runs:
            self.check(name)
        existing = self.model.existing
        heads = self.do(self.store.executions(limit=2))
        assert [head.execution_id for head in heads] == list(existing)
        history = self.do(self.store.history(limit=2))
        places = sorted(
            (
                (each.revision, number, name)
                for name, run in existing.items()
                for number, each in run.versions.items()
            ),
            reverse=True,
        )
        assert [(each.revision, each.version, each.execution_id) for each in history] == places
        self.check_log()

    def check_log(self) -> None:
        changes = self.do(self.store.changes(limit=3))
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


def _name(refusal: Refusal) -> str:
    return error_pb2.ErrorReason.Name(refusal.reason).removeprefix("ERROR_REASON_")


def test_a_store_does_what_the_model_does(store_url: str, tmp_path: Path) -> None:
    """A file is a new one for each row, so that housekeeping goes round one tenant."""
    numbers = count()

    def new_url() -> str:
        if urlsplit(store_url).scheme != "sqlite":
            return store_url
        return f"sqlite:///{tmp_path}/{next(numbers)}.db"

    class OfThisStore(Machine):
        pass

    OfThisStore.new_url = staticmethod(new_url)
    run_state_machine_as_test(OfThisStore, settings=SEARCH)
