"""Commits of a tenant that wait at the same time share a transaction; each has its own outcome."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from stillframe.server.stores import refusals, rules
from stillframe.server.stores.postgres import connection as opening
from stillframe.server.stores.postgres import saving
from stillframe.server.stores.refusals import Refusal
from stillframe.server.stores.sql import saving as gathering
from stillframe.v1 import snapshot_service_pb2 as service
from stillframe.v1.error_pb2 import ErrorReason
from stillframe.v1.snapshot_service_pb2 import SaveSnapshotResponse
from tests.conformance.support import TIMEOUT, delta, refused, snapshot
from tests.databases import fresh
from tests.integration.postgres_support import (
    Replicas,
    batches_of,
    hold,
    terminate,
    waits_for_lock,
)

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from stillframe.v1.snapshot_pb2 import ExecutionSnapshot


@pytest.fixture
async def replicas(postgres_url: str) -> AsyncIterator[Replicas]:
    async with asyncio.timeout(TIMEOUT), Replicas(fresh(postgres_url)) as opened:
        yield opened


async def gathered(*calls: Any) -> list[Any]:
    return await asyncio.gather(*calls, return_exceptions=True)


async def started(replicas: Replicas, *calls: Any) -> list[asyncio.Task[Any]]:
    """Starts calls while another server is in a commit: they wait, and share the next one."""
    look = await replicas.look()
    async with replicas.locked():
        tasks = [asyncio.ensure_future(calls[0])]
        await waits_for_lock(look)
        tasks += [asyncio.ensure_future(call) for call in calls[1:]]
        # All of them are queued once each has had its turn.
        await asyncio.sleep(0)
    return tasks


async def test_what_waits_at_the_same_time_is_one_transaction(replicas: Replicas) -> None:
    store = await replicas.open()
    before = batches_of(store).transactions
    tasks = await started(replicas, *(store.save(f"e{number}", snapshot()) for number in range(60)))
    answers = await gathered(*tasks)
    assert sorted(each.revision for each in answers) == list(range(1, 61))
    # The first was under way alone, the others wait for it.
    assert batches_of(store).transactions - before == 2


async def test_a_refused_save_fails_no_neighbour(replicas: Replicas) -> None:
    store = await replicas.open()
    head = await store.save("a", snapshot(5))
    tasks = await started(
        replicas,
        store.save("first", snapshot()),
        store.save("a", snapshot(6), expected_etag="v1-0123456789abcdef"),
        store.save("a", snapshot(4)),
        store.save("a", snapshot(6, variables={"x": "1"}), writer_epoch=3),
        store.save("a", snapshot(7)),
        store.save("a", delta(head.etag, snapshot(7)), writer_epoch=3),
        store.save("b", snapshot(), must_not_exist=True),
        store.save("b", snapshot(), must_not_exist=True),
    )
    _, etag, regression, saved, fenced, base, created, exists = await gathered(*tasks)
    refusals = [etag, regression, fenced, base, exists]
    assert [ErrorReason.Name(each.reason) for each in refusals] == [
        "ERROR_REASON_ETAG_MISMATCH",
        "ERROR_REASON_SEQUENCE_REGRESSION",
        "ERROR_REASON_FENCED",
        "ERROR_REASON_DELTA_BASE_MISMATCH",
        "ERROR_REASON_EXECUTION_EXISTS",
    ]
    assert saved.version == 2
    assert created.outcome == service.SAVE_OUTCOME_CREATED
    assert [each.execution_id for each in await store.changes()] == ["a", "first", "a", "b"]


async def test_saves_of_one_execution_build_on_each_other(replicas: Replicas) -> None:
    """Values that are set, replaced, removed and set again within one transaction."""
    store = await replicas.open()
    await store.save("a", snapshot(1, variables={"old": "o" * 500, "both": "b" * 500}))
    contents = [
        snapshot(2, variables={"old": "o" * 500, "new": "n" * 500}),
        snapshot(3, variables={"new": "n" * 501, "both": "c" * 500}),
        snapshot(4, variables={"both": "c" * 501}),
        snapshot(5, variables={"both": "c" * 501, "new": "n" * 502, "old": "o" * 500}),
        snapshot(6, variables={}),
        snapshot(7, variables={"old": "o" * 500}, snapshot_id="seven"),
    ]
    tasks = await started(
        replicas,
        store.save("first", snapshot()),
        *(store.save("a", content) for content in contents),
        store.save("a", snapshot(8, snapshot_id="seven")),
    )
    answers = await gathered(*tasks)
    assert [each.version for each in answers[1:-1]] == [2, 3, 4, 5, 6, 7]
    assert isinstance(answers[-1], Refusal)
    assert answers[-1].metadata["version"] == "7"
    read = await store.versions("a")
    for version, content in enumerate(contents, 2):
        assert read[version].variables == content.variables, version
    await store.reads_as("a", read)


async def test_a_save_that_fails_by_a_fault_fails_no_neighbour(
    replicas: Replicas, monkeypatch: pytest.MonkeyPatch
) -> None:
    decide = rules.Save.decide

    def breaks(self: rules.Save, *arguments: Any) -> Any:
        if self.request.execution_id == "broken":
            raise RuntimeError("a fault of ours")
        return decide(self, *arguments)

    store = await replicas.open()
    monkeypatch.setattr(rules.Save, "decide", breaks)
    names = ["first", "a", "broken", "b", "c"]
    tasks = await started(replicas, *(store.save(name, snapshot()) for name in names))
    answers = dict(zip(names, await gathered(*tasks), strict=True))
    assert isinstance(answers.pop("broken"), RuntimeError)
    assert all(isinstance(each, SaveSnapshotResponse) for each in answers.values())
    assert [each.execution_id for each in await store.changes()] == ["first", "a", "b", "c"]


async def test_other_commits_keep_their_place_among_saves(replicas: Replicas) -> None:
    store = await replicas.open()
    await store.save("a", snapshot(1))
    tasks = await started(
        replicas,
        store.save("first", snapshot()),
        store.save("a", snapshot(2)),
        store.fork("a", "b"),
        store.delete("a"),
        store.delete("a", expected_etag="v1-0123456789abcdef"),
        store.save("a", snapshot(1), must_not_exist=True),
    )
    _, _, fork, delete, again, created = await gathered(*tasks)
    assert (fork.version, delete.deleted_count, again.deleted_count) == (1, 1, 0)
    assert created.version == 3
    assert (await store.load("b")).sequence_number == 2


@pytest.fixture
def moving_little(monkeypatch: pytest.MonkeyPatch) -> None:
    """A transaction moves two values of 1000 bytes to history, and not three."""
    monkeypatch.setattr(gathering, "MAX_MOVED_BYTES", 2_500)


def large(sequence_number: int = 1) -> ExecutionSnapshot:
    return snapshot(sequence_number, variables={"x": f"{sequence_number}" * 1_000})


@pytest.mark.usefixtures("moving_little")
async def test_a_transaction_moves_a_bounded_size_to_history(replicas: Replicas) -> None:
    store = await replicas.open()
    names = [f"e{number}" for number in range(7)]
    await store.save_many(*(store.request(name, large()) for name in names))
    before = batches_of(store).transactions
    # Of no weight themselves: the values that they remove and replace are what is large.
    replacing = delta((await store.load("e0")).etag, snapshot(2, variables={"x": "2"}))
    calls = [store.save("e0", replacing), *(store.save(name, snapshot(2)) for name in names[1:])]
    tasks = await started(replicas, store.save("first", snapshot()), *calls)
    answers = await gathered(*tasks)
    assert [each.version for each in answers[1:]] == [2] * 7
    assert [each.execution_id for each in await store.changes()] == [*names, "first", *names]
    # First alone, then two at a time, and the last alone.
    assert batches_of(store).transactions - before == 1 + 4
    for name in names:
        read = await store.versions(name)
        assert read[1].variables == large().variables
        await store.reads_as(name, read)


@pytest.mark.usefixtures("moving_little")
async def test_saves_that_move_too_much_keep_their_place(replicas: Replicas) -> None:
    """Before commits of other kinds, and before what is queued while they wait."""
    store = await replicas.open()
    await store.save("a", large(1))
    tasks = await started(
        replicas,
        store.save("first", snapshot()),
        *(store.save("a", large(number)) for number in range(2, 7)),
        store.fork("a", "b"),
        store.save("a", large(7)),
        store.save("a", large(6)),
        store.delete("a"),
        store.save("a", large(1), must_not_exist=True),
    )
    answers = await gathered(*tasks)
    assert [each.version for each in answers[1:6]] == [2, 3, 4, 5, 6]
    _, saved, refused_one, deleted, created = answers[6:]
    assert (saved.version, deleted.deleted_count, created.version) == (7, 1, 8)
    assert isinstance(refused_one, Refusal)
    assert (await store.load("b")).sequence_number == 6


@pytest.mark.usefixtures("moving_little")
async def test_saves_of_one_call_are_cut_where_they_move_too_much(replicas: Replicas) -> None:
    store = await replicas.open()
    before = batches_of(store).transactions
    await store.save("a", large(1))
    answers = await store.save_many(
        *(store.request("a", large(number)) for number in (2, 3, 4, 1, 5, 6, 7))
    )
    assert isinstance(answers.pop(3), Refusal)
    assert [getattr(each, "version", None) for each in answers] == [2, 3, 4, 5, 6, 7]
    assert batches_of(store).transactions - before == 1 + 3
    read = await store.versions("a")
    assert [each.sequence_number for each in read.values()] == [1, 2, 3, 4, 5, 6, 7]
    await store.reads_as("a", read)


@pytest.mark.usefixtures("moving_little")
async def test_what_was_committed_is_told_if_the_rest_fails(
    replicas: Replicas, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = await replicas.open()
    await store.save("a", large(1))
    floor = await store.claim("a")
    commit, calls = saving.Batch.commit, 0

    async def fails_later(self: saving.Batch, session: Any) -> Any:
        nonlocal calls
        calls += 1
        if calls > 1:
            raise refusals.store_unavailable()
        return await commit(self, session)

    monkeypatch.setattr(saving.Batch, "commit", fails_later)
    answers = await store.save_many(
        *(
            store.request("a", large(number), writer_epoch=floor.writer_epoch + number)
            for number in range(2, 7)
        )
    )
    assert [getattr(each, "version", None) for each in answers] == [2, 3, None, None, None]
    assert [getattr(each, "reason", None) for each in answers[2:]] == [
        ErrorReason.ERROR_REASON_STORE_UNAVAILABLE
    ] * 3
    # The first that did not go has not raised the floor.
    assert calls == 2
    assert (await store.claim("a")).writer_epoch == floor.writer_epoch + 4


async def test_one_of_many_servers_creates(replicas: Replicas) -> None:
    stores = [await replicas.open() for _ in range(4)]
    calls = [
        store.save("a", snapshot(number), must_not_exist=True)
        for number, store in enumerate(stores * 5)
    ]
    answers = await gathered(*calls)
    assert sum(isinstance(each, SaveSnapshotResponse) for each in answers) == 1
    assert len(await stores[0].changes()) == 1


async def test_servers_count_on_from_one_another(replicas: Replicas) -> None:
    stores = [await replicas.open() for _ in range(3)]
    calls = [store.save(f"e{n % 5}", snapshot(n)) for n, store in enumerate(stores * 20)]
    answers = [each for each in await gathered(*calls) if isinstance(each, SaveSnapshotResponse)]
    assert sorted(each.revision for each in answers) == list(range(1, len(answers) + 1))
    changes = await stores[0].changes()
    assert len(changes) == len(answers)
    times = [change.header.commit_time.ToNanoseconds() for change in changes]
    assert times == sorted(set(times))


async def test_a_hung_server_holds_a_tenant_up_for_seconds_only(
    replicas: Replicas, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(opening.SETTINGS, "lock_timeout", "100ms")
    monkeypatch.setitem(opening.SETTINGS, "idle_in_transaction_session_timeout", "1s")
    hung, other = await replicas.open(), await replicas.open()
    reached, released = hold(hung)
    held = asyncio.create_task(hung.save("a", snapshot()))
    await reached.wait()
    with refused("STORE_UNAVAILABLE") as told:
        await other.save("b", snapshot())
    assert told.retry_after
    # The database ends the hung server's transaction, and the others go on.
    while True:
        try:
            assert (await other.save("b", snapshot())).revision == 1
            break
        except Refusal:
            continue
    released.set()
    with refused("STORE_UNAVAILABLE"):
        await held
    assert [each.execution_id for each in await hung.changes()] == ["b"]


async def test_a_connection_lost_before_the_commit_is_replaced(replicas: Replicas) -> None:
    store = await replicas.open()
    await store.save("a", snapshot(1))
    look = await replicas.look()
    assert await terminate(look, "stillframe") >= 1
    assert (await store.save("a", snapshot(2))).version == 2
    assert await terminate(look, "stillframe") >= 1
    assert (await store.load("a")).version == 2


async def test_a_connection_lost_in_the_commit_is_an_unknown_outcome(replicas: Replicas) -> None:
    store = await replicas.open()
    reached, released = hold(store)
    saving = asyncio.create_task(store.save("a", snapshot(1), request_id="once"))
    await reached.wait()
    assert (
        await terminate(await replicas.look(), "stillframe", "state = 'idle in transaction'") == 1
    )
    released.set()
    with refused("STORE_UNAVAILABLE") as told:
        await saving
    assert told.retry_after
    # The retry is safe, whichever it was.
    assert (await store.save("a", snapshot(1), request_id="once")).revision == 1


async def test_a_cancelled_save_is_committed_or_not_begun(replicas: Replicas) -> None:
    store = await replicas.open()
    tasks = await started(replicas, store.save("a", snapshot()), store.save("b", snapshot()))
    for task in tasks:
        task.cancel()
    await gathered(*tasks)
    assert (await store.save("c", snapshot())).revision == len(await store.changes())
    for change in await store.changes():
        assert (await store.load(change.execution_id)).revision == change.revision


async def test_a_cancelled_save_that_has_begun_counts_until_its_commit(
    postgres_url: str,
) -> None:
    """It stays in memory; one that has not is forgotten at once."""
    async with (
        asyncio.timeout(TIMEOUT),
        Replicas(fresh(postgres_url), max_inflight_bytes=10_000) as replicas,
    ):
        store = await replicas.open()
        content = snapshot(variables={"x": "x" * 3_500})
        reached, released = hold(store)
        begun = asyncio.create_task(store.save("begun", content))
        await reached.wait()
        waiting = asyncio.create_task(store.save("waiting", content))
        await asyncio.sleep(0)
        [queue] = batches_of(store)._queues.values()
        assert [bool(job.saves) for job in queue] == [True]
        with refused("SERVER_BUSY"):
            await store.save("b", content)
        begun.cancel()
        await gathered(begun)
        with refused("SERVER_BUSY"):
            await store.save("b", content)
        waiting.cancel()
        await gathered(waiting)
        assert [job.saves for job in queue] == [None]
        saved = asyncio.create_task(store.save("b", content))
        await asyncio.sleep(0)
        released.set()
        assert (await saved).revision == 2
        assert [each.execution_id for each in await store.changes()] == ["begun", "b"]
        # Nothing is counted any more: there is room for as much as at first.
        answers = await gathered(*(store.save(name, content) for name in ("c", "d")))
        assert [each.version for each in answers] == [1, 1]
