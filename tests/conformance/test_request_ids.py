"""A repeated request_id is answered with the first answer (DESIGN section 3, rule 2)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from stillframe.v1 import snapshot_service_pb2 as service
from tests.conformance.support import delta, refused, seconds, snapshot

if TYPE_CHECKING:
    from tests.conformance.calls import Api

REPLAYED = service.SAVE_OUTCOME_REPLAYED


async def test_a_repeated_save_gets_the_first_answer(api: Api) -> None:
    first = await api.save("run", snapshot(1), request_id="a")
    await api.save("run", snapshot(2), request_id="b")
    again = await api.save("run", snapshot(1), request_id="a")
    assert again.outcome == REPLAYED
    assert (again.version, again.etag) == (first.version, first.etag)
    assert (again.revision, again.resume_token) == (first.revision, first.resume_token)
    assert (await api.load("run")).sequence_number == 2


async def test_the_order_of_map_keys_is_not_another_body(api: Api) -> None:
    keys = [f"key-{number}" for number in range(40)]
    await api.save("run", snapshot(1, variables=dict.fromkeys(keys, "v")), request_id="a")
    turned = snapshot(1, variables=dict.fromkeys(reversed(keys), "v"))
    assert (await api.save("run", turned, request_id="a")).outcome == REPLAYED


async def test_another_body_is_refused(api: Api) -> None:
    base = await api.save("run", snapshot(1, variables={"v": "1"}), request_id="a")
    for content, fields in (
        (snapshot(1, variables={"v": "2"}), {}),
        (snapshot(1, outputs={"v": "1"}), {}),
        (snapshot(2, variables={"v": "1"}), {}),
        (snapshot(1, variables={"v": "1"}), {"ttl": seconds(1)}),
        (delta(base.etag, snapshot(1, variables={"v": "1"})), {}),
    ):
        with refused("REQUEST_ID_REUSED") as told:
            await api.save("run", content, request_id="a", **fields)
        assert told.fields == ["request_id"]


async def test_the_last_32_are_remembered_and_the_one_before_is_not(api: Api) -> None:
    for number in range(1, 34):
        await api.save("run", snapshot(number), request_id=f"r{number}")
    assert (await api.save("run", snapshot(2), request_id="r2")).outcome == REPLAYED
    with refused("SEQUENCE_REGRESSION"):
        await api.save("run", snapshot(1), request_id="r1")


async def test_a_refused_save_is_decided_anew(api: Api) -> None:
    await api.save("run", snapshot(5))
    with refused("SEQUENCE_REGRESSION"):
        await api.save("run", snapshot(4), request_id="a")
    await api.save("run", snapshot(3), allow_sequence_regression=True)
    assert (await api.save("run", snapshot(4), request_id="a")).version == 3


async def test_an_unchanged_answer_is_remembered(api: Api) -> None:
    await api.save("run", snapshot(1))
    unchanged = await api.save("run", snapshot(1), request_id="a")
    await api.save("run", snapshot(2))
    again = await api.save("run", snapshot(1), request_id="a")
    assert (again.outcome, again.version) == (REPLAYED, unchanged.version)


async def test_a_replay_comes_before_the_fence(api: Api) -> None:
    first = await api.save("run", snapshot(1), request_id="a", writer_epoch=1)
    await api.claim("run")
    again = await api.save("run", snapshot(1), request_id="a", writer_epoch=1)
    assert (again.outcome, again.etag) == (REPLAYED, first.etag)


async def test_a_tombstone_remembers(api: Api) -> None:
    first = await api.save("run", snapshot(1), request_id="a")
    await api.delete("run")
    again = await api.save("run", snapshot(1), request_id="a")
    assert (again.outcome, again.etag) == (REPLAYED, first.etag)
    with refused("EXECUTION_NOT_FOUND"):
        await api.load("run")


async def test_a_repeated_delete_gets_the_first_answer_and_spares_what_came_after(
    api: Api,
) -> None:
    await api.save("run", snapshot(1))
    first = await api.delete("run", request_id="d")
    await api.save("run", snapshot(1))
    assert await api.delete("run", request_id="d") == first
    assert (await api.load("run")).version == 2
    with refused("REQUEST_ID_REUSED"):
        await api.delete("run", request_id="d", include_descendants=True)


async def test_a_delete_of_nothing_is_remembered_too(api: Api) -> None:
    assert (await api.delete("run", request_id="d")).deleted_count == 0
    await api.save("run", snapshot(1))
    assert (await api.delete("run", request_id="d")).deleted_count == 0
    assert (await api.load("run")).version == 1


async def test_a_save_and_a_delete_do_not_share_an_id(api: Api) -> None:
    await api.save("run", snapshot(1), request_id="a")
    with refused("REQUEST_ID_REUSED"):
        await api.delete("run", request_id="a")
