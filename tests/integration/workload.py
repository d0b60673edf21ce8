"""All that a store can be asked, so that its statements can be looked at.

`fill` makes a store as large as it is told; `everything` then asks each thing once or a few
times, and the same of a large store as of a small one: nothing that it asks for is more
because of what `fill` has put beside it.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from stillframe.server.stores.base import StoreConfig
from stillframe.server.stores.projection import METADATA, Selection
from stillframe.server.stores.records import SnapshotFilter
from stillframe.server.stores.refusals import Refusal
from stillframe.server.stores.retention import Retention
from stillframe.v1 import snapshot_pb2
from stillframe.v1.snapshot_pb2 import (
    ExecutionFilter,
    MapProjection,
    SnapshotCriteria,
    SnapshotProjection,
)
from tests.conformance.direct import StoreTenant
from tests.conformance.support import (
    COMPLETED,
    FAILED,
    RUNNING,
    WAITING,
    Clock,
    delta,
    refused,
    seconds,
    snapshot,
)

if TYPE_CHECKING:
    from stillframe.server.stores.base import Store

TENANT = "asked"
PAGE = 10
SMALL = 80
"""Executions, at least: enough to fill every page that is asked for, twice."""
_CHUNK = 50
_STATES = (RUNNING, WAITING, COMPLETED)
_OWNERS = 2
"""Users and parents of the executions."""
_PAGES = 3
_END = "zz-"
"""Begins the names and keys that come after all that `fill` makes."""
_BUDGET = 32
"""Rows of a slice of housekeeping."""

_KEPT = 6
"""Versions that the tenants whose name begins with `kept` retain."""


def config(clock: Clock) -> StoreConfig:
    """Returns settings with which housekeeping has something of every kind to do."""
    return StoreConfig(
        clock=clock,
        # What is in memory is not asked for.
        head_cache_bytes=0,
        max_executions=1_000_000,
        change_log_size=200,
        tombstone_seconds=3600.0,
        tenant_retention={
            "kept-last": Retention.parse(f"last:{_KEPT}"),
            "kept-for": Retention.parse("for:60s"),
        },
    )


BOUNDS = {
    "lists._CHUNK": PAGE,
    "read._CHUNK": PAGE,
    "scans.MERGED_EXECUTIONS": PAGE,
    "forking._CHUNK": PAGE,
}
"""What a statement of `stores.sql` may read at most, for tests to set: less than there is of
anything in the smallest store, so that no store shows more of itself for being larger."""


@dataclass
class Filled:
    """A store with so many executions of the tenant, and about as much of everything else."""

    store: Store
    clock: Clock
    size: int

    def seen_by(self, tenant_id: str) -> StoreTenant:
        return StoreTenant(self.store, tenant_id, self.clock)

    async def fill(self) -> None:
        """Puts into the store what `everything` does not ask for."""
        tenant = self.seen_by(TENANT)
        await _save(
            tenant,
            [(_name(n), _state(n, version)) for version in range(2) for n in range(self.size)],
        )
        await _save(tenant, [("long", _state(0, version)) for version in range(self.size)])
        await _save(tenant, [(f"gone-{n:06}", _state(n, 0)) for n in range(self.size // 4)])
        for number in range(self.size // 4):
            await tenant.delete(f"gone-{number:06}")
        await _maintain(tenant)
        await tenant.fork("long", "long-fork", include_history=True)
        for number in range(self.size):
            await tenant.set_value(None, _name(number))
            await tenant.set_value(_name(number), "k", ttl=seconds(10**6))
        for number in range(self.size // 4):
            await self.seen_by(f"other-{number:06}").save("a")

    async def everything(self) -> None:
        """Asks the store for all that it can do."""
        tenant = self.seen_by(TENANT)
        await _saves(tenant)
        await _reads(tenant)
        await _lists(tenant)
        await _commits(tenant)
        await _values(tenant)
        await _watches(tenant)
        await self._housekeeping()
        await tenant.store.check()

    async def _housekeeping(self) -> None:
        """Leaves something of every kind to do, and has it done."""
        for name in ("kept-last", "kept-for"):
            tenant = self.seen_by(name)
            for version in range(3 * _KEPT):
                await tenant.save(
                    "a", _state(0, version), ttl=seconds(50) if version == 0 else None
                )
                self.clock.advance(10)
        tenant = self.seen_by("trimmed")
        await _save(tenant, [(f"run-{n % 4}", _state(0, n)) for n in range(600)])
        await tenant.set_value("run-0", "k", ttl=seconds(1))
        await tenant.set_value("run-1", "k")
        await tenant.save("expires", ttl=seconds(1))
        await tenant.delete("run-1")
        await tenant.prune("run-2", 20, 21, 22, 60)
        await _maintain(tenant)
        # Sweeps that go on while more is pruned, and patches against what has gone.
        await tenant.prune("run-3", 10, 11, 12)
        while await tenant.store.maintain(_BUDGET // 4):
            await tenant.prune("run-3", 30, 50, 70)
        self.clock.advance(2)
        await _maintain(tenant)
        self.clock.advance(4_000)
        await _maintain(tenant)


async def _maintain(tenant: StoreTenant) -> None:
    while await tenant.store.maintain(_BUDGET):
        pass


def _name(number: int) -> str:
    return f"run-{number:06}"


def _state(number: int, version: int) -> snapshot_pb2.ExecutionSnapshot:
    return snapshot(
        version + 1,
        state=_STATES[number % len(_STATES)],
        outputs={f"step-{version // 4 % 5}": f"{number} {version}"},
        variables={
            "kept": "the same",
            "grown": " ".join(f"line {each}" for each in range(40 + version % 7)),
            "new": f"{number} {version}",
        },
        user_id=f"user-{number % _OWNERS}",
        parent_execution_id=f"parent-{number % _OWNERS}",
        labels={"number": str(number % _OWNERS), "version": str(version % 8)},
        snapshot_id=f"id-{version}",
        **({"wait_reason": snapshot_pb2.WAIT_REASON_APPROVAL} if number % 3 == 1 else {}),
    )


def _at_the_end() -> snapshot_pb2.ExecutionSnapshot:
    """Makes the state of an execution that has state, user and parent for itself, so that
    whoever looks for those without an index goes past all others.
    """
    return snapshot(state=FAILED, user_id=_END, parent_execution_id=_END, labels={"end": ""})


async def _save(tenant: StoreTenant, saves: list[tuple[str, Any]]) -> None:
    """Saves many, a batch at a time."""
    for start in range(0, len(saves), _CHUNK):
        batch = [tenant.request(name, content) for name, content in saves[start : start + _CHUNK]]
        for answer in await tenant.save_many(*batch):
            if isinstance(answer, Refusal):
                raise answer


async def _saves(tenant: StoreTenant) -> None:
    first = await tenant.save("asked", _state(0, 0), request_id="first")
    await tenant.save("asked", _state(0, 0), request_id="first")
    await tenant.save("asked", _state(0, 0))
    second = await tenant.save("asked", _state(0, 1), ttl=seconds(10**6))
    await tenant.save("asked", _state(0, 1), ttl=seconds(10**7))
    with refused("ETAG_MISMATCH"):
        await tenant.save("asked", _state(0, 2), expected_etag=first.etag)
    with refused("SNAPSHOT_ID_EXISTS"):
        await tenant.save("asked", snapshot(9, snapshot_id="id-0"))
    step = snapshot(10, variables={"new": "again", "other": "one"})
    third = await tenant.save("asked", delta(second.etag, step, removed_variables=["kept"]))
    step = snapshot(11, variables={"new": "once more"})
    await tenant.save("asked", delta(third.etag, step, removed_variables=["other"]))
    await tenant.save("long", snapshot(10**6, variables={"only": "this", "grown": "anew"}))
    await _save(tenant, [(f"asked-{n % 4}", _state(n % 4, n)) for n in range(40)])
    await _save(tenant, [(f"{_END}{n:02}", _at_the_end()) for n in range(3 * PAGE)])
    for number in range(30):
        await tenant.save("asked", _state(0, number + 100))


async def _reads(tenant: StoreTenant) -> None:
    some = Selection(
        SnapshotProjection(
            variables=MapProjection(keys=["new", "grown"]),
            step_outputs=MapProjection(key_prefixes=["step-1"]),
        )
    )
    for selection in (Selection(), METADATA, some):
        await tenant.load("asked", selection)
        await tenant.load("asked", selection, version=2)
        await tenant.load("asked", selection, snapshot_id="id-1")
    criteria = SnapshotCriteria(sequence_max=1)
    await tenant.load("asked", latest_matching=criteria)
    newest = await _newest(tenant, "long")
    for version in (newest, newest - 5, 5):
        await tenant.load("long", version=version)
    await tenant.load("long", snapshot_id="id-7")
    await tenant.load("long", latest_matching=SnapshotCriteria(sequence_min=1))
    with refused("EXECUTION_NOT_FOUND"):
        await tenant.load("nothing")
    await tenant.outlines("asked", 0, 1, 12)
    await tenant.store.heads(TENANT, ["asked", "long", "nothing"])
    await tenant.head("asked")


async def _newest(tenant: StoreTenant, execution_id: str) -> int:
    head = await tenant.head(execution_id)
    assert head is not None
    return head.header.version


async def _lists(tenant: StoreTenant) -> None:
    """Asks for some pages by each filter, or counts up to two pages."""
    filters = [
        ExecutionFilter(),
        ExecutionFilter(execution_id_prefix=_END),
        ExecutionFilter(execution_ids=[_name(n) for n in range(3 * PAGE)]),
        ExecutionFilter(user_id="user-1"),
        ExecutionFilter(user_id="user-1", execution_id_prefix=_END),
        ExecutionFilter(states=[WAITING], execution_id_prefix=_END),
        ExecutionFilter(parent_execution_id="parent-1"),
        ExecutionFilter(states=[WAITING]),
        ExecutionFilter(state_classes=[snapshot_pb2.STATE_CLASS_ACTIVE]),
        ExecutionFilter(wait_reasons=[snapshot_pb2.WAIT_REASON_APPROVAL]),
        ExecutionFilter(states=[FAILED]),
        ExecutionFilter(user_id=_END),
        ExecutionFilter(parent_execution_id=_END),
        ExecutionFilter(labels={"number": "1"}),
        ExecutionFilter(user_id="user-1", states=[WAITING], labels={"number": "1"}),
        ExecutionFilter(parent_execution_id="parent-1", execution_id_prefix=_END),
    ]
    for where in filters:
        after: Any = ""
        for _ in range(_PAGES):
            listed = await tenant.store.list_executions(
                TENANT, where, after=after, limit=PAGE, selection=Selection()
            )
            after = listed.page.next or after
        await tenant.store.count_executions(TENANT, where, 2 * PAGE)
        await _histories(tenant, None, where)
    nothing = ExecutionFilter()
    await _histories(tenant, "asked", nothing)
    await _histories(tenant, "long", nothing)
    await _histories(tenant, "long-fork", nothing)
    await _histories(tenant, None, ExecutionFilter(execution_ids=["asked", "long", "long-fork"]))


async def _histories(
    tenant: StoreTenant, execution_id: str | None, executions: ExecutionFilter
) -> None:
    for labels in ({}, {"version": "1"}):
        where = SnapshotFilter(executions, SnapshotCriteria(sequence_min=1), labels)
        before: Any = None
        for _ in range(_PAGES):
            page = await tenant.store.list_snapshots(
                TENANT, execution_id, where, before=before, limit=PAGE, selection=Selection()
            )
            before = page.next or before


async def _commits(tenant: StoreTenant) -> None:
    await tenant.claim("asked-1")
    await tenant.claim("claimed", allow_missing=True)
    await tenant.fork("asked", "fork-1")
    await tenant.fork("asked", "fork-2", include_history=True)
    await tenant.fork("asked", "fork-3", version=9, include_history=True)
    await tenant.fork("asked", "fork-4", latest_matching=SnapshotCriteria(sequence_max=4))
    await tenant.fork("long", "fork-6", version=5, include_history=True)
    await tenant.prune("long", 20, 21)
    await tenant.prune("long", snapshot_ids=["id-30", "id-31"])
    await tenant.claim("long")
    await tenant.prune("asked", 5, 6)
    await tenant.prune("asked", snapshot_ids=["id-103", "id-104"])
    await tenant.prune("asked", criteria=SnapshotCriteria(sequence_max=2))
    await _maintain(tenant)
    # A fork of what waits for its sweep.
    await tenant.prune("asked", *range(12, 20))
    await tenant.fork("asked", "fork-5", include_history=True)
    await tenant.prune("fork-2", all_history=True)
    await tenant.delete("fork-2")
    await tenant.delete("never-there", request_id="delete")
    await tenant.save("fork-2")
    await _maintain(tenant)


async def _values(tenant: StoreTenant) -> None:
    for execution_id in (None, "asked", "scope-only"):
        await tenant.set_value(execution_id, "a", b"1", request_id="set")
        await tenant.set_value(execution_id, "a", b"1", request_id="set")
        await tenant.set_value(execution_id, "b", ttl=seconds(60))
        await tenant.get_value(execution_id, "a")
        await tenant.store.list_keys(TENANT, execution_id, prefix="", after="", limit=PAGE)
        await tenant.store.list_keys(TENANT, execution_id, prefix="run-", after="run-1", limit=PAGE)
        await tenant.set_value(execution_id, f"{_END}key")
        await tenant.store.list_keys(TENANT, execution_id, prefix=_END, after="", limit=PAGE)
        await tenant.delete_value(execution_id, "a")
        await tenant.delete_value(execution_id, "a")
    for key in ("b", f"{_END}key"):
        await tenant.delete_value("scope-only", key)


async def _watches(tenant: StoreTenant) -> None:
    """What a watch asks: where it is, what came after, and to be woken."""
    position = await tenant.store.position(TENANT)
    await tenant.save("asked", _state(0, 500))
    await tenant.save("asked", _state(0, 501))
    await tenant.store.position(TENANT, position.revision)
    with refused("HISTORY_COMPACTED"):
        await tenant.store.position(TENANT, 1)
    await tenant.store.changes(TENANT, position.revision, PAGE)
    await tenant.store.changes(TENANT, position.revision - 1, 1)
    await tenant.store.wait(TENANT, position.revision)
    waiting = asyncio.ensure_future(tenant.store.wait(TENANT, position.revision + 2))
    await tenant.save("asked", _state(0, 502))
    await waiting
    await tenant.store.position("nobody")
