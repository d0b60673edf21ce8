"""Runs transactions on the event loop: what is retried, and what is refused."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Any, TypeVar, cast

import psycopg
from psycopg import errors
from psycopg.pq import TransactionStatus
from psycopg_pool import AsyncConnectionPool, PoolClosed, PoolTimeout

from stillframe.server.stores import refusals
from stillframe.server.stores.postgres.connection import (
    TRANSACTION_SECONDS,
    Connection,
    Options,
    configure,
)
from stillframe.server.stores.postgres.session import Session
from stillframe.server.stores.refusals import Refusal

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Coroutine

    from stillframe.server.stores.sql.steps import Steps

T = TypeVar("T")

ATTEMPTS = 3
POOL_SECONDS = 3.0
"""How long a call waits for a connection, or for the database to be back."""
CLIENT_SECONDS = TRANSACTION_SECONDS + 5.0
"""After which we give a transaction up, should the database not have done so."""

_READ = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"
# Every statement sees what was committed before it began: those after the first, which
# waits for the tenant's lock, see what the commits before it left.
_WRITE = "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE"

_AGAIN = (errors.SerializationFailure, errors.DeadlockDetected)
_FAULTS = (psycopg.IntegrityError, psycopg.DataError)
"""Not the database's state but ours."""

_log = logging.getLogger(__name__)


class _Attempt:
    """One transaction, and how far it got."""

    def __init__(self, begin: str) -> None:
        self._begin = begin
        self.is_committing = False
        """COMMIT may have been sent: if the connection is lost, nobody knows."""

    async def run(self, connection: Connection, body: Callable[[Session], Awaitable[T]]) -> T:
        session = Session(connection)
        refusal: Refusal | None = None
        result: T | None = None
        try:
            session.write(self._begin, ())
            try:
                result = await body(session)
            except Refusal as error:
                # An answer: what was decided on the way to it stays.
                refusal = error
            self.is_committing = True
            session.write("COMMIT", ())
            await session.flush()
        except BaseException:
            await _reset(connection)
            raise
        if refusal is not None:
            raise refusal
        return cast("T", result)


async def _reset(connection: Connection) -> None:
    """Brings a connection back to where the next transaction can begin, or closes it."""
    try:
        if connection.info.transaction_status is not TransactionStatus.IDLE:
            await connection.rollback()
    except psycopg.Error:
        await connection.close()


class Runner:
    """The pool, and the tasks of calls under way: a cancelled call is run to its end."""

    def __init__(self, options: Options) -> None:
        self._options = options
        self._tasks: set[asyncio.Task[Any]] = set()
        self._closed = False
        self._replacing: asyncio.Task[None] | None = None

        async def ready(connection: Connection) -> None:
            await configure(connection, options)

        self._pool = AsyncConnectionPool(
            options.conninfo,
            min_size=min(2, options.pool_size),
            max_size=options.pool_size,
            open=False,
            configure=ready,
            timeout=POOL_SECONDS,
            # Short: a database that is back is found by the next call that wants it.
            reconnect_timeout=1.0,
            name="stillframe",
        )

    async def open(self) -> None:
        await self._pool.open(wait=True, timeout=10.0)

    async def close(self) -> None:
        """Works off what was accepted, then closes every connection."""
        self._closed = True
        while self._tasks:
            await asyncio.wait(self._tasks)
        await self._pool.close()

    def start(self, work: Coroutine[Any, Any, T]) -> asyncio.Task[T]:
        """Starts what must come to its end, whoever waits for it."""
        if self._closed:
            work.close()
            raise refusals.shutting_down()
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._ended)
        return task

    def _ended(self, task: asyncio.Task[Any]) -> None:
        self._tasks.discard(task)
        if not task.cancelled():
            # Looked at here, because a caller that has left does not, and asyncio would
            # log an answer as a fault that nobody has seen.
            task.exception()

    async def read(self, steps: Callable[[], Steps[T]]) -> T:
        """Runs steps that see one snapshot of the database."""
        return await asyncio.shield(
            self.start(self.transaction(lambda session: session.run(steps()), _READ))
        )

    async def commit(
        self,
        tenant_id: str,
        body: Callable[[Session], Awaitable[T]],
        *,
        held: Connection | None = None,
    ) -> T:
        """Runs a transaction that holds the tenant's lock from its first statement on.

        On the connection `held`, if that is given.
        """

        async def locked(session: Session) -> T:
            self.lock(session, tenant_id)
            return await body(session)

        if held is not None:
            return await _Attempt(_WRITE).run(held, locked)
        return await self.transaction(locked, _WRITE)

    def lock(self, session: Session, tenant_id: str) -> None:
        """Takes the tenant's lock until the transaction ends: its first statement."""
        number = self._options.key("tenant", tenant_id)
        session.write("SELECT pg_advisory_xact_lock(?)", (number,))

    async def transaction(self, body: Callable[[Session], Awaitable[T]], begin: str) -> T:
        """Runs a transaction, anew where that is safe. Raises STORE_UNAVAILABLE."""
        for attempts_left in reversed(range(ATTEMPTS)):
            attempt = _Attempt(begin)
            try:
                async with asyncio.timeout(CLIENT_SECONDS), self._pool.connection() as connection:
                    return await attempt.run(connection, body)
            except (PoolTimeout, PoolClosed, TimeoutError) as error:
                raise _unavailable(error) from error
            except psycopg.Error as error:
                may_repeat = begin is _READ or _may_repeat(error, attempt)
                if not attempts_left or not may_repeat:
                    raise translate(error) from error
                if is_lost(error):
                    await self._replace_lost()
        raise AssertionError("the last attempt returns or raises")

    async def _replace_lost(self) -> None:
        """Replaces the connections that are lost: if one is, the others are no better."""
        if self._replacing is None or self._replacing.done():
            self._replacing = asyncio.create_task(self._pool.check())
        await asyncio.wait({self._replacing})

    def connection(self) -> Any:
        """Lends a connection of the pool, as a context manager."""
        return self._pool.connection()


def is_lost(error: psycopg.Error) -> bool:
    """Tells whether the connection is gone, rather than that a statement was refused."""
    return isinstance(error, psycopg.OperationalError) and (
        error.sqlstate is None or error.sqlstate.startswith(("08", "57P"))
    )


def _may_repeat(error: psycopg.Error, attempt: _Attempt) -> bool:
    if isinstance(error, _AGAIN):
        return True  # Rolled back, whatever was sent.
    return is_lost(error) and not attempt.is_committing


def translate(error: Exception) -> Exception:
    """Returns a Refusal for what the database reports; anything else is a fault of ours."""
    if isinstance(error, (psycopg.Error, PoolTimeout, PoolClosed, TimeoutError)) and not isinstance(
        error, _FAULTS
    ):
        return _unavailable(error)
    return error


def _unavailable(error: Exception) -> Refusal:
    _log.error("the database: %s: %s", type(error).__name__, error)
    return refusals.store_unavailable()
