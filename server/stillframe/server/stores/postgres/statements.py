"""What a batch of saves asks and writes, whatever the number of its saves."""

from __future__ import annotations

from stillframe.server.stores.postgres import bulk
from stillframe.server.stores.sql import commits, moving, rows

_EXECUTION = "tenant JOIN execution ON execution.tenant_id = tenant.id"

TENANT = (
    "SELECT tenant.id, newest.id, newest.mark, newest.header FROM tenant LEFT JOIN LATERAL"
    " (SELECT id, mark, header FROM change"
    f" WHERE id >= tenant.id::bigint << {rows.REVISION_BITS}"
    f" AND id < (tenant.id::bigint + 1) << {rows.REVISION_BITS}"
    " ORDER BY id DESC LIMIT 1) AS newest ON true WHERE tenant.name = ?"
)
EXECUTIONS = (
    f"SELECT execution.name, {rows.EXECUTION_COLUMNS} FROM {_EXECUTION}"
    " LEFT JOIN change ON change.id = execution.head_id"
    " WHERE tenant.name = ? AND execution.name IN (??)"
)

_INFO = "since, digest, size, links"
ENTRIES = (
    f"SELECT execution.name, entry.map, entry.key, {_INFO}"
    f" FROM {_EXECUTION} JOIN entry ON entry.content_id = execution.content_id"
    " WHERE tenant.name = ? AND execution.name IN (??)"
)


def _asked(columns: str, found: str, source: str) -> str:
    """Looks each of the rows that were asked for up by itself: `source` gives `found`.

    A LIMIT keeps it so. Else the plan may be to read all of the tenant's executions and find
    those that were asked for among them: how many there are is guessed from the other tenants.
    """
    return (
        f"SELECT asked.{columns.replace(', ', ', asked.')}, found.*"
        f" FROM tenant JOIN {bulk.unnest(columns)} AS asked ({columns}) ON true"
        " JOIN LATERAL (SELECT content_id FROM execution WHERE execution.tenant_id = tenant.id"
        " AND execution.name = asked.name LIMIT 1) AS execution ON true"
        f" JOIN LATERAL (SELECT {found} FROM {source} LIMIT 1) AS found ON true"
        " WHERE tenant.name = ?"
    )


ASKED_ENTRIES = _asked(
    "name, map, key",
    _INFO,
    "entry WHERE entry.content_id = execution.content_id AND entry.map = asked.map"
    " AND entry.key = asked.key",
)
ASKED_IDS = _asked(
    "name, snapshot_id",
    "change.version",
    "change WHERE change.content_id = execution.content_id"
    " AND change.snapshot_id = asked.snapshot_id",
)

_PLACE = "content_id, map, key"
MOVING = (
    "SELECT entry.content_id, entry.map, entry.key, entry.form, entry.payload"
    f" FROM {bulk.unnest(_PLACE)} AS asked ({_PLACE})"
    " JOIN entry ON entry.content_id = asked.content_id AND entry.map = asked.map"
    " AND entry.key = asked.key"
)

SET_ENTRIES = bulk.insert("entry", moving.ENTRY) + moving.SET_ENTRY
DELETE_ENTRIES = bulk.delete("entry", _PLACE)
INSERT_HISTORY = bulk.insert("history", moving.ROW)
INSERT_CHANGES = bulk.insert("change", commits.CHANGE)
INSERT_EXECUTIONS = bulk.insert("execution", f"{commits.EXECUTION}, tenant_id, name")
UPDATE_EXECUTIONS = bulk.update("execution", commits.EXECUTION, "id")
