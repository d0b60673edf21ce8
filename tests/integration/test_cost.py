"""What saves and watches cost, in counts that no slow machine changes.

Each bound is what was counted, with a little room. One that has to be raised is a change
that makes every save of every user dearer: say why where it is raised. docs/performance.md
says what the counts mean in seconds.
"""

from __future__ import annotations

import base64
import random
import tracemalloc
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import apsw
import pytest

from stillframe.server.config import Settings
from stillframe.server.stores import open_store
from stillframe.server.stores.base import MIB, StoreConfig
from stillframe.server.stores.retention import Retention
from stillframe.server.stores.sqlite import bulk
from stillframe.v1.snapshot_service_pb2 import SaveSnapshotResponse
from tests.conformance.calls import EVERY_CHANGE, FULL, METADATA, NOW, start_server
from tests.conformance.direct import StoreTenant
from tests.conformance.support import Clock, delta, refused, snapshot
from tests.integration.counted import Counts, counting

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator
    from pathlib import Path

    from stillframe.v1.snapshot_pb2 import ExecutionSnapshot
    from tests.conformance.calls import Api

SAVES = 50
ENTRIES = 16

STEPS = 200
OUTPUT = 4 * 1024
"""Of the growth row in tests/bench: each step adds an output of so many bytes."""

EVENTS = 1_000


@asynccontextmanager
async def opened(folder: Path, **settings: Any) -> AsyncGenerator[tuple[StoreTenant, Counts]]:
    with counting() as (disk, counts):
        clock = Clock()
        config = StoreConfig(clock=clock, **settings)
        store = await open_store(f"sqlite:///{folder}/s.db?vfs={disk}", config)
        try:
            yield StoreTenant(store, "acme", clock), counts
        finally:
            await store.close()


def text(size: int, seed: object) -> str:
    """Text that does not compress to much less than three quarters."""
    data = random.Random(str(seed)).randbytes(size)
    return base64.b64encode(data).decode()[:size]


def state(number: int, entries: int = ENTRIES) -> ExecutionSnapshot:
    """A snapshot of which one value of 1 KiB is new in each step."""
    values = {f"key-{index:03}": text(1_000, index) for index in range(entries)}
    return snapshot(number, variables=values | {"key-000": text(1_000, f"step {number}")})


async def test_statements_and_rows_of_a_save(tmp_path: Path) -> None:
    async with opened(tmp_path) as (tenant, counts):
        await tenant.save("a", state(0), request_id="first")
        counts.reset()
        for number in range(1, SAVES + 1):
            await tenant.save("a", state(number), request_id=f"save-{number}")
        statements, rows, syncs = len(counts.statements), counts.rows, counts.syncs
        assert counts.statements.count("COMMIT") == SAVES
    # BEGIN, the four rows below, COMMIT: what a save asks is in memory.
    assert statements <= 6 * SAVES
    # The change, the head's row, the value and what it was before.
    assert rows <= 4 * SAVES
    # The log's, and now and then one that brings it into the file.
    assert syncs <= 1.2 * SAVES


async def test_a_save_costs_no_statement_for_what_stays_as_it_was(tmp_path: Path) -> None:
    found: dict[int, tuple[int, int]] = {}
    async with opened(tmp_path) as (tenant, counts):
        for entries in (ENTRIES, 16 * ENTRIES):
            await tenant.save(f"run-{entries}", state(0, entries))
            counts.reset()
            await tenant.save(f"run-{entries}", state(1, entries))
            found[entries] = len(counts.statements), counts.rows
    assert found[16 * ENTRIES] == found[ENTRIES]


async def test_a_batch_is_one_transaction(tmp_path: Path) -> None:
    async with opened(tmp_path) as (tenant, counts):
        for number in range(2):
            counts.reset()
            answers = await tenant.save_many(
                *(tenant.request(f"run-{index}", state(number)) for index in range(SAVES))
            )
            assert all(isinstance(answer, SaveSnapshotResponse) for answer in answers)
        assert counts.statements.count("COMMIT") == 1
        # BEGIN, COMMIT, and each table's rows in statements of 64, 16, 4 or 1 of them.
        assert len(counts.statements) <= 2 + 4 * 5
        assert counts.rows <= 4 * SAVES


async def test_a_load_of_a_head_that_was_saved_asks_nothing(tmp_path: Path) -> None:
    async with opened(tmp_path) as (tenant, counts):
        await tenant.save("a", state(0))
        counts.reset()
        for _ in range(SAVES):
            await tenant.load("a")
        assert counts.statements == []
        assert counts.written == counts.rows == 0


