"""Freshness at its edges: old versions, zero, many, claims (DESIGN section 4)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from stillframe.v1 import snapshot_pb2
from stillframe.v1.snapshot_pb2 import MapProjection, SnapshotProjection
from stillframe.v1.snapshot_service_pb2 import CheckFreshnessRequest, FreshnessQuery
from tests.conformance.support import MAX_NUMBER, refused, snapshot

if TYPE_CHECKING:
    from collections.abc import Sequence

    from stillframe.v1.snapshot_pb2 import Freshness
    from tests.conformance.calls import Api

FRESH = snapshot_pb2.FRESHNESS_STATUS_FRESH
STALE = snapshot_pb2.FRESHNESS_STATUS_STALE
AHEAD = snapshot_pb2.FRESHNESS_STATUS_AHEAD
MISSING = snapshot_pb2.FRESHNESS_STATUS_MISSING


async def check(api: Api, *queries: tuple[str, int]) -> Sequence[Freshness]:
    request = CheckFreshnessRequest(
        tenant_id=api.tenant_id,
        executions=[FreshnessQuery(execution_id=name, event_store_head=n) for name, n in queries],
    )
    return (await api.stub.CheckFreshness(request)).results


async def test_freshness_is_told_to_who_asks_alone(api: Api) -> None:
    await api.save("run", snapshot(5))
    assert not (await api.answer("run")).HasField("freshness")
    assert not (await api.claim("run")).HasField("freshness")
    assert (await api.answer("run", event_store_head=5)).HasField("freshness")


async def test_an_event_store_without_events_has_the_head_zero(api: Api) -> None:
    await api.save("run", snapshot(0))
    assert (await api.answer("run", event_store_head=0)).freshness.status == FRESH
    await api.load("run", event_store_head=0, require_fresh=True)
    await api.save("run", snapshot(1))
    with refused("SNAPSHOT_AHEAD") as told:
        await api.load("run", event_store_head=0, require_fresh=True)
    assert told.metadata == {
        "execution_id": "run",
        "event_store_head": "0",
        "snapshot_sequence": "1",
        "distance": "1",
    }


async def test_freshness_is_of_the_snapshot_that_is_loaded(api: Api) -> None:
    for number in (3, 7):
        await api.save("run", snapshot(number))
    old = await api.answer("run", version=1, event_store_head=7)
    assert (old.freshness.status, old.freshness.distance) == (STALE, 4)
    assert (old.freshness.snapshot_sequence, old.freshness.version) == (3, 1)
    await api.load("run", version=1, event_store_head=3, require_fresh=True)
    with refused("SNAPSHOT_STALE"):
        await api.load("run", version=1, event_store_head=7, require_fresh=True)


@pytest.mark.parametrize(("max_behind", "is_enough"), [(4, False), (5, True), (6, True)])
async def test_max_behind_is_inclusive(api: Api, max_behind: int, *, is_enough: bool) -> None:
    await api.save("run", snapshot(5))
    if is_enough:
        answer = await api.answer("run", event_store_head=10, max_behind=max_behind)
        assert answer.freshness.distance == 5
    else:
        with refused("SNAPSHOT_STALE") as told:
            await api.load("run", event_store_head=10, max_behind=max_behind)
        assert told.metadata["distance"] == "5"
        assert told.metadata["max_behind"] == str(max_behind)


async def test_freshness_without_a_demand_refuses_nothing(api: Api) -> None:
    await api.save("run", snapshot(5))
    for head in (0, MAX_NUMBER):
        assert (await api.load("run", event_store_head=head)).version == 1


async def test_a_missing_execution_is_not_found_however_fresh_it_should_be(api: Api) -> None:
    with refused("EXECUTION_NOT_FOUND"):
        await api.load("run", event_store_head=1, require_fresh=True)


async def test_numbers_at_the_bound_are_compared_exactly(api: Api) -> None:
    await api.save("run", snapshot(MAX_NUMBER - 1))
    [one] = await check(api, ("run", MAX_NUMBER))
    assert (one.status, one.distance, one.snapshot_sequence) == (STALE, 1, MAX_NUMBER - 1)


async def test_what_was_deleted_is_missing(api: Api) -> None:
    await api.save("run", snapshot(5))
    await api.delete("run")
    [one] = await check(api, ("run", 5))
    assert (one.execution_id, one.status) == ("run", MISSING)
    assert (one.event_store_head, one.snapshot_sequence) == (5, 0)
    assert (one.distance, one.version) == (0, 0)


async def test_a_check_has_the_version_of_each_head(api: Api) -> None:
    for number in (1, 2, 3):
        await api.save("run", snapshot(number))
    [one] = await check(api, ("run", 3))
    assert (one.status, one.version, one.distance) == (FRESH, 3, 0)


async def test_a_thousand_can_be_checked_at_once_and_no_more(api: Api) -> None:
    await api.save("e7", snapshot(1))
    queries = [(f"e{number}", 1) for number in range(1_000)]
    found = await check(api, *queries)
    assert [one.execution_id for one in found] == [name for name, _ in queries]
    assert [one.execution_id for one in found if one.status == FRESH] == ["e7"]
    with refused("INVALID_FIELD") as told:
        await check(api, *queries, ("one-more", 1))
    assert told.fields == ["executions"]


async def test_a_claim_carries_what_its_projection_selects(api: Api) -> None:
    await api.save("run", snapshot(1, outputs={"o": "1"}, variables={"v": "1", "w": "2"}))
    chosen = SnapshotProjection(variables=MapProjection(keys=["w"]))
    claimed = await api.claim("run", projection=chosen)
    assert (list(claimed.snapshot.step_outputs), list(claimed.snapshot.variables)) == ([], ["w"])
    assert [entry.key for entry in claimed.snapshot.omission.entries] == ["o", "v"]


async def test_a_claim_leaves_out_what_does_not_fit_and_counts_all_the_same(api: Api) -> None:
    await api.save("run", snapshot(1, variables={"big": bytes(300_000), "small": "1"}))
    claimed = await api.claim("run", max_message_bytes=262_144)
    assert claimed.ByteSize() <= 262_144
    assert list(claimed.snapshot.variables) == ["small"]
    assert claimed.writer_epoch == 1


async def test_a_claim_is_no_change_to_a_watch(api: Api) -> None:
    saved = await api.save("run", snapshot(1))
    await api.claim("run")
    await api.claim("other", allow_missing=True)
    assert await api.changes_after(saved.resume_token) == []
    assert (await api.save("next")).revision == saved.revision + 1


async def test_a_claim_outlives_a_delete(api: Api) -> None:
    await api.save("run", snapshot(1))
    assert (await api.claim("run")).writer_epoch == 1
    await api.delete("run", writer_epoch=1)
    with refused("EXECUTION_NOT_FOUND"):
        await api.claim("run")
    claimed = await api.claim("run", allow_missing=True)
    assert not claimed.HasField("snapshot")
    with refused("FENCED"):
        await api.save("run", snapshot(1), writer_epoch=1)
    assert (await api.save("run", snapshot(1), writer_epoch=claimed.writer_epoch)).version == 2
