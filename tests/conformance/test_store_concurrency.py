"""What a store must hold when many call it at once."""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import TYPE_CHECKING

import pytest

from stillframe.server.stores.projection import EVERYTHING, METADATA
from stillframe.server.stores.refusals import Refusal
from stillframe.v1 import error_pb2
from stillframe.v1 import snapshot_service_pb2 as service
from stillframe.v1.snapshot_pb2 import ExecutionFilter
from tests.conformance.direct import whole
from tests.conformance.support import TIMEOUT, delta, refused, snapshot

if TYPE_CHECKING:
    from collections.abc import Awaitable, Iterable

    from stillframe.v1.snapshot_service_pb2 import SaveSnapshotResponse
    from tests.conformance.conftest import OpenStore
    from tests.conformance.direct import StoreTenant

Outcome = str


async def outcomes(saves: Iterable[Awaitable[SaveSnapshotResponse]]) -> Counter[Outcome]:
    """Makes the calls at once, and counts their outcomes and the reasons of refusals."""
    counted: Counter[Outcome] = Counter()
    for done in await asyncio.gather(*saves, return_exceptions=True):
        if isinstance(done, Refusal):
            counted[error_pb2.ErrorReason.Name(done.reason).removeprefix("ERROR_REASON_")] += 1
        elif isinstance(done, BaseException):
            raise done
        else:
            counted[service.SaveOutcome.Name(done.outcome).removeprefix("SAVE_OUTCOME_")] += 1
    return counted


async def test_versions_are_given_one_by_one(store: StoreTenant) -> None:
    answers = await asyncio.gather(
        *(store.save("a", snapshot(1, variables={"who": str(number)})) for number in range(40))
    )

    assert sorted(answer.version for answer in answers) == list(range(1, 41))
    assert sorted(answer.revision for answer in answers) == list(range(1, 41))
    for number, answer in enumerate(answers):
        read = await store.load("a", version=answer.version)
        assert read.etag == answer.etag
        assert read.variables["who"].data == str(number).encode()


async def test_revisions_have_no_gap_across_executions(store: StoreTenant) -> None:
    answers = await asyncio.gather(
        *(
            store.save(f"e{number % 7}", snapshot(1, variables={"n": str(number)}))
            for number in range(60)
        )
    )

    assert sorted(answer.revision for answer in answers) == list(range(1, 61))
    changes = await store.changes()
    assert {c.header.etag for c in changes} == {answer.etag for answer in answers}


async def test_a_save_is_seen_by_what_is_called_after_its_answer(store: StoreTenant) -> None:
    async def run(name: str) -> None:
        for number in range(1, 16):
            saved = await store.save(name, snapshot(number))
            assert (await store.load(name)).version == saved.version
            head = await store.head(name)
            assert head is not None
            assert head.etag == saved.etag
            assert (await store.store.position(store.tenant_id)).revision >= saved.revision
            seen = await store.store.changes(store.tenant_id, saved.revision - 1, 1)
            assert [change.header.etag for change in seen] == [saved.etag]
            assert name in await store.ids()

    await asyncio.gather(*(run(f"e{number}") for number in range(4)))


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
            try:
                answers.append(await store.save("a", snapshot(len(answers) + 1), writer_epoch=1))
            except Refusal as refusal:
                if refusal.reason != error_pb2.ERROR_REASON_FENCED:
                    raise
                return answers

    async with asyncio.timeout(TIMEOUT):
        writer = asyncio.create_task(write())
        while (await store.revision()) < 10:
            await asyncio.sleep(0)
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


async def test_a_load_sees_one_snapshot_of_the_store(store: StoreTenant) -> None:
    """Every entry of every snapshot says the sequence number that it was saved with."""
    keys = [f"k{number:02}" for number in range(20)]
    done = asyncio.Event()

    async def write() -> None:
        for number in range(1, 80):
            await store.save("a", snapshot(number, variables=dict.fromkeys(keys, str(number))))
        done.set()

    async def read() -> int:
        count = 0
        while not done.is_set():
            head = await store.load("a")
            values = {value.data.decode() for value in head.variables.values()}
            assert values == {str(head.sequence_number)}
            assert len(head.variables) == 20
            count += 1
            await asyncio.sleep(0)
        return count

    await store.save("a", snapshot(0, variables=dict.fromkeys(keys, "0")))
    async with asyncio.timeout(TIMEOUT), asyncio.TaskGroup() as group:
        group.create_task(write())
        readers = [group.create_task(read()) for _ in range(2)]
    assert all(reader.result() for reader in readers)


