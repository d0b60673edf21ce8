"""Many calls at once through a server: no revision is lost, and a cut-off call is whole or not."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import grpc.aio
import pytest

from stillframe.v1 import snapshot_service_pb2 as service
from tests.conformance.calls import EVERY_CHANGE, FULL, NOW
from tests.conformance.support import TIMEOUT, delta, save_request, saved_part, snapshot

if TYPE_CHECKING:
    from tests.conformance.calls import Api


async def test_revisions_have_no_gap_under_concurrent_saves(api: Api) -> None:
    async def run(name: str) -> list[int]:
        return [(await api.save(name, snapshot(number))).revision for number in range(12)]

    given = await asyncio.gather(*(run(f"e{number}") for number in range(8)))

    assert sorted(revision for revisions in given for revision in revisions) == list(range(1, 97))
    for revisions in given:
        assert revisions == sorted(revisions)


async def test_every_save_that_was_answered_is_delivered_once(api: Api) -> None:
    async def run(name: str) -> list[str]:
        return [(await api.save(name, snapshot(number))).etag for number in range(12)]

    async with api.watch(**NOW, mode=EVERY_CHANGE) as watch:
        await watch.until("opened")
        given = await asyncio.gather(*(run(f"e{number}") for number in range(6)))
        changes = await watch.changes(72)

    assert [change.snapshot.revision for change in changes] == list(range(1, 73))
    assert {change.snapshot.etag for change in changes} == {e for etags in given for e in etags}


async def test_engines_that_contend_for_one_execution_lose_no_update(api: Api) -> None:
    """Each adds its own keys to the head that it read; an etag guards the write."""
    await api.save("run", snapshot(0))

    async def add(who: int) -> None:
        for number in range(4):
            while True:
                head = await api.load("run")
                made = snapshot(0, variables={**head.variables, f"{who}-{number}": "x"})
                try:
                    await api.save("run", made, expected_etag=head.etag)
                except grpc.aio.AioRpcError as error:
                    assert error.code() is grpc.StatusCode.ABORTED  # noqa: PT017
                else:
                    break

    async with asyncio.timeout(TIMEOUT):
        await asyncio.gather(*(add(who) for who in range(4)))

    head = await api.load("run")
    assert head.version == 17
    assert set(head.variables) == {f"{who}-{number}" for who in range(4) for number in range(4)}


async def test_a_retry_beside_its_first_call_makes_one_snapshot(api: Api) -> None:
    answers = await asyncio.gather(
        *(api.save("run", snapshot(1, variables={"v": "1"}), request_id="r") for _ in range(8))
    )
    outcomes = sorted(answer.outcome for answer in answers)
    assert outcomes == [service.SAVE_OUTCOME_CREATED, *[service.SAVE_OUTCOME_REPLAYED] * 7]
    assert len({answer.etag for answer in answers}) == 1
    assert len(await api.all_snapshots()) == 1


@pytest.mark.parametrize("is_delta", [False, True], ids=["full", "delta"])
async def test_a_cancelled_save_happened_or_did_not(api: Api, *, is_delta: bool) -> None:
    made = {
        f"e{n:02}": snapshot(2, outputs={"o": str(n)}, variables={"v": str(n)}) for n in range(24)
    }
    bases = {name: await api.save(name) for name in made} if is_delta else {}
    calls = {
        name: api.stub.SaveSnapshot(
            save_request(
                api.tenant_id, name, delta(bases[name].etag, content) if is_delta else content
            )
        )
        for name, content in made.items()
    }
    for number, call in enumerate(calls.values()):
        # At once, or after the server had some turns.
        for _ in range(number % 4):
            await asyncio.sleep(0)
        if number % 3:
            call.cancel()
    answered: dict[str, str] = {}
    for name, call in calls.items():
        try:
            answered[name] = (await call).etag
        except asyncio.CancelledError:
            assert call.cancelled()

    # A save sent after all of them is decided after all that happen.
    await asyncio.gather(*(api.claim(name, allow_missing=True) for name in made))
    heads = {head.execution_id: head for head in await api.all_executions(view=FULL)}
    version = 2 if is_delta else 1
    happened = {name for name, head in heads.items() if head.version == version}
    assert set(answered) <= happened
    for name in happened:
        assert saved_part(heads[name]) == made[name]
    for name, etag in answered.items():
        assert heads[name].etag == etag
    newest = max((head.revision for head in heads.values()), default=0)
    assert newest == len(happened) + len(bases)
