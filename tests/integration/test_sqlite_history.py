"""History in a SQLite file: chains of patches, forks, sweeps in slices; `verify` after each."""

from __future__ import annotations

import random
from contextlib import closing
from typing import TYPE_CHECKING

import apsw
import pytest

from stillframe.server.stores import open_store, patches
from stillframe.server.stores.base import StoreConfig
from stillframe.server.stores.retention import Retention
from stillframe.server.stores.sqlite.rows import query
from stillframe.server.stores.sqlite.verifying import verify
from tests.conformance.direct import StoreTenant
from tests.conformance.support import Clock, refused, snapshot

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from stillframe.v1.snapshot_pb2 import ExecutionSnapshot

WORDS = [
    f"line {number}: what an agent says now and then, {number * 7919}\n" for number in range(60)
]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "s.db"


@pytest.fixture
async def store(path: Path) -> AsyncIterator[StoreTenant]:
    clock = Clock()
    opened = await open_store(f"sqlite:///{path}", StoreConfig(clock=clock))
    yield StoreTenant(opened, "acme", clock)
    await opened.close()


def rows_of(path: Path, sql: str) -> list[tuple[object, ...]]:
    # Through the store's own SQLite: another copy of it in one process, such as the standard
    # library's, takes the locks of the first away when it closes the file.
    with closing(apsw.Connection(str(path))) as connection:
        return list(query(connection, sql))


def sound(path: Path) -> None:
    assert verify(str(path)).problems == []


def values_at(number: int) -> dict[str, str]:
    """A list that grows, a value that changes whole, one that comes and goes, one that stays."""
    chance = random.Random(number)
    values = {
        "messages": "".join(WORDS[i % 60] * 2 for i in range(number)),
        "blob": chance.randbytes(300).hex(),
        "tiny": str(number),
        "fixed": "always the same value, longer than what is kept raw" * 2,
    }
    if number % 5:
        values["comes-and-goes"] = "there " * (number % 7 + 20)
    return values


async def run(store: StoreTenant, name: str, versions: int) -> dict[int, ExecutionSnapshot]:
    for number in range(1, versions + 1):
        await store.save(name, snapshot(number, variables=values_at(number)))
    return await store.versions(name)


async def test_a_list_that_grows_costs_a_line_a_version(store: StoreTenant, path: Path) -> None:
    for number in range(1, 101):
        text = "".join(WORDS[i % 60] for i in range(number * 3))
        await store.save("a", snapshot(number, variables={"messages": text}))
    [(kept, whole)] = rows_of(path, "SELECT sum(length(payload)), sum(size) FROM history")
    assert isinstance(kept, int)
    assert isinstance(whole, int)
    assert kept < whole / 50


async def test_chains_of_patches_are_bounded(store: StoreTenant, path: Path) -> None:
    await run(store, "a", 3 * (patches.MAX_LINKS + 1))
    [(longest,)] = rows_of(path, "SELECT max(link) FROM history")
    assert longest == patches.MAX_LINKS
    wholes = rows_of(path, "SELECT since FROM history WHERE base IS NULL AND key = 'messages'")
    assert len(wholes) == 2
    sound(path)


@pytest.mark.parametrize("seed", range(6))
async def test_what_is_kept_reads_as_before_whatever_goes(
    store: StoreTenant, path: Path, seed: int
) -> None:
    """Prunes from both ends and the middle, forks and deletes, with sweeps cut off anywhere."""
    chance = random.Random(seed)
    expected = {"a": await run(store, "a", 80)}
    for step in range(25):
        name = chance.choice(list(expected))
        versions = sorted(expected[name])
        start = chance.randrange(len(versions))
        chosen = chance.choice(
            [
                versions[:start],
                versions[start : start + chance.randint(1, 9)],
                chance.sample(versions, min(len(versions), 5)),
                versions[-5:],
            ]
        )
        if chosen:
            await store.prune(name, *chosen)
            head = versions[-1]
            expected[name] = {
                number: each
                for number, each in expected[name].items()
                if number == head or number not in chosen
            }
        if chance.random() < 0.4:
            source = chance.choice(sorted(expected[name]))
            fork = f"fork-{step}"
            await store.fork(name, fork, version=source, include_history=chance.random() < 0.7)
            expected[fork] = await store.versions(fork)
        if chance.random() < 0.3:
            number = max(expected[name]) + 1
            await store.save(name, snapshot(1_000 + step, variables=values_at(number)))
            expected[name][number] = (await store.versions(name))[number]
        await store.store.maintain(chance.randint(1, 40))
        for each, versions_of in expected.items():
            assert await store.versions(each) == versions_of
        sound(path)
    while await store.store.maintain(50):
        pass
    for name, versions_of in expected.items():
        assert await store.versions(name) == versions_of
    sound(path)
    [(unneeded,)] = rows_of(
        path,
        "SELECT count(*) FROM history WHERE NOT EXISTS (SELECT 1 FROM change"
        " WHERE change.content_id = history.content_id AND version >= since AND version < until)",
    )
    assert unneeded == 0


