"""Statements on a connection, in as few round trips as there are questions.

What gives no rows waits for the next question, and goes with it: a pipeline that ends
with a Sync, from when on the database knows that it waits for us, and for how long
(idle_in_transaction_session_timeout).
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any, TypeVar

from stillframe.server.stores.sql.steps import Ask, Write

if TYPE_CHECKING:
    from collections.abc import Sequence

    from stillframe.server.stores.postgres.connection import Connection
    from stillframe.server.stores.sql.steps import Row, Steps

T = TypeVar("T")


@lru_cache(maxsize=1_000)
def translated(statement: str) -> bytes:
    """Returns a statement of `stores.sql` in psycopg's words."""
    # In binary: bytes go as they are, and every number has one type.
    statement = statement.replace("IN (??)", "= ANY(%b)").replace("?", "%b")
    return statement.replace("CROSS JOIN", "JOIN").encode()


class Session:
    """Uses a connection for one transaction, or for single questions."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._waiting: list[Write] = []

    def write(self, statement: str, *rows: Sequence[Any]) -> None:
        """Does a statement for each of the rows, with the next question. An error shows then."""
        if rows:
            self._waiting.append(Write(statement, rows))

    async def flush(self) -> None:
        """Does what waits, now."""
        await self.ask_together([])

    async def ask(self, statement: str, *values: Any) -> list[Row]:
        """Asks for rows, and waits for them."""
        return (await self.ask_together([Ask(statement, values)]))[0]

    async def ask_together(self, questions: Sequence[Ask]) -> list[list[Row]]:
        """Asks several things in one round trip."""
        waiting, self._waiting = self._waiting, []
        # Not within another pipeline: psycopg waits there for answers to what it has not
        # wholly sent, which for large values is for good.
        async with self._connection.pipeline():
            for statement, rows in waiting:
                for row in rows:
                    await self._connection.execute(translated(statement), row)
            cursors = [
                await self._connection.execute(translated(statement), values, binary=True)
                for statement, values in questions
            ]
        return [await cursor.fetchall() for cursor in cursors]

    async def run(self, steps: Steps[T]) -> T:
        """Runs steps to their end and returns what they give."""
        return (await self.run_together([steps]))[0]

    async def run_together(self, many: Sequence[Steps[T]]) -> list[T]:
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
                    self.write(step.sql, *step.rows)
                    answers[index] = []
                else:
                    answers[index] = await self.run_together(step.steps)
            asked: list[list[Any]] = []
            if questions:
                asked = await self.ask_together([*questions.values()])
            sent = answers | dict(zip(questions, asked, strict=True))
        return results
