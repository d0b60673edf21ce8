"""Stores over one PostgreSQL, as so many servers have them, and a look into the database."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack, asynccontextmanager
from typing import TYPE_CHECKING, Any, Self

from stillframe.server.stores.base import StoreConfig
from stillframe.server.stores.postgres import PostgresStore
from stillframe.server.stores.postgres.connection import Connection, connect, parse_url
from stillframe.server.stores.postgres.saving import Batch
from tests.conformance.direct import StoreTenant
from tests.conformance.support import TIMEOUT, Clock, new_tenant
from tests.databases import with_options

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from stillframe.server.stores.postgres.session import Session


class Replicas:
    """Stores over one database, all seen by the same tenant."""

    def __init__(self, url: str, **config: Any) -> None:
        self.url = url
        self.tenant_id = new_tenant()
        self._config = config
        self._stack = AsyncExitStack()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self._stack.aclose()

    async def open(
        self, kind: type[PostgresStore] = PostgresStore, **options: object
    ) -> StoreTenant:
        clock = Clock()
        config = StoreConfig(clock=clock, **self._config)
        store = await kind.open(with_options(self.url, **options), config)
        self._stack.push_async_callback(store.close)
        return StoreTenant(store, self.tenant_id, clock)

    async def look(self) -> Connection:
        """Opens a connection of the test's own, in the stores' schema."""
        connection = await connect(parse_url(self.url), "test")
        return await self._stack.enter_async_context(connection)

    @asynccontextmanager
    async def locked(self) -> AsyncGenerator[Connection]:
        """Holds the tenant's lock in a transaction, as a server does in a commit."""
        options = parse_url(self.url)
        async with await connect(options, "test") as connection, connection.transaction():
            await connection.execute(
                "SELECT pg_advisory_xact_lock(%s)", (options.key("tenant", self.tenant_id),)
            )
            yield connection


async def waits_for_lock(look: Connection) -> None:
    """Returns once a server waits for a tenant's lock that another transaction has."""
    async with asyncio.timeout(TIMEOUT):
        waiting = "SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"
        while not await ask(look, waiting):
            pass


async def ask(look: Connection, statement: str, *values: object) -> list[tuple[Any, ...]]:
    return await (await look.execute(statement.encode(), values)).fetchall()


async def terminate(look: Connection, role: str, condition: str = "true") -> int:
    """Ends the connections of servers with this application_name; returns how many."""
    ended = await ask(
        look,
        "SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity"
        f" WHERE datname = current_database() AND application_name = %s AND {condition}",
        role,
    )
    return len(ended)


class HeldBatch(Batch):
    """Saves whose transaction is held open between its writes and its COMMIT."""

    reached: asyncio.Event
    released: asyncio.Event

    async def commit(self, session: Session) -> Any:
        answers = await super().commit(session)
        # The database has done all of it before anybody is told.
        await session.flush()
        self.reached.set()
        async with asyncio.timeout(TIMEOUT):
            await self.released.wait()
        return answers


def hold(store: StoreTenant) -> tuple[asyncio.Event, asyncio.Event]:
    """Has every later batch of saves of a store held; returns reached and released."""
    reached, released = asyncio.Event(), asyncio.Event()
    base = batches_of(store).batch

    class Held(HeldBatch, base):  # type: ignore[misc, valid-type]
        pass

    Held.reached, Held.released = reached, released
    batches_of(store).batch = Held
    return reached, released


def batches_of(store: StoreTenant) -> Any:
    assert isinstance(store.store, PostgresStore)
    return store.store.batches
