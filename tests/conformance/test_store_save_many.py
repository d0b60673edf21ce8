"""What a store must do with many saves at once."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from stillframe.server.stores.refusals import Refusal
from stillframe.v1 import error_pb2
from stillframe.v1 import snapshot_service_pb2 as service
from stillframe.v1.snapshot_service_pb2 import SaveSnapshotResponse
from tests.conformance.support import delta, new_tenant, save_request, saved_part, snapshot

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tests.conformance.conftest import OpenStore
    from tests.conformance.direct import StoreTenant

CREATED = "CREATED"
UPDATED = "UPDATED"


def told(answers: Sequence[SaveSnapshotResponse | Refusal]) -> list[str]:
    """Returns each answer's outcome, or the reason of its refusal."""
    return [
        service.SaveOutcome.Name(answer.outcome).removeprefix("SAVE_OUTCOME_")
        if isinstance(answer, SaveSnapshotResponse)
        else error_pb2.ErrorReason.Name(answer.reason).removeprefix("ERROR_REASON_")
        for answer in answers
    ]


async def test_each_save_has_its_answer_in_the_order_given(store: StoreTenant) -> None:
    names = [f"e{number % 5}" for number in range(20)]
    answers = await store.save_many(
        *(store.request(name, snapshot(number)) for number, name in enumerate(names))
    )

    assert told(answers) == [CREATED] * 5 + [UPDATED] * 15
    for number, (name, answer) in enumerate(zip(names, answers, strict=True)):
        assert isinstance(answer, SaveSnapshotResponse)
        assert answer.version == number // 5 + 1
        read = await store.load(name, version=answer.version)
        assert (read.etag, read.sequence_number) == (answer.etag, number)
        assert read.revision == answer.revision
    assert len(await store.changes()) == 20


async def test_there_may_be_nothing_to_save(store: StoreTenant) -> None:
    assert await store.save_many() == []
    assert await store.revision() == 0


async def test_saves_of_one_execution_apply_in_the_order_given(store: StoreTenant) -> None:
    first = store.request("a", snapshot(1, variables={"k0": "0"}), request_id="r0")
    deltas = (
        store.request(
            "a",
            delta(None, snapshot(1, variables={f"k{n}": f"{n}"}), base_request_id=f"r{n - 1}"),
            request_id=f"r{n}",
        )
        for n in range(1, 20)
    )
    answers = await store.save_many(first, *deltas)

    assert told(answers) == [CREATED] + [UPDATED] * 19
    for number in range(1, 21):
        keys = set((await store.load("a", version=number)).variables)
        assert keys == {f"k{n}" for n in range(number)}


async def test_a_refused_save_does_not_fail_another(store: StoreTenant) -> None:
    await store.save("a", snapshot(5, snapshot_id="taken"))
    answers = await store.save_many(
        store.request("b"),
        store.request("a", snapshot(4)),
        store.request("a", snapshot(6)),
        store.request("a", snapshot(7, snapshot_id="taken")),
        store.request("c", delta("v1-0", snapshot())),
        store.request("a", snapshot(8)),
        store.request("a", snapshot(9), must_not_exist=True),
        store.request("b", snapshot(2)),
    )

    assert told(answers) == [
        CREATED,
        "SEQUENCE_REGRESSION",
        UPDATED,
        "SNAPSHOT_ID_EXISTS",
        "EXECUTION_NOT_FOUND",
        UPDATED,
        "EXECUTION_EXISTS",
        UPDATED,
    ]
    assert [each.sequence_number for each in (await store.versions("a")).values()] == [5, 6, 8]
    assert list(await store.versions("b")) == [1, 2]
    assert await store.head("c") is None
    assert len(await store.changes()) == 5


async def test_a_refusal_says_what_that_of_a_save_says(store: StoreTenant) -> None:
    head = await store.save("a", snapshot(5))
    [refusal] = await store.save_many(store.request("a", snapshot(4)))

    assert isinstance(refusal, Refusal)
    assert refusal.metadata == {
        "execution_id": "a",
        "sequence_number": "4",
        "head_etag": head.etag,
        "head_version": "1",
        "head_sequence_number": "5",
    }


async def test_each_save_is_decided_after_the_ones_before_it(store: StoreTenant) -> None:
    answers = await store.save_many(
        store.request("a", must_not_exist=True, request_id="r"),
        store.request("a", must_not_exist=True),
        store.request("a", must_not_exist=True, request_id="r"),
        store.request("a"),
        store.request("a", snapshot(2), writer_epoch=3),
        store.request("a", snapshot(3), writer_epoch=2),
        store.request("a", snapshot(3)),
        store.request("a", snapshot(3), writer_epoch=3),
    )

    assert told(answers) == [
        CREATED,
        "EXECUTION_EXISTS",
        "REPLAYED",
        "UNCHANGED",
        UPDATED,
        "FENCED",
        "FENCED",
        UPDATED,
    ]
    assert await store.revision() == 3


