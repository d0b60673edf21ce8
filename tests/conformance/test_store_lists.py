"""What a store must do with lists: order, filters, pages, counts."""

from __future__ import annotations

import pytest

from stillframe.server.stores.projection import EVERYTHING, METADATA, Selection
from stillframe.server.stores.records import HistoryKey, SnapshotFilter
from stillframe.v1.snapshot_pb2 import (
    ExecutionFilter,
    ExecutionSnapshot,
    MapProjection,
    SnapshotCriteria,
    SnapshotProjection,
)
from tests.conformance.direct import StoreTenant
from tests.conformance.support import (
    COMPLETED,
    IDS_IN_BYTE_ORDER,
    RUNNING,
    new_tenant,
    refused,
    saved_part,
    snapshot,
)


@pytest.mark.parametrize("limit", [1, 3, 100])
async def test_executions_are_listed_by_the_bytes_of_their_ids(
    store: StoreTenant, limit: int
) -> None:
    for name in reversed(IDS_IN_BYTE_ORDER):
        await store.save(name)

    listed = await store.executions(limit=limit)

    assert [head.execution_id for head in listed] == IDS_IN_BYTE_ORDER


@pytest.mark.parametrize(
    "prefix", ["%", "_", "a", "a ", "A", "e", "e\u0301", "\u00e9", "\uff5e", "\U0001f600"]
)
async def test_a_prefix_is_compared_by_its_bytes(store: StoreTenant, prefix: str) -> None:
    for name in IDS_IN_BYTE_ORDER:
        await store.save(name)

    where = ExecutionFilter(execution_id_prefix=prefix)

    expected = [name for name in IDS_IN_BYTE_ORDER if name.startswith(prefix)]
    assert await store.ids(where) == expected
    assert await store.store.count_executions(store.tenant_id, where, 100) == len(expected)


@pytest.mark.parametrize("name", IDS_IN_BYTE_ORDER)
async def test_an_id_matches_itself_alone(store: StoreTenant, name: str) -> None:
    for each in IDS_IN_BYTE_ORDER:
        await store.save(each, snapshot(1, user_id=each, labels={each: each}))

    assert await store.ids(ExecutionFilter(execution_ids=[name])) == [name]
    assert await store.ids(ExecutionFilter(user_id=name)) == [name]
    assert await store.ids(ExecutionFilter(labels={name: name})) == [name]


async def test_a_list_has_the_heads_alone(store: StoreTenant) -> None:
    await store.save("a", snapshot(1, variables={"old": "1"}))
    await store.save("a", snapshot(2, variables={"new": "1"}))

    [head] = await store.executions()

    assert head.version == 2
    assert saved_part(head) == snapshot(2, variables={"new": "1"})


async def test_a_list_carries_what_the_selection_asks_for(store: StoreTenant) -> None:
    await store.save("a", snapshot(1, outputs={"o": "1"}, variables={"v": "1", "w": "2"}))
    chosen = SnapshotProjection(variables=MapProjection(keys=["w"]))

    [metadata] = await store.executions(selection=METADATA)
    [projected] = await store.executions(selection=Selection(chosen))

    assert (list(metadata.variables), metadata.omission.count) == ([], 3)
    assert (list(projected.variables), projected.omission.count) == (["w"], 2)


async def test_a_page_ends_before_its_bound_of_bytes(store: StoreTenant) -> None:
    for number in range(6):
        await store.save(f"{number}", snapshot(1, variables={"v": b"x" * 100_000}))
    selection = Selection(max_bytes=400_000)

    listed = await store.store.list_executions(
        store.tenant_id, ExecutionFilter(), after="", limit=100, selection=selection
    )

    assert 0 < len(listed.page.items) < 6
    assert listed.page.next is not None
    whole = await store.executions(selection=selection)
    assert [len(head.variables["v"].data) for head in whole] == [100_000] * 6


async def test_a_list_names_the_revision_that_it_was_read_at(store: StoreTenant) -> None:
    await store.save("a")
    await store.save("b")
    listed = await store.store.list_executions(
        store.tenant_id, ExecutionFilter(), after="", limit=1, selection=METADATA
    )

    assert listed.position == await store.store.position(store.tenant_id)


async def test_a_filter_that_matches_little_pages_to_the_end(store: StoreTenant) -> None:
    for number in range(30):
        await store.save(f"{number:02}", snapshot(1, labels={"last": str(number == 29)}))

    where = ExecutionFilter(labels={"last": "True"})

    assert [head.execution_id for head in await store.executions(where, limit=2)] == ["29"]