async def test_pruned_history_gives_its_bytes_back(store: StoreTenant, path: Path) -> None:
    await run(store, "a", 60)
    await store.prune("a", all_history=True)
    while await store.store.maintain(20):
        pass
    for table in ("history", "sweep"):
        assert rows_of(path, f"SELECT count(*) FROM {table}") == [(0,)]
    sound(path)


async def test_a_fork_with_history_is_as_small_as_its_source(
    store: StoreTenant, path: Path
) -> None:
    await run(store, "a", 70)
    await store.fork("a", "b", include_history=True)
    sizes = rows_of(
        path, "SELECT sum(length(payload)) FROM history GROUP BY content_id ORDER BY content_id"
    )
    assert len(sizes) == 2
    assert sizes[0] == sizes[1]
    for number, each in (await store.versions("b")).items():
        source = await store.load("a", version=number)
        assert each.variables == source.variables
        assert each.origin.etag == source.etag
    sound(path)


async def test_a_link_taken_out_of_the_middle_leaves_a_patch(
    store: StoreTenant, path: Path
) -> None:
    await run(store, "a", 30)
    await store.prune("a", *range(10, 20))
    while await store.store.maintain(7):
        pass
    [(form, size, whole)] = rows_of(
        path,
        "SELECT form, length(payload), size FROM history WHERE key = 'messages' AND until = 10",
    )
    assert form == patches.Form.PATCH
    assert isinstance(size, int)
    assert isinstance(whole, int)
    assert size < whole / 2


async def test_every_tenant_has_its_turn_in_slices(tmp_path: Path) -> None:
    clock = Clock()
    config = StoreConfig(clock=clock, change_log_size=3, retention=Retention.parse("last:2"))
    opened = await open_store(f"sqlite:///{tmp_path}/s.db", config)
    tenants = [StoreTenant(opened, f"tenant-{number:02}", clock) for number in range(40)]
    for tenant in tenants:
        for number in range(1, 7):
            await tenant.save("a", snapshot(number))
    slices = 1
    while await opened.maintain(10):
        slices += 1
    assert slices > 40
    for tenant in tenants:
        assert sorted(await tenant.versions("a")) == [5, 6]
        with refused("HISTORY_COMPACTED"):
            await opened.changes(tenant.tenant_id, 2, 10)
    await opened.close()


async def test_a_log_is_trimmed_to_its_end_however_small_the_slices(tmp_path: Path) -> None:
    config = StoreConfig(clock=Clock(), change_log_size=3)
    opened = await open_store(f"sqlite:///{tmp_path}/s.db", config)
    tenant = StoreTenant(opened, "acme", Clock())
    for number in range(1, 41):
        await tenant.save("a", snapshot(number))
    slices = 1
    while await opened.maintain(20):
        slices += 1
    assert slices > 5
    assert [change.revision for change in await tenant.store.changes("acme", 37, 10)] == [
        38,
        39,
        40,
    ]
    with refused("HISTORY_COMPACTED"):
        await opened.changes("acme", 36, 10)
    await opened.close()


async def test_a_damaged_value_does_not_keep_others_from_their_sweep(
    store: StoreTenant, path: Path
) -> None:
    await run(store, "a", 30)
    rows_of(path, "UPDATE history SET payload = zeroblob(9) WHERE key = 'messages'")
    await store.prune("a", *range(10, 20))
    while await store.store.maintain(50):
        pass
    left = rows_of(
        path,
        "SELECT DISTINCT key FROM history WHERE NOT EXISTS (SELECT 1 FROM change WHERE"
        " change.content_id = history.content_id AND version >= since AND version < until)",
    )
    assert left == [("messages",)]
    assert rows_of(path, "SELECT count(*) FROM sweep") == [(0,)]
    assert (await store.load("a")).sequence_number == 30
