"""Forks: copies an execution up to a snapshot, as patches where it has patches."""

from __future__ import annotations

from bisect import bisect_left
from typing import TYPE_CHECKING

from stillframe.server.stores import patches, refusals
from stillframe.server.stores.refusals import Refusal
from stillframe.server.stores.sql import commits, moving, read, rows
from stillframe.server.stores.sql.history import FIRST_KEY, OF_KEY, Chains, next_key
from stillframe.server.stores.sql.moving import HeadValue, Place
from stillframe.server.stores.sql.rows import HEAD_COLUMNS
from stillframe.server.stores.sql.steps import Ask, Write, insert
from stillframe.v1.snapshot_service_pb2 import CHANGE_KIND_SAVED as SAVED
from stillframe.v1.snapshot_service_pb2 import ForkExecutionResponse

if TYPE_CHECKING:
    from stillframe.server.stores import rules
    from stillframe.server.stores.records import EntryKey, Head
    from stillframe.server.stores.sql.commits import Commits, TenantState
    from stillframe.server.stores.sql.history import Past
    from stillframe.server.stores.sql.rows import ExecutionRow
    from stillframe.server.stores.sql.steps import Row, Steps
    from stillframe.v1.snapshot_service_pb2 import SnapshotSelector

_CHUNK = 100
"""Rows that are copied at once."""


def fork(shared: Commits, asked: rules.Fork, new_ids: str) -> Steps[ForkExecutionResponse]:
    """Commits a fork.

    `new_ids` is the statement that gives so many ids of header rows that are outside of
    the change log: below zero, and not in use.
    """
    request = asked.request
    tenant = yield from shared.tenant(request.tenant_id)
    row = yield from shared.row(tenant, request.new_execution_id)
    source_row = yield from shared.row(tenant, request.execution_id)
    source = yield from _source(shared, tenant, source_row, request.selector)
    chosen = asked.decide(row.execution, source)
    if isinstance(chosen, ForkExecutionResponse):
        return chosen
    numbers = yield from source.versions(chosen, with_history=request.include_history)
    copy = _Copy(source.content_id, numbers, row.execution.last_version)
    revision, mark, commit_time = shared.next_commit(tenant)
    row.content_id = rows.change_id(tenant.id, revision)
    for start in range(0, len(numbers) - 1, _CHUNK):
        part = numbers[start : min(start + _CHUNK, len(numbers) - 1)]
        ids = yield Ask(new_ids, (len(part),))
        headers: list[Row] = []
        for (row_id,), head in zip(ids, (yield from source.heads(part)), strict=True):
            each = asked.inherited(head, copy.number(head.version), revision, commit_time)
            headers.append(
                commits.change_columns(tenant.id, each, SAVED, row.content_id, None, row_id)
            )
        yield Write(commits.INSERT_CHANGE, headers)
    links = yield from copy.history(row.content_id)
    yield from copy.entries(row.content_id, source.head, chosen, links)
    head = asked.new_head(chosen, copy.number(chosen.version), revision, mark, commit_time)
    columns = commits.change_columns(tenant.id, head, SAVED, row.content_id, None)
    yield Write(commits.INSERT_CHANGE, [columns])
    row.execution.head = head
    row.execution.last_version = head.version
    if tenant.executions is not None:
        tenant.executions += 1
    response = asked.answer(row.execution, head, len(numbers))
    yield from shared.keep(tenant, row)
    return response


def _source(
    shared: Commits, tenant: TenantState, row: ExecutionRow, selector: SnapshotSelector
) -> Steps[_Source]:
    """Reads what the rules may ask of the execution that is forked."""
    chosen: Head | Refusal | None
    if row.execution.head is None or row.content_id is None:
        chosen = refusals.execution_not_found(row.execution.execution_id)
    else:
        chosen = yield from read.select(row.execution.head, row.content_id, selector)
    return _Source(row, chosen, at_quota=(yield from shared.at_quota(tenant)))


