"""A power cut on a disk that loses what was not synced: what was acknowledged is there.

The last test shows that the others can fail: a store that syncs less is caught.
"""

# apsw's stubs name Buffer, and Python has that from 3.12 on.
# pyright: reportUnknownMemberType=false

from __future__ import annotations

import asyncio
import random
from collections import defaultdict
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pytest

from stillframe.server.stores import open_store
from stillframe.server.stores.refusals import Refusal
from stillframe.server.stores.sqlite import connection as opening
from tests.conformance.direct import StoreTenant
from tests.conformance.support import Clock, saved_part
from tests.integration.lossy_disk import LossyDisk, lossy_disk
from tests.integration.saves import DEADLINE, gapless, tagged

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable
    from pathlib import Path

    import apsw

    from stillframe.v1.snapshot_service_pb2 import SaveSnapshotResponse

EXECUTIONS = 4
IN_FLIGHT = 3
SIZE = 60_000
"""Bytes of a snapshot: about a hundred saves make SQLite bring its WAL into the file."""
LOG_PAGES = 1_000
"""Of that WAL: fewer than a server's, so that it happens often."""


@dataclass(frozen=True)
class Acknowledged:
    """A save that was answered: it must be there for good."""

    execution_id: str
    tag: str
    answer: SaveSnapshotResponse


@dataclass
class Engines:
    """Saves without a pause until the power is cut."""

    acknowledged: list[Acknowledged] = field(default_factory=list[Acknowledged])
    sent: int = 0

    async def save_until_cut(self, tenant: StoreTenant, disk: LossyDisk, cut_at: int) -> None:
        """Cuts the power once so many saves more are answered, unless the disk does before."""
        async with asyncio.timeout(DEADLINE), asyncio.TaskGroup() as group:
            for number in range(EXECUTIONS * IN_FLIGHT):
                execution_id = f"run-{number % EXECUTIONS}"
                group.create_task(self._engine(tenant, disk, execution_id, cut_at))

    async def _engine(
        self, tenant: StoreTenant, disk: LossyDisk, execution_id: str, cut_at: int
    ) -> None:
        while not disk.dead.is_set():
            self.sent += 1
            tag = f"{execution_id}-{self.sent}"
            try:
                answer = await tenant.save(
                    execution_id, tagged(tag, SIZE), allow_sequence_regression=True
                )
            except Refusal:
                if not disk.dead.is_set():
                    raise
                return
            self.acknowledged.append(Acknowledged(execution_id, tag, answer))
            if len(self.acknowledged) >= cut_at:
                disk.cut()


@asynccontextmanager
async def opened(path: Path, vfs: str | None = None) -> AsyncGenerator[StoreTenant]:
    # Four slashes: the path is absolute.
    store = await open_store(f"sqlite:///{path}" + (f"?vfs={vfs}" if vfs else ""))
    try:
        yield StoreTenant(store, "tenant", Clock())
    finally:
        await store.close()


async def lost(tenant: StoreTenant, engines: Engines) -> list[Acknowledged]:
    """Returns the acknowledged saves that do not read back as they were saved."""
    missing: list[Acknowledged] = []
    for each in engines.acknowledged:
        try:
            read = await tenant.load(each.execution_id, version=each.answer.version)
        except Refusal:
            missing.append(each)
            continue
        if (read.etag, read.revision) != (each.answer.etag, each.answer.revision) or (
            saved_part(read) != tagged(each.tag, SIZE)
        ):
            missing.append(each)
    return missing


async def check_whole(tenant: StoreTenant) -> None:
    """Every snapshot and change is whole, without a gap, and heads are the last versions."""
    changes = await tenant.store.changes(tenant.tenant_id, 0, 100_000)
    assert gapless([each.revision for each in changes])
    versions: dict[str, list[int]] = defaultdict(list)
    for change in changes:
        version = change.header.version
        versions[change.execution_id].append(version)
        read = await tenant.load(change.execution_id, version=version)
        assert saved_part(read) == tagged(read.labels["tag"], SIZE)
    for execution_id, found in versions.items():
        assert gapless(found)
        head = await tenant.head(execution_id)
        assert head is not None
        assert head.version == len(found)


async def cut_and_restore(path: Path, into: Path, engines: Engines, plan: Plan) -> Path:
    """Saves until the power is cut, and returns the file as it is found afterwards."""
    with lossy_disk() as disk:
        async with opened(path, disk.name) as tenant:
            if plan.steps is not None:
                disk.cut_after(plan.steps)
            await engines.save_until_cut(tenant, disk, len(engines.acknowledged) + plan.saves)
            into.mkdir()
            disk.write_images(into, plan.survives)
    return into / path.name


@dataclass(frozen=True)
class Plan:
    """When the power is cut, and what of the unsynced writes survives."""

    saves: int
    """So many acknowledged saves later at the latest."""
    steps: int | None
    """So many writes and syncs later, wherever in a commit or a checkpoint that is."""
    survives: Callable[[], bool]


@pytest.fixture(autouse=True)
def short_log(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(opening, "LOG_PAGES", LOG_PAGES)


@pytest.mark.parametrize("survival", [0.0, 0.5], ids=["all-unsynced-lost", "half-unsynced-lost"])
async def test_a_power_cut_loses_nothing_acknowledged(tmp_path: Path, survival: float) -> None:
    chance = random.Random(7)
    engines = Engines()
    path = tmp_path / "s.db"
    for number in range(6):
        # Every third cut comes right after an answer, the others anywhere.
        steps = chance.randint(1, 2_500) if number % 3 else None
        plan = Plan(chance.randint(20, 100), steps, lambda: chance.random() < survival)
        path = await cut_and_restore(path, tmp_path / f"after-{number}", engines, plan)
        async with opened(path) as tenant:
            assert await lost(tenant, engines) == []
            await check_whole(tenant)
    assert len(engines.acknowledged) > 60


@pytest.mark.parametrize("level", ["OFF", "NORMAL"])
async def test_a_store_that_syncs_less_is_caught(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, level: str
) -> None:
    connect = opening.connect

    def connect_lax(path: str, vfs: str | None, *, read_only: bool = False) -> apsw.Connection:
        connection = connect(path, vfs, read_only=read_only)
        connection.execute(f"PRAGMA synchronous = {level}")
        return connection

    engines = Engines()
    with monkeypatch.context() as patch:
        patch.setattr(opening, "connect", connect_lax)
        plan = Plan(30, None, lambda: False)
        path = await cut_and_restore(tmp_path / "s.db", tmp_path / "after", engines, plan)
    async with opened(path) as tenant:
        assert await lost(tenant, engines)
