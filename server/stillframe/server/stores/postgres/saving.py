"""Saves of one tenant, committed together in three round trips, however many there are.

The first takes the tenant's lock and reads what the rules may ask. Then every save is
decided in its order, each against what those before it left. The second reads the values
that move to history, where this server has not saved them itself. The third writes all of
it and commits.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from stillframe.server.stores import patches, rules
from stillframe.server.stores.execution import Execution
from stillframe.server.stores.postgres import bulk, statements
from stillframe.server.stores.records import EntryKey
from stillframe.server.stores.refusals import Refusal
from stillframe.server.stores.sql import commits, moving, rows
from stillframe.server.stores.sql.moving import HeadValue, Place
from stillframe.server.stores.sql.rows import ExecutionRow
from stillframe.server.stores.sql.saving import Gathered, State
from stillframe.server.stores.sql.steps import Ask

if TYPE_CHECKING:
    from collections.abc import Sequence

    from stillframe.server.stores.postgres.payloads import Payloads
    from stillframe.server.stores.postgres.session import Session
    from stillframe.server.stores.sql.commits import Commits, TenantState
    from stillframe.server.stores.sql.steps import Row
    from stillframe.v1.snapshot_service_pb2 import SaveSnapshotResponse

INLINE_BYTES = 128 * 1024
"""Bytes of values that are compressed on the event loop; more go to a thread."""


class Batch:
    """The saves of a transaction, and what they write. Good for one attempt."""

    def __init__(
        self,
        tenant_id: str,
        saves: Sequence[rules.Save | Refusal],
        shared: Commits,
        payloads: Payloads,
        moved_bytes: int = 0,
    ) -> None:
        self._tenant_id = tenant_id
        self._saves = saves
        self._commits = shared
        self._payloads = payloads
        self._max_executions = shared.config.max_executions
        self._gathered = Gathered(shared, moved_bytes)
        self._states: dict[str, State] = {}

    @property
    def moved_bytes(self) -> int:
        """What this transaction moves to history, with what it did before these saves."""
        return self._gathered.moved_bytes

    async def commit(self, session: Session) -> list[SaveSnapshotResponse | Refusal]:
        """Decides and writes the saves; the caller's transaction holds the tenant's lock.

        Returns fewer answers than there are saves when the others would move too much: a
        transaction of their own is for them, as if they had not been here.
        """
        tenant = await self._read(session)
        answers: list[SaveSnapshotResponse | Refusal] = []
        for save in self._saves:
            try:
                answer = save if isinstance(save, Refusal) else self._decide(save)
            except Refusal as refusal:
                answer = refusal
            if answer is None:
                break
            answers.append(answer)
        await self._write(session, tenant)
        return answers

    async def _read(self, session: Session) -> TenantState:
        """Reads what the rules may ask of any of the saves: all questions in one go."""
        saves = [save for save in self._saves if isinstance(save, rules.Save)]
        name, names = self._tenant_id, sorted({save.request.execution_id for save in saves})
        whole = sorted({save.request.execution_id for save in saves if not save.is_delta})
        keys = sorted(
            {
                (save.request.execution_id, *entry)
                for save in saves
                if save.request.execution_id not in whole
                for entry in (*save.infos, *save.removed)
            }
        )
        ids = sorted(
            {
                (save.request.execution_id, save.header.snapshot_id)
                for save in saves
                if save.header.HasField("snapshot_id")
            }
        )
        questions = {
            "tenant": Ask(statements.TENANT, (name,)),
            "executions": Ask(statements.EXECUTIONS, (name, names)),
        }
        if whole:
            questions["entries"] = Ask(statements.ENTRIES, (name, whole))
        if keys:
            questions["keys"] = Ask(statements.ASKED_ENTRIES, (*bulk.columns_of(keys), name))
        if ids:
            questions["ids"] = Ask(statements.ASKED_IDS, (*bulk.columns_of(ids), name))
        answers = await session.ask_together([*questions.values()])
        found = dict(zip(questions, answers, strict=True))
        tenant = await self._tenant(session, found["tenant"])
        for row in found["executions"]:
            self._add(tenant, rows.execution_of(*row))
        for each in names:
            if each not in self._states:
                self._add(tenant, ExecutionRow(None, None, Execution(each)))
        for each, map_, key, *value in (*found.get("entries", ()), *found.get("keys", ())):
            self._states[each].known[EntryKey(map_, key)] = HeadValue(*value)
        for each, snapshot_id, version in found.get("ids", ()):
            self._states[each].snapshot_ids[snapshot_id] = version
        if self._max_executions and any(
            state.row.execution.head is None for state in self._states.values()
        ):
            await session.run(self._commits.count(tenant))
        return tenant

    async def _tenant(self, session: Session, found: list[Row]) -> TenantState:
        if not found:
            return await session.run(self._commits.tenant(self._tenant_id))
        [(number, newest, mark, header)] = found
        change = None if newest is None else (rows.revision_of(newest), mark, header)
        return commits.tenant_state(self._tenant_id, number, change)

    def _add(self, tenant: TenantState, row: ExecutionRow) -> None:
        self._states[row.execution.execution_id] = State(tenant, row, self._max_executions)

    def _decide(self, save: rules.Save) -> SaveSnapshotResponse | None:
        return self._gathered.decide(self._states[save.request.execution_id], save)

    async def _write(self, session: Session, tenant: TenantState) -> None:
        gathered = self._gathered
        executions = [
            (state.row.id, *self._commits.columns(tenant, state.row))
            for state in gathered.states.values()
        ]
        history, entries = await self._packed(session)
        for statement, lines in (
            (statements.INSERT_HISTORY, history),
            (statements.DELETE_ENTRIES, [*gathered.removed]),
            (statements.SET_ENTRIES, entries),
            (statements.INSERT_CHANGES, gathered.changes),
            (
                statements.INSERT_EXECUTIONS,
                [columns for row_id, *columns in executions if row_id is None],
            ),
            (
                statements.UPDATE_EXECUTIONS,
                [(*columns[:-2], row_id) for row_id, *columns in executions if row_id is not None],
            ),
        ):
            if lines:
                session.write(statement, bulk.columns_of(lines))

    async def _packed(self, session: Session) -> tuple[list[Row], list[Row]]:
        """Returns the rows of history and of entries, for which values are compressed."""
        moves, new = self._gathered.moves, self._gathered.set
        unread: dict[Place, HeadValue] = {}
        for place, _, value, _ in moves:
            if value.payload is None:
                value.payload = self._payloads.get(value.digest)
            if value.payload is None:
                unread[place] = value
        if unread:
            for content_id, map_, key, form, data in await session.ask(
                statements.MOVING, *bulk.columns_of(unread)
            ):
                unread[Place(content_id, map_, key)].payload = patches.unpack(form, data)
        self._remember()
        values = (*(move.value for move in moves), *new.values())
        if sum(value.size for value in values) <= INLINE_BYTES:
            return moving.pack(moves, new)
        return await asyncio.to_thread(moving.pack, moves, new)

    def _remember(self) -> None:
        """Keeps the payloads of the new values, rather than of those that they replace."""
        for move in self._gathered.moves:
            self._payloads.drop(move.value.digest)
        for value in self._gathered.set.values():
            if value.payload is not None:
                self._payloads.add(value.digest, value.payload)