async def test_a_floor_stays_raised_by_a_save_that_is_refused(store: StoreTenant) -> None:
    await store.save("a", snapshot(5))
    answers = await store.save_many(
        store.request("a", snapshot(4), writer_epoch=7),
        store.request("a", snapshot(6), writer_epoch=6),
    )

    assert told(answers) == ["SEQUENCE_REGRESSION", "FENCED"]


async def test_a_save_that_is_too_large_is_refused_alone(opened: OpenStore) -> None:
    store = await opened(max_snapshot_bytes=2000)
    content = snapshot(1, variables={"k": "v" * 1000})
    answers = await store.save_many(
        store.request("a", content),
        store.request("a", snapshot(2, variables={"k": "v" * 3000})),
        store.request("a", snapshot(3)),
    )

    assert told(answers) == [CREATED, "SNAPSHOT_TOO_LARGE", UPDATED]
    assert saved_part(await store.load("a", version=1)) == content


async def test_the_quota_counts_what_came_before_it(opened: OpenStore) -> None:
    store = await opened(max_executions=2)
    answers = await store.save_many(*(store.request(name) for name in ("a", "b", "c", "a")))

    assert told(answers) == [CREATED, CREATED, "QUOTA_EXCEEDED", "UNCHANGED"]


async def test_saves_may_be_of_several_tenants(store: StoreTenant) -> None:
    other = new_tenant()
    answers = await store.save_many(
        store.request("a"),
        save_request(other, "a"),
        store.request("a", snapshot(2)),
        save_request(other, "b"),
    )

    assert told(answers) == [CREATED, CREATED, UPDATED, CREATED]
    assert await store.revision() == 2
    assert (await store.store.position(other)).revision == 2


async def test_all_or_none_is_decided_when_the_store_is_busy(opened: OpenStore) -> None:
    store = await opened(max_inflight_bytes=2**20)
    batches = [
        [
            store.request(f"{batch}.{n}", snapshot(1, variables={"k": b"v" * 2**18}))
            for n in range(3)
        ]
        for batch in range(8)
    ]
    answers = await asyncio.gather(
        *(store.store.save_many(batch) for batch in batches), return_exceptions=True
    )

    expected: set[str] = set()
    for number, answer in enumerate(answers):
        if isinstance(answer, BaseException):
            assert isinstance(answer, Refusal)
            assert answer.reason == error_pb2.ERROR_REASON_SERVER_BUSY
        else:
            assert told(answer) == [CREATED] * 3
            expected |= {f"{number}.{n}" for n in range(3)}
    assert expected
    assert set(await store.ids()) == expected


async def test_keys_of_a_wide_head_go_and_come_again_in_one_batch(opened: OpenStore) -> None:
    """Of a head with many entries a store need not know more than deltas ask for."""
    store = await opened(head_cache_bytes=0)
    values = {f"k{number:03}": "a value that is long enough to be patched;" for number in range(99)}
    await store.save("a", snapshot(1, variables=values), request_id="r1")
    states = [{key: value for key, value in values.items() if key != "k000"}]
    states.append({**states[-1], "k000": "came again"})
    states.append({key: value for key, value in states[-1].items() if key not in ("k000", "k001")})
    states.append({**states[-1], "k001": "came again", "k002": "changed"})
    steps: list[tuple[dict[str, str], list[str]]] = [
        ({}, ["k000"]),
        ({"k000": "came again"}, []),
        ({}, ["k000", "k001"]),
        ({"k001": "came again", "k002": "changed"}, ["k000"]),
    ]
    answers = await store.save_many(
        *(
            store.request(
                "a",
                delta(
                    None,
                    snapshot(number, variables=changed),
                    base_request_id=f"r{number - 1}",
                    removed_variables=removed,
                ),
                request_id=f"r{number}",
            )
            for number, (changed, removed) in enumerate(steps, start=2)
        ),
        store.request("a", snapshot(6, variables={"k050": "alone"})),
    )

    assert told(answers) == [UPDATED] * 5
    for number, expected in enumerate([values, *states, {"k050": "alone"}], start=1):
        read = await store.load("a", version=number)
        assert saved_part(read) == snapshot(number, variables=expected)


async def test_revisions_have_no_gap_when_batches_meet(store: StoreTenant) -> None:
    answers = await asyncio.gather(
        *(
            store.save_many(
                *(
                    store.request(f"e{n % 3}", snapshot(1, variables={"who": f"{batch}.{n}"}))
                    for n in range(10)
                )
            )
            for batch in range(6)
        )
    )

    saved = [each for batch in answers for each in batch if isinstance(each, SaveSnapshotResponse)]
    assert sorted(each.revision for each in saved) == list(range(1, 61))
    for batch in answers:
        revisions = [each.revision for each in batch if isinstance(each, SaveSnapshotResponse)]
        by_execution = [revisions[n::3] for n in range(3)]
        assert by_execution == [sorted(each) for each in by_execution]
    assert [change.revision for change in await store.changes()] == list(range(1, 61))
