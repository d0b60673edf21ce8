"""What a store must decide inside the commit: of many who call at once, the right ones win."""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import TYPE_CHECKING

from stillframe.server.stores.refusals import Refusal
from stillframe.v1 import error_pb2
from stillframe.v1 import snapshot_service_pb2 as service
from tests.conformance.support import TIMEOUT, delta, refused, snapshot

if TYPE_CHECKING:
    from collections.abc import Awaitable, Iterable

    from stillframe.v1.snapshot_service_pb2 import SaveSnapshotResponse
    from tests.conformance.conftest import OpenStore
    from tests.conformance.direct import StoreTenant


async def until_after(store: StoreTenant, revision: int) -> None:
    while await store.revision() <= revision:
        await store.store.wait(store.tenant_id, revision)


async def outcomes(saves: Iterable[Awaitable[SaveSnapshotResponse]]) -> Counter[str]:
    """Makes the calls at once, and counts their outcomes and the reasons of refusals."""
    counted: Counter[str] = Counter()
    for done in await asyncio.gather(*saves, return_exceptions=True):
        if isinstance(done, Refusal):
            counted[error_pb2.ErrorReason.Name(done.reason).removeprefix("ERROR_REASON_")] += 1
        elif isinstance(done, BaseException):
            raise done
        else:
            counted[service.SaveOutcome.Name(done.outcome).removeprefix("SAVE_OUTCOME_")] += 1
    return counted


async def test_one_of_many_creates_wins(store: StoreTenant) -> None:
    counted = await outcomes(
        store.save("a", snapshot(1, variables={"n": str(number)}), must_not_exist=True)
        for number in range(20)
    )
    assert counted == {"CREATED": 1, "EXECUTION_EXISTS": 19}


async def test_one_of_many_saves_on_the_same_etag_wins(store: StoreTenant) -> None:
    base = await store.save("a")
    counted = await outcomes(
        store.save("a", snapshot(1, variables={"n": str(number)}), expected_etag=base.etag)
        for number in range(20)
    )
    assert counted == {"UPDATED": 1, "ETAG_MISMATCH": 19}


async def test_one_of_many_deltas_on_the_same_base_wins(store: StoreTenant) -> None:
    base = await store.save("a")
    counted = await outcomes(
        store.save("a", delta(base.etag, snapshot(1, variables={"n": str(number)})))
        for number in range(20)
    )
    assert counted == {"UPDATED": 1, "DELTA_BASE_MISMATCH": 19}


async def test_one_of_many_with_the_same_request_id_is_made(store: StoreTenant) -> None:
    counted = await outcomes(store.save("a", request_id="r") for _ in range(20))
    assert counted == {"CREATED": 1, "REPLAYED": 19}
    assert await store.revision() == 1


async def test_one_of_many_with_the_same_snapshot_id_is_made(store: StoreTenant) -> None:
    counted = await outcomes(
        store.save("a", snapshot(1, snapshot_id="s", variables={"n": str(number)}))
        for number in range(20)
    )
    assert counted == {"CREATED": 1, "SNAPSHOT_ID_EXISTS": 19}


async def test_a_quota_holds_against_many_creates(opened: OpenStore) -> None:
    store = await opened(max_executions=3)
    counted = await outcomes(store.save(f"e{number}") for number in range(20))
    assert counted == {"CREATED": 3, "QUOTA_EXCEEDED": 17}
    assert len(await store.ids()) == 3


async def test_a_refused_save_fails_no_other(store: StoreTenant) -> None:
    await store.save("a", snapshot(100))
    counted = await outcomes(
        store.save("a", snapshot(1))
        if number % 2
        else store.save(f"e{number}", snapshot(number + 1))
        for number in range(40)
    )
    assert counted == {"CREATED": 20, "SEQUENCE_REGRESSION": 20}
    assert len(await store.changes()) == 21


async def test_pipelined_deltas_build_on_each_other(store: StoreTenant) -> None:
    """Calls made in an order, without waiting for answers, are decided in that order."""
    await store.save("a", snapshot(0), request_id="r0")
    saves = [
        asyncio.create_task(
            store.save(
                "a",
                delta(
                    None,
                    snapshot(number, variables={f"k{number}": "v"}),
                    base_request_id=f"r{number - 1}",
                ),
                request_id=f"r{number}",
            )
        )
        for number in range(1, 25)
    ]
    answers = await asyncio.gather(*saves)

    assert [answer.version for answer in answers] == list(range(2, 26))
    assert len((await store.load("a")).variables) == 24


async def test_every_claim_has_an_epoch_of_its_own(store: StoreTenant) -> None:
    await store.save("a")
    claims = await asyncio.gather(*(store.claim("a") for _ in range(20)))
    assert sorted(claim.writer_epoch for claim in claims) == list(range(1, 21))


async def test_nothing_of_the_old_writer_lands_after_a_claims_head(store: StoreTenant) -> None:
    await store.save("a", snapshot(0), writer_epoch=1)

    async def write() -> list[SaveSnapshotResponse]:
        """Saves with the old epoch until it is fenced."""
        answers: list[SaveSnapshotResponse] = []
        while True:
            await asyncio.sleep(0)
            try:
                answers.append(await store.save("a", snapshot(len(answers) + 1), writer_epoch=1))
            except Refusal as refusal:
                if refusal.reason != error_pb2.ERROR_REASON_FENCED:
                    raise
                return answers

    async with asyncio.timeout(TIMEOUT):
        writer = asyncio.create_task(write())
        await until_after(store, 9)
        claim = await store.claim("a")
        answers = await writer

    assert claim.head is not None
    assert claim.head.header.version == answers[-1].version
    assert (await store.load("a")).version == answers[-1].version


async def test_the_floor_only_rises(store: StoreTenant) -> None:
    await store.save("a", snapshot(0))
    await asyncio.gather(
        *(
            store.save("a", snapshot(1, variables={"n": str(epoch)}), writer_epoch=epoch)
            for epoch in (3, 9, 4, 8, 5, 7, 6)
        ),
        return_exceptions=True,
    )
    with refused("FENCED") as told:
        await store.save("a", snapshot(2), writer_epoch=8)
    assert told.metadata["writer_epoch_floor"] == "9"
