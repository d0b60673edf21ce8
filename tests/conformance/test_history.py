"""Every version reads back as it was saved, however the ones after it differ."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

import pytest

from stillframe.v1.snapshot_pb2 import (
    ExecutionSnapshot,
    MapProjection,
    Payload,
    SnapshotProjection,
)
from tests.conformance.calls import FULL
from tests.conformance.runs import a_run
from tests.conformance.support import delta, saved_part, snapshot

if TYPE_CHECKING:
    from stillframe.v1.snapshot_service_pb2 import SnapshotDelta
    from tests.conformance.calls import Api


def change(before: ExecutionSnapshot, after: ExecutionSnapshot, etag: str) -> SnapshotDelta:
    """Returns the delta that leads from one state to the next."""
    content = ExecutionSnapshot.FromString(after.SerializeToString())
    for old, new in (
        (before.step_outputs, content.step_outputs),
        (before.variables, content.variables),
    ):
        for key in [key for key in new if key in old and new[key] == old[key]]:
            del new[key]
    return delta(
        etag,
        content,
        removed_outputs=sorted(set(before.step_outputs) - set(after.step_outputs)),
        removed_variables=sorted(set(before.variables) - set(after.variables)),
    )


@pytest.mark.parametrize("way", ["full", "delta", "mixed"])
async def test_every_version_of_a_long_run_reads_back_as_it_was_saved(api: Api, way: str) -> None:
    states = a_run(seed=7)
    etag = ""
    for number, state in enumerate(states):
        by_delta = number > 0 and (way == "delta" or (way == "mixed" and number % 2 == 0))
        content: ExecutionSnapshot | SnapshotDelta = state
        if by_delta:
            content = change(states[number - 1], state, etag)
        etag = (await api.save("run", content)).etag

    for number, state in enumerate(states, start=1):
        assert saved_part(await api.load("run", version=number)) == state, number
    listed = await api.all_snapshots(execution_id="run", view=FULL, page_size=9)
    assert [saved_part(each) for each in listed] == states[::-1]
    assert saved_part(await api.load("run")) == states[-1]


async def test_a_projection_reads_old_versions_as_the_whole_does(api: Api) -> None:
    states = a_run(seed=8)[:30]
    for state in states:
        await api.save("run", state)
    chosen = SnapshotProjection(
        step_outputs=MapProjection(keys=["k1", "k4"]), variables=MapProjection(all=True)
    )

    for number, state in enumerate(states, start=1):
        read = await api.load("run", version=number, projection=chosen)
        picked = {key: state.step_outputs[key] for key in ("k1", "k4") if key in state.step_outputs}
        assert dict(read.step_outputs) == picked
        assert dict(read.variables) == dict(state.variables)
        assert read.omission.count == len(state.step_outputs) - len(picked)


async def test_a_value_that_goes_and_comes_back_is_there_where_it_was(api: Api) -> None:
    there = [True, False, False, True, True, False, True]
    for number, is_there in enumerate(there, start=1):
        await api.save("run", snapshot(number, variables={"v": "same"} if is_there else {}))

    found = [
        "v" in (await api.load("run", version=number)).variables
        for number in range(1, len(there) + 1)
    ]
    assert found == there


async def test_an_entry_that_is_empty_is_not_one_that_is_missing(api: Api) -> None:
    await api.save("run", snapshot(1, variables={"v": Payload()}))
    await api.save("run", snapshot(2))
    await api.save("run", snapshot(3, variables={"v": "1"}))

    assert list((await api.load("run", version=1)).variables) == ["v"]
    assert list((await api.load("run", version=2)).variables) == []
    assert (await api.load("run", version=1)).variables["v"] == Payload()


async def test_values_of_any_size_replace_values_of_any_other(api: Api) -> None:
    chance = random.Random(5)
    sizes = [*range(20), 47, 48, 49, 64, 127, 128, 1000, 70_000]
    values: list[bytes] = []
    for size in [*sizes, *reversed(sizes), *chance.sample(sizes, len(sizes))]:
        values += [b"x" * size, chance.randbytes(chance.choice(sizes))]
    for number, data in enumerate(values, start=1):
        await api.save("run", snapshot(number, variables={"v": data}))

    for number, data in enumerate(values, start=1):
        assert (await api.load("run", version=number)).variables["v"].data == data, number
