"""What a store must do with a save, a claim and a delete."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from stillframe.server.stores.marks import parse_resume_token
from stillframe.v1 import snapshot_service_pb2 as service
from tests.conformance.support import (
    COMPLETED,
    delta,
    refused,
    saved_part,
    snapshot,
)

if TYPE_CHECKING:
    from tests.conformance.direct import StoreTenant

DAY = 86_400.0


async def test_an_outcome_of_created_or_updated_takes_the_next_revision(store: StoreTenant) -> None:
    first = await store.save("a", snapshot(1))
    second = await store.save("b", snapshot(1))
    third = await store.save("a", snapshot(2))

    assert [first.outcome, second.outcome, third.outcome] == [
        service.SAVE_OUTCOME_CREATED,
        service.SAVE_OUTCOME_CREATED,
        service.SAVE_OUTCOME_UPDATED,
    ]
    assert [first.revision, second.revision, third.revision] == [1, 2, 3]
    assert [first.version, second.version, third.version] == [1, 1, 2]


async def test_every_revision_has_one_change_record(store: StoreTenant) -> None:
    saved = [
        await store.save("a", snapshot(1, variables={"k": "v"}, labels={"team": "red"})),
        await store.save("b", snapshot(5)),
        await store.save("a", snapshot(2, state=COMPLETED)),
    ]
    deleted = await store.delete("b")

    changes = await store.changes()

    assert [(c.execution_id, c.kind) for c in changes] == [
        ("a", service.CHANGE_KIND_SAVED),
        ("b", service.CHANGE_KIND_SAVED),
        ("a", service.CHANGE_KIND_SAVED),
        ("b", service.CHANGE_KIND_DELETED),
    ]
    assert [c.revision for c in changes] == [1, 2, 3, 4]
    assert [c.resume_token for c in changes] == [
        *(response.resume_token for response in saved),
        deleted.resume_token,
    ]
    assert [c.header.etag for c in changes[:3]] == [response.etag for response in saved]


async def test_an_unchanged_save_takes_no_revision(store: StoreTenant) -> None:
    first = await store.save("a", snapshot(1, variables={"k": "v"}))
    again = await store.save("a", snapshot(1, variables={"k": "v"}))

    assert again.outcome == service.SAVE_OUTCOME_UNCHANGED
    assert (again.version, again.etag, again.revision) == (1, first.etag, 1)
    assert await store.revision() == 1
    assert len(await store.changes()) == 1


async def test_a_replayed_save_takes_no_revision(store: StoreTenant) -> None:
    await store.save("a", snapshot(1), request_id="r")
    again = await store.save("a", snapshot(1), request_id="r")

    assert again.outcome == service.SAVE_OUTCOME_REPLAYED
    assert await store.revision() == 1


async def test_a_refused_save_takes_no_revision_and_leaves_the_head(store: StoreTenant) -> None:
    await store.save("a", snapshot(5, variables={"k": "old"}))
    before = await store.load("a")

    with refused("SEQUENCE_REGRESSION"):
        await store.save("a", snapshot(4, variables={"k": "new"}))
    with refused("EXECUTION_NOT_FOUND"):
        await store.save("b", delta("v1-0000000000000000", snapshot(1)))

    assert await store.load("a") == before
    assert await store.revision() == 1
    assert len(await store.changes()) == 1
    assert await store.head("b") is None


async def test_an_etag_names_one_commit_for_good(store: StoreTenant) -> None:
    first = await store.save("a", snapshot(1))
    await store.delete("a")
    second = await store.save("a", snapshot(1))
    other = await store.save("b", snapshot(1))

    assert len({first.etag, second.etag, other.etag}) == 3


async def test_versions_go_on_after_a_delete(store: StoreTenant) -> None:
    await store.save("a", snapshot(1))
    await store.save("a", snapshot(2))
    await store.delete("a")
    third = await store.save("a", snapshot(1))
    await store.delete("a")
    fourth = await store.save("a", snapshot(1))

    assert (third.version, third.outcome) == (3, service.SAVE_OUTCOME_CREATED)
    assert fourth.version == 4


async def test_a_delete_takes_a_revision_and_writes_a_deleted_record(store: StoreTenant) -> None:
    saved = await store.save("a", snapshot(7, state=COMPLETED, user_id="ann", labels={"k": "v"}))
    answer = await store.delete("a")

    assert (answer.deleted_count, answer.revision) == (1, 2)
    [change] = await store.changes(after=saved.revision)
    assert change.kind == service.CHANGE_KIND_DELETED
    assert change.resume_token == answer.resume_token
    header = change.header
    assert (header.tenant_id, header.execution_id) == (store.tenant_id, "a")
    assert (header.state, header.sequence_number, header.user_id) == (COMPLETED, 7, "ann")
    assert (header.version, header.revision, dict(header.labels)) == (1, 2, {"k": "v"})


async def test_a_delete_of_nothing_counts_nothing_and_takes_no_revision(store: StoreTenant) -> None:
    answer = await store.delete("a")

    assert (answer.deleted_count, answer.revision, answer.resume_token) == (0, 0, "")
    assert await store.revision() == 0


async def test_a_deleted_execution_is_gone_with_its_history(store: StoreTenant) -> None:
    await store.save("a", snapshot(1))
    await store.save("a", snapshot(2))
    await store.delete("a")

    assert await store.head("a") is None
    assert await store.executions() == []
    assert await store.history() == []
    with refused("EXECUTION_NOT_FOUND"):
        await store.load("a", version=1)
    with refused("EXECUTION_NOT_FOUND"):
        await store.history("a")


async def test_history_from_before_a_delete_does_not_come_back(store: StoreTenant) -> None:
    await store.save("a", snapshot(1, variables={"old": "1"}, snapshot_id="s"))
    await store.delete("a")
    await store.maintain()
    await store.save("a", snapshot(1, variables={"new": "1"}, snapshot_id="s"))

    with refused("SNAPSHOT_NOT_FOUND"):
        await store.load("a", version=1)
    assert (await store.load("a", snapshot_id="s")).version == 2
    assert [s.version for s in await store.history("a")] == [2]
    assert list((await store.load("a")).variables) == ["new"]


@pytest.mark.parametrize("days", [0.0, 29.0])
async def test_a_tombstone_keeps_version_floor_and_answers(store: StoreTenant, days: float) -> None:
    first = await store.save("a", snapshot(1), request_id="r", writer_epoch=5)
    await store.delete("a", writer_epoch=6, request_id="d")
    store.clock.advance(days * DAY)
    await store.maintain()

    with refused("FENCED"):
        await store.save("a", snapshot(2), writer_epoch=5)
    again = await store.save("a", snapshot(1), request_id="r", writer_epoch=5)
    assert (again.outcome, again.etag) == (service.SAVE_OUTCOME_REPLAYED, first.etag)
    assert (await store.delete("a", writer_epoch=6, request_id="d")).deleted_count == 1
    assert (await store.save("a", snapshot(2), writer_epoch=6)).version == 2


async def test_a_claim_raises_the_floor_by_one_and_takes_no_revision(store: StoreTenant) -> None:
    await store.save("a", snapshot(1, variables={"k": "v"}))

    assert [(await store.claim("a")).writer_epoch for _ in range(3)] == [1, 2, 3]
    assert await store.revision() == 1
    with refused("FENCED"):
        await store.save("a", snapshot(2), writer_epoch=2)


async def test_a_claim_returns_the_head(store: StoreTenant) -> None:
    saved = await store.save("a", snapshot(3, variables={"k": "v"}))
    claimed = await store.claim("a")

    assert claimed.head is not None
    assert (claimed.head.header.etag, claimed.head.header.sequence_number) == (saved.etag, 3)
    assert [key.key for key, _ in claimed.head.entries] == ["k"]


async def test_a_claim_of_a_missing_execution_needs_allow_missing(store: StoreTenant) -> None:
    with refused("EXECUTION_NOT_FOUND"):
        await store.claim("a")

    claimed = await store.claim("a", allow_missing=True)

    assert (claimed.writer_epoch, claimed.head) == (1, None)
    assert await store.head("a") is None
    with refused("FENCED"):
        await store.save("a", snapshot(1))
    assert (await store.save("a", snapshot(1), writer_epoch=1)).version == 1


async def test_a_claim_goes_on_above_the_floor_of_a_tombstone(store: StoreTenant) -> None:
    await store.save("a", snapshot(1), writer_epoch=9)
    await store.delete("a", writer_epoch=9)

    assert (await store.claim("a", allow_missing=True)).writer_epoch == 10


async def test_the_floor_rises_although_the_save_is_refused(store: StoreTenant) -> None:
    await store.save("a", snapshot(5))
    with refused("SEQUENCE_REGRESSION"):
        await store.save("a", snapshot(4), writer_epoch=7)
    with refused("FENCED"):
        await store.save("a", snapshot(6), writer_epoch=6)
    with refused("FENCED"):
        await store.save("a", snapshot(6))

    assert (await store.save("a", snapshot(6), writer_epoch=7)).version == 2


async def test_earlier_versions_stay_as_they_were(store: StoreTenant) -> None:
    states = [
        snapshot(1, variables={"kept": "1", "changed": "1", "removed": "1"}),
        snapshot(2, variables={"kept": "1", "changed": "2"}, outputs={"added": "2"}),
        snapshot(3, variables={"changed": "3", "removed": "3"}, outputs={"added": "2"}),
        snapshot(3, state=COMPLETED),
    ]
    for state in states:
        await store.save("a", state)
    read = [await store.load("a", version=number + 1) for number in range(len(states))]

    assert [saved_part(one) for one in read] == states


async def test_what_the_answer_names_is_what_is_read(store: StoreTenant) -> None:
    answer = await store.save("a", snapshot(1))
    read = await store.load("a")
    token = parse_resume_token(answer.resume_token)

    assert (read.version, read.etag, read.revision) == (1, answer.etag, answer.revision)
    assert token == await store.store.position(store.tenant_id)


async def test_tenants_share_nothing(store: StoreTenant) -> None:
    other = type(store)(store.store, store.tenant_id + "-other", store.clock)
    await store.save("a", snapshot(1, variables={"whose": "mine"}), request_id="r", writer_epoch=4)
    theirs = await other.save("a", snapshot(9, variables={"whose": "theirs"}), request_id="r")

    assert (theirs.version, theirs.revision) == (1, 1)
    assert theirs.outcome == service.SAVE_OUTCOME_CREATED
    assert (await store.load("a")).sequence_number == 1
    assert [s.sequence_number for s in await other.executions()] == [9]
    assert [c.header.sequence_number for c in await other.changes()] == [9]
    await store.delete("a", writer_epoch=4)
    assert (await other.load("a")).sequence_number == 9
