"""Which of two broken rules a save is refused by, and what it leaves behind (DESIGN section 3)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from stillframe.v1 import snapshot_service_pb2 as service
from tests.conformance.support import delta, refused, seconds, snapshot

if TYPE_CHECKING:
    from stillframe.v1.snapshot_pb2 import ExecutionSnapshot
    from stillframe.v1.snapshot_service_pb2 import SnapshotDelta
    from tests.conformance.calls import Api
    from tests.conformance.conftest import Serve

UNKNOWN_ETAG = "v9-0000000000000000"
BIG = snapshot(9, variables={"big": b"x" * 5_000})


@pytest.fixture
async def api(serve: Serve) -> Api:
    """A server with room for two executions, `run` and `other`, of little bytes."""
    api = await serve(max_executions=2, max_snapshot_bytes=4_000)
    await api.save("run", snapshot(5, snapshot_id="s"), writer_epoch=3, request_id="r")
    await api.save("other")
    return api


async def test_validation_comes_before_a_replay(api: Api) -> None:
    with refused("INVALID_FIELD"):
        await api.save("run", snapshot(5, snapshot_id=""), writer_epoch=3, request_id="r")
    with refused("SNAPSHOT_TOO_LARGE"):
        await api.save("run", BIG, request_id="r")


async def test_validation_comes_before_the_fence(api: Api) -> None:
    with refused("INVALID_FIELD"):
        await api.save("run", snapshot(user_id=""), writer_epoch=2)
    with refused("SNAPSHOT_TOO_LARGE"):
        await api.save("run", BIG, writer_epoch=2)


async def test_a_used_request_id_comes_before_the_fence(api: Api) -> None:
    with refused("REQUEST_ID_REUSED"):
        await api.save("run", snapshot(6), writer_epoch=2, request_id="r")


@pytest.mark.parametrize(
    "precondition", [{"must_not_exist": True}, {"expected_etag": UNKNOWN_ETAG}]
)
async def test_the_fence_comes_before_the_preconditions(
    api: Api, precondition: dict[str, Any]
) -> None:
    with refused("FENCED"):
        await api.save("run", snapshot(6), writer_epoch=2, **precondition)
    with refused("FENCED"):
        await api.save("run", snapshot(6), **precondition)


@pytest.mark.parametrize(
    ("precondition", "reason"),
    [
        ({"must_not_exist": True}, "EXECUTION_EXISTS"),
        ({"expected_etag": UNKNOWN_ETAG}, "ETAG_MISMATCH"),
    ],
)
async def test_the_preconditions_come_before_the_base(
    api: Api, precondition: dict[str, Any], reason: str
) -> None:
    with refused(reason):
        await api.save("run", delta(UNKNOWN_ETAG, snapshot(6)), writer_epoch=3, **precondition)


async def test_the_base_comes_before_the_sequence(api: Api) -> None:
    with refused("DELTA_BASE_MISMATCH"):
        await api.save("run", delta(UNKNOWN_ETAG, snapshot(4)), writer_epoch=3)


async def test_the_sequence_comes_before_the_snapshot_id(api: Api) -> None:
    with refused("SEQUENCE_REGRESSION"):
        await api.save("run", snapshot(4, snapshot_id="s"), writer_epoch=3)


async def test_no_change_comes_before_the_snapshot_id(api: Api) -> None:
    again = await api.save("run", snapshot(5, snapshot_id="s"), writer_epoch=3)
    assert again.outcome == service.SAVE_OUTCOME_UNCHANGED


async def test_the_fence_comes_before_the_quota(api: Api) -> None:
    await api.claim("third", allow_missing=True)
    with refused("FENCED"):
        await api.save("third")
    with refused("QUOTA_EXCEEDED"):
        await api.save("third", writer_epoch=1)


async def test_the_preconditions_come_before_the_quota(api: Api) -> None:
    with refused("ETAG_MISMATCH"):
        await api.save("third", expected_etag=UNKNOWN_ETAG)


async def test_the_base_comes_before_the_quota(api: Api) -> None:
    with refused("EXECUTION_NOT_FOUND"):
        await api.save("third", delta(UNKNOWN_ETAG, snapshot(1)))


LATER_RULES: dict[str, tuple[ExecutionSnapshot | SnapshotDelta, dict[str, Any], str]] = {
    "must_not_exist": (snapshot(6), {"must_not_exist": True}, "EXECUTION_EXISTS"),
    "expected_etag": (snapshot(6), {"expected_etag": UNKNOWN_ETAG}, "ETAG_MISMATCH"),
    "base": (delta(UNKNOWN_ETAG, snapshot(6)), {}, "DELTA_BASE_MISMATCH"),
    "sequence": (snapshot(4), {}, "SEQUENCE_REGRESSION"),
    "snapshot_id": (snapshot(6, snapshot_id="s"), {}, "SNAPSHOT_ID_EXISTS"),
}


@pytest.mark.parametrize("rule", LATER_RULES)
async def test_the_floor_rises_although_a_later_rule_refuses(api: Api, rule: str) -> None:
    content, fields, reason = LATER_RULES[rule]
    with refused(reason):
        await api.save("run", content, writer_epoch=8, **fields)
    with refused("FENCED") as told:
        await api.save("run", snapshot(6), writer_epoch=7)
    assert told.metadata["writer_epoch_floor"] == "8"


async def test_the_floor_rises_although_nothing_changed(api: Api) -> None:
    await api.save("run", snapshot(5, snapshot_id="s"), writer_epoch=8)
    with refused("FENCED"):
        await api.save("run", snapshot(6), writer_epoch=7)


@pytest.mark.parametrize("reason", ["EXECUTION_NOT_FOUND", "ETAG_MISMATCH", "QUOTA_EXCEEDED"])
async def test_the_floor_rises_where_there_is_no_execution(api: Api, reason: str) -> None:
    content = delta(UNKNOWN_ETAG, snapshot(1)) if reason == "EXECUTION_NOT_FOUND" else snapshot(1)
    fields = {"expected_etag": UNKNOWN_ETAG} if reason == "ETAG_MISMATCH" else {}
    with refused(reason):
        await api.save("third", content, writer_epoch=8, **fields)
    with refused("FENCED") as told:
        await api.save("third", writer_epoch=7)
    assert told.metadata["writer_epoch_floor"] == "8"


async def test_the_floor_rises_with_a_delete_of_nothing(api: Api) -> None:
    assert (await api.delete("third", writer_epoch=8)).deleted_count == 0
    with refused("FENCED"):
        await api.delete("third", writer_epoch=7)
    with refused("FENCED"):
        await api.save("third", writer_epoch=7)


async def test_the_floor_rises_with_a_refused_delete(api: Api) -> None:
    with refused("ETAG_MISMATCH"):
        await api.delete("run", writer_epoch=8, expected_etag=UNKNOWN_ETAG)
    with refused("FENCED"):
        await api.save("run", snapshot(6), writer_epoch=7)


async def test_a_fenced_save_leaves_the_floor_and_the_head(api: Api) -> None:
    before = await api.load("run")
    with refused("FENCED"):
        await api.save("run", snapshot(6), writer_epoch=2)
    assert await api.load("run") == before
    assert (await api.save("run", snapshot(6), writer_epoch=3)).version == 2


async def test_a_delta_in_bounds_is_refused_when_its_result_is_not(api: Api) -> None:
    base = await api.save("other", snapshot(1, variables={"a": b"x" * 3_000}))
    with refused("SNAPSHOT_TOO_LARGE") as told:
        await api.save("other", delta(base.etag, snapshot(1, variables={"b": b"x" * 3_000})))
    assert told.metadata["limit"] == "max_snapshot_bytes"
    assert (await api.load("other")).version == base.version


async def test_a_replay_does_not_set_the_ttl_again(api: Api) -> None:
    await api.save("other", snapshot(2), ttl=seconds(100), request_id="t")
    api.clock.advance(60)
    again = await api.save("other", snapshot(2), ttl=seconds(100), request_id="t")
    assert again.outcome == service.SAVE_OUTCOME_REPLAYED
    api.clock.advance(60)
    await api.maintain()
    with refused("EXECUTION_NOT_FOUND"):
        await api.load("other")
