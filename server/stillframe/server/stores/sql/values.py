"""The working memory: values by scope and key."""

from __future__ import annotations

from typing import TYPE_CHECKING

from stillframe.server.stores import refusals, rules
from stillframe.server.stores.execution import digest
from stillframe.server.stores.records import KeyPage, ValueInfo
from stillframe.server.stores.sql import freeing, rows
from stillframe.server.stores.sql.steps import Ask, Write, first
from stillframe.v1.working_memory_service_pb2 import (
    DeleteValueResponse,
    GetValueRequest,
    GetValueResponse,
    SetValueResponse,
)

if TYPE_CHECKING:
    from stillframe.server.stores.sql.commits import Commits
    from stillframe.server.stores.sql.steps import Steps
    from stillframe.v1.working_memory_service_pb2 import DeleteValueRequest

_INFO = "mark, commit_time, expire_at, request, body"
"""What `_info` takes."""


def _info(mark: bytes, commit_time: int, expire_at: int | None, *hashes: bytes) -> ValueInfo:
    return ValueInfo(mark.hex(), commit_time, expire_at, *hashes)


def _scope_id(tenant: int, scope: str | None) -> Steps[int | None]:
    row = yield from first(
        "SELECT id FROM scope WHERE tenant_id = ? AND name = ?", (tenant, scope or "")
    )
    return row[0] if row else None


def _find(scope_id: int | None, key: str) -> Steps[ValueInfo | None]:
    row = yield from first(
        f"SELECT {_INFO} FROM value WHERE scope_id = ? AND key = ?", (scope_id, key)
    )
    return _info(*row) if row else None


def set_value(commits: Commits, value: rules.SetValue) -> Steps[SetValueResponse]:
    request = value.request
    tenant = yield from commits.tenant(request.tenant_id)
    scope = rules.scope_of(request)
    scope_id = yield from _scope_id(tenant.id, scope)
    found = yield from _find(scope_id, request.key)
    decision = value.decide(found, commits.config.clock())
    if isinstance(decision, SetValueResponse):
        return decision
    if scope_id is None:
        [(scope_id,)] = yield Ask(
            "INSERT INTO scope (tenant_id, name) VALUES (?, ?) RETURNING id",
            (tenant.id, scope or ""),
        )
    columns = (
        scope_id,
        request.key,
        bytes.fromhex(decision.mark),
        decision.commit_time,
        decision.expire_at,
        decision.request,
        decision.body,
        digest(request.value),
        request.value,
    )
    yield Write(
        f"INSERT INTO value (scope_id, key, {_INFO}, digest, data)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (scope_id, key) DO UPDATE SET"
        " mark = excluded.mark, commit_time = excluded.commit_time,"
        " expire_at = excluded.expire_at, request = excluded.request, body = excluded.body,"
        " digest = excluded.digest, data = excluded.data",
        [columns],
    )
    return rules.set_response(decision)


def delete_value(commits: Commits, request: DeleteValueRequest) -> Steps[DeleteValueResponse]:
    tenant = yield from rows.tenant_row(request.tenant_id)
    if tenant is None:
        return DeleteValueResponse()
    scope_id = yield from _scope_id(tenant[0], rules.scope_of(request))
    found = yield from _find(scope_id, request.key)
    deleted = rules.must_delete(request, found, commits.config.clock())
    if deleted and scope_id is not None:
        sql = "DELETE FROM value WHERE scope_id = ? AND key = ?"
        yield Write(sql, [(scope_id, request.key)])
        yield from _forget_empty({scope_id})
    return DeleteValueResponse(deleted=deleted)


def drop(tenant: int, execution_id: str) -> Steps[None]:
    """Deletes every value of an execution: they are garbage from here on."""
    yield Write(
        "UPDATE scope SET name = NULL WHERE tenant_id = ? AND name = ?", [(tenant, execution_id)]
    )


def get_value(request: GetValueRequest, now: int) -> Steps[GetValueResponse]:
    scope = rules.scope_of(request)
    row = yield from first(
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
    tenant_id: str, execution_id: str | None, prefix: str, after: str, limit: int, now: int
) -> Steps[KeyPage]:
    following, start = rows.following(prefix, after)
    found = yield Ask(
        # A join would have to be sorted: nothing says that it has one scope, at most.
        f"SELECT key, octet_length(data), {_INFO} FROM value WHERE scope_id = (SELECT scope.id"
        " FROM tenant CROSS JOIN scope ON scope.tenant_id = tenant.id"
        f" WHERE tenant.name = ? AND scope.name = ?) AND key {following} ORDER BY key LIMIT ?",
        (tenant_id, execution_id or "", start, limit + 1),
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


def free_expired(now: int, budget: int, tenant: int | None = None) -> Steps[int]:
    """Frees values whose ttl is over, one tenant's if that is given; returns about how many
    rows of a slice that was.
    """
    condition, values = "", [now]
    if tenant is not None:
        condition = " AND scope_id IN (SELECT id FROM scope WHERE tenant_id = ?)"
        values.append(tenant)
    found = yield Ask(
        "SELECT id, scope_id, octet_length(data) FROM value"
        f" WHERE expire_at <= ?{condition} ORDER BY expire_at LIMIT ?",
        (*values, budget),
    )
    gone, done = freeing.slice_of(found, budget)
    yield Write("DELETE FROM value WHERE id = ?", [(row[0],) for row in gone])
    yield from _forget_empty({scope_id for _, scope_id, _ in gone})
    return done


def next_gone() -> Steps[int | None]:
    """Returns a scope whose execution is gone and whose values are to be freed."""
    row = yield from first("SELECT id FROM scope WHERE name IS NULL LIMIT 1")
    return row[0] if row else None


def free_gone(scope_id: int, budget: int) -> Steps[int]:
    """Frees about so many rows of a scope whose execution is gone; returns how many."""
    found = yield Ask(
        "SELECT id, octet_length(data) FROM value WHERE scope_id = ? LIMIT ?", (scope_id, budget)
    )
    gone, done = freeing.slice_of(found, budget)
    yield Write("DELETE FROM value WHERE id = ?", [(row[0],) for row in gone])
    if done < budget:
        yield Write("DELETE FROM scope WHERE id = ?", [(scope_id,)])
        done += 1
    return done


def _forget_empty(scope_ids: set[int]) -> Steps[None]:
    """Forgets scopes that have no value any more."""
    yield Write(
        "DELETE FROM scope WHERE id = ? AND name IS NOT NULL"
        " AND NOT EXISTS (SELECT 1 FROM value WHERE value.scope_id = scope.id)",
        [(each,) for each in scope_ids],
    )
