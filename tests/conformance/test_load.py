"""Loads: selectors, projections, bounds on size, freshness (DESIGN section 4)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from stillframe.v1 import snapshot_pb2
from stillframe.v1.snapshot_pb2 import MapProjection, SnapshotCriteria, SnapshotProjection
from stillframe.v1.snapshot_service_pb2 import CheckFreshnessRequest, FreshnessQuery
from tests.conformance.support import (
    VARIABLES,
    refused,
    saved_part,
    snapshot,
    timestamp,
    value,
)

if TYPE_CHECKING:
    from tests.conformance.calls import Api

FRESH = snapshot_pb2.FRESHNESS_STATUS_FRESH
STALE = snapshot_pb2.FRESHNESS_STATUS_STALE
AHEAD = snapshot_pb2.FRESHNESS_STATUS_AHEAD
MISSING = snapshot_pb2.FRESHNESS_STATUS_MISSING
NOT_SELECTED = snapshot_pb2.OMISSION_REASON_NOT_SELECTED
TOO_LARGE = snapshot_pb2.OMISSION_REASON_TOO_LARGE


async def test_a_snapshot_reads_back_as_it_was_saved(api: Api) -> None:
    everything = snapshot(
        2**63 - 1,
        state=snapshot_pb2.EXECUTION_STATE_WAITING,
        wait_reason=snapshot_pb2.WAIT_REASON_SUB_AGENT,
        user_id="user",
        current_step_id="step",
        timestamp=timestamp(-62_135_596_800, 999_999_999),
        labels={"a": "b"},
        snapshot_id="s",
        parent_snapshot_id="p",
        parent_execution_id="e",
        schema_version="v7",
        outputs={"o": value(b"\x00\xff" * 9), "empty": ""},
        variables={
            "é": snapshot_pb2.Payload(data=b"x", encoding="msgpack", codecs=["zstd", "aes"])
        },
    )
    saved = await api.save("run", everything)
    read = await api.load("run")
    assert saved_part(read) == everything
    assert (read.tenant_id, read.execution_id) == (api.tenant_id, "run")
    assert (read.version, read.etag, read.revision) == (1, saved.etag, saved.revision)
    assert not read.HasField("omission")


async def test_what_is_not_there_is_not_found(api: Api) -> None:
    with refused("EXECUTION_NOT_FOUND"):
        await api.load("run")
    await api.save("run", snapshot(5))
    for selector in (
        {"version": 2},
        {"snapshot_id": "s"},
        {"latest_matching": SnapshotCriteria(sequence_max=4)},
    ):
        with refused("SNAPSHOT_NOT_FOUND") as told:
            await api.load("run", **selector)
        assert told.metadata["execution_id"] == "run"
        assert told.metadata["selector"]


async def test_versions_and_snapshot_ids_select(api: Api) -> None:
    for number in (1, 2, 3):
        await api.save("run", snapshot(number, snapshot_id=f"s{number}"))
    assert (await api.load("run")).version == 3
    assert (await api.load("run", version=2)).snapshot_id == "s2"
    assert (await api.load("run", snapshot_id="s1")).version == 1


@pytest.mark.parametrize(
    ("criteria", "version"),
    [
        (SnapshotCriteria(), 3),
        (SnapshotCriteria(sequence_max=10), 2),
        (SnapshotCriteria(sequence_max=9), 1),
        (SnapshotCriteria(sequence_max=0), 1),
        (SnapshotCriteria(sequence_min=0), 3),
        (SnapshotCriteria(sequence_min=10, sequence_max=10), 2),
        (SnapshotCriteria(timestamp_max=timestamp(10, 5)), 2),
        (SnapshotCriteria(timestamp_max=timestamp(10, 4)), None),
        (SnapshotCriteria(timestamp_min=timestamp(20)), 3),
        (SnapshotCriteria(commit_time_max=timestamp(1_000_000_010)), 2),
        (SnapshotCriteria(commit_time_max=timestamp(1_000_000_009)), 1),
        (SnapshotCriteria(commit_time_min=timestamp(1_000_000_021)), None),
    ],
)
async def test_the_latest_that_meets_inclusive_bounds(
    api: Api, criteria: SnapshotCriteria, version: int | None
) -> None:
    # The first has no timestamp, and so meets no bound on it.
    for sequence, time in ((0, None), (10, timestamp(10, 5)), (20, timestamp(20))):
        await api.save("run", snapshot(sequence, timestamp=time))
        api.clock.advance(10)
    if version is None:
        with refused("SNAPSHOT_NOT_FOUND"):
            await api.load("run", latest_matching=criteria)
    else:
        assert (await api.load("run", latest_matching=criteria)).version == version


async def test_a_projection_selects_and_names_the_rest(api: Api) -> None:
    entries = {"a": "1", "ab": "22", "b": "333"}
    await api.save("run", snapshot(1, outputs=entries, variables=entries))
    projection = SnapshotProjection(
        step_outputs=MapProjection(keys=["b", "missing"]),
        variables=MapProjection(key_prefixes=["a"]),
    )
    read = await api.load("run", projection=projection)
    assert set(read.step_outputs) == {"b"}
    assert set(read.variables) == {"a", "ab"}
    named = [(entry.map, entry.key, entry.reason) for entry in read.omission.entries]
    outputs = snapshot_pb2.SNAPSHOT_MAP_STEP_OUTPUTS
    assert named == [
        (outputs, "a", NOT_SELECTED),
        (outputs, "ab", NOT_SELECTED),
        (VARIABLES, "b", NOT_SELECTED),
    ]
    assert read.omission.count == 3


async def test_a_projection_may_select_all_or_nothing_of_a_map(api: Api) -> None:
    await api.save("run", snapshot(1, outputs={"a": "1"}, variables={"b": "2"}))
    header = await api.load("run", projection=SnapshotProjection())
    assert (len(header.step_outputs), len(header.variables)) == (0, 0)
    assert header.omission.count == 2
    outputs = SnapshotProjection(step_outputs=MapProjection(all=True))
    read = await api.load("run", projection=outputs)
    assert (set(read.step_outputs), set(read.variables)) == ({"a"}, set())


async def test_a_projection_of_an_old_version(api: Api) -> None:
    await api.save("run", snapshot(1, variables={"a": "old", "b": "gone"}))
    await api.save("run", snapshot(2, variables={"a": "new"}))
    projection = SnapshotProjection(variables=MapProjection(keys=["a"]))
    read = await api.load("run", version=1, projection=projection)
    assert {key: payload.data for key, payload in read.variables.items()} == {"a": b"old"}
    assert [entry.key for entry in read.omission.entries] == ["b"]


async def test_what_does_not_fit_is_left_out_and_named(api: Api) -> None:
    size = 300_000
    entries = {"big-1": bytes(size), "big-2": bytes(size), "small": b"x"}
    await api.save("run", snapshot(1, variables=entries))
    answer = await api.answer("run", max_message_bytes=512 * 1024)
    assert answer.ByteSize() <= 512 * 1024
    assert set(answer.snapshot.variables) == {"big-1", "small"}
    [left_out] = answer.snapshot.omission.entries
    assert (left_out.key, left_out.reason) == ("big-2", TOO_LARGE)
    assert left_out.size_bytes >= size


async def test_an_answer_fits_stock_stubs_unless_more_is_asked_for(api: Api) -> None:
    await api.save("run", snapshot(1, variables={"big": bytes(5 * 2**20)}))
    assert (await api.load("run")).omission.count == 1
    whole = await api.load("run", max_message_bytes=6 * 2**20)
    assert len(whole.variables["big"].data) == 5 * 2**20


async def test_a_long_list_of_omissions_is_cut_and_counted(api: Api) -> None:
    entries = {f"{number:0400d}": "x" for number in range(500)}
    await api.save("run", snapshot(1, variables=entries))
    read = await api.load("run", projection=SnapshotProjection())
    assert 0 < len(read.omission.entries) < 500
    assert read.omission.ByteSize() < 70_000
    assert read.omission.count == 500


async def test_a_snapshot_that_is_not_whole_cannot_be_saved(api: Api) -> None:
    await api.save("run", snapshot(1, variables={"a": "1"}))
    partial = await api.load("run", projection=SnapshotProjection())
    partial.sequence_number = 2
    with refused("INVALID_FIELD") as told:
        await api.save("run", partial)
    assert told.fields == ["snapshot.omission"]
    whole = await api.load("run")
    whole.sequence_number = 2
    assert (await api.save("run", whole)).version == 2


@pytest.mark.parametrize(
    ("event_store_head", "status", "distance"), [(5, FRESH, 0), (9, STALE, 4), (3, AHEAD, 2)]
)
async def test_freshness_compares_with_the_event_store(
    api: Api, event_store_head: int, status: int, distance: int
) -> None:
    await api.save("run", snapshot(5))
    found = (await api.answer("run", event_store_head=event_store_head)).freshness
    assert (found.execution_id, found.status, found.distance) == ("run", status, distance)
    assert (found.snapshot_sequence, found.event_store_head) == (5, event_store_head)
    claimed = await api.claim("run", event_store_head=event_store_head)
    assert claimed.freshness == found


async def test_freshness_can_be_demanded(api: Api) -> None:
    await api.save("run", snapshot(5))
    await api.load("run", event_store_head=5, require_fresh=True)
    await api.load("run", event_store_head=8, max_behind=3)
    with refused("SNAPSHOT_STALE") as told:
        await api.load("run", event_store_head=6, require_fresh=True)
    assert told.metadata == {
        "execution_id": "run",
        "event_store_head": "6",
        "snapshot_sequence": "5",
        "distance": "1",
        "max_behind": "0",
    }
    with refused("SNAPSHOT_STALE"):
        await api.load("run", event_store_head=9, max_behind=3)
    with refused("SNAPSHOT_STALE"):
        await api.load("run", event_store_head=6, max_behind=0)
    for demand in ({"require_fresh": True}, {"max_behind": 99}):
        with refused("SNAPSHOT_AHEAD") as told:
            await api.load("run", event_store_head=4, **demand)
        assert told.metadata["distance"] == "1"


async def test_freshness_of_many_in_the_order_asked(api: Api) -> None:
    await api.save("a", snapshot(3))
    await api.save("b", snapshot(3))
    queries = [("b", 3), ("gone", 7), ("a", 5), ("b", 1)]
    request = CheckFreshnessRequest(
        tenant_id=api.tenant_id,
        executions=[FreshnessQuery(execution_id=name, event_store_head=n) for name, n in queries],
    )
    found = (await api.stub.CheckFreshness(request)).results
    assert [(each.execution_id, each.status, each.distance) for each in found] == [
        ("b", FRESH, 0),
        ("gone", MISSING, 0),
        ("a", STALE, 2),
        ("b", AHEAD, 2),
    ]


async def test_a_claim_fences_the_engine_before_it(api: Api) -> None:
    await api.save("run", snapshot(1, variables={"a": "1"}))
    first = await api.claim("run")
    assert first.writer_epoch == 1
    assert set(first.snapshot.variables) == {"a"}
    await api.save("run", snapshot(2), writer_epoch=1)
    second = await api.claim("run")
    assert (second.writer_epoch, second.snapshot.version) == (2, 2)
    with refused("FENCED"):
        await api.save("run", snapshot(3), writer_epoch=1)
    assert (await api.save("run", snapshot(3), writer_epoch=2)).version == 3


async def test_a_claim_ahead_of_the_first_save(api: Api) -> None:
    with refused("EXECUTION_NOT_FOUND"):
        await api.claim("run")
    claimed = await api.claim("run", allow_missing=True, event_store_head=0)
    assert claimed.writer_epoch == 1
    assert not claimed.HasField("snapshot")
    assert claimed.freshness.status == MISSING
    with refused("FENCED"):
        await api.save("run", snapshot(1))
    saved = await api.save("run", snapshot(1), writer_epoch=1, must_not_exist=True)
    assert (saved.version, saved.revision) == (1, 1)


async def test_an_epoch_that_cannot_rise_is_fenced(api: Api) -> None:
    await api.save("run", snapshot(1), writer_epoch=2**63 - 1)
    with refused("FENCED"):
        await api.claim("run")
