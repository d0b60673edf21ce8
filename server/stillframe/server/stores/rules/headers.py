"""Headers and times of commits."""

from __future__ import annotations

from typing import TYPE_CHECKING

from stillframe.server.stores.filters import filter_fields
from stillframe.v1.snapshot_pb2 import ExecutionSnapshot

if TYPE_CHECKING:
    from stillframe.server.stores.records import Head

NANOS = 10**9
MICROSECOND = 1_000

_OUTPUT_FIELDS = frozenset(("version", "etag", "revision", "commit_time", "origin", "omission"))
_NOT_CLIENT_HEADER = _OUTPUT_FIELDS | {"step_outputs", "variables"}


def client_header(snapshot: ExecutionSnapshot) -> ExecutionSnapshot:
    """Returns a copy of the fields that a client sets, without the maps."""
    copy = ExecutionSnapshot()
    # Field by field: a snapshot's maps may have 60 MiB, which CopyFrom would copy too.
    for descriptor, value in snapshot.ListFields():
        if descriptor.name in _NOT_CLIENT_HEADER:
            continue
        if descriptor.name == "labels":
            copy.labels.update(value)
        elif descriptor.name == "timestamp":
            copy.timestamp.CopyFrom(value)
        else:
            setattr(copy, descriptor.name, value)
    return copy


def deleted_header(head: Head, revision: int, commit_time: int) -> ExecutionSnapshot:
    """Returns the header that a DELETED or EXPIRED change carries (snapshot_service.proto)."""
    header = filter_fields(head.header)
    header.tenant_id = head.header.tenant_id
    header.execution_id = head.header.execution_id
    header.revision = revision
    header.commit_time.FromNanoseconds(commit_time)
    return header


def expire_at(commit_time: int, ttl_nanos: int | None, old: int | None) -> int | None:
    """Returns when an execution expires: unset keeps what was set, zero clears it."""
    if ttl_nanos is None:
        return old
    return commit_time + ttl_nanos if ttl_nanos else None


def next_commit_time(now: int, previous: int) -> int:
    """Returns the time of a commit: the clock's, but never back or equal to the last."""
    return max(now, previous + MICROSECOND)
