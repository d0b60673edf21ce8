"""A watch with initial state, while other processes save at full speed, ends with the truth."""

from __future__ import annotations

import asyncio
import sys
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from stillframe.testing import ServerProcess
from stillframe.v1 import snapshot_service_pb2 as service
from stillframe.v1.snapshot_pb2 import ExecutionFilter
from tests.conformance.calls import EVERY_CHANGE, LATEST, LEFT_FILTER, SAVED
from tests.conformance.support import RUNNING, new_tenant, save_request, snapshot
from tests.integration.saves import DEADLINE, Tenant, gapless

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator, Iterator

    from stillframe.v1.snapshot_pb2 import ExecutionSnapshot
    from stillframe.v1.snapshot_service_pb2 import SnapshotChange, WatchFrame, WatchMode

ROOT = Path(__file__).parents[2]

SEEDED = 90
"""Executions that are there before the watch: more than one message of initial state."""
SEED_BYTES = 16_000
WRITERS = 2
CUTS = 4
END = "~the-end"
"""An execution that is saved once, last of all, and that every filter here matches."""

EVERYTHING = ExecutionFilter()
STATE = ExecutionFilter(states=[RUNNING])
LABEL = ExecutionFilter(labels={"team": "red"})


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    folder = tmp_path_factory.mktemp("watch")
    with ServerProcess(f"sqlite:///{folder}/stillframe.db", cwd=folder) as process:
        yield process


@pytest.fixture
async def tenant(server: ServerProcess) -> AsyncIterator[Tenant]:
    async with asyncio.timeout(DEADLINE), Tenant(server.address, new_tenant()) as opened:
        yield opened


@asynccontextmanager
async def writers(tenant: Tenant) -> AsyncGenerator[list[asyncio.subprocess.Process]]:
    """Runs writers, all of which are at work when the block begins."""
    processes = [
        await asyncio.create_subprocess_exec(
            sys.executable, "-m", "tests.integration.writer",
            tenant.address, tenant.tenant_id, f"writer-{number}",
            stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, cwd=ROOT,
        )
        for number in range(WRITERS)
    ]  # fmt: skip
    try:
        for process in processes:
            assert process.stdout is not None
            assert await process.stdout.readline() == b"ready\n"
        yield processes
    finally:
        for process in processes:
            if process.returncode is None:
                process.kill()
                await process.communicate()


async def finish(processes: list[asyncio.subprocess.Process]) -> None:
    for process in processes:
        await process.communicate(b"")  # the end of its stdin
        assert process.returncode == 0


@dataclass
class View:
    """What a client makes of the frames: the state, and how it came to it."""

    request: service.WatchSnapshotsRequest
    state: dict[str, ExecutionSnapshot] = field(default_factory=dict[str, "ExecutionSnapshot"])
    initial: dict[str, ExecutionSnapshot] | None = None
    """The state at the end of the initial state."""
    changes: list[SnapshotChange] = field(default_factory=list["SnapshotChange"])
    """The changes after it."""
    token: str = ""

    def apply(self, frame: WatchFrame) -> None:
        kind = frame.WhichOneof("frame")
        if self.initial is None:
            assert kind in {"opened", "change", "initial_state_end"}
            assert bool(frame.resume_token) == (kind == "initial_state_end")
        elif kind != "opened":
            assert frame.resume_token
        if frame.resume_token:
            self.token = frame.resume_token
        if kind == "change":
            self._change(frame.change)
        elif kind == "initial_state_end":
            assert self.initial is None
            assert frame.initial_state_end.execution_count == len(self.state)
            self.initial = dict(self.state)

    def _change(self, change: SnapshotChange) -> None:
        execution_id = change.snapshot.execution_id
        if change.kind == SAVED:
            self.state[execution_id] = change.snapshot
        elif self.initial is None:
            self.state.pop(execution_id, None)
        else:
            # Only what matched can leave. A reader of the latest may not have seen it enter.
            known = self.state.pop(execution_id, None)
            assert known is not None or self.request.mode == LATEST
        if self.initial is not None:
            self.changes.append(change)

    def next_request(self) -> service.WatchSnapshotsRequest:
        """Builds the request that goes on from here; before the end of the initial state,
        one that starts over.
        """
        request = service.WatchSnapshotsRequest()
        request.CopyFrom(self.request)
        if self.initial is None:
            self.state.clear()
            request.initial_state.SetInParent()
        else:
            request.resume_token = self.token
        return request