async def test_a_page_and_its_position_are_of_one_moment(store: StoreTenant) -> None:
    """The changes up to a page's revision, folded, are the page."""
    done = asyncio.Event()

    async def write(first: int) -> None:
        for number in range(60):
            name = f"e{(first + number) % 9}"
            if number % 5 == 4:
                await store.delete(name)
            else:
                await store.save(name, snapshot(1, variables={"n": f"{first}-{number}"}))

    async def read() -> list[tuple[int, dict[str, str]]]:
        pages: list[tuple[int, dict[str, str]]] = []
        while not done.is_set():
            listed = await store.store.list_executions(
                store.tenant_id, ExecutionFilter(), after="", limit=100, selection=METADATA
            )
            heads = map(whole, listed.page.items)
            pages.append(
                (listed.position.revision, {head.execution_id: head.etag for head in heads})
            )
            await asyncio.sleep(0)
        return pages

    reader = asyncio.create_task(read())
    async with asyncio.timeout(TIMEOUT):
        await asyncio.gather(write(0), write(3), write(6))
    done.set()
    pages = await reader

    states: list[dict[str, str]] = [{}]
    for change in await store.changes():
        state = dict(states[-1])
        if change.kind == service.CHANGE_KIND_SAVED:
            state[change.execution_id] = change.header.etag
        else:
            del state[change.execution_id]
        states.append(state)
    assert len({revision for revision, _ in pages}) > 1
    for revision, page in pages:
        assert page == states[revision]


async def test_a_tail_beside_many_writers_sees_every_revision_in_order(
    store: StoreTenant,
) -> None:
    async def write(name: str) -> None:
        for number in range(25):
            await store.save(name, snapshot(number))

    async def follow() -> list[int]:
        seen: list[int] = []
        while len(seen) < 100:
            after = seen[-1] if seen else 0
            changes = await store.store.changes(store.tenant_id, after, 7)
            newest = (await store.store.position(store.tenant_id)).revision
            assert not changes or newest >= changes[-1].revision
            for change in changes:
                # What the log shows can be read.
                version = change.header.version
                assert (await store.load(change.execution_id, version=version)).etag == (
                    change.header.etag
                )
            seen += (change.revision for change in changes)
            if not changes:
                await store.store.wait(store.tenant_id, after)
        return seen

    async with asyncio.timeout(TIMEOUT), asyncio.TaskGroup() as group:
        tails = [group.create_task(follow()) for _ in range(2)]
        for number in range(4):
            group.create_task(write(f"e{number}"))
    assert [tail.result() for tail in tails] == [list(range(1, 101))] * 2


@pytest.mark.parametrize("turns", range(6))
async def test_a_cancelled_save_happened_or_did_not(store: StoreTenant, turns: int) -> None:
    """Cancelled after so many turns of the event loop: the store has it whole, or not."""
    contents = {f"e{n}": snapshot(n, variables={"a": str(n), "b": str(n)}) for n in range(20)}
    tasks = [asyncio.create_task(store.save(name, made)) for name, made in contents.items()]
    for _ in range(turns):
        await asyncio.sleep(0)
    for task in tasks[::2]:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    await store.save("after")

    changes = await store.changes()
    there = {head.execution_id: head for head in await store.executions(selection=EVERYTHING)}
    assert {change.execution_id for change in changes} == set(there)
    assert len(changes) == len(there)
    for number, (name, task) in enumerate(zip(contents, tasks, strict=True)):
        answered = not task.cancelled()
        assert answered or number % 2 == 0
        if answered:
            assert there[name].etag == task.result().etag
        if name in there:
            assert there[name].variables == contents[name].variables
            assert [s.version for s in await store.history(name)] == [1]
