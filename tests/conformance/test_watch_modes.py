"""Modes and kinds: which changes a watch delivers, and what it calls them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from stillframe.v1 import snapshot_pb2
from stillframe.v1.snapshot_pb2 import ExecutionFilter, SnapshotCriteria
from tests.conformance.calls import (
    DELETED,
    EVERY_CHANGE,
    EXPIRED,
    LATEST,
    LEFT_FILTER,
    NOW,
    SAVED,
)
from tests.conformance.support import (
    COMPLETED,
    FAILED,
    PAUSED,
    RUNNING,
    SECOND,
    WAITING,
    seconds,
    snapshot,
    timestamp,
)

if TYPE_CHECKING:
    from stillframe.v1.snapshot_pb2 import ExecutionSnapshot
    from stillframe.v1.snapshot_service_pb2 import SnapshotChange
    from tests.conformance.calls import Api

BOTH_MODES = pytest.mark.parametrize("mode", [EVERY_CHANGE, LATEST], ids=["every", "latest"])

RUNNING_ONLY = ExecutionFilter(states=[RUNNING])

FILTERS: dict[str, tuple[ExecutionFilter, ExecutionSnapshot, ExecutionSnapshot]] = {
    "state": (
        ExecutionFilter(states=[PAUSED, RUNNING]),
        snapshot(1, state=PAUSED),
        snapshot(2, state=FAILED),
    ),
    "state class": (
        ExecutionFilter(state_classes=[snapshot_pb2.STATE_CLASS_RESUMABLE]),
        snapshot(1, state=PAUSED),
        snapshot(2, state=RUNNING),
    ),
    "wait reason": (
        ExecutionFilter(wait_reasons=[snapshot_pb2.WAIT_REASON_APPROVAL]),
        snapshot(1, state=WAITING, wait_reason=snapshot_pb2.WAIT_REASON_APPROVAL),
        snapshot(2, state=WAITING, wait_reason=snapshot_pb2.WAIT_REASON_EXTERNAL),
    ),
    "user": (
        ExecutionFilter(user_id="ann"),
        snapshot(1, user_id="ann"),
        snapshot(2, user_id="bob"),
    ),
    "parent": (
        ExecutionFilter(parent_execution_id="p"),
        snapshot(1, parent_execution_id="p"),
        snapshot(2),
    ),
    "labels": (
        ExecutionFilter(labels={"team": "red", "env": "prod"}),
        snapshot(1, labels={"team": "red", "env": "prod", "more": "x"}),
        snapshot(2, labels={"team": "red"}),
    ),
    "sequence": (
        ExecutionFilter(criteria=SnapshotCriteria(sequence_min=1, sequence_max=1)),
        snapshot(1),
        snapshot(2),
    ),
    "timestamp": (
        ExecutionFilter(criteria=SnapshotCriteria(timestamp_max=timestamp(100, 5))),
        snapshot(1, timestamp=timestamp(100, 5)),
        snapshot(2, timestamp=timestamp(100, 6)),
    ),
}
"""A filter, a snapshot that it matches, and one that it does not."""

ALL_FILTERS = pytest.mark.parametrize("name", FILTERS)


def told(changes: list[SnapshotChange]) -> list[tuple[str, int, int]]:
    return [
        (each.snapshot.execution_id, int(each.kind), each.snapshot.revision) for each in changes
    ]


async def start(api: Api) -> str:
    """Returns the token of a change that no test is about."""
    return (await api.save("0-start", snapshot(0, state=FAILED))).resume_token


async def test_every_change_delivers_each_revision_once_in_order(api: Api) -> None:
    token = await start(api)
    for number in range(40):
        await api.save(f"run-{number % 3}", snapshot(number))
    await api.delete("run-0")

    changes = await api.changes_after(token, mode=EVERY_CHANGE)

    assert [each.snapshot.revision for each in changes] == list(range(2, 43))


async def test_every_change_is_complete_over_many_windows(api: Api) -> None:
    token = await start(api)
    await api.fill((f"run-{number % 50}", snapshot(number)) for number in range(1300))

    changes = await api.changes_after(token, mode=EVERY_CHANGE)

    assert [each.snapshot.revision for each in changes] == list(range(2, 1302))


async def test_latest_skips_what_was_superseded(api: Api) -> None:
    token = await start(api)
    for number in range(60):
        await api.save(f"run-{number % 3}", snapshot(number))

    changes = await api.changes_after(token, mode=LATEST)

    assert told(changes) == [("run-0", SAVED, 59), ("run-1", SAVED, 60), ("run-2", SAVED, 61)]
    assert [each.snapshot.sequence_number for each in changes] == [57, 58, 59]


async def test_latest_ends_with_the_true_state_over_many_windows(api: Api) -> None:
    token = await start(api)
    await api.fill((f"run-{number % 50}", snapshot(number)) for number in range(1300))

    changes = await api.changes_after(token, mode=LATEST)

    assert len(changes) < 300
    revisions = [each.snapshot.revision for each in changes]
    assert revisions == sorted(set(revisions))
    newest = {each.snapshot.execution_id: each.snapshot for each in changes}
    heads = {head.execution_id: head for head in await api.all_executions()}
    del heads["0-start"]
    assert newest == heads


async def test_an_unset_mode_skips_as_latest_does(api: Api) -> None:
    token = await start(api)
    revisions = [(await api.save("a", snapshot(number))).revision for number in range(5)]

    assert told(await api.changes_after(token)) == [("a", SAVED, revisions[-1])]


async def test_latest_never_skips_that_an_execution_left_the_filter(api: Api) -> None:
    await api.save("a", snapshot(1))
    token = await start(api)
    left = await api.save("a", snapshot(2, state=PAUSED))
    await api.save("a", snapshot(3, state=FAILED))
    back = await api.save("a", snapshot(4))

    changes = await api.changes_after(token, mode=LATEST, filter=RUNNING_ONLY)

    assert told(changes) == [("a", LEFT_FILTER, left.revision), ("a", SAVED, back.revision)]


async def test_latest_never_skips_a_delete(api: Api) -> None:
    await api.save("a", snapshot(1))
    token = await start(api)
    gone = await api.delete("a")
    await api.save("a", snapshot(1))
    again = await api.save("a", snapshot(2))

    changes = await api.changes_after(token, mode=LATEST)

    assert told(changes) == [("a", DELETED, gone.revision), ("a", SAVED, again.revision)]


async def test_latest_never_skips_an_expiry(api: Api) -> None:
    await api.save("a", snapshot(1), ttl=seconds(5))
    token = await start(api)
    api.clock.advance(6)
    await api.maintain()
    again = await api.save("a", snapshot(1))

    changes = await api.changes_after(token, mode=LATEST)

    assert told(changes) == [("a", EXPIRED, again.revision - 1), ("a", SAVED, again.revision)]


@BOTH_MODES
async def test_an_execution_that_is_deleted_and_made_again_goes_on_in_versions(
    api: Api, mode: int
) -> None:
    async with api.watch(mode=mode, **NOW) as watch:
        await watch.until("caught_up")
        first = await api.save("a", snapshot(1))
        changes = [await watch.change()]
        await api.delete("a")
        changes.append(await watch.change())
        second = await api.save("a", snapshot(1))
        changes.append(await watch.change())

    assert [each.kind for each in changes] == [SAVED, DELETED, SAVED]
    assert [each.snapshot.version for each in changes] == [first.version, 1, second.version]
    assert second.version > first.version


@BOTH_MODES
@ALL_FILTERS
async def test_entering_leaving_and_being_outside_a_filter(api: Api, name: str, mode: int) -> None:
    where, inside, outside = FILTERS[name]
    token = await start(api)
    async with api.watch(filter=where, mode=mode, **NOW) as watch:
        await watch.until("caught_up")
        await api.save("never", outside)
        await api.delete("never")
        entered = await api.save("a", inside)
        live = await watch.changes(1)
        left = await api.save("a", outside)
        live += await watch.changes(1)
        await api.delete("a")
        again = await api.save("b", inside)
        live += await watch.changes(1)
        gone = await api.delete("b")
        live += await watch.changes(1)

    expected = [
        ("a", SAVED, entered.revision),
        ("a", LEFT_FILTER, left.revision),
        ("b", SAVED, again.revision),
        ("b", DELETED, gone.revision),
    ]
    assert told(live) == expected
    assert live[1].snapshot.sequence_number == outside.sequence_number
    assert live[1].snapshot.version == left.version
    if mode == LATEST:
        # All in one window: what was saved has been superseded.
        expected = [each for each in expected if each[1] != SAVED]
    assert told(await api.changes_after(token, filter=where, mode=mode)) == expected


@pytest.mark.parametrize(
    "where",
    [ExecutionFilter(execution_ids=["a", "c"]), ExecutionFilter(execution_id_prefix="a")],
    ids=["ids", "prefix"],
)
async def test_filters_by_id(api: Api, where: ExecutionFilter) -> None:
    matching = ["a", "c"] if where.execution_ids else ["a", "ab"]
    token = await start(api)
    async with api.watch(filter=where, **NOW) as watch:
        await watch.until("caught_up")
        for execution_id in ("A", "a", "ab", "b", "c"):
            await api.save(execution_id)
        live = await watch.changes(2)
        for execution_id in ("A", "a", "ab", "b", "c"):
            await api.delete(execution_id)
        live += await watch.changes(2)

    resumed = await api.changes_after(token, filter=where, mode=EVERY_CHANGE)
    for changes in (live, resumed):
        assert [each.snapshot.execution_id for each in changes] == matching * 2
        assert [each.kind for each in changes] == [SAVED, SAVED, DELETED, DELETED]


async def test_a_filter_by_commit_time_goes_by_the_stores_clock(api: Api) -> None:
    bound = api.clock.now // SECOND + 100
    where = ExecutionFilter(criteria=SnapshotCriteria(commit_time_max=timestamp(bound)))
    async with api.watch(filter=where, **NOW) as watch:
        await watch.until("caught_up")
        saved = await api.save("a", snapshot(1))
        live = await watch.changes(1)
        api.clock.advance(200)
        await api.save("late", snapshot(1))
        left = await api.save("a", snapshot(2))
        live += await watch.changes(1)

    assert told(live) == [("a", SAVED, saved.revision), ("a", LEFT_FILTER, left.revision)]


async def test_fields_of_a_filter_must_all_hold(api: Api) -> None:
    where = ExecutionFilter(states=[RUNNING], labels={"team": "red"}, user_id="ann")
    token = await start(api)
    await api.save("no-user", snapshot(1, labels={"team": "red"}))
    await api.save("no-label", snapshot(1, user_id="ann"))
    await api.save("no-state", snapshot(1, user_id="ann", labels={"team": "red"}, state=COMPLETED))
    saved = await api.save("a", snapshot(1, user_id="ann", labels={"team": "red"}))

    changes = await api.changes_after(token, filter=where)

    assert told(changes) == [("a", SAVED, saved.revision)]
