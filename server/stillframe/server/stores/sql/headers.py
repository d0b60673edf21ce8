"""Headers as the rows of `change` keep them: without what the row says beside them.

A version's row is most of what a small change costs, so what stands in its columns, and
in the header of the state before what is the same in the header, is left out.
"""

from __future__ import annotations

from stillframe.server.stores.marks import etag
from stillframe.v1.snapshot_pb2 import ExecutionSnapshot

_IN_COLUMNS = ("version", "etag", "revision")
_WITHOUT_PRESENCE = frozenset(("state", "wait_reason", "labels"))
_OFTEN_SAME = ("state", "wait_reason", "labels", "user_id", "parent_execution_id")
"""Fields of the state before, by the bit of its first byte that says they are the same."""


def pack(header: ExecutionSnapshot) -> bytes:
    """Returns the header without what the row's columns have."""
    copy = ExecutionSnapshot()
    copy.CopyFrom(header)
    for name in _IN_COLUMNS:
        copy.ClearField(name)  # type: ignore[arg-type]
    return copy.SerializeToString()


def unpack(data: bytes, version: int, revision: int, mark: str) -> ExecutionSnapshot:
    """Returns the header of a version's row."""
    header = ExecutionSnapshot.FromString(data)
    header.version = version
    header.revision = revision
    header.etag = etag(version, mark)
    return header


def pack_before(before: ExecutionSnapshot, header: ExecutionSnapshot) -> bytes:
    """Returns what filters test of the state before, as it differs from the header's."""
    copy = ExecutionSnapshot()
    copy.CopyFrom(before)
    same = 0
    for bit, name in enumerate(_OFTEN_SAME):
        if _equal(before, header, name):
            same |= 1 << bit
            copy.ClearField(name)  # type: ignore[arg-type]
    return bytes((same,)) + copy.SerializeToString()


def unpack_before(data: bytes, header: ExecutionSnapshot) -> ExecutionSnapshot:
    """Returns what `pack_before` was given."""
    before = ExecutionSnapshot.FromString(data[1:])
    for bit, name in enumerate(_OFTEN_SAME):
        if data[0] >> bit & 1:
            _copy(header, before, name)
    return before


def _equal(one: ExecutionSnapshot, other: ExecutionSnapshot, name: str) -> bool:
    if name == "labels" and not (one.labels or other.labels):
        return True  # protobuf compares maps slowly.
    if getattr(one, name) != getattr(other, name):
        return False
    return name in _WITHOUT_PRESENCE or one.HasField(name) == other.HasField(name)  # type: ignore[arg-type]


def _copy(source: ExecutionSnapshot, target: ExecutionSnapshot, name: str) -> None:
    if name == "labels":
        target.labels.update(source.labels)
    elif name in _WITHOUT_PRESENCE or source.HasField(name):  # type: ignore[arg-type]
        setattr(target, name, getattr(source, name))