class _Source:
    """The execution that is forked: a rules.fork.Source."""

    def __init__(self, row: ExecutionRow, chosen: Head | Refusal | None, *, at_quota: bool) -> None:
        self._row = row
        self._chosen = chosen
        self._at_quota = at_quota

    @property
    def head(self) -> Head:
        if self._row.execution.head is None:
            raise refusals.execution_not_found(self._row.execution.execution_id)
        return self._row.execution.head

    @property
    def content_id(self) -> int:
        if self._row.content_id is None:
            raise refusals.execution_not_found(self._row.execution.execution_id)
        return self._row.content_id

    def select(self, selector: SnapshotSelector) -> Head | None:
        del selector  # It is the request's, and was read.
        if isinstance(self._chosen, Refusal):
            raise self._chosen
        return self._chosen

    def at_quota(self) -> bool:
        return self._at_quota

    def versions(self, chosen: Head, *, with_history: bool) -> Steps[list[int]]:
        """Returns the versions that the fork takes, in their order."""
        if not with_history:
            return [chosen.version]
        sql = "SELECT version FROM change WHERE content_id = ? AND version <= ? ORDER BY version"
        found = yield Ask(sql, (self.content_id, chosen.version))
        return [number for (number,) in found]

    def heads(self, numbers: list[int]) -> Steps[list[Head]]:
        """Returns these versions."""
        found = yield Ask(
            f"SELECT {HEAD_COLUMNS} FROM change WHERE content_id = ? AND version IN (??)"
            " ORDER BY version",
            (self.content_id, numbers),
        )
        return [rows.head_of(*row) for row in found]


class _Copy:
    """Copies values of a content to another, whose versions are numbered anew.

    `numbers` are the versions that are copied, the new head's last.
    """

    def __init__(self, content_id: int, numbers: list[int], last_version: int) -> None:
        self._chains = Chains(content_id)
        self._content_id = content_id
        self._last_version = last_version
        self.numbers = numbers

    def number(self, version: int) -> int:
        """Returns the new number of the first copied version from this one on."""
        return self._last_version + 1 + bisect_left(self.numbers, version)

    def entries(
        self, content_id: int, head: Head, chosen: Head, links: dict[EntryKey, int]
    ) -> Steps[None]:
        """Writes what the new head has. `links` are the patches that lead to its values."""
        content = read.content_of(self._content_id, chosen, head)
        values: list[Row] = []
        for entry, since, info, payload in (yield from content.values()):
            value = HeadValue(self.number(since), *info, links.get(entry, 0), payload)
            values.append(moving.entry_row(Place(content_id, *entry), value))
        yield Write(insert("entry", moving.ENTRY), values)

    def history(self, content_id: int) -> Steps[dict[EntryKey, int]]:
        """Writes the values that copied versions have and the new head has not; returns how
        many patches in a row end each key's.
        """
        links: dict[EntryKey, int] = {}
        entry = FIRST_KEY
        while (found := (yield from next_key(self._content_id, entry))) is not None:
            entry = found
            # What ended at the first version, or after the last, no copied history needs.
            after: int | None = self.numbers[0]
            while after is not None:
                chain = yield from self._chains.of(entry, after, _CHUNK)
                after = chain[-1].until if len(chain) == _CHUNK else None
                for past in chain:
                    if past.until > self.numbers[-1]:
                        after = None
                        break
                    if self.number(past.since) < self.number(past.until):
                        row = yield from self._past(content_id, past)
                        links[entry] = moving.links_of(row)
                        yield Write(moving.INSERT, [row])
        return links

    def _past(self, content_id: int, past: Past) -> Steps[Row]:
        form, base, link, payload = yield from self._payload(past)
        return (
            content_id,
            *past.entry,
            self.number(past.until),
            self.number(past.since),
            form,
            base,
            link,
            past.size,
            past.digest,
            payload,
        )

    def _payload(self, past: Past) -> Steps[tuple[int, int | None, int, bytes]]:
        if past.base is None or (yield from self._is_copied(past, past.base)):
            sql = f"SELECT payload FROM history WHERE {OF_KEY} AND until = ?"
            [(payload,)] = yield Ask(sql, (self._content_id, *past.entry, past.until))
            base = None if past.base is None else self.number(past.base)
            return past.form, base, past.link, payload
        # It is against a value that waits for its sweep, and is not copied.
        packed = patches.pack((yield from self._chains.value(past)))
        return int(packed.form), None, 0, packed.data

    def _is_copied(self, past: Past, base: int) -> Steps[bool]:
        """Tells whether a copied version has the value that a patch is against."""
        end = self.numbers[-1] + 1
        following = yield from self._chains.of(past.entry, base, 1)
        if following and following[0].since == base:
            end = min(end, following[0].until)
        start = bisect_left(self.numbers, base)
        return start < len(self.numbers) and self.numbers[start] < end
