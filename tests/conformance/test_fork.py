"""ForkExecution through a running server: its answer, its events, its details."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from stillframe.v1 import snapshot_service_pb2 as service
from stillframe.v1.snapshot_pb2 import (
    ExecutionFilter,
    MapProjection,
    SnapshotCriteria,
    SnapshotProjection,
)
from tests.conformance.calls import EVERY_CHANGE, FULL, INITIAL_STATE, NOW, SAVED
from tests.conformance.support import (
    COMPLETED,
    PAUSED,
    delta,
    new_tenant,
    refused,
    saved_part,
    snapshot,
    timestamp,
)

if TYPE_CHECKING:
    from tests.conformance.calls import Api
    from tests.conformance.conftest import Serve


async def three(api: Api, name: str = "run") -> None:
    """Saves versions 1 to 3: version n at sequence n * 10, with the label step=n."""
    for number in range(1, 4):
        content = snapshot(
            number * 10,
            outputs={f"s{number}": str(number)},
            variables={"n": str(number), "x": "1"},
            snapshot_id=f"id{number}",
            labels={"step": str(number)},
            timestamp=timestamp(number),
        )
        await api.save(name, content)


async def test_the_answer_names_the_new_head(api: Api) -> None:
    await three(api)
    answer = await api.fork("run", "fork", include_history=True)
    head = await api.load("fork")

    assert (answer.version, answer.etag) == (3, head.etag)
    assert answer.revision == head.revision == 4
    assert answer.snapshot_count == 3
    saved = await api.save("fork", snapshot(40), expected_etag=answer.etag)
    [change] = await api.changes_after(answer.resume_token)
    assert change.snapshot.etag == saved.etag


async def test_a_fork_reads_as_its_source_and_says_where_it_came_from(api: Api) -> None:
    await three(api)
    original = await api.load("run", version=2)
    api.clock.advance(5)
    await api.fork("run", "fork", version=2)
    copy = await api.load("fork")

    assert saved_part(copy) == saved_part(original)
    assert (copy.execution_id, copy.version, copy.revision) == ("fork", 1, 4)
    assert copy.commit_time.ToNanoseconds() == api.clock.now
    assert copy.origin.execution_id == "run"
    assert (copy.origin.version, copy.origin.etag) == (2, original.etag)
    assert copy.origin.commit_time == original.commit_time
    assert not original.HasField("origin")


async def test_an_engine_goes_on_from_a_fork_with_its_own_event_log(api: Api) -> None:
    await three(api)
    await api.fork("run", "fork", sequence_number=0, include_history=True)
    answer = await api.answer("fork", event_store_head=4)

    assert (answer.snapshot.sequence_number, answer.freshness.distance) == (0, 4)
    assert (await api.load("fork", version=2)).sequence_number == 20
    with refused("SEQUENCE_REGRESSION"):
        await api.save("run", snapshot(1))
    assert (await api.save("fork", snapshot(1))).version == 4


async def test_a_claimed_source_can_be_forked_and_the_fork_is_not_claimed(api: Api) -> None:
    await three(api)
    await api.claim("run")
    await api.fork("run", "fork")

    assert (await api.save("fork", snapshot(40))).version == 2
    assert (await api.claim("fork")).writer_epoch == 1


async def test_a_retry_gets_the_first_answer(api: Api) -> None:
    await three(api)
    first = await api.fork("run", "fork", request_id="r", include_history=True)
    base = delta(None, snapshot(40, variables={"y": "2"}), base_request_id="r")
    await api.save("fork", base, request_id="s")
    await api.save("fork", delta(None, snapshot(50, variables={"y": "3"}), base_request_id="s"))

    assert await api.fork("run", "fork", request_id="r", include_history=True) == first
    assert set((await api.load("fork")).variables) == {"n", "x", "y"}
    with refused("REQUEST_ID_REUSED") as told:
        await api.fork("run", "fork", request_id="r")
    assert told.metadata == {"execution_id": "fork", "request_id": "r"}
    assert told.fields == ["request_id"]


async def test_refusals_say_what_they_are_about(api: Api) -> None:
    await three(api)
    there = await api.save("there", snapshot(7))
    with refused("EXECUTION_NOT_FOUND") as told:
        await api.fork("missing", "there")
    assert told.metadata == {"execution_id": "missing"}
    with refused("SNAPSHOT_NOT_FOUND") as told:
        await api.fork("run", "there", snapshot_id="nosuch")
    assert told.metadata == {"execution_id": "run", "selector": "snapshot_id 'nosuch'"}
    with refused("SNAPSHOT_NOT_FOUND") as told:
        await api.fork("run", "there", latest_matching=SnapshotCriteria(sequence_max=9))
    assert told.metadata == {"execution_id": "run", "selector": "these criteria"}
    with refused("EXECUTION_EXISTS") as told:
        await api.fork("run", "there")
    assert told.metadata == {
        "execution_id": "there",
        "head_etag": there.etag,
        "head_version": "1",
        "head_sequence_number": "7",
    }
    with refused("EXECUTION_EXISTS"):
        await api.fork("run", "run")


async def test_the_quota_is_told(serve: Serve) -> None:
    api = await serve(max_executions=1)
    await api.save("run")
    with refused("QUOTA_EXCEEDED") as told:
        await api.fork("run", "fork")
    assert told.metadata == {"limit": "max_executions", "maximum": "1"}
    assert told.quotas


async def test_a_fork_is_of_one_tenant(api: Api) -> None:
    other = replace(api, tenant_id=new_tenant())
    await three(api)
    with refused("EXECUTION_NOT_FOUND"):
        await other.fork("run", "fork")
    await api.fork("run", "fork")
    await other.save("fork", snapshot(1))
    assert (await other.load("fork")).version == 1
    assert not (await other.load("fork")).HasField("origin")


@pytest.mark.parametrize("mode", [EVERY_CHANGE, service.WATCH_MODE_LATEST])
async def test_a_watch_sees_one_save(api: Api, mode: service.WatchMode.ValueType) -> None:
    await three(api)
    async with api.watch(mode=mode, view=FULL, **NOW) as watch:
        await watch.until("caught_up")
        await api.fork("run", "fork", include_history=True)
        change = await watch.change()
        assert (change.kind, change.snapshot) == (SAVED, await api.load("fork"))
        await api.save("run", snapshot(40))
        assert (await watch.change()).snapshot.execution_id == "run"


async def test_a_fork_is_part_of_the_initial_state_and_of_what_is_resumed(api: Api) -> None:
    token = (await api.save("other")).resume_token
    await three(api)
    await api.fork("run", "fork", include_history=True, version=2)
    head = await api.load("fork")
    async with api.watch(view=FULL, **INITIAL_STATE) as watch:
        found = await watch.changes_until("initial_state_end")
    assert [each.snapshot.execution_id for each in found] == ["fork", "other", "run"]
    assert found[0].snapshot == head
    resumed = await api.changes_after(token, mode=EVERY_CHANGE, view=FULL)
    assert [each.snapshot.version for each in resumed] == [1, 2, 3, 2]
    assert resumed[-1].snapshot == head


async def test_a_filter_tests_the_forks_head(api: Api) -> None:
    token = (await api.save("other")).resume_token
    await three(api)
    await api.fork("run", "fork", version=2)
    for step, names in (("2", ["fork"]), ("3", ["run"])):
        where = ExecutionFilter(labels={"step": step})
        assert [each.execution_id for each in await api.all_executions(filter=where)] == names
    where = ExecutionFilter(labels={"step": "2"}, execution_id_prefix="f")
    changes = await api.changes_after(token, filter=where, mode=EVERY_CHANGE)
    assert [(each.kind, each.snapshot.execution_id) for each in changes] == [(SAVED, "fork")]


@pytest.mark.parametrize("size", [1, 2, 3, 100])
async def test_history_is_paged_over_snapshots_of_one_revision(api: Api, size: int) -> None:
    await three(api)
    await api.fork("run", "fork", include_history=True)
    await api.save("run", snapshot(40, state=COMPLETED))
    await api.fork("fork", "again", include_history=True)
    run, fork, again = "run", "fork", "again"
    expected = [(again, 3), (again, 2), (again, 1), (run, 4), (fork, 3), (fork, 2), (fork, 1)]
    expected += [(run, 3), (run, 2), (run, 1)]

    async def listed(**fields: Any) -> list[tuple[str, int]]:
        found = await api.all_snapshots(page_size=size, **fields)
        return [(each.execution_id, each.version) for each in found]

    assert await listed() == expected
    assert await listed(execution_id=fork) == [each for each in expected if each[0] == fork]
    running = ExecutionFilter(labels={"step": "3"})
    assert await listed(filter=running) == [each for each in expected if each[0] != run]
    bounds = SnapshotCriteria(sequence_min=20, sequence_max=30)
    assert await listed(criteria=bounds) == [e for e in expected if e[1] in (2, 3)]
    assert await listed(labels={"step": "1"}) == [each for each in expected if each[1] == 1]


async def test_a_page_of_history_goes_on_while_forks_are_made(api: Api) -> None:
    await three(api)
    await api.fork("run", "fork", include_history=True)
    page = await api.snapshots(page_size=2)
    await api.fork("fork", "again", include_history=True)
    found = [*page.snapshots]
    while page.next_page_token:
        page = await api.snapshots(page_size=1, page_token=page.next_page_token)
        found += page.snapshots
    assert [(each.execution_id, each.version) for each in found] == [
        *(("fork", number) for number in (3, 2, 1)),
        *(("run", number) for number in (3, 2, 1)),
    ]


async def test_projections_read_forked_history(api: Api) -> None:
    await three(api)
    await api.fork("run", "fork", include_history=True)
    chosen = SnapshotProjection(variables=MapProjection(keys=["n"]))
    for number in range(1, 4):
        read = await api.load("fork", version=number, projection=chosen)
        assert {key: each.data for key, each in read.variables.items()} == {
            "n": str(number).encode()
        }
        assert (len(read.step_outputs), read.omission.count) == (0, 2)
    listed = await api.all_snapshots(execution_id="fork", view=FULL, projection=chosen)
    assert [list(each.variables) for each in listed] == [["n"]] * 3


async def test_criteria_select_in_forked_history(api: Api) -> None:
    await three(api)
    await api.fork("run", "fork", include_history=True)
    bounds = SnapshotCriteria(sequence_max=29)
    assert (await api.load("fork", latest_matching=bounds)).version == 2
    bounds = SnapshotCriteria(timestamp_min=timestamp(1), timestamp_max=timestamp(2))
    assert (await api.load("fork", latest_matching=bounds)).snapshot_id == "id2"
    forked = (await api.load("fork")).commit_time
    # All of it came with the fork.
    bounds = SnapshotCriteria(commit_time_min=forked, commit_time_max=forked)
    assert len(await api.all_snapshots(execution_id="fork", criteria=bounds)) == 3
    assert len(await api.all_snapshots(execution_id="run", criteria=bounds)) == 0


async def test_children_of_a_fork_are_its_own(api: Api) -> None:
    await three(api)
    await api.save("child", snapshot(1, parent_execution_id="run"))
    await api.fork("run", "fork")
    await api.fork("child", "child-of-fork")

    assert (await api.load("child-of-fork")).parent_execution_id == "run"
    assert (await api.delete("fork", include_descendants=True)).deleted_count == 1
    assert (await api.delete("run", include_descendants=True)).deleted_count == 3


async def test_a_fork_moves_on_without_its_source(api: Api) -> None:
    await three(api)
    await api.fork("run", "fork", include_history=True)
    before = await api.all_snapshots(execution_id="fork", view=FULL)
    await api.save("run", snapshot(40, state=PAUSED, variables={"n": "4"}))
    await api.delete("run")
    await api.maintain()
    assert await api.all_snapshots(execution_id="fork", view=FULL) == before


INVALID: list[tuple[dict[str, Any], str]] = [
    ({"tenant_id": ""}, "tenant_id"),
    ({"execution_id": ""}, "execution_id"),
    ({"execution_id": "a\n"}, "execution_id"),
    ({"new_execution_id": ""}, "new_execution_id"),
    ({"new_execution_id": "é" * 257}, "new_execution_id"),
    ({"new_execution_id": "\x7f"}, "new_execution_id"),
    ({"selector": {"version": 0}}, "selector.version"),
    ({"selector": {"version": 2**63}}, "selector.version"),
    ({"selector": {"snapshot_id": ""}}, "selector.snapshot_id"),
    (
        {"selector": {"latest_matching": {"sequence_min": 2**63}}},
        "selector.latest_matching.sequence_min",
    ),
    ({"sequence_number": 2**63}, "sequence_number"),
    ({"request_id": "é" * 257}, "request_id"),
]


@pytest.mark.any_store
@pytest.mark.parametrize(("fields", "name"), INVALID)
async def test_a_field_out_of_bounds_is_named(api: Api, fields: dict[str, Any], name: str) -> None:
    await three(api)
    request: dict[str, Any] = {"execution_id": "run", "new_execution_id": "fork"}
    request |= {"tenant_id": api.tenant_id} | fields
    with refused("INVALID_FIELD") as told:
        await api.stub.ForkExecution(service.ForkExecutionRequest(**request))
    assert told.fields == [name]


@pytest.mark.any_store
async def test_the_ends_of_the_bounds_are_inside(api: Api) -> None:
    await three(api)
    answer = await api.fork(
        "run", "é" * 256, sequence_number=2**63 - 1, request_id="é" * 256, snapshot_id="id3"
    )
    assert answer.version == 1
    assert (await api.load("é" * 256)).sequence_number == 2**63 - 1