async def follow(tenant: Tenant, view: View, changes: int) -> None:
    """Watches until so many changes more have come after the initial state; cuts it off."""
    async with tenant.watch(view.next_request()) as watch:
        wanted = len(view.changes) + changes
        while view.initial is None or len(view.changes) < wanted:
            frame = await watch.frame()
            assert frame is not None, "the watch ended"
            view.apply(frame)


async def follow_to_end(tenant: Tenant, view: View) -> None:
    async with tenant.watch(view.next_request()) as watch:
        while END not in view.state:
            frame = await watch.frame()
            assert frame is not None, "the watch ended"
            view.apply(frame)


async def cut_in_initial_state(tenant: Tenant, view: View) -> None:
    """Reads one message of the initial state and is cut off."""
    async with tenant.watch(view.next_request()) as watch:
        for _ in range(SEEDED // 3):
            frame = await watch.frame()
            assert frame is not None, "the watch ended"
            view.apply(frame)
    assert view.initial is None
    assert view.state


async def seed(tenant: Tenant) -> None:
    async with asyncio.TaskGroup() as group:
        for number in range(SEEDED):
            filler = f"{number} " * (SEED_BYTES // len(f"{number} "))
            content = snapshot(number, variables={"filler": filler}, labels={"team": "red"})
            request = save_request(tenant.tenant_id, f"run-{number:03}", content)
            group.create_task(tenant.save(request))


@pytest.mark.parametrize("where", [EVERYTHING, STATE, LABEL], ids=["all", "state", "label"])
@pytest.mark.parametrize("mode", [LATEST, EVERY_CHANGE], ids=["latest", "every-change"])
async def test_a_watch_ends_with_what_a_list_gives(
    tenant: Tenant, mode: WatchMode.ValueType, where: ExecutionFilter
) -> None:
    beginning = await tenant.beginning()
    await seed(tenant)
    request = service.WatchSnapshotsRequest(
        filter=where, mode=mode, view=service.SNAPSHOT_VIEW_FULL
    )
    view = View(request)
    async with writers(tenant) as processes:
        await cut_in_initial_state(tenant, view)
        for number in range(CUTS):
            await follow(tenant, view, changes=10 + 10 * number)
        await finish(processes)
    last = snapshot(state=RUNNING, labels={"team": "red"})
    await tenant.save(save_request(tenant.tenant_id, END, last))
    await follow_to_end(tenant, view)

    listed = await tenant.heads(service.ListExecutionsRequest(filter=where))
    assert view.state == listed
    await check_changes(tenant, view, beginning)


async def check_changes(tenant: Tenant, view: View, beginning: str) -> None:
    """Compares what was delivered with the change log, seen through the same filter."""
    log = await tenant.changes_after(
        beginning, service.WatchSnapshotsRequest(filter=view.request.filter)
    )
    if view.request.filter == EVERYTHING:
        assert gapless([each.snapshot.revision for each in log])
    history = [(each.snapshot.revision, each.snapshot.execution_id, each.kind) for each in log]
    seen = [(c.snapshot.revision, c.snapshot.execution_id, c.kind) for c in view.changes]
    assert seen == sorted(set(seen)), "out of order, or twice"
    assert set(seen) <= set(history)
    if view.request.mode == LATEST:
        return
    # Without a gap: everything from some revision on, and the initial state is all before.
    assert seen == history[-len(seen) :]
    state: dict[str, int] = {}
    for revision, execution_id, kind in history[: -len(seen)]:
        if kind == SAVED:
            state[execution_id] = revision
        else:
            del state[execution_id]
    assert view.initial is not None
    assert {name: each.revision for name, each in view.initial.items()} == state
    if view.request.filter != EVERYTHING:
        assert any(kind == LEFT_FILTER for _, _, kind in seen)
