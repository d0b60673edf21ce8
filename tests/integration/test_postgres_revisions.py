"""Revisions become visible in their order, also when a transaction is held open.

A sequence of PostgreSQL does not give that: what takes number 2 may commit after what
takes 3, and a tail that has read 3 never reads 2. The same test finds it out.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from stillframe.server.stores.postgres import PostgresStore
from stillframe.server.stores.postgres.saving import Batch
from tests.conformance.support import TIMEOUT, refused, snapshot
from tests.databases import fresh
from tests.integration.postgres_support import Replicas, ask, hold, terminate

if TYPE_CHECKING:
    from collections.abc import Sequence

    from stillframe.server.stores.postgres.connection import Connection
    from stillframe.server.stores.postgres.session import Session
    from stillframe.server.stores.sql.commits import TenantState

OTHERS = 5


class SequenceBatch(Batch):
    """Saves as one might write them: the revision comes from a sequence."""

    async def _read(self, session: Session) -> TenantState:
        tenant = await super()._read(session)
        [(number,)] = await session.ask("SELECT nextval('revision')")
        tenant.revision = number - 1
        return tenant


class SequenceStore(PostgresStore):
    """No transaction waits for another: there is no lock, only the sequence."""

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self.batches.batch = SequenceBatch
        self.runner.lock = _no_lock  # type: ignore[method-assign]


def _no_lock(session: Session, tenant_id: str) -> None:
    pass


class Tail:
    """Reads the change log as a tail does: on from the last change that it has read."""

    def __init__(self) -> None:
        self.revisions: list[int] = []

    async def read(self, store: Any) -> None:
        after = self.revisions[-1] if self.revisions else 0
        self.revisions += [
            each.revision for each in await store.store.changes(store.tenant_id, after, 1000)
        ]
        assert self.revisions == list(range(1, len(self.revisions) + 1)), "a revision is missing"


async def others_commit_while_one_is_held(url: str, kind: type[PostgresStore]) -> None:
    """Holds a transaction open that has its revision, and has other servers commit."""
    async with asyncio.timeout(TIMEOUT), Replicas(url) as replicas:
        slow = await replicas.open(kind)
        fast = [await replicas.open(kind) for _ in range(OTHERS)]
        look = await replicas.look()
        if kind is SequenceStore:
            await look.execute("CREATE SEQUENCE revision")
        tail = Tail()
        await slow.save("first", snapshot())
        await tail.read(fast[0])
        reached, released = hold(slow)
        held = asyncio.create_task(slow.save("held", snapshot()))
        await reached.wait()
        saves = [
            asyncio.create_task(each.save(f"e{number}", snapshot()))
            for number, each in enumerate(fast)
        ]
        try:
            await each_is_done_or_waits(look, saves)
            await tail.read(fast[0])
        finally:
            released.set()
            answers = await asyncio.gather(held, *saves)
        await tail.read(fast[0])
        assert sorted(each.revision for each in answers) == tail.revisions[1:]
        assert len(tail.revisions) == OTHERS + 2


async def each_is_done_or_waits(look: Connection, saves: Sequence[asyncio.Task[Any]]) -> None:
    """Returns once each of the saves has been committed, or waits for the tenant's lock."""
    waiting = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"
    while (left := sum(not save.done() for save in saves)) > 0:
        [(count,)] = await ask(look, waiting)
        if count >= left:
            return


async def test_what_is_visible_has_all_below_it(postgres_url: str) -> None:
    await others_commit_while_one_is_held(fresh(postgres_url), PostgresStore)


async def test_the_same_test_finds_revisions_from_a_sequence(postgres_url: str) -> None:
    with pytest.raises(AssertionError, match="a revision is missing"):
        await others_commit_while_one_is_held(fresh(postgres_url), SequenceStore)


async def test_a_rolled_back_transaction_leaves_no_gap(postgres_url: str) -> None:
    async with asyncio.timeout(TIMEOUT), Replicas(fresh(postgres_url)) as replicas:
        one, other = await replicas.open(), await replicas.open()
        await one.save("a", snapshot(1))
        reached, released = hold(one)
        held = asyncio.create_task(one.save("b", snapshot(1)))
        await reached.wait()
        look = await replicas.look()
        assert await terminate(look, "stillframe", "state = 'idle in transaction'") == 1
        released.set()
        with refused("STORE_UNAVAILABLE"):
            await held
        assert (await other.save("c", snapshot(1))).revision == 2
        assert [each.execution_id for each in await other.changes()] == ["a", "c"]
