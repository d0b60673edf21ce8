"""Any row of operations leaves a store as the plain model says, with the same answers.

Hypothesis makes the rows up and shortens those that fail. A longer search:
`HYPOTHESIS_PROFILE=long pytest tests/conformance/test_state_machine.py`.
"""

from __future__ import annotations

import asyncio
import os
from hashlib import shake_128
from itertools import count
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    rule,
    run_state_machine_as_test,
)

from stillframe.server.stores import open_store
from stillframe.server.stores.base import StoreConfig
from stillframe.server.stores.retention import Retention
from stillframe.v1 import snapshot_service_pb2 as service
from stillframe.v1.snapshot_pb2 import ExecutionSnapshot, SnapshotCriteria
from stillframe.v1.snapshot_service_pb2 import (
    DeleteExecutionRequest,
    DeleteSnapshotsRequest,
    ForkExecutionRequest,
    SaveSnapshotRequest,
    SnapshotSelector,
)
from stillframe.v1.working_memory_service_pb2 import (
    DeleteValueRequest,
    GetValueRequest,
    SetValueRequest,
)
from tests.conformance.direct import StoreTenant
from tests.conformance.pair import Pair
from tests.conformance.support import Clock, delta, new_tenant, save_request, seconds, snapshot
from tests.databases import fresh

if TYPE_CHECKING:
    from pathlib import Path

    from stillframe.v1.snapshot_service_pb2 import SnapshotDelta
    from tests.conformance.model import Run

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
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
    database=None,
)

NOT_AN_ETAG = "v9-0000000000000000"

NAMES = st.sampled_from(["a", "a", "B"])
FORKS = st.sampled_from(["a", "B", "c", "c", "\u00e9", "\u00e9"])
PICKS = st.integers(0, 9)
KEYS = st.sampled_from(["k", "l", "\u00e9", "Z"])
LINES = "what an agent says, line after line; "
NOISE = shake_128(b"noise").hexdigest(50)[:99]
VALUES = st.sampled_from(["", "x", "short", *(LINES * n for n in (2, 3, 40, 41)), NOISE])
ENTRIES = st.dictionaries(KEYS, VALUES, max_size=3)
REQUEST_IDS = st.sampled_from(["", "new", "new", "new", "new", "r1", "r2"])
EPOCHS = st.sampled_from(["right"] * 10 + ["none", "low", "high"])
"""Against the floor that the execution has when the request is sent."""
RARELY = st.integers(0, 9).map(lambda number: number == 9)
SNAPSHOT_IDS = st.sampled_from(["s1", "s2", "s3"])
SCOPES = st.sampled_from(["a", "a", "B", "c", None])
NOT_A_VALUE = "m-0000000000000000"


@st.composite
def contents(draw: st.DrawFn) -> ExecutionSnapshot:
    fields: dict[str, Any] = {}
    if draw(st.booleans()):
        fields["labels"] = {"team": draw(st.sampled_from(["red", "blue"]))}
    if draw(st.integers(0, 3)) == 0:
        fields["snapshot_id"] = draw(SNAPSHOT_IDS)
    if draw(st.integers(0, 3)) == 0:
        fields["user_id"] = draw(st.sampled_from(["ann", "bob"]))
    return snapshot(
        draw(st.integers(0, 6)), outputs=draw(ENTRIES), variables=draw(ENTRIES), **fields
    )


@st.composite
def options(draw: st.DrawFn) -> dict[str, Any]:
    """The options of a save; epoch, request_id and expected become fields when it is sent."""
    chosen: dict[str, Any] = {
        "epoch": draw(EPOCHS),
        "request_id": draw(REQUEST_IDS),
        "allow_sequence_regression": draw(st.integers(0, 3)) > 0,
        "must_not_exist": draw(RARELY),
    }
    if draw(st.integers(0, 3)) == 0:
        chosen["ttl"] = seconds(draw(st.sampled_from([0, 20, 60])))
    if not chosen["must_not_exist"] and draw(st.integers(0, 3)) == 0:
        chosen["expected"] = draw(st.sampled_from(["right", "right", "wrong"]))
    return chosen


