"""What a store must do when history is deleted: never the head, and nothing else's content."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from stillframe.v1 import snapshot_service_pb2 as service
from stillframe.v1.snapshot_pb2 import ExecutionFilter, SnapshotCriteria
from tests.conformance.runs import save_five
from tests.conformance.support import delta, refused, saved_part, snapshot, timestamp

if TYPE_CHECKING:
    from tests.conformance.conftest import OpenStore
    from tests.conformance.direct import StoreTenant


@pytest.fixture
async def five(store: StoreTenant) -> StoreTenant:
    """A tenant with an execution "a" of five versions, at revision 5."""
    await save_five(store)
    return store


@pytest.mark.parametrize("gone", [[1], [2], [4], [1, 2], [2, 3], [3, 4], [1, 4], [1, 2, 3, 4]])
async def test_what_is_named_goes_and_nothing_else(five: StoreTenant, gone: list[int]) -> None:
    before = await five.versions("a")
    assert await five.prune("a", *gone) == len(gone)

    await five.reads_as("a", {n: each for n, each in before.items() if n not in gone})
    for version in gone:
        with refused("SNAPSHOT_NOT_FOUND") as told:
            await five.load("a", version=version)
        assert told.metadata["selector"] == f"version {version}"
        with refused("SNAPSHOT_NOT_FOUND"):
            await five.load("a", snapshot_id=f"id{version}")


SELECTIONS: list[tuple[dict[str, Any], list[int]]] = [
    ({"versions": [2, 2, 2]}, [2]),
    ({"snapshot_ids": ["id1", "id3"]}, [1, 3]),
    ({"labels": {"step": "2"}}, [2]),
    ({"criteria": SnapshotCriteria(sequence_max=20)}, [1, 2]),
    ({"criteria": SnapshotCriteria(sequence_min=30)}, [3, 4]),
    ({"criteria": SnapshotCriteria(sequence_min=20, sequence_max=20)}, [2]),
    ({"criteria": SnapshotCriteria(timestamp_max=timestamp(2, 4))}, [1]),
    ({"criteria": SnapshotCriteria(timestamp_max=timestamp(2, 5))}, [1, 2]),
    ({"criteria": SnapshotCriteria(commit_time_min=timestamp(1_000_000_003))}, [4]),
    ({"criteria": SnapshotCriteria(commit_time_max=timestamp(1_000_000_001))}, [1, 2]),
    ({"versions": [1, 2, 3], "snapshot_ids": ["id2", "id3", "id4"]}, [2, 3]),
    ({"versions": [1, 2, 3], "criteria": SnapshotCriteria(sequence_min=20)}, [2, 3]),
    ({"snapshot_ids": ["id1", "id2"], "labels": {"step": "1"}}, [1]),
    ({"versions": [1], "labels": {"step": "2"}}, []),
    ({"labels": {"step": "2", "other": "x"}}, []),
    ({"all_history": True}, [1, 2, 3, 4]),
]


@pytest.mark.parametrize(("fields", "gone"), SELECTIONS)
async def test_all_that_is_set_must_hold(
    five: StoreTenant, fields: dict[str, Any], gone: list[int]
) -> None:
    before = await five.versions("a")
    assert await five.prune("a", **fields) == len(gone)
    await five.reads_as("a", {n: each for n, each in before.items() if n not in gone})


@pytest.mark.parametrize(
    "fields",
    [
        {"versions": [5]},
        {"snapshot_ids": ["id5"]},
        {"labels": {"step": "5"}},
        {"criteria": SnapshotCriteria(sequence_min=50)},
        {"versions": [6, 99, 2**63 - 1]},
        {"snapshot_ids": ["id", "ID1", "id1 "]},
    ],
)
async def test_the_head_and_what_does_not_exist_are_passed_over(
    five: StoreTenant, fields: dict[str, Any]
) -> None:
    before = await five.versions("a")
    assert await five.prune("a", **fields) == 0
    await five.reads_as("a", before)


async def test_an_execution_of_one_version_keeps_it(store: StoreTenant) -> None:
    await store.save("a")
    assert await store.prune("a", all_history=True) == 0
    assert list(await store.versions("a")) == [1]


async def test_what_is_gone_is_passed_over_the_next_time(five: StoreTenant) -> None:
    assert await five.prune("a", 1, 2) == 2
    assert await five.prune("a", 1, 2, 3) == 1
    assert await five.prune("a", all_history=True) == 1
    assert await five.prune("a", all_history=True) == 0


async def test_it_takes_no_revision_and_writes_no_change(five: StoreTenant) -> None:
    changes = await five.changes()
    await five.prune("a", all_history=True)
    assert await five.revision() == 5
    assert await five.changes() == changes
    assert (await five.save("a", snapshot(60))).revision == 6


async def test_another_execution_is_left_alone(five: StoreTenant) -> None:
    for number in range(1, 4):
        await five.save("b", snapshot(number, snapshot_id=f"id{number}"))
    others = await five.versions("b")
    await five.prune("a", all_history=True)
    await five.reads_as("b", others)


async def test_a_snapshot_id_is_free_once_its_snapshot_is_gone(five: StoreTenant) -> None:
    with refused("SNAPSHOT_ID_EXISTS"):
        await five.save("a", snapshot(60, snapshot_id="id2"))
    await five.prune("a", 2)

    assert (await five.save("a", snapshot(60, snapshot_id="id2"))).version == 6
    assert (await five.load("a", snapshot_id="id2")).version == 6
    with refused("SNAPSHOT_ID_EXISTS"):
        await five.save("a", snapshot(70, snapshot_id="id3"))


async def test_a_version_is_never_used_again(five: StoreTenant) -> None:
    await five.prune("a", all_history=True)
    assert (await five.save("a", snapshot(60))).version == 6
    assert list(await five.versions("a")) == [5, 6]


async def test_the_head_can_still_be_named(five: StoreTenant) -> None:
    head = await five.load("a")
    await five.prune("a", all_history=True)

    saved = await five.save("a", delta(head.etag, snapshot(60, variables={"new": "1"})))
    assert saved.version == 6
    read = await five.load("a")
    assert set(read.variables) == {"n", "new"}
    assert dict(read.step_outputs) == dict(head.step_outputs)
    same = await five.save("a", saved_part(read))
    assert same.outcome == service.SAVE_OUTCOME_UNCHANGED


async def test_the_latest_that_matches_is_of_what_is_left(five: StoreTenant) -> None:
    await five.prune("a", 3)
    bounds = SnapshotCriteria(sequence_max=39)
    assert (await five.load("a", latest_matching=bounds)).version == 2


async def test_lists_have_what_is_left(five: StoreTenant) -> None:
    await five.save("b")
    await five.prune("a", 2, 4)

    for limit in (1, 2, 100):
        assert [each.version for each in await five.history("a", limit=limit)] == [5, 3, 1]
        everything = await five.history(limit=limit)
        assert [each.execution_id for each in everything] == ["b", "a", "a", "a"]
    where = ExecutionFilter(execution_ids=["a"])
    assert len(await five.history(executions=where, labels={"step": "4"})) == 0
    assert len(await five.history(executions=where, labels={"step": "3"})) == 1


async def test_a_missing_execution_is_refused(five: StoreTenant) -> None:
    await five.save("gone")
    await five.delete("gone")
    for name in ("missing", "gone"):
        with refused("EXECUTION_NOT_FOUND") as told:
            await five.prune(name, 1)
        assert told.metadata == {"execution_id": name}


async def test_rules_are_decided_in_their_order(five: StoreTenant) -> None:
    assert await five.prune("a", 1, request_id="r", writer_epoch=3) == 1
    await five.claim("a")

    with refused("FENCED") as told:
        await five.prune("a", 2, writer_epoch=3)
    assert told.metadata["writer_epoch_floor"] == "4"
    with refused("FENCED"):
        await five.prune("a", 2)
    with refused("REQUEST_ID_REUSED"):
        await five.prune("a", 2, request_id="r", writer_epoch=3)
    assert await five.prune("a", 1, request_id="r", writer_epoch=3) == 1
    assert await five.prune("a", 2, writer_epoch=4) == 1

    await five.delete("a", writer_epoch=4)
    with refused("FENCED"):
        await five.prune("a", 3, writer_epoch=3)
    with refused("EXECUTION_NOT_FOUND"):
        await five.prune("a", 3, writer_epoch=4)
    assert await five.prune("a", 1, request_id="r", writer_epoch=3) == 1


async def test_it_raises_the_floor_even_when_it_is_refused(five: StoreTenant) -> None:
    await five.prune("a", 99, writer_epoch=5)
    with refused("FENCED"):
        await five.save("a", snapshot(60), writer_epoch=4)
    with refused("EXECUTION_NOT_FOUND"):
        await five.prune("b", 1, writer_epoch=7)
    with refused("FENCED"):
        await five.save("b", writer_epoch=6)
    assert (await five.save("b", writer_epoch=7)).version == 1


async def test_a_repeated_call_gets_the_first_answer(five: StoreTenant) -> None:
    assert await five.prune("a", all_history=True, request_id="r") == 4
    await five.save("a", snapshot(60))

    assert await five.prune("a", all_history=True, request_id="r") == 4
    assert list(await five.versions("a")) == [5, 6]
    for fields in ({"versions": [5]}, {"labels": {"k": "v"}}):
        with refused("REQUEST_ID_REUSED"):
            await five.prune("a", request_id="r", **fields)
    with refused("REQUEST_ID_REUSED"):
        await five.save("a", snapshot(70), request_id="r")


async def test_no_delta_is_based_on_a_prune(five: StoreTenant) -> None:
    await five.prune("a", 1, request_id="r")
    with refused("DELTA_BASE_MISMATCH"):
        await five.save("a", delta(None, snapshot(60), base_request_id="r"))


@pytest.mark.persistent
async def test_what_is_gone_stays_gone_after_a_reopening(opened: OpenStore) -> None:
    first = await opened()
    await save_five(first)
    assert await first.prune("a", 1, 3, request_id="r", writer_epoch=2) == 2
    before = await first.versions("a")
    await first.store.close()

    again = await opened(first.tenant_id)

    await again.reads_as("a", before)
    assert await again.prune("a", 1, 3, request_id="r", writer_epoch=2) == 2
    with refused("FENCED"):
        await again.prune("a", 2, writer_epoch=1)
