"""The working memory: values by scope and key.

What writes runs in the writer's thread, what reads in a reader's, each in a transaction.
"""

# apsw's stubs name Buffer, and Python has that from 3.12 on.
# pyright: reportUnknownMemberType=false

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from stillframe.server.stores import refusals, rules
from stillframe.server.stores.execution import digest
from stillframe.server.stores.records import KeyPage, ValueInfo
from stillframe.server.stores.sqlite import rows
from stillframe.v1.working_memory_service_pb2 import (
    DeleteValueResponse,
    GetValueRequest,
    GetValueResponse,
    SetValueResponse,
)

if TYPE_CHECKING:
    import apsw

    from stillframe.server.stores.sqlite.commits import Commits
    from stillframe.v1.working_memory_service_pb2 import DeleteValueRequest

_INFO = "mark, commit_time, expire_at, request, body"
"""What `_info` takes."""

_BYTES = 65_536
"""Bytes of a value that is freed that count as one more row of a slice."""


def _info(mark: bytes, commit_time: int, expire_at: int | None, *hashes: bytes) -> ValueInfo:
    return ValueInfo(mark.hex(), commit_time, expire_at, *hashes)


def _scope_id(connection: apsw.Connection, tenant: int, scope: str | None) -> int | None:
    row = rows.first(
        connection,
        "SELECT id FROM scope WHERE tenant_id = ? AND name = ?",
        (tenant, scope or ""),
    )
    return row[0] if row else None


def _find(connection: apsw.Connection, scope_id: int | None, key: str) -> ValueInfo | None:
    row = rows.first(
        connection,
        f"SELECT {_INFO} FROM value WHERE scope_id = ? AND key = ?",
        (scope_id, key),
    )
    return _info(*row) if row else None


def set_value(
    connection: apsw.Connection, commits: Commits, value: rules.SetValue
) -> SetValueResponse:
    request = value.request
    tenant = commits.tenant(connection, request.tenant_id)
    scope = rules.scope_of(request)
    scope_id = _scope_id(connection, tenant.id, scope)
    decision = value.decide(_find(connection, scope_id, request.key), commits.config.clock())
    if isinstance(decision, SetValueResponse):
        return decision
    if scope_id is None:
        connection.execute(
            "INSERT INTO scope (tenant_id, name) VALUES (?, ?)", (tenant.id, scope or "")
        )
        scope_id = connection.last_insert_rowid()
    connection.execute(
        f"INSERT INTO value (scope_id, key, {_INFO}, digest, data)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (scope_id, key) DO UPDATE SET"
        " mark = excluded.mark, commit_time = excluded.commit_time,"
        " expire_at = excluded.expire_at, request = excluded.request, body = excluded.body,"
        " digest = excluded.digest, data = excluded.data",
        (
            scope_id,
            request.key,
            bytes.fromhex(decision.mark),
            decision.commit_time,
            decision.expire_at,
            decision.request,
            decision.body,
            digest(request.value),
            request.value,
        ),
    )
    return rules.set_response(decision)


def delete_value(
    connection: apsw.Connection, commits: Commits, request: DeleteValueRequest
) -> DeleteValueResponse:
    tenant = rows.tenant_row(connection, request.tenant_id)
    if tenant is None:
        return DeleteValueResponse()
    scope_id = _scope_id(connection, tenant[0], rules.scope_of(request))
    found = _find(connection, scope_id, request.key)
    deleted = rules.must_delete(request, found, commits.config.clock())
    if deleted:
        connection.execute(
            "DELETE FROM value WHERE scope_id = ? AND key = ?", (scope_id, request.key)
        )
        _forget_empty(connection, {scope_id})
    return DeleteValueResponse(deleted=deleted)


def drop(connection: apsw.Connection, tenant: int, execution_id: str) -> None:
    """Deletes every value of an execution: they are garbage from here on."""
    connection.execute(
        "UPDATE scope SET name = NULL WHERE tenant_id = ? AND name = ?", (tenant, execution_id)
    )


