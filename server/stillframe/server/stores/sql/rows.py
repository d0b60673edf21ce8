"""How rows read as the store's types, for reading and writing alike."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from stillframe.server.stores.execution import Answers, Execution
from stillframe.server.stores.records import Head
from stillframe.server.stores.sql import headers
from stillframe.server.stores.sql.steps import first

if TYPE_CHECKING:
    from typing import Any

    from stillframe.server.stores.sql.steps import Steps

REVISION_BITS = 40
"""change.id = tenant.id * 2^40 + revision: the log of a tenant is one range of rows, and a
revision is found without an index of its own."""
MAX_REVISION = (1 << REVISION_BITS) - 1

HEAD_COLUMNS = (
    "change.id, change.content_id, change.version, change.mark, change.header,"
    " change.entry_count, change.entries_size"
)
"""What `head_of` takes."""

EXECUTION_COLUMNS = (
    "execution.id, execution.content_id, execution.last_version, execution.epoch_floor,"
    f" execution.answers, {HEAD_COLUMNS}, execution.expire_at"
)
"""What `execution_of` takes after the name."""


def change_id(tenant: int, revision: int) -> int:
    return (tenant << REVISION_BITS) + revision


def revision_of(change: int) -> int:
    return change & MAX_REVISION


def tenant_of(change: int) -> int:
    return change >> REVISION_BITS


def following(prefix: str, after: str) -> tuple[str, str]:
    """Returns the condition that finds what comes after a text, from a prefix on, and its
    value. One condition: of two, SQLite begins at one and walks to the other.
    """
    return ("> ?", after) if after >= prefix else (">= ?", prefix)


def tenant_row(name: str) -> Steps[tuple[int, int] | None]:
    """Returns a tenant's id and its log's floor."""
    row = yield from first("SELECT id, floor FROM tenant WHERE name = ?", (name,))
    return (row[0], row[1]) if row else None


def newest(tenant: int) -> Steps[tuple[int, bytes, bytes] | None]:
    """Returns revision, mark and header of a tenant's newest change."""
    row = yield from first(
        "SELECT id, mark, header FROM change WHERE id BETWEEN ? AND ? ORDER BY id DESC LIMIT 1",
        (change_id(tenant, 0), change_id(tenant + 1, 0) - 1),
    )
    return (revision_of(row[0]), row[1], row[2]) if row else None


def head_of(
    row_id: int,
    content_id: int | None,
    version: int,
    mark: bytes,
    header: bytes,
    entry_count: int,
    entries_size: int,
    expire_at: int | None = None,
) -> Head:
    """Returns a version's head, from its row of `change`."""
    # What a fork brought along has the revision of the fork.
    revision = revision_of(row_id if row_id > 0 else content_id or 0)
    message = headers.unpack(header, version, revision, mark.hex())
    return Head(message, mark.hex(), entry_count, entries_size, expire_at)


@dataclass(slots=True)
class ExecutionRow:
    """A row of `execution` with what the rules hold of it."""

    id: int | None
    content_id: int | None
    execution: Execution


def execution_of(
    name: str,
    row_id: int,
    content_id: int | None,
    last_version: int,
    epoch_floor: int,
    answers: bytes,
    *head: Any,
) -> ExecutionRow:
    """Returns an execution's row, joined with its head's row of `change`."""
    return ExecutionRow(
        row_id,
        content_id,
        Execution(
            name,
            None if content_id is None else head_of(*head),
            last_version,
            epoch_floor,
            Answers(answers),
        ),
    )


def execution_row(tenant: int, name: str) -> Steps[ExecutionRow | None]:
    row = yield from first(
        f"SELECT {EXECUTION_COLUMNS}"
        " FROM execution LEFT JOIN change ON change.id = execution.head_id"
        " WHERE execution.tenant_id = ? AND execution.name = ?",
        (tenant, name),
    )
    return execution_of(name, *row) if row else None
