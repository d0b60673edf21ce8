"""Saves of a batch, whatever their tenants: read, decided, and written together.

Everything here runs in a transaction, of which one is under way at a time. What saves leave
behind in memory is what the next ones begin with: nobody else writes to the file.
"""

# apsw's stubs name Buffer, and Python has that from 3.12 on.
# pyright: reportUnknownMemberType=false

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING

from stillframe.server.stores import patches
from stillframe.server.stores.patches import DamagedError
from stillframe.server.stores.records import EntryKey
from stillframe.server.stores.refusals import Refusal
from stillframe.server.stores.sql import commits, moving
from stillframe.server.stores.sql.content import HeadContent
from stillframe.server.stores.sql.saving import Gathered
from stillframe.server.stores.sqlite import bulk
from stillframe.server.stores.sqlite.known import WHOLE_BYTES, WHOLE_ENTRIES, Known, head_value
from stillframe.server.stores.sqlite.rows import first, run

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    import apsw

    from stillframe.server.stores import rules
    from stillframe.server.stores.records import Head
    from stillframe.server.stores.sql.commits import Commits
    from stillframe.server.stores.sql.steps import Row
    from stillframe.server.stores.sqlite.heads import Name, Whole
    from stillframe.v1.snapshot_service_pb2 import SaveSnapshotResponse

_LARGEST = 4
"""One part in so many of the cache is the most that one execution may take."""

BATCH_BYTES = 16 * 2**20
"""Of states beyond the bound, before a transaction lets those go that it began with: small
saves may read large heads."""

INSERT_HISTORY = f"INSERT INTO history ({moving.ROW}) VALUES {{rows}}"
SET_ENTRIES = f"INSERT INTO entry ({moving.ENTRY}) VALUES {{rows}}{moving.SET_ENTRY}"
INSERT_CHANGES = f"INSERT INTO change ({commits.CHANGE}) VALUES {{rows}}"
MOVE_HEADS = (
    "WITH new (head_id, last_version, epoch_floor, answers, id) AS (VALUES {rows})"
    " UPDATE execution SET head_id = new.head_id, last_version = new.last_version,"
    " epoch_floor = new.epoch_floor, answers = new.answers FROM new WHERE execution.id = new.id"
)
"""Names no column of an index: SQLite writes a row of one anew whenever a column is named."""


