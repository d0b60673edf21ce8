"""Lists: filters, pages, counts (DESIGN sections 2 and 4)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from stillframe.v1 import snapshot_pb2
from stillframe.v1.snapshot_pb2 import (
    ExecutionFilter,
    MapProjection,
    SnapshotCriteria,
    SnapshotProjection,
)
from tests.conformance.calls import FULL
from tests.conformance.support import (
    COMPLETED,
    IDS_IN_BYTE_ORDER,
    PAUSED,
    RUNNING,
    WAITING,
    refused,
    snapshot,
    timestamp,
)

if TYPE_CHECKING:
    from tests.conformance.calls import Api

APPROVAL = snapshot_pb2.WAIT_REASON_APPROVAL
EXTERNAL = snapshot_pb2.WAIT_REASON_EXTERNAL
TERMINAL = snapshot_pb2.STATE_CLASS_TERMINAL
RESUMABLE = snapshot_pb2.STATE_CLASS_RESUMABLE
ACTIVE = snapshot_pb2.STATE_CLASS_ACTIVE


async def names(api: Api, **where: object) -> str:
    found = await api.all_executions(filter=ExecutionFilter(**where))  # type: ignore[arg-type]
    return " ".join(each.execution_id for each in found)


async def some_runs(api: Api) -> None:
    await api.save("a1", snapshot(1, state=RUNNING, user_id="u", labels={"x": "1", "y": "1"}))
    await api.save("a2", snapshot(5, state=WAITING, wait_reason=APPROVAL, labels={"x": "1"}))
    await api.save("b1", snapshot(9, state=WAITING, wait_reason=EXTERNAL, user_id="u"))
    await api.save("b2", snapshot(0, state=PAUSED, parent_execution_id="a1", user_id="w"))
    await api.save("c1", snapshot(7, state=COMPLETED, timestamp=timestamp(50)))


@pytest.mark.parametrize(
    ("where", "expected"),
    [
        ({}, "a1 a2 b1 b2 c1"),
        ({"execution_ids": ["c1", "a2", "zz", "a2"]}, "a2 c1"),
        ({"execution_id_prefix": "b"}, "b1 b2"),
        ({"execution_id_prefix": "b1"}, "b1"),
        ({"execution_id_prefix": "zz"}, ""),
        ({"states": [RUNNING, COMPLETED]}, "a1 c1"),
        ({"state_classes": [TERMINAL]}, "c1"),
        ({"state_classes": [RESUMABLE]}, "a2 b1 b2"),
        ({"state_classes": [ACTIVE]}, "a1 a2 b1"),
        ({"state_classes": [RESUMABLE], "states": [PAUSED, RUNNING]}, "b2"),
        ({"wait_reasons": [APPROVAL]}, "a2"),
        ({"wait_reasons": [APPROVAL, EXTERNAL]}, "a2 b1"),
        ({"wait_reasons": [APPROVAL], "states": [RUNNING]}, ""),
        ({"user_id": "u"}, "a1 b1"),
        ({"user_id": "nobody"}, ""),
        ({"parent_execution_id": "a1"}, "b2"),
        ({"labels": {"x": "1"}}, "a1 a2"),
        ({"labels": {"x": "1", "y": "1"}}, "a1"),
        ({"labels": {"x": "2"}}, ""),
        ({"criteria": SnapshotCriteria(sequence_min=5, sequence_max=7)}, "a2 c1"),
        ({"criteria": SnapshotCriteria(sequence_max=0)}, "b2"),
        ({"criteria": SnapshotCriteria(timestamp_min=timestamp(50))}, "c1"),
        ({"user_id": "u", "states": [WAITING]}, "b1"),
        ({"user_id": "u", "execution_id_prefix": "a"}, "a1"),
        ({"execution_ids": ["a1", "b1"], "execution_id_prefix": "b"}, "b1"),
        ({"execution_ids": ["a1", "b1"], "labels": {"y": "1"}}, "a1"),
    ],
)
async def test_fields_are_anded_and_values_are_ored(
    api: Api, where: dict[str, object], expected: str
) -> None:
    await some_runs(api)
    assert await names(api, **where) == expected
    counted = await api.executions(filter=ExecutionFilter(**where), include_count=True)  # type: ignore[arg-type]
    assert counted.count.value == len(expected.split())
    assert not counted.count.at_least


async def test_a_list_follows_the_heads(api: Api) -> None:
    await api.save("run", snapshot(1, state=RUNNING, user_id="u", parent_execution_id="p"))
    await api.save("run", snapshot(2, state=PAUSED))
    for left in ({"states": [RUNNING]}, {"user_id": "u"}, {"parent_execution_id": "p"}):
        assert await names(api, **left) == ""
    assert await names(api, states=[PAUSED]) == "run"
    await api.delete("run")
    assert await names(api) == ""


@pytest.mark.parametrize("page_size", [1, 3, 0])
async def test_executions_come_in_the_order_of_their_bytes(api: Api, page_size: int) -> None:
    for name in reversed(IDS_IN_BYTE_ORDER):
        await api.save(name)
    found = await api.all_executions(page_size=page_size)
    assert [each.execution_id for each in found] == IDS_IN_BYTE_ORDER
    waiting = ExecutionFilter(states=[RUNNING, WAITING])
    found = await api.all_executions(page_size=page_size, filter=waiting)
    assert [each.execution_id for each in found] == IDS_IN_BYTE_ORDER


async def test_what_moves_while_one_pages_is_neither_skipped_nor_shown_twice(api: Api) -> None:
    for number in range(9):
        await api.save(f"run-{number}", snapshot(1))
    seen: list[str] = []
    token = ""
    for number in range(9):
        page = await api.executions(page_size=2, page_token=token)
        seen += [each.execution_id for each in page.executions]
        token = page.next_page_token
        # Each moves on once before it is listed, and once after.
        await api.save(f"run-{number}", snapshot(number + 2))
        await api.save(f"run-{8 - number}", snapshot(number + 20))
        if not token:
            break
    assert seen == [f"run-{number}" for number in range(9)]


async def test_a_page_token_belongs_to_its_request(api: Api) -> None:
    for number in range(4):
        await api.save(f"run-{number}")
    token = (await api.executions(page_size=2)).next_page_token
    assert len((await api.executions(page_size=1, page_token=token)).executions) == 1
    with refused("PAGE_TOKEN_MISMATCH") as told:
        await api.executions(page_token=token, filter=ExecutionFilter(user_id="u"))
    assert told.fields == ["page_token"]
    for wrong in ("x", token[:-4]):
        with refused("PAGE_TOKEN_MISMATCH"):
            await api.executions(page_token=wrong)
    with refused("PAGE_TOKEN_MISMATCH"):
        await api.snapshots(page_token=token)


async def test_metadata_counts_entries_and_a_full_view_carries_them(api: Api) -> None:
    await api.save("run", snapshot(1, outputs={"a": "1"}, variables={"b": "2"}))
    [head] = (await api.executions()).executions
    assert (len(head.step_outputs), head.omission.count) == (0, 2)
    [head] = (await api.executions(view=FULL)).executions
    assert (set(head.step_outputs), set(head.variables)) == ({"a"}, {"b"})
    projection = SnapshotProjection(variables=MapProjection(keys=["b"]))
    [head] = (await api.executions(view=FULL, projection=projection)).executions
    assert (set(head.step_outputs), set(head.variables)) == (set(), {"b"})
    assert head.omission.count == 1


async def test_a_page_ends_before_it_is_too_large(api: Api) -> None:
    for number in range(5):
        await api.save(f"run-{number}", snapshot(1, variables={"v": bytes(100_000)}))
    page = await api.executions(view=FULL, max_message_bytes=262_144)
    assert page.ByteSize() <= 262_144
    assert len(page.executions) == 2
    found = await api.all_executions(view=FULL, max_message_bytes=262_144)
    assert [len(each.variables["v"].data) for each in found] == [100_000] * 5


async def test_one_that_fits_no_page_is_cut_and_says_so(api: Api) -> None:
    await api.save("a", snapshot(1, variables={"v": bytes(600_000)}))
    await api.save("b", snapshot(1, variables={"v": b"x"}))
    found = await api.all_executions(view=FULL, max_message_bytes=262_144)
    assert [each.omission.count for each in found] == [1, 0]


async def test_history_comes_newest_first(api: Api) -> None:
    for number in range(1, 6):
        await api.save("run", snapshot(number, variables={"v": str(number)}))
        await api.save("other", snapshot(number))
    for size in (0, 2):
        found = await api.all_snapshots(execution_id="run", page_size=size, view=FULL)
        assert [each.version for each in found] == [5, 4, 3, 2, 1]
        assert [each.variables["v"].data for each in found] == [b"5", b"4", b"3", b"2", b"1"]
    everything = await api.all_snapshots(page_size=3)
    assert [each.revision for each in everything] == list(range(10, 0, -1))
    with refused("EXECUTION_NOT_FOUND"):
        await api.snapshots(execution_id="gone")


async def test_filters_test_heads_and_criteria_test_snapshots(api: Api) -> None:
    for number in (1, 2, 3):
        label = {"kind": "odd" if number % 2 else "even"}
        await api.save("done", snapshot(number, labels=label))
        await api.save("open", snapshot(number, labels=label))
    await api.save("done", snapshot(4, state=COMPLETED))
    done = ExecutionFilter(states=[COMPLETED])
    for where in (done, ExecutionFilter(execution_ids=["done"]), ExecutionFilter()):
        found = await api.all_snapshots(
            filter=where,
            criteria=SnapshotCriteria(sequence_min=2),
            labels={"kind": "odd"},
            page_size=1,
        )
        expected = ["done"] if where.ByteSize() else ["open", "done"]
        assert [each.execution_id for each in found] == expected
        assert {each.sequence_number for each in found} == {3}


async def test_history_of_what_was_deleted_is_gone(api: Api) -> None:
    await api.save("run", snapshot(1))
    await api.delete("run")
    assert not await api.all_snapshots()
    await api.save("run", snapshot(1))
    assert [each.version for each in await api.all_snapshots()] == [2]


async def test_history_can_be_paged_while_it_grows(api: Api) -> None:
    for number in range(1, 6):
        await api.save("run", snapshot(number))
    page = await api.snapshots(execution_id="run", page_size=2)
    await api.save("run", snapshot(9))
    rest = await api.snapshots(execution_id="run", page_token=page.next_page_token)
    assert [each.version for each in (*page.snapshots, *rest.snapshots)] == [5, 4, 3, 2, 1]
