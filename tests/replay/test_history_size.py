"""What all versions of recorded runs cost in a SQLite file, in bytes; and that each reads
back, also after prunes from both ends and the middle.
"""

from __future__ import annotations

import random
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import pytest

from stillframe.client import JsonCodec
from stillframe.client._encoding import encode_snapshot
from stillframe.server.stores import open_store
from stillframe.server.stores.base import StoreConfig
from stillframe.server.stores.sqlite.verifying import verify
from tests.conformance.direct import StoreTenant
from tests.conformance.support import Clock, saved_part
from tests.replay.formats import open_job
from tests.replay.job import RunState
from tests.replay.test_replay import NO_DATA, RECORDED

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Iterator
    from pathlib import Path

    from stillframe.v1.snapshot_pb2 import ExecutionSnapshot
    from tests.replay.job import Job

FIRST_TIMESTAMP = 1_700_000_000_123_456_789


def snapshots(path: Path) -> Iterator[ExecutionSnapshot]:
    """Yields what an engine saves after each step of a recorded run, whole."""
    job: Job = open_job(path)
    state = RunState()
    for number, step_id in enumerate(job.step_ids):
        state.apply(step_id, job.perform(number, state))
        snapshot = state.snapshot(job, FIRST_TIMESTAMP + number * 1_000_000_007)
        yield encode_snapshot(snapshot, JsonCodec()).message()


@asynccontextmanager
async def a_store(path: Path) -> AsyncGenerator[StoreTenant]:
    clock = Clock()
    opened = await open_store(f"sqlite:///{path}", StoreConfig(clock=clock))
    try:
        yield StoreTenant(opened, "replay", clock)
    finally:
        await opened.close()


@pytest.mark.skipif(not RECORDED, reason=str(NO_DATA.mark.kwargs["reason"]))
async def test_all_versions_cost_less_than_the_final_snapshots(tmp_path: Path) -> None:
    final_bytes = versions = sent = 0
    async with a_store(tmp_path / "all.db") as every, a_store(tmp_path / "last.db") as last:
        for path in RECORDED:
            message: ExecutionSnapshot | None = None
            for message in snapshots(path):
                await every.save(path.name, message, request_id=message.snapshot_id)
                versions += 1
                sent += message.ByteSize()
            assert message is not None
            await last.save(path.name, message, request_id=message.snapshot_id)
            final_bytes += message.ByteSize()
    size = {name: (tmp_path / f"{name}.db").stat().st_size for name in ("all", "last")}
    history = size["all"] - size["last"]
    print(
        f"{versions} versions of {len(RECORDED)} runs: {sent:,} bytes were sent, the final"
        f" snapshots have {final_bytes:,}; all versions take {size['all']:,} bytes of disk, the"
        f" final ones alone {size['last']:,}: history costs {history:,},"
        f" {history / final_bytes:.2f} of the final snapshots"
    )
    assert history < final_bytes


@pytest.mark.parametrize(
    "path",
    RECORDED or [pytest.param(None, marks=NO_DATA)],
    ids=lambda path: path.name if path else "none",
)
async def test_every_version_reads_back_after_prunes(path: Path, tmp_path: Path) -> None:
    chance = random.Random(path.name)
    saved = dict(enumerate(snapshots(path), start=1))
    head = len(saved)
    file = tmp_path / "s.db"
    async with a_store(file) as store:
        for message in saved.values():
            await store.save("run", message)
        while len(saved) > 1:
            numbers = sorted(saved)
            start = chance.randrange(len(numbers))
            chosen = chance.choice(
                [numbers[: len(numbers) // 4], numbers[start : start + 5], numbers[-4:]]
            )
            await store.prune("run", *(chosen or numbers[:1]))
            for number in {*(chosen or numbers[:1])} - {head}:
                del saved[number]
            await store.store.maintain(chance.randint(1, 200))
            read = {
                number: saved_part(each) for number, each in (await store.versions("run")).items()
            }
            assert read == saved
        while await store.store.maintain(100):
            pass
        assert verify(str(file)).problems == []
