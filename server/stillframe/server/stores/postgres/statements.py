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

_INFO = "SELECT execution.name, entry.map, entry.key, since, digest, octet_length(payload)"
ENTRIES = (
    f"{_INFO} FROM {_EXECUTION} JOIN entry ON entry.content_id = execution.content_id"
    " WHERE tenant.name = ? AND execution.name IN (??)"
)
ASKED_ENTRIES = (
    f"{_INFO} FROM {bulk.unnest('name, map, key')} AS asked (name, map, key)"
    f" JOIN ({_EXECUTION}) ON execution.name = asked.name"
    " JOIN entry ON entry.content_id = execution.content_id"
    " AND entry.map = asked.map AND entry.key = asked.key WHERE tenant.name = ?"
)
ASKED_IDS = (
    "SELECT asked.name, asked.snapshot_id, change.version"
    f" FROM {bulk.unnest('name, snapshot_id')} AS asked (name, snapshot_id)"
    f" JOIN ({_EXECUTION}) ON execution.name = asked.name"
    " JOIN change ON change.content_id = execution.content_id"
    " AND change.snapshot_id = asked.snapshot_id WHERE tenant.name = ?"
)

_PLACE = "content_id, map, key"
MOVING = (
    "SELECT entry.content_id, entry.map, entry.key, entry.payload,"
    f" newest.base, newest.link FROM {bulk.unnest(_PLACE)} AS asked ({_PLACE})"
    " JOIN entry ON entry.content_id = asked.content_id AND entry.map = asked.map"
    " AND entry.key = asked.key"
    " LEFT JOIN LATERAL (SELECT base, link FROM history"
    " WHERE history.content_id = entry.content_id AND history.map = entry.map"
    " AND history.key = entry.key ORDER BY until DESC LIMIT 1) AS newest ON true"
)

SET_ENTRIES = (
    bulk.insert("entry", f"{_PLACE}, since, digest, payload")
    + " ON CONFLICT (content_id, map, key) DO UPDATE SET since = excluded.since,"
    " digest = excluded.digest, payload = excluded.payload"
)
DELETE_ENTRIES = bulk.delete("entry", _PLACE)
INSERT_HISTORY = bulk.insert("history", moving.ROW)
INSERT_CHANGES = bulk.insert("change", commits.CHANGE)
INSERT_EXECUTIONS = bulk.insert("execution", f"{commits.EXECUTION}, tenant_id, name")
UPDATE_EXECUTIONS = bulk.update("execution", commits.EXECUTION, "id")