async def test_a_count_stops_at_its_limit(store: StoreTenant) -> None:
    for number in range(7):
        await store.save(f"{number}", snapshot(1, state=COMPLETED if number % 2 else RUNNING))
    everything, done = ExecutionFilter(), ExecutionFilter(states=[COMPLETED])

    assert await store.store.count_executions(store.tenant_id, everything, 100) == 7
    assert await store.store.count_executions(store.tenant_id, everything, 7) == 7
    assert await store.store.count_executions(store.tenant_id, everything, 4) == 4
    assert await store.store.count_executions(store.tenant_id, done, 100) == 3


@pytest.mark.parametrize("limit", [1, 2, 100])
async def test_history_is_listed_by_revision_newest_first(store: StoreTenant, limit: int) -> None:
    for number, name in enumerate("abacab"):
        await store.save(name, snapshot(number))

    everything = await store.history(limit=limit)
    of_one = await store.history("a", limit=limit)

    assert [s.revision for s in everything] == [6, 5, 4, 3, 2, 1]
    assert [s.execution_id for s in everything] == list("bacaba")
    assert [(s.revision, s.version) for s in of_one] == [(5, 3), (3, 2), (1, 1)]


@pytest.mark.parametrize("limit", [1, 4, 100])
async def test_histories_that_stand_far_apart_are_merged(store: StoreTenant, limit: int) -> None:
    """Of most of them a page begins far below the head: where others have their versions."""
    number = 0
    for name, versions in (("a", 45), ("b", 50), ("c", 2), ("b", 3), ("a", 40), ("c", 1)):
        for _ in range(versions):
            number += 1
            await store.save(name, snapshot(number))
    await store.fork("a", "fork", version=60, include_history=True)
    await store.prune("a", *range(20, 40), 80)
    await store.prune("b", 1, 2, 49, 51)
    await store.save("b", snapshot(number + 1))
    names = ["a", "b", "c", "fork"]
    expected = [each for name in names for each in await store.history(name)]
    expected.sort(key=lambda each: (each.revision, each.version), reverse=True)

    listed = await store.history(executions=ExecutionFilter(execution_ids=names), limit=limit)

    assert [_place(each) for each in listed] == [_place(each) for each in expected]


def _place(each: ExecutionSnapshot) -> tuple[str, int]:
    return each.execution_id, each.version


async def test_the_history_of_a_missing_execution_is_refused(store: StoreTenant) -> None:
    await store.save("b")
    with refused("EXECUTION_NOT_FOUND"):
        await store.history("a")


async def test_the_filter_tests_heads_and_the_rest_tests_snapshots(store: StoreTenant) -> None:
    await store.save("a", snapshot(1, labels={"kept": "1"}))
    await store.save("a", snapshot(2))
    await store.save("a", snapshot(3, state=COMPLETED, labels={"kept": "1"}))
    await store.save("b", snapshot(1, state=COMPLETED, labels={"kept": "1"}))
    await store.save("b", snapshot(2, state=RUNNING))

    done = ExecutionFilter(states=[COMPLETED])
    running = ExecutionFilter(states=[RUNNING])

    def found(snapshots: list[ExecutionSnapshot]) -> list[tuple[str, int]]:
        return [(each.execution_id, each.version) for each in snapshots]

    assert found(await store.history(executions=done)) == [("a", 3), ("a", 2), ("a", 1)]
    assert found(await store.history(executions=running)) == [("b", 2), ("b", 1)]
    assert found(await store.history(labels={"kept": "1"})) == [("b", 1), ("a", 3), ("a", 1)]
    low = SnapshotCriteria(sequence_max=2)
    assert found(await store.history(executions=done, criteria=low)) == [("a", 2), ("a", 1)]


async def test_history_reads_each_snapshot_as_it_was_saved(store: StoreTenant) -> None:
    states = [
        snapshot(1, variables={"kept": "1", "changed": "1"}),
        snapshot(2, variables={"kept": "1", "changed": "2", "added": "2"}),
        snapshot(3, outputs={"kept": "1"}),
    ]
    for state in states:
        await store.save("a", state)

    assert [saved_part(each) for each in await store.history("a")] == states[::-1]


@pytest.mark.parametrize("revision", [2**40 - 1, 2**40, 2**62, 2**63 - 1])
async def test_a_place_far_above_the_newest_revision_is_the_beginning(
    store: StoreTenant, revision: int
) -> None:
    """A page token may be made up: its numbers are anything."""
    await store.save("a", snapshot(1))
    await StoreTenant(store.store, new_tenant(), store.clock).save("b", snapshot(1))
    where = SnapshotFilter(ExecutionFilter(), SnapshotCriteria(), {})
    for name in ("a", None):
        page = await store.store.list_snapshots(
            store.tenant_id,
            name,
            where,
            before=HistoryKey(revision, 2**63 - 1),
            limit=10,
            selection=EVERYTHING,
        )
        assert [each.header.execution_id for each in page.items] == ["a"]
