"""DeleteSnapshots through a running server: what goes, what stays, what watches see."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from stillframe.v1 import snapshot_service_pb2 as service
from stillframe.v1.snapshot_pb2 import ExecutionFilter, SnapshotCriteria
from tests.conformance.calls import EVERY_CHANGE, FULL, METADATA, NOW, SAVED
from tests.conformance.support import new_tenant, refused, snapshot, timestamp

if TYPE_CHECKING:
    from tests.conformance.calls import Api
    from tests.conformance.conftest import Serve


async def save_some(api: Api, count: int = 5, name: str = "run") -> list[str]:
    """Saves versions that differ in all that selects; returns the resume token of each."""
    tokens: list[str] = []
    for number in range(1, count + 1):
        content = snapshot(
            number * 10,
            variables={"n": str(number), "same": "1"},
            snapshot_id=f"id{number}",
            labels={"odd": str(number % 2)},
            timestamp=timestamp(number),
        )
        tokens.append((await api.save(name, content)).resume_token)
    return tokens


async def versions(api: Api, name: str = "run") -> list[int]:
    return [each.version for each in await api.all_snapshots(execution_id=name)]


SELECTIONS: list[tuple[dict[str, Any], list[int]]] = [
    ({"versions": [1, 3]}, [5, 4, 2]),
    ({"versions": [5, 9]}, [5, 4, 3, 2, 1]),
    ({"snapshot_ids": ["id2", "id5", "nosuch"]}, [5, 4, 3, 1]),
    ({"labels": {"odd": "1"}}, [5, 4, 2]),
    ({"criteria": SnapshotCriteria(sequence_max=20)}, [5, 4, 3]),
    ({"criteria": SnapshotCriteria(timestamp_min=timestamp(3))}, [5, 2, 1]),
    ({"labels": {"odd": "1"}, "criteria": SnapshotCriteria(sequence_min=20)}, [5, 4, 2, 1]),
    ({"versions": [1, 2], "criteria": SnapshotCriteria()}, [5, 4, 3]),
    ({"all_history": True}, [5]),
    ({"all_history": True, "criteria": SnapshotCriteria()}, [5]),
]


@pytest.mark.parametrize(("fields", "left"), SELECTIONS)
async def test_what_is_selected_goes_but_the_head(
    api: Api, fields: dict[str, Any], left: list[int]
) -> None:
    await save_some(api)
    before = await api.all_snapshots(execution_id="run", view=FULL)
    assert await api.prune("run", **fields) == 5 - len(left)

    kept = await api.all_snapshots(execution_id="run", view=FULL)
    assert kept == [each for each in before if each.version in left]
    for each in kept:
        assert await api.load("run", version=each.version) == each
    assert (await api.load("run")).version == 5


async def test_what_is_gone_is_not_found(api: Api) -> None:
    await save_some(api)
    await api.prune("run", versions=[2])
    for chosen in ({"version": 2}, {"snapshot_id": "id2"}):
        with refused("SNAPSHOT_NOT_FOUND"):
            await api.load("run", **chosen)
    bounds = SnapshotCriteria(sequence_max=29)
    assert (await api.load("run", latest_matching=bounds)).version == 1


async def test_a_page_of_history_goes_on_over_what_went(api: Api) -> None:
    await save_some(api, 8)
    page = await api.snapshots(execution_id="run", page_size=2)
    await api.prune("run", versions=[7, 6, 4])
    found = [*page.snapshots]
    while page.next_page_token:
        page = await api.snapshots(execution_id="run", page_size=2, page_token=page.next_page_token)
        found += page.snapshots
    assert [each.version for each in found] == [8, 7, 5, 3, 2, 1]


async def test_a_missing_execution_is_refused(api: Api) -> None:
    with refused("EXECUTION_NOT_FOUND") as told:
        await api.prune("missing", all_history=True)
    assert told.metadata == {"execution_id": "missing"}


async def test_an_engine_that_was_taken_over_is_fenced(api: Api) -> None:
    await save_some(api)
    epoch = (await api.claim("run")).writer_epoch
    assert await api.prune("run", versions=[1], writer_epoch=epoch) == 1
    await api.claim("run")
    with refused("FENCED") as told:
        await api.prune("run", versions=[2], writer_epoch=epoch)
    assert told.metadata == {
        "execution_id": "run",
        "writer_epoch": "1",
        "writer_epoch_floor": "2",
    }
    with refused("FENCED"):
        await api.prune("run", versions=[2])
    assert await versions(api) == [5, 4, 3, 2]


async def test_a_retry_gets_the_first_answer(api: Api) -> None:
    await save_some(api)
    assert await api.prune("run", all_history=True, request_id="r") == 4
    await api.save("run", snapshot(60))
    assert await api.prune("run", all_history=True, request_id="r") == 4
    assert await versions(api) == [6, 5]
    with refused("REQUEST_ID_REUSED") as told:
        await api.prune("run", versions=[5], request_id="r")
    assert told.metadata == {"execution_id": "run", "request_id": "r"}


async def test_a_request_id_is_of_one_kind_of_call(api: Api) -> None:
    await save_some(api)
    await api.prune("run", versions=[1], request_id="r")
    with refused("REQUEST_ID_REUSED"):
        await api.save("run", snapshot(60), request_id="r")
    with refused("REQUEST_ID_REUSED"):
        await api.delete("run", request_id="r")


async def test_it_is_of_one_tenant_and_one_execution(api: Api) -> None:
    other = replace(api, tenant_id=new_tenant())
    await save_some(api)
    await save_some(api, name="run2")
    await save_some(other)
    await api.prune("run", all_history=True)
    assert await versions(api, "run2") == [5, 4, 3, 2, 1]
    assert await versions(other) == [5, 4, 3, 2, 1]


async def test_a_watch_sees_nothing_of_it(api: Api) -> None:
    await save_some(api)
    async with api.watch(mode=EVERY_CHANGE, **NOW) as watch:
        await watch.until("caught_up")
        await api.prune("run", all_history=True)
        await api.save("run", snapshot(60))
        change = await watch.change()
        assert (change.kind, change.snapshot.version) == (SAVED, 6)


async def test_a_change_whose_content_is_gone_says_so(serve: Serve) -> None:
    first = await serve()
    tokens = await save_some(first)
    await first.prune("run", versions=[2, 4])
    # Another feed, which has nothing of it in memory.
    await first.restart()
    changes = await first.changes_after(tokens[0], mode=EVERY_CHANGE, view=FULL)

    assert [each.snapshot.version for each in changes] == [2, 3, 4, 5]
    assert [each.content_gone for each in changes] == [True, False, True, False]
    for change in changes:
        assert change.snapshot.labels["odd"] == str(change.snapshot.version % 2)
        if change.content_gone:
            assert not change.snapshot.variables
            assert change.snapshot.omission.count == 2
        else:
            assert change.snapshot == await first.load("run", version=change.snapshot.version)


async def test_metadata_of_what_went_is_still_told(serve: Serve) -> None:
    api = await serve()
    tokens = await save_some(api)
    expected = await api.changes_after(tokens[0], mode=EVERY_CHANGE, view=METADATA)
    await api.prune("run", all_history=True)
    await api.restart()
    found = await api.changes_after(tokens[0], mode=EVERY_CHANGE, view=METADATA)
    assert found == expected
    assert not any(change.content_gone for change in found)


async def test_what_leaves_a_filter_is_told_although_it_was_deleted(serve: Serve) -> None:
    api = await serve()
    tokens = await save_some(api)
    await api.prune("run", all_history=True)
    await api.restart()
    where = ExecutionFilter(labels={"odd": "0"})
    found = await api.changes_after(tokens[0], mode=EVERY_CHANGE, filter=where)
    kinds = [service.ChangeKind.Name(each.kind).removeprefix("CHANGE_KIND_") for each in found]
    assert kinds == ["SAVED", "LEFT_FILTER", "SAVED", "LEFT_FILTER"]


async def test_retention_is_the_servers_setting(serve: Serve) -> None:
    tenant = new_tenant()
    api = await serve(tenant, retention="last:2", tenant_retention={tenant: "last:3"})
    other = replace(api, tenant_id=new_tenant())
    await save_some(api)
    await save_some(other)
    await api.maintain()
    assert await versions(api) == [5, 4, 3]
    assert await versions(other) == [5, 4]


INVALID: list[tuple[dict[str, Any], str]] = [
    ({}, "versions"),
    ({"criteria": SnapshotCriteria()}, "versions"),
    ({"versions": [1], "tenant_id": ""}, "tenant_id"),
    ({"versions": [1], "execution_id": "a\x00"}, "execution_id"),
    ({"versions": [0]}, "versions"),
    ({"versions": [1, 2**63]}, "versions"),
    ({"versions": [1] * 1_001}, "versions"),
    ({"snapshot_ids": [""]}, "snapshot_ids"),
    ({"snapshot_ids": ["s", "é" * 257]}, "snapshot_ids"),
    ({"snapshot_ids": ["s"] * 1_001}, "snapshot_ids"),
    ({"criteria": SnapshotCriteria(sequence_max=2**63)}, "criteria.sequence_max"),
    (
        {"criteria": SnapshotCriteria(commit_time_max=timestamp(0, -1))},
        "criteria.commit_time_max",
    ),
    ({"labels": {"k": ""}}, "labels['k']"),
    ({"labels": {f"k{n}": "v" for n in range(65)}}, "labels"),
    ({"all_history": True, "versions": [1]}, "all_history"),
    ({"all_history": True, "snapshot_ids": ["s"]}, "all_history"),
    ({"all_history": True, "labels": {"k": "v"}}, "all_history"),
    ({"all_history": True, "criteria": SnapshotCriteria(sequence_min=0)}, "all_history"),
    ({"versions": [1], "writer_epoch": 0}, "writer_epoch"),
    ({"versions": [1], "writer_epoch": 2**63}, "writer_epoch"),
    ({"versions": [1], "request_id": "a\n"}, "request_id"),
]


@pytest.mark.any_store
@pytest.mark.parametrize(("fields", "name"), INVALID)
async def test_a_field_out_of_bounds_is_named(api: Api, fields: dict[str, Any], name: str) -> None:
    await save_some(api)
    request: dict[str, Any] = {"tenant_id": api.tenant_id, "execution_id": "run"}
    request |= fields
    with refused("INVALID_FIELD") as told:
        await api.stub.DeleteSnapshots(service.DeleteSnapshotsRequest(**request))
    assert told.fields == [name]
    assert await versions(api) == [5, 4, 3, 2, 1]


@pytest.mark.any_store
async def test_the_ends_of_the_bounds_are_inside(api: Api) -> None:
    await save_some(api)
    most = {"versions": [*range(1, 1_000), 2**63 - 1], "snapshot_ids": ["id1"] * 1_000}
    assert await api.prune("run", **most, request_id="é" * 256, writer_epoch=2**63 - 1) == 1