@st.composite
def bounds(draw: st.DrawFn) -> SnapshotCriteria:
    low, high = draw(st.integers(0, 6)), draw(st.integers(0, 6))
    return SnapshotCriteria(sequence_min=min(low, high), sequence_max=max(low, high))


@st.composite
def selectors(draw: st.DrawFn) -> SnapshotSelector:
    match draw(st.integers(0, 4)):
        case 0:
            return SnapshotSelector(version=draw(st.integers(1, 8)))
        case 1:
            return SnapshotSelector(snapshot_id=draw(SNAPSHOT_IDS))
        case 2:
            return SnapshotSelector(latest_matching=draw(bounds()))
        case _:
            return SnapshotSelector()


class Machine(RuleBasedStateMachine):
    """Makes up what the pair of store and model is asked."""

    def __init__(self) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        self.clock = Clock()
        self.request_ids = count()
        self.pair: Pair | None = None

    def new_url(self) -> str:
        raise NotImplementedError

    @initialize(
        retention=st.sampled_from(["last:2", "for:30s", "all"]),
        saved=st.integers(2, 6),
        # None, about one execution's, and all.
        head_cache_bytes=st.sampled_from([0, 8_000, 2**26, 2**26]),
    )
    def open(self, retention: str, saved: int, head_cache_bytes: int) -> None:
        keep = Retention.parse(retention)
        config = StoreConfig(clock=self.clock, retention=keep, head_cache_bytes=head_cache_bytes)
        store = self.runner.run(open_store(self.new_url(), config))
        self.pair = Pair(self.runner, StoreTenant(store, new_tenant(), self.clock), keep)
        self.append("a", [1] * saved)

    def teardown(self) -> None:
        try:
            if self.pair is not None:
                self.pair.check_everything()
        finally:
            if self.pair is not None:
                self.runner.run(self.pair.store.store.close())
            self.runner.close()

    @property
    def both(self) -> Pair:
        assert self.pair is not None
        return self.pair

    @property
    def tenant_id(self) -> str:
        return self.both.store.tenant_id

    def run(self, name: str) -> Run:
        return self.both.model.run(name)

    def picked(self, pick: int) -> str:
        """One of the executions that exist, or now and then one that may not."""
        existing = list(self.both.model.existing)
        return existing[pick % len(existing)] if existing and pick < 9 else "B"

    def fence(self, name: str, epoch: str, request_id: str) -> dict[str, Any]:
        """Returns the fields that every call has that writes."""
        floor = self.run(name).floor
        epochs = {"right": floor or None, "low": max(1, floor - 1), "high": floor + 1}
        fresh = f"new{next(self.request_ids)}"
        return {
            "writer_epoch": epochs.get(epoch),
            "request_id": fresh if request_id == "new" else request_id,
        }

    # Saves

    def build(
        self, name: str, content: ExecutionSnapshot | SnapshotDelta, chosen: dict[str, Any]
    ) -> SaveSnapshotRequest:
        fields = dict(chosen)
        fields |= self.fence(name, fields.pop("epoch"), fields["request_id"])
        expected = fields.pop("expected", None)
        if expected is not None:
            head = self.run(name).head
            fields["expected_etag"] = head.etag if head and expected == "right" else NOT_AN_ETAG
        return save_request(self.tenant_id, name, content, **fields)

    @rule(name=NAMES, content=contents(), chosen=options())
    def save(self, name: str, content: ExecutionSnapshot, chosen: dict[str, Any]) -> None:
        self.both.send(self.build(name, content, chosen))

    @rule(name=NAMES | FORKS, lines=st.lists(st.integers(1, 3), min_size=1, max_size=6))
    def append(self, name: str, lines: list[int]) -> None:
        """What engines do most: the same state, and a little more."""
        for line in lines:
            head = self.run(name).head
            content = ExecutionSnapshot()
            content.CopyFrom(head.content if head else snapshot(0))
            content.sequence_number += 1
            content.ClearField("snapshot_id")
            content.variables["k"].data += LINES.encode() * line
            self.clock.advance(1)
            self.both.send(self.build(name, content, {"epoch": "right", "request_id": "new"}))

    @rule(pick=PICKS, chosen=options())
    def save_the_same(self, pick: int, chosen: dict[str, Any]) -> None:
        name = self.picked(pick)
        head = self.run(name).head
        self.both.send(self.build(name, head.content if head else snapshot(), chosen))

    @rule(
        pick=PICKS,
        content=contents(),
        removed=st.sets(KEYS, max_size=2),
        base=st.sampled_from(["head", "head", "request", "request", "stale", "unknown"]),
        chosen=options(),
    )
    def save_delta(
        self,
        pick: int,
        content: ExecutionSnapshot,
        removed: set[str],
        base: str,
        chosen: dict[str, Any],
    ) -> None:
        name = self.picked(pick)
        head, answers = self.run(name).head, list(self.run(name).answers)
        etag = head.etag if head and base == "head" else NOT_AN_ETAG
        request_id = answers[-1] if answers and base == "request" else "unknown"
        made = delta(
            etag if base in {"head", "stale"} else None,
            content,
            base_request_id=request_id if base in {"request", "unknown"} else None,
            removed_outputs=sorted(removed - set(content.step_outputs)),
            removed_variables=sorted(removed - set(content.variables)),
        )
        self.both.send(self.build(name, made, chosen))

    @rule(items=st.lists(st.tuples(NAMES, contents(), options()), min_size=1, max_size=5))
    def save_many(self, items: list[tuple[str, ExecutionSnapshot, dict[str, Any]]]) -> None:
        self.both.save_many([self.build(*item) for item in items])

    @rule(back=st.integers(1, 8))
    def send_again(self, back: int) -> None:
        """A retry whose first answer was lost, or one that comes very late."""
        sent = self.both.sent
        if sent:
            self.both.send(sent.pop(-min(back, len(sent))))

    # Claims, deletes, forks

    @rule(name=NAMES, allow_missing=st.booleans())
    def claim(self, name: str, allow_missing: bool) -> None:
        self.both.claim(name, allow_missing=allow_missing)

    @rule(pick=PICKS, request_id=REQUEST_IDS, epoch=EPOCHS, wrong=RARELY)
    def delete(self, pick: int, request_id: str, epoch: str, wrong: bool) -> None:
        name = self.picked(pick)
        self.both.send(
            DeleteExecutionRequest(
                tenant_id=self.tenant_id,
                execution_id=name,
                expected_etag=NOT_AN_ETAG if wrong else None,
                **self.fence(name, epoch, request_id),
            )
        )

    @rule(
        pick=PICKS,
        name=FORKS,
        selector=selectors(),
        history=st.booleans(),
        sequence=st.sampled_from([None, None, 0, 3]),
        request_id=REQUEST_IDS,
    )
    def fork(
        self,
        pick: int,
        name: str,
        selector: SnapshotSelector,
        history: bool,
        sequence: int | None,
        request_id: str,
    ) -> None:
        self.both.send(
            ForkExecutionRequest(
                tenant_id=self.tenant_id,
                execution_id=self.picked(pick),
                new_execution_id=name,
                selector=selector,
                include_history=history,
                sequence_number=sequence,
                request_id=self.fence(name, "none", request_id)["request_id"],
            )
        )

    # History

    @rule(pick=PICKS, places=st.lists(PICKS, max_size=4), epoch=EPOCHS, request_id=REQUEST_IDS)
    def prune(self, pick: int, places: list[int], epoch: str, request_id: str) -> None:
        """Deletes versions by their place among those that there are; without any, all."""
        name = self.picked(pick)
        there = sorted(self.run(name).versions) or [1]
        versions = [there[place % len(there)] for place in places]
        self.prune_what(name, epoch, request_id, versions=versions, all_history=not versions)

    @rule(pick=PICKS, criteria=bounds(), team=st.sampled_from([None, "red"]), epoch=EPOCHS)
    def prune_what_matches(
        self, pick: int, criteria: SnapshotCriteria, team: str | None, epoch: str
    ) -> None:
        labels = {"team": team} if team else {}
        self.prune_what(self.picked(pick), epoch, "new", criteria=criteria, labels=labels)

    @rule(pick=PICKS, snapshot_ids=st.sets(SNAPSHOT_IDS, min_size=1))
    def prune_ids(self, pick: int, snapshot_ids: set[str]) -> None:
        self.prune_what(self.picked(pick), "right", "", snapshot_ids=sorted(snapshot_ids))

    def prune_what(self, name: str, epoch: str, request_id: str, **fields: Any) -> None:
        fields |= self.fence(name, epoch, request_id)
        self.both.send(
            DeleteSnapshotsRequest(tenant_id=self.tenant_id, execution_id=name, **fields)
        )

    # The working memory

    def value_etag(self, scope: str | None, key: str, expected: str | None) -> str | None:
        there = self.both.model.values.there(scope, key)
        if expected is None:
            return None
        return there.etag if there and expected == "right" else NOT_A_VALUE

    @rule(
        scope=SCOPES,
        key=KEYS,
        value=VALUES,
        ttl=st.sampled_from([None, None, None, 5, 20, 60]),
        request_id=REQUEST_IDS,
        condition=st.sampled_from([None, None, None, "new", "right", "right", "wrong"]),
    )
    def set_value(
        self,
        scope: str | None,
        key: str,
        value: str,
        ttl: int | None,
        request_id: str,
        condition: str | None,
    ) -> None:
        new = condition == "new"
        self.both.send(
            SetValueRequest(
                tenant_id=self.tenant_id,
                execution_id=scope,
                key=key,
                value=value.encode(),
                ttl=None if ttl is None else seconds(ttl),
                expected_etag=self.value_etag(scope, key, None if new else condition),
                must_not_exist=new,
                request_id=self.fence("a", "none", request_id)["request_id"],
            )
        )

    @rule(scope=SCOPES, key=KEYS, pause=st.sampled_from([0, 0, 5, 20]))
    def get_value(self, scope: str | None, key: str, pause: int) -> None:
        self.clock.advance(pause)
        self.both.get_value(GetValueRequest(tenant_id=self.tenant_id, execution_id=scope, key=key))

    @rule(scope=SCOPES, key=KEYS, expected=st.sampled_from([None, "right", "wrong"]))
    def delete_value(self, scope: str | None, key: str, expected: str | None) -> None:
        self.both.delete_value(
            DeleteValueRequest(
                tenant_id=self.tenant_id,
                execution_id=scope,
                key=key,
                expected_etag=self.value_etag(scope, key, expected),
            )
        )

    @rule(scope=SCOPES, prefix=st.just("") | KEYS, limit=st.integers(1, 4))
    def list_keys(self, scope: str | None, prefix: str, limit: int) -> None:
        self.both.list_keys(scope, prefix, limit)

    @rule(pause=st.sampled_from([0, 5, -10]), budget=st.sampled_from([2, 1000]))
    def keep_house(self, pause: int, budget: int) -> None:
        self.clock.advance(pause)
        self.both.keep_house(budget)

    @rule(pause=st.sampled_from([25, 61]))
    def sleep_and_keep_house(self, pause: int) -> None:
        self.clock.advance(pause)
        self.both.keep_house(1000)

    @rule(budget=st.integers(1, 5))
    def keep_house_for_a_moment(self, budget: int) -> None:
        self.both.keep_house_for_a_moment(budget)

    # Reads

    @rule(pick=PICKS, selector=selectors())
    def select(self, pick: int, selector: SnapshotSelector) -> None:
        self.both.select(self.picked(pick), selector)

    @rule(every=st.booleans(), full=st.booleans(), over=RARELY)
    def watch(self, every: bool, full: bool, over: bool) -> None:
        self.both.watch(
            service.WATCH_MODE_EVERY_CHANGE if every else service.WATCH_MODE_LATEST,
            service.SNAPSHOT_VIEW_FULL if full else service.SNAPSHOT_VIEW_METADATA,
            start_over=over,
        )


def test_a_store_does_what_the_model_does(store_url: str, tmp_path: Path) -> None:
    """A file, or a schema, is a new one for each row, so that housekeeping goes round one
    tenant.
    """
    numbers = count()

    class OfThisStore(Machine):
        def new_url(self) -> str:
            match urlsplit(store_url).scheme:
                case "sqlite":
                    return f"sqlite:///{tmp_path}/{next(numbers)}.db"
                case "postgresql":
                    return fresh(store_url)
                case _:
                    return store_url

    run_state_machine_as_test(OfThisStore, settings=SEARCH)