def get_value(connection: apsw.Connection, request: GetValueRequest, now: int) -> GetValueResponse:
    scope = rules.scope_of(request)
    row = rows.first(
        connection,
        f"SELECT data, {_INFO} FROM tenant CROSS JOIN scope ON scope.tenant_id = tenant.id"
        " CROSS JOIN value ON value.scope_id = scope.id"
        " WHERE tenant.name = ? AND scope.name = ? AND value.key = ?",
        (request.tenant_id, scope or "", request.key),
    )
    found = _info(*row[1:]) if row else None
    if row is None or found is None or not found.is_there(now):
        raise refusals.value_not_found(scope, request.key)
    return rules.get_response(found, row[0])


def list_keys(
    connection: apsw.Connection,
    tenant_id: str,
    execution_id: str | None,
    prefix: str,
    after: str,
    limit: int,
    now: int,
) -> KeyPage:
    # `>=` finds the prefix itself, and `>` what comes after `after`.
    found = rows.query(
        connection,
        f"SELECT key, length(data), {_INFO} FROM tenant"
        " CROSS JOIN scope ON scope.tenant_id = tenant.id"
        " CROSS JOIN value ON value.scope_id = scope.id"
        " WHERE tenant.name = ? AND scope.name = ? AND value.key >= ? AND value.key > ?"
        " ORDER BY value.key",
        (tenant_id, execution_id or "", prefix, after),
    )
    page = KeyPage()
    last = after
    for seen, (key, size, *info) in enumerate(found):
        if not key.startswith(prefix):
            break  # Keys are in order: none after this one has the prefix.
        # Values whose ttl is over count too, so that a call's work is bounded.
        if seen == limit:
            return KeyPage(page.keys, last)
        last = key
        value = _info(*info)
        if value.is_there(now):
            page.keys.append(rules.key_info(key, value, size))
    return page


def free_expired(connection: apsw.Connection, now: int, budget: int) -> int:
    """Frees values whose ttl is over; returns about how many rows of a slice that was."""
    due = rows.query(
        connection,
        "SELECT id, scope_id, length(data) FROM value WHERE expire_at <= ? ORDER BY expire_at",
        (now,),
    )
    gone, done = _slice(due, budget)
    _free(connection, gone)
    _forget_empty(connection, {scope_id for _, scope_id, _ in gone})
    return done


def free_gone(connection: apsw.Connection, budget: int) -> None:
    """Frees about so many rows of values whose execution is gone."""
    left = budget
    while left > 0 and (row := rows.first(connection, _GONE)) is not None:
        values = rows.query(
            connection, "SELECT id, scope_id, length(data) FROM value WHERE scope_id = ?", row
        )
        gone, done = _slice(values, left)
        _free(connection, gone)
        left -= done
        if left > 0:
            connection.execute("DELETE FROM scope WHERE id = ?", row)
            left -= 1


_GONE = "SELECT id FROM scope WHERE name IS NULL LIMIT 1"


def has_gone(connection: apsw.Connection) -> bool:
    """Tells whether there are values left whose execution is gone."""
    return rows.first(connection, _GONE) is not None


def _slice(found: Any, budget: int) -> tuple[list[tuple[int, int, int]], int]:
    """Takes rows of id, scope and size, of which large ones count for several."""
    gone: list[tuple[int, int, int]] = []
    done = 0
    for row in found:
        if done >= budget:
            break
        gone.append(row)
        done += 1 + row[2] // _BYTES
    return gone, done


def _free(connection: apsw.Connection, gone: list[tuple[int, int, int]]) -> None:
    connection.executemany("DELETE FROM value WHERE id = ?", ((row[0],) for row in gone))


def _forget_empty(connection: apsw.Connection, scope_ids: set[int | None]) -> None:
    """Forgets scopes that have no value any more."""
    connection.executemany(
        "DELETE FROM scope WHERE id = ?1 AND name IS NOT NULL"
        " AND NOT EXISTS (SELECT 1 FROM value WHERE scope_id = ?1)",
        ((each,) for each in scope_ids),
    )
