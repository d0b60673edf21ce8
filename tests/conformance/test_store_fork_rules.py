"""What a store must refuse a fork, in which order, and what it must not copy."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from stillframe.v1 import snapshot_service_pb2 as service
from tests.conformance.runs import save_five
from tests.conformance.support import delta, refused, saved_part, seconds, snapshot

if TYPE_CHECKING:
    from tests.conformance.conftest import OpenStore
    from tests.conformance.direct import StoreTenant


@pytest.fixture
async def source(store: StoreTenant) -> StoreTenant:
    """A tenant with an execution "a" of five versions, at revision 5."""
    await save_five(store)
    return store


async def test_the_ttl_is_not_copied(store: StoreTenant) -> None:
    await store.save("a", ttl=seconds(60))
    await store.fork("a", "b")
    store.clock.advance(10_000)
    await store.maintain()

    assert await store.ids() == ["b"]


async def test_the_fork_can_be_given_a_ttl_of_its_own(source: StoreTenant) -> None:
    await source.fork("a", "b", include_history=True)
    await source.save("b", snapshot(60), ttl=seconds(60))
    source.clock.advance(61)
    await source.maintain()

    assert await source.ids() == ["a"]
    assert len(await source.versions("a")) == 5


async def test_the_writer_epoch_is_not_copied(store: StoreTenant) -> None:
    await store.save("a", writer_epoch=9)
    await store.fork("a", "b")

    assert (await store.save("b", snapshot(2))).version == 2
    assert (await store.claim("b")).writer_epoch == 1
    with refused("FENCED"):
        await store.save("a", snapshot(2))


async def test_the_floor_of_the_new_name_stays(store: StoreTenant) -> None:
    await store.save("a")
    await store.save("b", writer_epoch=4)
    await store.delete("b", writer_epoch=4)
    await store.fork("a", "b")

    with refused("FENCED"):
        await store.save("b", snapshot(2))
    assert (await store.claim("b")).writer_epoch == 5


async def test_a_claim_of_a_name_does_not_hinder_a_fork_to_it(store: StoreTenant) -> None:
    await store.save("a")
    epoch = (await store.claim("b", allow_missing=True)).writer_epoch
    await store.fork("a", "b")

    with refused("FENCED"):
        await store.save("b", snapshot(2))
    assert (await store.save("b", snapshot(2), writer_epoch=epoch)).version == 2


async def test_a_missing_source_is_refused(source: StoreTenant) -> None:
    with refused("EXECUTION_NOT_FOUND") as told:
        await source.fork("missing", "b")
    assert told.metadata == {"execution_id": "missing"}
    await source.delete("a")
    with refused("EXECUTION_NOT_FOUND"):
        await source.fork("a", "b", version=1)
    assert await source.ids() == []
    assert await source.revision() == 6


async def test_a_missing_snapshot_is_refused(source: StoreTenant) -> None:
    await source.prune("a", 2)
    for chosen in ({"version": 2}, {"version": 6}, {"snapshot_id": "id2"}, {"snapshot_id": "x"}):
        with refused("SNAPSHOT_NOT_FOUND") as told:
            await source.fork("a", "b", **chosen)
        assert told.metadata["execution_id"] == "a"
        assert str(next(iter(chosen.values()))) in told.metadata["selector"]
    assert await source.head("b") is None
    assert await source.revision() == 5


async def test_a_name_that_exists_is_refused(source: StoreTenant) -> None:
    there = await source.save("b", snapshot(3))
    for name, head in (("b", there.etag), ("a", (await source.load("a")).etag)):
        with refused("EXECUTION_EXISTS") as told:
            await source.fork("a", name)
        assert (told.metadata["execution_id"], told.metadata["head_etag"]) == (name, head)
    assert len(await source.changes()) == 6


async def test_the_quota_counts_forks(opened: OpenStore) -> None:
    store = await opened(max_executions=2)
    await store.save("a")
    await store.fork("a", "b")
    with refused("QUOTA_EXCEEDED"):
        await store.fork("a", "c")
    await store.delete("b")
    assert (await store.fork("a", "c")).version == 1


async def test_rules_are_decided_in_their_order(opened: OpenStore) -> None:
    """Each call breaks all the rules from one on; the first of them is the one told."""
    store = await opened(max_executions=2)
    await store.save("a")
    first = await store.fork("a", "b", request_id="r")

    with refused("EXECUTION_NOT_FOUND"):
        await store.fork("missing", "b", version=9)
    with refused("SNAPSHOT_NOT_FOUND"):
        await store.fork("a", "b", version=9)
    with refused("EXECUTION_EXISTS"):
        await store.fork("a", "b")
    with refused("QUOTA_EXCEEDED"):
        await store.fork("a", "c")
    with refused("REQUEST_ID_REUSED"):
        await store.fork("missing", "b", version=9, request_id="r")
    await store.delete("a")
    assert await store.fork("a", "b", request_id="r") == first


async def test_a_repeated_fork_gets_the_first_answer(source: StoreTenant) -> None:
    first = await source.fork("a", "b", request_id="r", include_history=True)
    await source.save("a", snapshot(60))
    await source.save("b", snapshot(60))

    assert await source.fork("a", "b", request_id="r", include_history=True) == first
    assert len(await source.changes()) == 8
    await source.delete("b")
    assert await source.fork("a", "b", request_id="r", include_history=True) == first
    assert await source.head("b") is None


async def test_a_request_id_is_the_new_names(source: StoreTenant) -> None:
    await source.fork("a", "b", request_id="r")
    assert (await source.fork("a", "c", request_id="r")).revision == 7
    assert (await source.save("a", snapshot(60), request_id="r")).revision == 8
    for fields in ({"include_history": True}, {"version": 2}, {"sequence_number": 0}):
        with refused("REQUEST_ID_REUSED"):
            await source.fork("a", "b", request_id="r", **fields)
    with refused("REQUEST_ID_REUSED"):
        await source.save("b", snapshot(60), request_id="r")
    with refused("REQUEST_ID_REUSED"):
        await source.delete("b", request_id="r")


async def test_a_refused_fork_is_decided_anew(source: StoreTenant) -> None:
    with refused("SNAPSHOT_NOT_FOUND"):
        await source.fork("a", "b", request_id="r", version=6)
    await source.save("a", snapshot(60))
    assert (await source.fork("a", "b", request_id="r", version=6)).revision == 7


async def test_the_sources_request_ids_are_not_the_forks(store: StoreTenant) -> None:
    await store.save("a", snapshot(1), request_id="r")
    await store.fork("a", "b")

    assert (await store.save("b", snapshot(2), request_id="r")).version == 2
    with refused("DELTA_BASE_MISMATCH"):
        await store.save("b", delta(None, snapshot(3), base_request_id="other"))


async def test_a_delta_can_name_the_fork_as_its_base(source: StoreTenant) -> None:
    forked = await source.fork("a", "b", request_id="fork")
    by_id = delta(None, snapshot(60, variables={"new": "1"}), base_request_id="fork")
    await source.save("b", by_id)

    assert set((await source.load("b")).variables) == {"n", "new"}
    assert set((await source.load("b")).step_outputs) == {f"s{n}" for n in range(5)}
    with refused("DELTA_BASE_MISMATCH"):
        await source.save("b", delta(forked.etag, snapshot(70)))


async def test_the_etag_of_a_fork_is_that_of_its_head(source: StoreTenant) -> None:
    forked = await source.fork("a", "b")
    original = await source.load("a")

    with refused("ETAG_MISMATCH"):
        await source.save("b", snapshot(60), expected_etag=original.etag)
    with refused("DELTA_BASE_MISMATCH"):
        await source.save("b", delta(original.etag, snapshot(60)))
    assert (await source.save("b", snapshot(60), expected_etag=forked.etag)).version == 2


async def test_the_same_state_again_is_unchanged(source: StoreTenant) -> None:
    forked = await source.fork("a", "b", include_history=True)
    again = await source.save("b", saved_part(await source.load("a")))

    assert again.outcome == service.SAVE_OUTCOME_UNCHANGED
    assert (again.version, again.etag) == (forked.version, forked.etag)
    assert await source.revision() == 6


async def test_a_save_after_a_fork_has_no_origin(source: StoreTenant) -> None:
    await source.fork("a", "b")
    await source.save("b", snapshot(60))

    assert not (await source.load("b")).HasField("origin")
    assert (await source.load("b", version=1)).HasField("origin")
