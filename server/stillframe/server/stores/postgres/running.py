"""Runs steps in transactions, on the event loop: what is retried, and what is refused.

A transaction is a pipeline: statements that give no rows are not waited for, so a commit
takes as many round trips as it has questions, and one more.
"""

from __future__ import annotations

import asyncio
import logging
from functools import lru_cache
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
from stillframe.server.stores.refusals import Refusal
from stillframe.server.stores.sql.steps import Ask, Write

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Coroutine, Sequence

    from stillframe.server.stores.sql.steps import Row, Steps

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


@lru_cache(maxsize=1_000)
def translated(statement: str) -> bytes:
    """Returns a statement of `stores.sql` in psycopg's words."""
    statement = statement.replace("IN (??)", "= ANY(%s)").replace("?", "%s")
    return statement.replace("CROSS JOIN", "JOIN").encode()


async def ask(connection: Connection, statement: str, values: Sequence[Any] = ()) -> list[Row]:
    """Asks for rows, and waits for them."""
    [found] = await ask_together(connection, [(statement, values)])
    return found


async def ask_together(
    connection: Connection, questions: Sequence[tuple[str, Sequence[Any]] | None]
) -> list[list[Row]]:
    """Asks several things in one round trip; None is nothing to ask, and gets no rows."""
    # The block ends with a Sync: from then on the database knows that it waits for us, and
    # for how long (idle_in_transaction_session_timeout).
    async with connection.pipeline():
        cursors = [
            each and await connection.execute(translated(each[0]), each[1], binary=True)
            for each in questions
        ]
    return [await cursor.fetchall() if cursor else [] for cursor in cursors]


async def write(connection: Connection, statement: str, rows: Sequence[Sequence[Any]]) -> None:
    """Does a statement for each of the rows; an error shows later in the transaction."""
    if len(rows) == 1:
        await connection.execute(translated(statement), rows[0])
    elif rows:
        await connection.cursor().executemany(translated(statement), rows)


async def run(connection: Connection, steps: Steps[T]) -> T:
    """Runs steps to their end and returns what they give."""
    return (await run_together(connection, [steps]))[0]


async def run_together(connection: Connection, many: Sequence[Steps[T]]) -> list[T]:
    """Runs steps side by side: each round asks what all of them ask next."""
    results: list[Any] = [None] * len(many)
    sent: dict[int, list[Any] | None] = dict.fromkeys(range(len(many)))
    while sent:
        questions: dict[int, Ask] = {}
        answers: dict[int, list[Any] | None] = {}
        for index, found in sent.items():
            try:
                step = next(many[index]) if found is None else many[index].send(found)
            except StopIteration as end:
                results[index] = end.value
                continue
            if isinstance(step, Ask):
                questions[index] = step
            elif isinstance(step, Write):
                await write(connection, step.sql, list(step.rows))
                answers[index] = []
            else:
                answers[index] = await run_together(connection, step.steps)
        asked = await ask_together(connection, list(questions.values())) if questions else []
        sent = answers | dict(zip(questions, asked, strict=True))
    return results


class _Attempt:
    """One transaction, and how far it got."""

    def __init__(self, begin: str) -> None:
        self._begin = begin.encode()
        self.is_committing = False
        """COMMIT may have been sent: if the connection is lost, nobody knows."""

    async def run(self, connection: Connection, body: Callable[[Connection], Awaitable[T]]) -> T:
        refusal: Refusal | None = None
        result: T | None = None
        try:
            async with connection.pipeline():
                await connection.execute(self._begin)
                try:
                    result = await body(connection)
                except Refusal as error:
                    # An answer: what was decided on the way to it stays.
                    refusal = error
                self.is_committing = True
                await connection.execute(b"COMMIT")
        except BaseException:
            await _reset(connection)
            raise
        if connection.info.transaction_status is not TransactionStatus.IDLE:
            await _reset(connection)
            raise psycopg.OperationalError("the transaction did not end")
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
        task.add_done_callback(self._tasks.discard)
        return task

    async def read(self, steps: Callable[[], Steps[T]]) -> T:
        """Runs steps that see one snapshot of the database."""
        return await asyncio.shield(
            self.start(self.transaction(lambda connection: run(connection, steps()), _READ))
        )

    async def commit(
        self,
        tenant_id: str,
        body: Callable[[Connection], Awaitable[T]],
        *,
        held: Connection | None = None,
    ) -> T:
        """Runs a transaction that holds the tenant's lock from its first statement on.

        On the connection `held`, if that is given.
        """

        async def locked(connection: Connection) -> T:
            await self.lock(connection, tenant_id)
            return await body(connection)

        if held is not None:
            return await _Attempt(_WRITE).run(held, locked)
        return await self.transaction(locked, _WRITE)

    async def lock(self, connection: Connection, tenant_id: str) -> None:
        """Takes the tenant's lock until the transaction ends."""
        number = self._options.key("tenant", tenant_id)
        await connection.execute(b"SELECT pg_advisory_xact_lock(%s)", (number,))

    async def transaction(self, body: Callable[[Connection], Awaitable[T]], begin: str) -> T:
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