class Writer:
    """Decides saves and gathers what they write; `flush` writes it.

    Whoever commits calls `settle` after it, and after a rollback `forget_all`.
    """

    def __init__(self, connection: apsw.Connection, shared: Commits) -> None:
        self._connection = connection
        self._commits = shared
        self._gathered = Gathered(shared)
        self._known: OrderedDict[Name, Known] = OrderedDict()
        self._bytes = 0
        self._changed: dict[Name, Known | None] = {}
        """What the transaction has changed so far; None for what others than saves have."""

    def save(self, save: rules.Save) -> SaveSnapshotResponse:
        """Decides a save. Raises Refusal."""
        known = self._ready(save)
        answer = self._gathered.decide(known, save)
        if answer is None:
            self.flush()
            answer = self._gathered.decide(known, save)
        assert answer is not None  # noqa: S101 - what is empty has room for any save
        return answer

    def try_save(self, save: rules.Save | Refusal) -> SaveSnapshotResponse | Refusal:
        """Decides a save, and returns a refusal where `save` would raise it."""
        if isinstance(save, Refusal):
            return save
        try:
            return self.save(save)
        except Refusal as refusal:
            return refusal

    def weigh(self, save: rules.Save) -> int:
        """Returns about the bytes that it takes to decide and write a save: more than there
        can be when not all of it is in memory.
        """
        known = self._known.get((save.request.tenant_id, save.request.execution_id))
        if known is None or not known.is_whole or save.header.HasField("snapshot_id"):
            return 2**62
        return save.inflight_bytes + known.counted

    def flush(self) -> None:
        """Writes what was gathered."""
        gathered, self._gathered = self._gathered, Gathered(self._commits)
        self._read_moving(gathered.moves)
        write, connection = bulk.write, self._connection
        moved, entries = moving.pack(gathered.moves, gathered.set)
        write(connection, INSERT_HISTORY, moved)
        connection.executemany(
            "DELETE FROM entry WHERE content_id = ? AND map = ? AND key = ?", gathered.removed
        )
        write(connection, SET_ENTRIES, entries)
        write(connection, INSERT_CHANGES, gathered.changes)
        self._write_executions(gathered)

    def _write_executions(self, gathered: Gathered) -> None:
        connection, before = self._connection, self._connection.total_changes()
        heads: list[Row] = []
        for name, state in gathered.states.items():
            known = self._known[name]
            columns = self._commits.columns(known.tenant, known.row)
            row, written = known.row, known.written
            if row.id is None:
                connection.execute(commits.INSERT_EXECUTION, columns)
                row.id = connection.last_insert_rowid()
            elif written and _unindexed(columns)[0] == _unindexed(written)[0]:
                heads.append((*_unindexed(columns)[1], row.id))
            else:
                connection.execute(commits.UPDATE_EXECUTION, (*columns[:-2], row.id))
            known.written = columns
            state.snapshot_ids.clear()
            self._changed[name] = known
        bulk.write(connection, MOVE_HEADS, heads)
        if connection.total_changes() - before != len(gathered.states):
            # Rather no save than one that is acknowledged and cannot be found.
            raise DamagedError("the row of an execution that was known is not there")

    def changed(self) -> Iterable[Name]:
        """Returns which executions the transaction has changed."""
        return self._changed

    def settle(self) -> dict[Name, Whole | None]:
        """Takes it that what was written is committed; returns the new heads of executions,
        None for those that are to be read in the file from now on.
        """
        changed, self._changed = self._changed, {}
        shown: dict[Name, Whole | None] = {}
        maximum = self._commits.config.head_cache_bytes
        for name, known in changed.items():
            shown[name] = known.whole() if known else None
            if known is not None:
                self._count(known)
                if known.counted > maximum // _LARGEST:
                    self._drop(name)
                    shown[name] = None
        shown.update(dict.fromkeys(self._drop_oldest()))
        return shown

    def forget(self, names: Iterable[Name]) -> None:
        """Forgets executions that others than saves have changed."""
        for name in names:
            if name in self._known:
                self._drop(name)
            self._changed[name] = None

    def forget_all(self) -> None:
        """Forgets everything, and what was gathered: the transaction was rolled back."""
        self._gathered = Gathered(self._commits)
        # None of the heads that loads see may outlive its place here, which bounds them.
        self._changed = dict.fromkeys((*self._changed, *self._known))
        self._known.clear()
        self._bytes = 0

    def _drop(self, name: Name) -> None:
        self._bytes -= self._known.pop(name).counted

    def _drop_oldest(self) -> Iterator[Name]:
        """Forgets the executions used longest ago, beyond the bound; yields their names."""
        while self._bytes > self._commits.config.head_cache_bytes:
            oldest = next(iter(self._known))
            self._drop(oldest)
            yield oldest

    def _make_room(self) -> None:
        """Sees to it that what a transaction reads is bounded, however much that is."""
        if self._bytes > self._commits.config.head_cache_bytes + BATCH_BYTES:
            self.flush()
            self._changed.update(dict.fromkeys(self._drop_oldest()))

    def _count(self, known: Known) -> None:
        size = known.weigh()
        self._bytes += size - known.counted
        known.counted = size

    def _ready(self, save: rules.Save) -> Known:
        """Returns the execution's state, with all that the rules may ask for this save."""
        request = save.request
        name = request.tenant_id, request.execution_id
        known = self._known.get(name)
        if known is None:
            self._make_room()
            known = self._known[name] = self._read(*name)
            self._count(known)
        else:
            self._known.move_to_end(name)
        head = known.row.execution.head
        if head is not None and not known.is_complete:
            self._read_entries(known, head, save)
        if name not in self._gathered.states:
            # What was read for a save that wrote nothing: retention may have freed it since.
            known.snapshot_ids.clear()
        if save.header.HasField("snapshot_id"):
            self._read_snapshot_id(known, save.header.snapshot_id)
        if head is None and known.max_executions and known.tenant.executions is None:
            self.flush()
            run(self._connection, self._commits.count(known.tenant))
        return known

    def _read(self, tenant_id: str, execution_id: str) -> Known:
        tenant = run(self._connection, self._commits.tenant(tenant_id))
        row = run(self._connection, self._commits.row(tenant, execution_id))
        known = Known(tenant, row, self._commits.config.max_executions)
        known.is_complete = known.is_whole = row.execution.head is None
        if row.execution.head is not None:
            known.written = self._commits.columns(tenant, row)
        return known

    def _read_entries(self, known: Known, head: Head, save: rules.Save) -> None:
        """Reads what the rules may ask of the head's entries."""
        is_small = head.entries_size <= WHOLE_BYTES and head.entry_count <= WHOLE_ENTRIES
        asked: set[EntryKey] | None = None
        if save.is_delta and not is_small:
            asked = {*save.infos, *save.removed}.difference(known.known)
            if not asked:
                return
        if known.name in self._gathered.states:
            self.flush()  # The tables must have what is gathered of it.
        content = HeadContent(_content_id(known))
        columns = "since, digest, size, links" + (", form, payload" if is_small else "")
        for map_, key, *value in run(self._connection, content.read(columns, asked)):
            entry = EntryKey(map_, key)
            if entry not in known.known:
                known.known[entry] = head_value(*value)
        known.is_complete = asked is None
        known.is_whole = is_small

    def _read_snapshot_id(self, known: Known, snapshot_id: str) -> None:
        if known.row.content_id is None or snapshot_id in known.snapshot_ids:
            return
        row = first(
            self._connection,
            "SELECT version FROM change WHERE content_id = ? AND snapshot_id = ?",
            (known.row.content_id, snapshot_id),
        )
        if row is not None:
            known.snapshot_ids[snapshot_id] = row[0]

    def _read_moving(self, moves: Sequence[moving.Move]) -> None:
        """Reads the values that move to history, where memory has not got them."""
        for place, _, value, _ in moves:
            if value.payload is None:
                row = first(self._connection, _PAYLOAD, place)
                if row is None:
                    raise DamagedError("a value that a head has is not there")
                value.payload = patches.unpack(*row)


_PAYLOAD = "SELECT form, payload FROM entry WHERE content_id = ? AND map = ? AND key = ?"


def _content_id(known: Known) -> int:
    assert known.row.content_id is not None  # noqa: S101 - for the type checkers
    return known.row.content_id


def _unindexed(columns: Row) -> tuple[Row, Row]:
    """Parts a row of `Commits.columns` into what indexes have of it, and the rest."""
    content_id, head_id, last_version, epoch_floor, *indexed, answers, _, _ = columns
    return (content_id, *indexed), (head_id, last_version, epoch_floor, answers)
