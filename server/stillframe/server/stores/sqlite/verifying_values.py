"""Checks the working memory of a file: a part of `verifying`."""

# apsw's stubs name Buffer, and Python has that from 3.12 on.
# pyright: reportUnknownMemberType=false

from __future__ import annotations

from typing import TYPE_CHECKING

from stillframe.server.stores.execution import DIGEST_SIZE, digest
from stillframe.server.stores.sqlite import rows

if TYPE_CHECKING:
    from collections.abc import Iterator

    import apsw


def check(connection: apsw.Connection) -> Iterator[str | None]:
    """Yields what is wrong, in words, and None for each value that was looked at."""
    for scope_id, name, tenant in rows.query(
        connection,
        "SELECT scope.id, scope.name, tenant.name FROM scope"
        " LEFT JOIN tenant ON tenant.id = scope.tenant_id ORDER BY scope.id",
    ):
        if tenant is None:
            yield f"scope {scope_id} of the working memory belongs to no tenant"
        if name is None:
            continue  # What is to be freed is nobody's.
        at = f"tenant {tenant!r}: " + (f"execution {name!r}: " if name else "")
        count = 0
        for problem in _values(connection, scope_id, at):
            count += problem is None
            yield problem
        if not count:
            yield f"{at}its scope {scope_id} of the working memory is empty"
    for scope_id, count in rows.query(
        connection,
        "SELECT scope_id, count(*) FROM value WHERE scope_id NOT IN (SELECT id FROM scope)"
        " GROUP BY scope_id",
    ):
        yield f"{count} values of the working memory belong to no scope (scope {scope_id})"


def _values(connection: apsw.Connection, scope_id: int, at: str) -> Iterator[str | None]:
    for key, mark, commit_time, expire_at, request, body, stored, data in rows.query(
        connection,
        "SELECT key, mark, commit_time, expire_at, request, body, digest, data FROM value"
        " WHERE scope_id = ? ORDER BY key",
        (scope_id,),
    ):
        yield None
        where = f"{at}value {key!r}"
        if digest(data) != stored:
            yield f"{where} is not what its digest names"
        if len(mark) != 8 or (expire_at is not None and expire_at <= commit_time):
            yield f"{where}: its mark or its times are not those of a value"
        if not len(request) == len(body) in (0, DIGEST_SIZE):
            yield f"{where}: its request_id does not decode"
