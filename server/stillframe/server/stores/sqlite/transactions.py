"""The writer's transactions: many jobs in one, decided and written, then made durable.

Whoever calls sees to it that one transaction is under way at a time. All of it may be done in
the writer's thread; what needs nothing but memory is done on the event loop, up to the COMMIT:
two threads of Python take longer for it than one, because each waits for the other's lock.
"""

# apsw's stubs name Buffer, and Python has that from 3.12 on.
# pyright: reportUnknownMemberType=false

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any, TypeAlias

import apsw

from stillframe.server.stores import rules
from stillframe.server.stores.refusals import Refusal
from stillframe.server.stores.sql.commits import Commits
from stillframe.server.stores.sqlite.connection import BUSY_MILLISECONDS
from stillframe.server.stores.sqlite.housekeeping import Housekeeping
from stillframe.server.stores.sqlite.lanes import Outcome, translate
from stillframe.server.stores.sqlite.saving import Writer

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from stillframe.server.stores.base import StoreConfig
    from stillframe.server.stores.sqlite.heads import Heads, Name, Whole

Saves: TypeAlias = "list[rules.Save | Refusal]"
Work: TypeAlias = "Callable[[apsw.Connection], Any] | rules.Save | Saves"
"""A job: a function to call with the connection, a save, or saves of one call."""

PROMPT_BYTES = 2 * 2**20
"""Of saves and of the heads that they replace, decided at once on the event loop: some
milliseconds, in which it answers nobody."""

_log = logging.getLogger(__name__)


class Transactions:
    """Runs jobs on the writer's connection. `told` is called, in whichever thread that is, with
    a commit's number, the tenants that have a new revision, and the heads that it has made.
    """

    def __init__(
        self,
        connection: apsw.Connection,
        config: StoreConfig,
        heads: Heads,
        told: Callable[[int, set[str], Mapping[Name, Whole | None]], None],
    ) -> None:
        self._connection = connection
        self._heads = heads
        self._told = told
        self._number = 0
        self.commits = Commits(config)
        self.housekeeping = Housekeeping(self.commits, config)
        self.writer = Writer(connection, self.commits)

    def run(self, works: Sequence[Work]) -> list[Outcome]:
        """Runs jobs in one transaction: group commit.

        A refusal is an answer and fails no other job. Anything else may have left half
        of a job behind, so the batch is rolled back and its jobs are run one by one.
        """
        try:
            self._connection.execute("BEGIN IMMEDIATE")
            outcomes = self._decide(works)
            self._connection.execute("COMMIT")
        except Exception as error:  # noqa: BLE001 - whatever it is, no job may be half done
            return self._failed(works, error)
        self._committed()
        return outcomes

    def prompt(self, works: Sequence[Work]) -> int:
        """Returns how many of the first jobs can be decided from memory, and at once."""
        size = 0
        for number, work in enumerate(works):
            if isinstance(work, rules.Save):
                size += self.writer.weigh(work)
            elif not callable(work):
                size += sum(
                    self.writer.weigh(each) for each in work if isinstance(each, rules.Save)
                )
            else:
                return number
            if size > PROMPT_BYTES:
                return number
        return len(works)

    def begin(self, works: Sequence[Work]) -> list[Outcome] | None:
        """Decides and writes jobs, all but the COMMIT, which `finish` does. None when they are
        to be `run` instead: another program writes to the file, or one of them failed.
        """
        self._connection.set_busy_timeout(0)
        try:
            self._connection.execute("BEGIN IMMEDIATE")
        except apsw.Error:
            return None
        finally:
            self._connection.set_busy_timeout(BUSY_MILLISECONDS)
        try:
            return self._decide(works)
        except Exception:  # noqa: BLE001 - it will show again
            self._roll_back()
            return None

    def finish(self, works: Sequence[Work], outcomes: list[Outcome]) -> list[Outcome]:
        """Makes durable what `begin` did; returns the outcomes that hold."""
        try:
            self._connection.execute("COMMIT")
        except Exception as error:  # noqa: BLE001 - whatever it is, no job may be half done
            return self._failed(works, error)
        self._committed()
        return outcomes

    def _decide(self, works: Sequence[Work]) -> list[Outcome]:
        """Decides and writes jobs, in a transaction that has begun."""
        self._number += 1
        outcomes: list[Outcome] = []
        for work in works:
            try:
                outcomes.append(Outcome(self._do(work)))
            except Refusal as refusal:
                # It waits for the COMMIT too: it was decided against what that makes durable.
                outcomes.append(Outcome(error=refusal))
        self.writer.flush()
        self._heads.hide(self._number, self.writer.changed())
        return outcomes

    def _do(self, work: Work) -> Any:
        if isinstance(work, rules.Save):
            return self.writer.save(work)
        if not callable(work):
            return [self.writer.try_save(save) for save in work]
        self.writer.flush()
        self.commits.read.clear()
        try:
            return work(self._connection)
        finally:
            self.writer.forget(self.commits.read)

    def _failed(self, works: Sequence[Work], error: Exception) -> list[Outcome]:
        self._roll_back()
        if len(works) == 1:
            return [Outcome(error=translate(error))]
        return [self.run([work])[0] for work in works]

    def _roll_back(self) -> None:
        self.commits.forget()
        self.writer.forget_all()
        self.housekeeping.forget()
        self._tell()
        if self._connection.in_transaction:
            try:
                self._connection.execute("ROLLBACK")
            except apsw.Error:
                _log.exception("the rollback of a failed commit failed")

    def _committed(self) -> None:
        try:
            self._tell()
        except Exception:  # noqa: BLE001 - logged, and forgotten
            # It is committed all the same; what is in memory may be half of it.
            _log.exception("what a commit changed could not be told")
            self.commits.forget()
            self.writer.forget_all()

    def _tell(self) -> None:
        touched, self.commits.touched = self.commits.touched, set()
        self.commits.read.clear()
        self.housekeeping.disturb(touched)
        shown = self.writer.settle()
        if touched or shown:
            self._told(self._number, touched, shown)
