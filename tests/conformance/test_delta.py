"""Deltas: what they carry, and which base they name (DESIGN section 3, rule 5)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from stillframe.v1 import snapshot_service_pb2 as service
from tests.conformance.support import delta, refused, saved_part, snapshot

if TYPE_CHECKING:
    from tests.conformance.calls import Api


async def test_a_delta_sets_removes_and_keeps(api: Api) -> None:
    base = await api.save(
        "run", snapshot(1, outputs={"a": "1", "b": "2"}, variables={"c": "3"}, labels={"k": "v"})
    )
    change = delta(
        base.etag, snapshot(2, outputs={"b": "two", "d": "4"}), removed_variables=["c", "nothing"]
    )
    assert (await api.save("run", change)).outcome == service.SAVE_OUTCOME_UPDATED
    expected = snapshot(2, outputs={"a": "1", "b": "two", "d": "4"})
    assert saved_part(await api.load("run")) == expected


async def test_every_version_that_deltas_made_reads_back(api: Api) -> None:
    expected = {1: snapshot(1, outputs={"k0": "0"})}
    answer = await api.save("run", expected[1])
    for number in range(2, 12):
        before, now = expected[number - 1], snapshot(number)
        now.step_outputs.MergeFrom(before.step_outputs)
        gone = f"k{number - 4}"
        removed = [gone] if gone in now.step_outputs else []
        for key in removed:
            del now.step_outputs[key]
        # A key that was removed comes back three versions later, with another value.
        change = snapshot(number, outputs={f"k{number - 1}": str(number), "k1": f"v{number // 3}"})
        now.step_outputs.MergeFrom(change.step_outputs)
        removed = [key for key in removed if key not in change.step_outputs]
        answer = await api.save("run", delta(answer.etag, change, removed_outputs=removed))
        expected[number] = now
    for number, then in expected.items():
        assert saved_part(await api.load("run", version=number)) == then


async def test_another_base_than_the_head_is_refused(api: Api) -> None:
    first = await api.save("run", snapshot(1))
    second = await api.save("run", snapshot(2))
    with refused("DELTA_BASE_MISMATCH") as told:
        await api.save("run", delta(first.etag, snapshot(3)))
    assert told.metadata == {
        "execution_id": "run",
        "base": first.etag,
        "head_etag": second.etag,
        "head_version": "2",
        "head_sequence_number": "2",
    }


async def test_a_base_may_be_named_by_the_request_that_made_it(api: Api) -> None:
    await api.save("run", snapshot(1, variables={"a": "1"}), request_id="r1")
    second = delta(None, snapshot(2, variables={"b": "2"}), base_request_id="r1")
    await api.save("run", second, request_id="r2")
    third = delta(None, snapshot(3, variables={"c": "3"}), base_request_id="r2")
    await api.save("run", third)
    expected = snapshot(3, variables={"a": "1", "b": "2", "c": "3"})
    assert saved_part(await api.load("run")) == expected
    for stale in ("r1", "unknown"):
        with refused("DELTA_BASE_MISMATCH") as told:
            await api.save("run", delta(None, snapshot(4), base_request_id=stale))
        assert told.metadata["base"] == stale


async def test_an_unchanged_save_can_be_a_base(api: Api) -> None:
    await api.save("run", snapshot(1))
    await api.save("run", snapshot(1), request_id="same")
    change = delta(None, snapshot(2), base_request_id="same")
    assert (await api.save("run", change)).version == 2


async def test_a_delta_that_changes_nothing_is_unchanged(api: Api) -> None:
    base = await api.save("run", snapshot(1, variables={"a": "1"}))
    change = delta(base.etag, snapshot(1, variables={"a": "1"}), removed_outputs=["nothing"])
    assert (await api.save("run", change)).outcome == service.SAVE_OUTCOME_UNCHANGED


async def test_a_key_both_set_and_removed_is_invalid(api: Api) -> None:
    base = await api.save("run", snapshot(1))
    change = delta(base.etag, snapshot(2, variables={"a": "1"}), removed_variables=["a"])
    with refused("INVALID_FIELD") as told:
        await api.save("run", change)
    assert told.fields == ["delta.removed_variables['a']"]
    other_map = delta(base.etag, snapshot(2, variables={"a": "1"}), removed_outputs=["a"])
    assert (await api.save("run", other_map)).version == 2
