"""A tenant sees nothing of another, and moves nothing of it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from stillframe.v1 import snapshot_service_pb2 as service
from tests.conformance.support import new_tenant, refused, seconds, snapshot

if TYPE_CHECKING:
    from tests.conformance.calls import Api
    from tests.conformance.conftest import Serve


@pytest.fixture
def other(api: Api) -> Api:
    """The same server, called by another tenant."""
    return replace(api, tenant_id=new_tenant())


async def test_the_same_name_is_another_execution(api: Api, other: Api) -> None:
    mine = await api.save("run", snapshot(7, variables={"v": "mine"}))
    theirs = await other.save("run", snapshot(1, variables={"v": "theirs"}))
    assert (mine.version, theirs.version) == (1, 1)
    assert (mine.revision, theirs.revision) == (1, 1)
    assert (await api.load("run")).variables["v"].data == b"mine"
    assert (await other.load("run")).variables["v"].data == b"theirs"
    assert (await other.load("run")).tenant_id == other.tenant_id


async def test_lists_and_histories_are_of_one_tenant(api: Api, other: Api) -> None:
    await api.save("mine")
    await other.save("theirs")
    await other.save("theirs", snapshot(2))
    assert [each.execution_id for each in await api.all_executions()] == ["mine"]
    assert [each.execution_id for each in await api.all_snapshots()] == ["mine"]
    assert [each.version for each in await other.all_snapshots()] == [2, 1]
    assert (await api.executions(include_count=True)).count.value == 1
    with refused("EXECUTION_NOT_FOUND"):
        await api.snapshots(execution_id="theirs")


async def test_request_ids_and_snapshot_ids_are_of_one_tenant(api: Api, other: Api) -> None:
    await api.save("run", snapshot(1, snapshot_id="s"), request_id="r")
    answer = await other.save("run", snapshot(9, snapshot_id="s"), request_id="r")
    assert answer.outcome == service.SAVE_OUTCOME_CREATED


async def test_claims_and_fences_are_of_one_tenant(api: Api, other: Api) -> None:
    await api.save("run")
    await other.save("run")
    await api.claim("run")
    assert (await other.save("run", snapshot(2))).version == 2
    assert (await other.claim("run")).writer_epoch == 1


async def test_a_delete_with_descendants_is_of_one_tenant(api: Api, other: Api) -> None:
    for each in (api, other):
        await each.save("root")
        await each.save("child", snapshot(1, parent_execution_id="root"))
    assert (await api.delete("root", include_descendants=True)).deleted_count == 2
    assert len(await other.all_executions()) == 2


async def test_an_expiry_is_of_one_tenant(api: Api, other: Api) -> None:
    await api.save("run", ttl=seconds(10))
    theirs = await other.save("run")
    api.clock.advance(11)
    await api.maintain()
    assert not await api.all_executions()
    assert (await other.load("run")).etag == theirs.etag
    assert (await other.save("next")).revision == 2


async def test_a_quota_is_of_one_tenant(serve: Serve) -> None:
    api = await serve(max_executions=1)
    await api.save("run")
    await replace(api, tenant_id=new_tenant()).save("run")
    with refused("QUOTA_EXCEEDED"):
        await api.save("more")