async def test_heads_do_not_stay_in_memory_when_a_commit_fails(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The writer then forgets what it counted of them, and nobody else bounds them."""

    def full(*_: object) -> None:
        raise apsw.FullError("the disk is full")

    async with opened(tmp_path) as (tenant, counts):
        await tenant.save("a", state(0))
        with monkeypatch.context() as broken, refused("STORE_UNAVAILABLE"):
            broken.setattr(bulk, "write", full)
            await tenant.save("b", state(0))
        counts.reset()
        await tenant.load("a")
        assert counts.statements


async def test_a_head_in_memory_counts_with_its_header(tmp_path: Path) -> None:
    labels = {f"label-{number}": text(500, number) for number in range(64)}
    async with opened(tmp_path, head_cache_bytes=32 * 1024) as (tenant, counts):
        await tenant.save("a", snapshot(1, labels=labels))
        counts.reset()
        await tenant.load("a")
        assert counts.statements


async def test_a_large_head_does_not_take_the_place_of_all_others(tmp_path: Path) -> None:
    async with opened(tmp_path, head_cache_bytes=MIB) as (tenant, counts):
        await tenant.save("small", state(0))
        for number in range(5):
            await tenant.save("large", state(number, 300))
        counts.reset()
        await tenant.load("small")
        assert counts.statements == []
        await tenant.load("large")
        assert counts.statements != []


async def test_what_a_batch_reads_is_bounded_in_memory(tmp_path: Path) -> None:
    """Small saves of large heads: what is read for them is far more than what they say."""
    heads = 400
    values: dict[str, str | bytes] = {"large": bytes(100_000), "small": "1"}
    async with opened(tmp_path, head_cache_bytes=0) as (tenant, _):
        bases = [await tenant.save(f"run-{n}", snapshot(1, variables=values)) for n in range(heads)]
        saves = [
            tenant.request(f"run-{n}", delta(base.etag, snapshot(2, variables={"small": "2"})))
            for n, base in enumerate(bases)
        ]
        tracemalloc.start()
        try:
            answers = await tenant.save_many(*saves)
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
        assert all(isinstance(answer, SaveSnapshotResponse) for answer in answers)
        for number in (0, heads - 1):
            head = await tenant.load(f"run-{number}")
            assert (head.version, head.variables["small"].data) == (2, b"2")
    assert peak < 0.6 * heads * 100_000


async def test_a_load_of_another_head_reads_and_no_more(tmp_path: Path) -> None:
    async with opened(tmp_path, head_cache_bytes=0) as (tenant, counts):
        await tenant.save("a", state(0))
        counts.reset()
        for _ in range(SAVES):
            await tenant.load("a")
        assert len(counts.statements) <= 4 * SAVES
        assert counts.written == counts.rows == 0


async def test_housekeeping_asks_nothing_of_tenants_that_are_quiet(tmp_path: Path) -> None:
    tenants = 600
    async with opened(tmp_path, retention=Retention.parse("last:1")) as (first, counts):
        for number in range(tenants):
            await StoreTenant(first.store, f"tenant-{number}", first.clock).save("a", state(0, 1))
        while await first.store.maintain(1_000):
            pass
        counts.reset()
        await first.store.maintain(1_000)
        assert len(counts.statements) <= 15
        last = StoreTenant(first.store, f"tenant-{tenants - 1}", first.clock)
        await last.save("a", state(1, 1))
        await first.store.maintain(1_000)
        assert [*await last.versions("a")] == [2]


async def test_what_growing_costs(tmp_path: Path) -> None:
    """The growth row of tests/bench: a step adds 4 KiB, and all of it is sent each time."""
    written: list[int] = []
    stored: list[int] = []
    async with opened(tmp_path) as (tenant, counts):
        outputs: dict[str, str] = {}
        for number in range(STEPS):
            outputs[f"step-{number:03}"] = text(OUTPUT, number)
            counts.reset()
            await tenant.save("a", snapshot(number, outputs=outputs), request_id=f"s-{number}")
            written.append(counts.written)
            stored.append(counts.pages())
        counts.reset()
    brought_in = counts.written  # by closing
    size = sum(each.stat().st_size for each in tmp_path.iterdir())
    assert size <= 1.2 * STEPS * OUTPUT
    assert sum(written) + brought_in <= 8.4 * STEPS * OUTPUT
    # The last quarter costs about what the second one does: a step's price is that of what it
    # adds. What writes vary by is where the log is brought into the file.
    quarter = STEPS // 4
    grown = [stored[-1] - stored[-quarter], stored[2 * quarter - 1] - stored[quarter - 1]]
    assert grown[0] <= 1.1 * grown[1]
    assert sum(written[-quarter:]) <= 1.5 * sum(written[quarter : 2 * quarter])


@pytest.fixture
async def api(tmp_path: Path) -> AsyncIterator[Api]:
    clock = Clock()
    settings = Settings(listen="127.0.0.1:0", maintenance_interval=3600.0)
    store = await open_store(f"sqlite:///{tmp_path}/s.db", StoreConfig(clock=clock))
    served = await start_server(settings, store, clock, "acme")
    yield served
    await served.stop()
    await store.close()


async def save_events(api: Api) -> None:
    """Saves what gives as many changes, in one transaction: one wake for the watches."""
    tenant = StoreTenant(api.store, api.tenant_id, api.clock)
    saves = (
        tenant.request(f"run-{number % 10}", snapshot(number, variables={"v": text(1_000, number)}))
        for number in range(EVENTS)
    )
    await tenant.save_many(*saves)


@pytest.mark.parametrize("view", [METADATA, FULL], ids=["metadata", "full"])
async def test_messages_of_a_thousand_events(
    api: Api, view: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    # A server may send what it has when the rest is slow to load; here no speed may count.
    monkeypatch.setattr("stillframe.server.watch.windows.FLUSH_SECONDS", 3600.0, raising=False)
    async with api.watch(**NOW, mode=EVERY_CHANGE, view=view) as watch:
        [start] = await watch.until("opened")
        await watch.until("caught_up")
        before = len(watch.message_sizes)
        await save_events(api)
        await watch.changes(EVENTS)
        messages = len(watch.message_sizes) - before
    async with api.watch(resume_token=start.resume_token, mode=EVERY_CHANGE, view=view) as resumed:
        await resumed.changes(EVENTS)
        messages_resumed = len(resumed.message_sizes)
    assert messages <= 3
    assert messages_resumed <= 4  # `opened` comes first


async def test_a_watch_that_starts_at_the_present_is_opened_with_one_message(api: Api) -> None:
    async with api.watch(**NOW) as watch:
        await watch.until("caught_up")
        assert len(watch.message_sizes) == 1
