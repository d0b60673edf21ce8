"""Saves of one tenant, committed together in three round trips, however many there are.

The first takes the tenant's lock and reads what the rules may ask. Then every save is
decided in its order, each against what those before it left. The second reads the values
that move to history, if there are any. The third writes all of it and commits.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from stillframe.server.stores import rules
from stillframe.server.stores.execution import Execution
from stillframe.server.stores.filters import filter_fields
from stillframe.server.stores.postgres import bulk, statements
from stillframe.server.stores.records import EntryInfo, EntryKey
from stillframe.server.stores.refusals import Refusal
from stillframe.server.stores.sql import commits, history, rows
from stillframe.server.stores.sql.rows import ExecutionRow
from stillframe.server.stores.sql.steps import Ask
from stillframe.v1.snapshot_service_pb2 import CHANGE_KIND_SAVED as SAVED

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from stillframe.server.stores.postgres.session import Session
    from stillframe.server.stores.records import Head
    from stillframe.server.stores.sql.commits import Commits, TenantState
    from stillframe.server.stores.sql.steps import Row
    from stillframe.v1.snapshot_service_pb2 import SaveSnapshotResponse

MAX_MOVED_BYTES = 16 * 2**20
"""Of the values that the saves of one transaction replace and remove, beyond its first
such save's: a small save may do so to large values, which are read, packed and written."""
INLINE_BYTES = 128 * 1024
"""Bytes of values that are packed on the event loop; more go to a thread."""


class _Place(NamedTuple):
    """Where a value stands: content, map and key."""

    content_id: int
    map: int
    key: str


class _Value(NamedTuple):
    """A value of a head: the version that set it, and its payload."""

    since: int
    digest: bytes
    payload: bytes


class _Move(NamedTuple):
    """A value that goes to history at a version."""

    place: _Place
    until: int
    value: _Value | None
    """None where the database has it, and not the batch."""
    replaced_by: bytes | None


@dataclass
class _State:
    """An execution as the saves so far left it: what the rules ask, answered from memory."""

    tenant: TenantState
    row: ExecutionRow
    max_executions: int
    known: dict[EntryKey, EntryInfo] = field(default_factory=dict[EntryKey, EntryInfo])
    snapshot_ids: dict[str, int] = field(default_factory=dict[str, int])
    is_changed: bool = False

    def infos(self, keys: Iterable[EntryKey] | None) -> Mapping[EntryKey, EntryInfo]:
        if keys is None:
            return dict(self.known)
        return {key: self.known[key] for key in keys if key in self.known}

    def version_of(self, snapshot_id: str) -> int | None:
        return self.snapshot_ids.get(snapshot_id)

    def at_quota(self) -> bool:
        return 0 < self.max_executions <= (self.tenant.executions or 0)


