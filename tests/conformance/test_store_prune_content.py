"""What is kept reads as it did before, whatever of the history around it goes."""

from __future__ import annotations

import asyncio
import random
from typing import TYPE_CHECKING

import pytest

from stillframe.server.stores.projection import Selection
from stillframe.server.stores.refusals import Refusal
from stillframe.v1 import error_pb2
from stillframe.v1.snapshot_pb2 import MapProjection, SnapshotProjection
from tests.conformance.runs import a_run
from tests.conformance.support import saved_part, snapshot

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.conformance.direct import StoreTenant


WAYS: dict[str, Callable[[random.Random, list[int]], list[int]]] = {
    "oldest": lambda _, past: past[:1],
    "newest": lambda _, past: past[-1:],
    "middle": lambda _, past: [past[len(past) // 2]],
    "any": lambda chance, past: [chance.choice(past)],
    "many": lambda chance, past: chance.sample(past, chance.randint(1, len(past) // 3 + 1)),
}
"""Which of the past versions go next."""


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("seed", [1, 2])
async def test_what_is_kept_reads_as_before_whatever_goes(
    store: StoreTenant, seed: int, way: str
) -> None:
    chance = random.Random(f"{seed}{way}")
    for state in a_run(seed, 45):
        await store.save("a", state)
    await store.fork("a", "b", include_history=True, version=30)
    kept, forked = await store.versions("a"), await store.versions("b")
    later = iter(a_run(seed + 100, 60))
    while len(kept) > 3:
        gone = WAYS[way](chance, sorted(kept)[:-1])
        assert await store.prune("a", *gone) == len(gone)
        for version in gone:
            del kept[version]
        if chance.random() < 0.3:
            await store.maintain()
        if chance.random() < 0.3:
            saved = await store.save("a", next(later), allow_sequence_regression=True)
            kept[saved.version] = await store.load("a")
        if len(kept) % 5 == 0:
            await store.reads_as("a", kept)
    await store.reads_as("a", kept)
    await store.reads_as("b", forked)


async def test_a_projection_reads_what_is_left_as_the_whole_does(store: StoreTenant) -> None:
    for state in a_run(9, 30):
        await store.save("a", state)
    before = await store.versions("a")
    gone = random.Random(9).sample(range(1, 30), 18)
    await store.prune("a", *gone)
    chosen = SnapshotProjection(
        step_outputs=MapProjection(keys=["k1", "k4"]), variables=MapProjection(all=True)
    )

    for version in set(before) - set(gone):
        read = await store.load("a", Selection(chosen), version=version)
        whole = before[version]
        picked = {key: whole.step_outputs[key] for key in ("k1", "k4") if key in whole.step_outputs}
        assert dict(read.step_outputs) == picked
        assert dict(read.variables) == dict(whole.variables)
        assert read.omission.count == len(whole.step_outputs) - len(picked)


async def test_a_read_among_prunes_is_whole_or_refused(store: StoreTenant) -> None:
    states = a_run(11, 30)
    for state in states:
        await store.save("a", state)

    async def prunes() -> None:
        for version in random.Random(11).sample(range(1, 30), 29):
            await store.prune("a", version)

    async def reads() -> None:
        for version in [*range(1, 30)] * 2:
            try:
                read = await store.load("a", version=version)
            except Refusal as refusal:
                reasons.add(refusal.reason)
            else:
                assert saved_part(read) == states[version - 1]

    reasons: set[int] = set()
    await asyncio.gather(prunes(), reads(), reads())
    assert reasons <= {error_pb2.ERROR_REASON_SNAPSHOT_NOT_FOUND}
    assert list(await store.versions("a")) == [30]


async def test_a_large_value_is_there_after_its_neighbours_went(store: StoreTenant) -> None:
    grows = random.Random(5).randbytes(2_500_000)
    for number in range(1, 7):
        await store.save(
            "a", snapshot(number, variables={"grows": grows[: 400_000 * number], "n": str(number)})
        )
    kept = await store.versions("a")
    for version in (3, 5, 1, 4):
        await store.prune("a", version)
        del kept[version]
        await store.maintain()
        await store.reads_as("a", kept)


async def test_an_entry_that_comes_back_is_where_it_was(store: StoreTenant) -> None:
    there = [True, False, True, True, False, False, True, False]
    for number, is_there in enumerate(there, start=1):
        await store.save("a", snapshot(number, variables={"v": "same"} if is_there else {}))
    kept = await store.versions("a")
    for version in (2, 4, 6, 1, 5, 7):
        await store.prune("a", version)
        del kept[version]
        await store.reads_as("a", kept)
