"""The rules of a save, and that they are decided in their order (DESIGN section 3)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from stillframe.v1 import snapshot_service_pb2 as service
from tests.conformance.support import delta, refused, saved_part, snapshot

if TYPE_CHECKING:
    from tests.conformance.calls import Api
    from tests.conformance.conftest import Serve

CREATED, UPDATED = service.SAVE_OUTCOME_CREATED, service.SAVE_OUTCOME_UPDATED
UNCHANGED, REPLAYED = service.SAVE_OUTCOME_UNCHANGED, service.SAVE_OUTCOME_REPLAYED


async def test_versions_count_from_one(api: Api) -> None:
    first = await api.save("run", snapshot(1))
    second = await api.save("run", snapshot(2))
    assert (first.version, first.outcome) == (1, CREATED)
    assert (second.version, second.outcome) == (2, UPDATED)


async def test_must_not_exist_refuses_and_names_the_head(api: Api) -> None:
    head = await api.save("run", snapshot(7))
    with refused("EXECUTION_EXISTS") as told:
        await api.save("run", snapshot(8), must_not_exist=True)
    assert told.metadata == {
        "execution_id": "run",
        "head_etag": head.etag,
        "head_version": "1",
        "head_sequence_number": "7",
    }


async def test_an_expected_etag_must_be_the_heads(api: Api) -> None:
    first = await api.save("run", snapshot(1))
    second = await api.save("run", snapshot(2), expected_etag=first.etag)
    with refused("ETAG_MISMATCH") as told:
        await api.save("run", snapshot(3), expected_etag=first.etag)
    assert told.metadata["head_etag"] == second.etag
    assert told.metadata["expected_etag"] == first.etag


async def test_an_expected_etag_of_nothing_is_a_mismatch_without_a_head(api: Api) -> None:
    with refused("ETAG_MISMATCH") as told:
        await api.save("run", snapshot(1), expected_etag="v1-0000000000000000")
    assert "head_etag" not in told.metadata


async def test_a_lower_sequence_is_refused_unless_allowed(api: Api) -> None:
    await api.save("run", snapshot(5))
    with refused("SEQUENCE_REGRESSION") as told:
        await api.save("run", snapshot(4))
    assert told.metadata["sequence_number"] == "4"
    assert told.metadata["head_sequence_number"] == "5"
    allowed = await api.save("run", snapshot(4), allow_sequence_regression=True)
    assert allowed.version == 2


async def test_an_equal_sequence_is_legal(api: Api) -> None:
    await api.save("run", snapshot(5, variables={"v": "1"}))
    assert (await api.save("run", snapshot(5, variables={"v": "2"}))).version == 2


async def test_an_equal_snapshot_is_unchanged(api: Api) -> None:
    first = await api.save("run", snapshot(5, variables={"v": "1"}))
    again = await api.save("run", snapshot(5, variables={"v": "1"}))
    assert again.outcome == UNCHANGED
    assert (again.version, again.etag, again.revision) == (1, first.etag, first.revision)


@pytest.mark.parametrize("field", ["labels", "timestamp", "schema_version", "user_id"])
async def test_every_field_that_the_client_sets_counts_as_a_change(api: Api, field: str) -> None:
    await api.save("run", snapshot(1))
    changed = snapshot(1)
    match field:
        case "labels":
            changed.labels["k"] = "v"
        case "timestamp":
            changed.timestamp.nanos = 1
        case _:
            setattr(changed, field, "x")
    assert (await api.save("run", changed)).outcome == UPDATED
    assert saved_part(await api.load("run")) == changed


async def test_a_full_save_removes_what_it_does_not_carry(api: Api) -> None:
    await api.save("run", snapshot(1, outputs={"a": "1", "b": "2"}, variables={"c": "3"}))
    await api.save("run", snapshot(2, outputs={"b": "2"}))
    assert saved_part(await api.load("run")) == snapshot(2, outputs={"b": "2"})


async def test_a_snapshot_id_is_unique_in_its_execution(api: Api) -> None:
    await api.save("run", snapshot(1, snapshot_id="s"))
    with refused("SNAPSHOT_ID_EXISTS") as told:
        await api.save("run", snapshot(2, snapshot_id="s"))
    assert told.metadata == {"execution_id": "run", "snapshot_id": "s", "version": "1"}
    assert (await api.save("other", snapshot(1, snapshot_id="s"))).version == 1


async def test_the_epoch_floor_fences_lower_and_unset_epochs(api: Api) -> None:
    await api.save("run", snapshot(1), writer_epoch=5)
    for epoch in (None, 4):
        with refused("FENCED") as told:
            await api.save("run", snapshot(2), writer_epoch=epoch)
        assert told.metadata["writer_epoch_floor"] == "5"
        assert told.metadata.get("writer_epoch") == (None if epoch is None else str(epoch))
    assert (await api.save("run", snapshot(2), writer_epoch=5)).version == 2
    assert (await api.save("run", snapshot(3), writer_epoch=9)).version == 3


async def test_the_floor_outlives_a_delete(api: Api) -> None:
    await api.save("run", snapshot(1), writer_epoch=5)
    await api.delete("run", writer_epoch=6)
    with refused("FENCED") as told:
        await api.save("run", snapshot(1), writer_epoch=5)
    assert told.metadata["writer_epoch_floor"] == "6"


async def test_a_quota_on_executions_counts_those_that_are_there(serve: Serve) -> None:
    api = await serve(max_executions=2)
    await api.save("a")
    await api.save("b")
    with refused("QUOTA_EXCEEDED") as told:
        await api.save("c")
    assert told.metadata == {"limit": "max_executions", "maximum": "2"}
    assert told.quotas == ["max_executions"]
    await api.save("a", snapshot(2))
    await api.delete("a")
    assert (await api.save("c")).version == 1


async def test_a_snapshot_that_is_too_large_is_refused_full_or_as_the_result_of_a_delta(
    serve: Serve,
) -> None:
    api = await serve(max_snapshot_bytes=10_000, max_payload_bytes=8_000)
    with refused("SNAPSHOT_TOO_LARGE") as told:
        await api.save("run", snapshot(1, variables={"a": bytes(8_001)}))
    assert told.metadata == {"limit": "max_payload_bytes", "maximum": "8000", "actual": "8001"}
    with refused("SNAPSHOT_TOO_LARGE") as told:
        await api.save("run", snapshot(1, variables={"a": bytes(6_000), "b": bytes(6_000)}))
    assert told.metadata["limit"] == "max_snapshot_bytes"
    assert int(told.metadata["actual"]) > 12_000
    base = await api.save("run", snapshot(1, variables={"a": bytes(6_000)}))
    with refused("SNAPSHOT_TOO_LARGE"):
        await api.save("run", delta(base.etag, snapshot(2, variables={"b": bytes(6_000)})))
    replaced = delta(base.etag, snapshot(2, variables={"b": bytes(6_000)}), removed_variables=["a"])
    assert (await api.save("run", replaced)).version == 2


async def test_more_entries_than_the_server_takes_are_refused(serve: Serve) -> None:
    api = await serve(max_entries=3)
    with refused("SNAPSHOT_TOO_LARGE") as told:
        await api.save("run", snapshot(1, variables={str(n): "" for n in range(4)}))
    assert told.metadata == {"limit": "max_entries", "maximum": "3", "actual": "4"}


async def test_the_rules_are_decided_in_their_order(api: Api) -> None:
    """Each call breaks a rule and every later one too: the earliest is what it is told."""
    head = await api.save("run", snapshot(5, snapshot_id="s"), writer_epoch=3, request_id="first")
    wrong = {"writer_epoch": 2, "expected_etag": "v9-0000000000000000"}
    stale = delta("v9-0000000000000000", snapshot(1, snapshot_id="s"))
    with refused("INVALID_FIELD"):
        await api.save("", stale, request_id="first", **wrong)
    with refused("REQUEST_ID_REUSED"):
        await api.save("run", stale, request_id="first", **wrong)
    with refused("FENCED"):
        await api.save("run", stale, **wrong)
    with refused("ETAG_MISMATCH"):
        await api.save("run", stale, **wrong | {"writer_epoch": 3})
    with refused("DELTA_BASE_MISMATCH"):
        await api.save("run", stale, writer_epoch=3)
    with refused("SEQUENCE_REGRESSION"):
        await api.save("run", delta(head.etag, snapshot(1, snapshot_id="s")), writer_epoch=3)
    unchanged = delta(head.etag, snapshot(5, snapshot_id="s"))
    assert (await api.save("run", unchanged, writer_epoch=3)).outcome == UNCHANGED
    with refused("SNAPSHOT_ID_EXISTS"):
        await api.save("run", snapshot(6, snapshot_id="s"), writer_epoch=3)


async def test_a_delta_to_nothing_is_not_found_after_its_preconditions(api: Api) -> None:
    change = delta("v1-0000000000000000", snapshot(1))
    with refused("ETAG_MISMATCH"):
        await api.save("run", change, expected_etag="x")
    with refused("EXECUTION_NOT_FOUND"):
        await api.save("run", change)


async def test_commit_time_never_goes_back(api: Api) -> None:
    times: list[int] = []
    for step in (0.0, -50.0, 0.0, 60.0):
        api.clock.advance(step)
        await api.save("run", snapshot(len(times) + 1))
        times.append((await api.load("run")).commit_time.ToNanoseconds())
    assert times[1] == times[0] + 1_000
    assert times[2] == times[1] + 1_000
    assert times[3] == api.clock.now