class Batch:
    """The saves of a transaction, and what they write. Good for one attempt."""

    def __init__(
        self,
        tenant_id: str,
        saves: Sequence[rules.Save | Refusal],
        shared: Commits,
        moved_bytes: int = 0,
    ) -> None:
        self._tenant_id = tenant_id
        self._saves = saves
        self._commits = shared
        self._max_executions = shared.config.max_executions
        self.moved_bytes = moved_bytes
        """What this transaction moves to history, with what it did before these saves."""
        self._states: dict[str, _State] = {}
        self._moves: list[_Move] = []
        self._set: dict[_Place, _Value] = {}
        self._removed: set[_Place] = set()
        self._changes: list[Row] = []

    async def commit(self, session: Session) -> list[SaveSnapshotResponse | Refusal]:
        """Decides and writes the saves; the caller's transaction holds the tenant's lock.

        Returns fewer answers than there are saves when the others would move too much: a
        transaction of their own is for them, as if they had not been here.
        """
        tenant = await self._read(session)
        answers: list[SaveSnapshotResponse | Refusal] = []
        for save in self._saves:
            try:
                answer = save if isinstance(save, Refusal) else self._save(tenant, save)
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
        for each, map_, key, digest, size in (*found.get("entries", ()), *found.get("keys", ())):
            self._states[each].known[EntryKey(map_, key)] = EntryInfo(digest, size)
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
        self._states[row.execution.execution_id] = _State(tenant, row, self._max_executions)

    def _save(self, tenant: TenantState, save: rules.Save) -> SaveSnapshotResponse | None:
        """Returns None, and leaves nothing behind, when the save would move too much."""
        state = self._states[save.request.execution_id]
        execution = state.row.execution
        floor = execution.epoch_floor
        try:
            decision = save.decide(execution, state)
            if isinstance(decision, rules.Write) and not self._has_room(state, decision):
                execution.epoch_floor = floor
                return None
        finally:
            state.is_changed |= execution.epoch_floor != floor
        if isinstance(decision, rules.Unwritten):
            state.is_changed |= self._commits.unwritten(tenant, execution, save, decision)
            return decision.response
        before = execution.head
        head = self._new_head(tenant, state, save, decision)
        self._changes.append(
            commits.change_columns(
                tenant.id,
                head,
                SAVED,
                state.row.content_id,
                filter_fields(before.header) if before else None,
            )
        )
        if before is None and tenant.executions is not None:
            tenant.executions += 1
        return save.answer(execution, head, created=before is None)

    def _has_room(self, state: _State, write: rules.Write) -> bool:
        """Counts what a save moves; false if that is too much for this transaction."""
        size = sum(state.known[entry].size for entry in (*write.replaced, *write.removed))
        if size and self.moved_bytes and self.moved_bytes + size > MAX_MOVED_BYTES:
            return False
        self.moved_bytes += size
        return True

    def _new_head(
        self, tenant: TenantState, state: _State, save: rules.Save, decision: rules.Write
    ) -> Head:
        execution = state.row.execution
        revision, mark, commit_time = self._commits.next_commit(tenant)
        head = save.new_head(execution, decision, revision, mark, commit_time)
        if state.row.content_id is None:
            state.row.content_id = rows.change_id(tenant.id, revision)
        self._change_entries(state, state.row.content_id, head.version, save, decision)
        if head.header.HasField("snapshot_id"):
            state.snapshot_ids[head.header.snapshot_id] = head.version
        execution.head = head
        execution.last_version = head.version
        state.is_changed = True
        return head

    def _change_entries(
        self, state: _State, content_id: int, version: int, save: rules.Save, write: rules.Write
    ) -> None:
        for entry in write.replaced:
            place = _Place(content_id, *entry)
            value = self._set.get(place)
            self._moves.append(_Move(place, version, value, save.payloads[entry]))
        for entry in write.removed:
            place = _Place(content_id, *entry)
            self._moves.append(_Move(place, version, self._set.pop(place, None), None))
            self._removed.add(place)
            del state.known[entry]
        for entry, info in write.set_entries.items():
            place = _Place(content_id, *entry)
            self._set[place] = _Value(version, info.digest, save.payloads[entry])
            self._removed.discard(place)
            state.known[entry] = info

    async def _write(self, session: Session, tenant: TenantState) -> None:
        changed = [state.row for state in self._states.values() if state.is_changed]
        executions = [(row.id, *self._commits.columns(tenant, row)) for row in changed]
        for statement, lines in (
            (statements.INSERT_HISTORY, await self._moved(session)),
            (statements.DELETE_ENTRIES, [*self._removed]),
            (
                statements.SET_ENTRIES,
                [(*place, *value) for place, value in self._set.items()],
            ),
            (statements.INSERT_CHANGES, self._changes),
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

    async def _moved(self, session: Session) -> list[Row]:
        """Returns the rows of history, packed."""
        asked = [move.place for move in self._moves if move.value is None]
        links: dict[_Place, tuple[int | None, int]] = {}
        values: dict[_Place, _Value] = {}
        if asked:
            for *place, since, digest, payload, base, link in await session.ask(
                statements.MOVING, *bulk.columns_of(asked)
            ):
                values[_Place(*place)] = _Value(since, digest, payload)
                if link is not None:
                    links[_Place(*place)] = (base, link)
        size = sum(len((move.value or values[move.place]).payload) for move in self._moves)
        if size <= INLINE_BYTES:
            return _pack(self._moves, values, links)
        return await asyncio.to_thread(_pack, self._moves, values, links)


def _pack(
    moves: Sequence[_Move],
    values: Mapping[_Place, _Value],
    links: dict[_Place, tuple[int | None, int]],
) -> list[Row]:
    packed: list[Row] = []
    for place, until, known, replaced_by in moves:
        since, digest, payload = known or values[place]
        newest = links.get(place)
        row = history.moved(place, until, since, digest, payload, replaced_by, newest)
        links[place] = history.link_of(row)
        packed.append(row)
    return packed
