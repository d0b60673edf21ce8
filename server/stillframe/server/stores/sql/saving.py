"""Saves that are committed together: each is decided in memory, against what those before
it left, and what all of them write is gathered.

A store reads what the rules may ask, has the saves decided in their order, and writes what
was gathered. How it reads and writes is its own business.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from stillframe.server.stores import rules
from stillframe.server.stores.filters import filter_fields
from stillframe.server.stores.records import EntryKey
from stillframe.server.stores.sql import commits, rows
from stillframe.server.stores.sql.moving import HeadValue, Move, Place
from stillframe.v1.snapshot_service_pb2 import CHANGE_KIND_SAVED as SAVED

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from stillframe.server.stores.records import Head
    from stillframe.server.stores.sql.commits import Commits, TenantState
    from stillframe.server.stores.sql.rows import ExecutionRow
    from stillframe.server.stores.sql.steps import Row
    from stillframe.v1.snapshot_service_pb2 import SaveSnapshotResponse

MAX_MOVED_BYTES = 16 * 2**20
"""Of the values that gathered saves replace and remove, beyond the first such save's: a
small save may do so to large values, which are read, packed and written."""


@dataclass(slots=True)
class State:
    """An execution as the saves so far left it: what the rules ask, answered from memory."""

    tenant: TenantState
    row: ExecutionRow
    max_executions: int
    known: dict[EntryKey, HeadValue] = field(default_factory=dict[EntryKey, HeadValue])
    """The head's entries: those that a save may ask for, at least."""
    snapshot_ids: dict[str, int] = field(default_factory=dict[str, int])
    """The versions of those snapshot_ids that a save may ask for and that are taken."""

    def infos(self, keys: Iterable[EntryKey] | None) -> Mapping[EntryKey, HeadValue]:
        if keys is None:
            return self.known
        return {key: self.known[key] for key in keys if key in self.known}

    def version_of(self, snapshot_id: str) -> int | None:
        return self.snapshot_ids.get(snapshot_id)

    def at_quota(self) -> bool:
        return 0 < self.max_executions <= (self.tenant.executions or 0)


class Gathered:
    """What saves write that were decided and not written yet."""

    def __init__(self, shared: Commits, moved_bytes: int = 0) -> None:
        self._commits = shared
        self.moved_bytes = moved_bytes
        """What is moved to history, with what the transaction did so before."""
        self.moves: list[Move] = []
        self.set: dict[Place, HeadValue] = {}
        self.removed: set[Place] = set()
        self.changes: list[Row] = []
        self.states: dict[tuple[str, str], State] = {}
        """By tenant and name, those whose row of `execution` is to be written."""

    def decide(self, state: State, save: rules.Save) -> SaveSnapshotResponse | None:
        """Decides a save by the rules; raises Refusal.

        Returns None, and leaves nothing behind, when the save would move too much: what is
        gathered must be written before.
        """
        execution = state.row.execution
        floor = execution.epoch_floor
        try:
            decision = save.decide(execution, state)
            if isinstance(decision, rules.Write) and not self._has_room(state, decision):
                execution.epoch_floor = floor
                return None
        finally:
            if execution.epoch_floor != floor:
                self._note(state)
        if isinstance(decision, rules.Unwritten):
            if self._commits.unwritten(state.tenant, execution, save, decision):
                self._note(state)
            return decision.response
        before = execution.head
        head = self._new_head(state, save, decision)
        self.changes.append(
            commits.change_columns(
                state.tenant.id,
                head,
                SAVED,
                state.row.content_id,
                filter_fields(before.header) if before else None,
            )
        )
        if before is None and state.tenant.executions is not None:
            state.tenant.executions += 1
        return save.answer(execution, head, created=before is None)

    def _note(self, state: State) -> None:
        self.states[state.tenant.name, state.row.execution.execution_id] = state

    def _has_room(self, state: State, write: rules.Write) -> bool:
        """Counts what a save moves; false if that is too much for what is gathered."""
        size = sum(state.known[entry].size for entry in (*write.replaced, *write.removed))
        if size and self.moved_bytes and self.moved_bytes + size > MAX_MOVED_BYTES:
            return False
        self.moved_bytes += size
        return True

    def _new_head(self, state: State, save: rules.Save, decision: rules.Write) -> Head:
        row, execution = state.row, state.row.execution
        revision, mark, commit_time = self._commits.next_commit(state.tenant)
        head = save.new_head(execution, decision, revision, mark, commit_time)
        if row.content_id is None:
            row.content_id = rows.change_id(state.tenant.id, revision)
        self._change_entries(state, row.content_id, head.version, save, decision)
        if head.header.HasField("snapshot_id"):
            state.snapshot_ids[head.header.snapshot_id] = head.version
        execution.head = head
        execution.last_version = head.version
        self._note(state)
        return head

    def _change_entries(
        self, state: State, content_id: int, version: int, save: rules.Save, write: rules.Write
    ) -> None:
        known = state.known
        for entry in write.replaced:
            place = Place(content_id, *entry)
            self.moves.append(Move(place, version, known[entry], save.payloads[entry]))
        for entry in write.removed:
            place = Place(content_id, *entry)
            self.moves.append(Move(place, version, known.pop(entry), None))
            self.set.pop(place, None)
            self.removed.add(place)
        for entry, info in write.set_entries.items():
            place = Place(content_id, *entry)
            value = HeadValue(version, info.digest, info.size, payload=save.payloads[entry])
            self.set[place] = known[entry] = value
            self.removed.discard(place)
