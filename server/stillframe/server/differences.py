"""What differs between two snapshots of one execution: DiffSnapshots.

Payloads are compared by their hashes, so that none is read.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from stillframe.server.stores import refusals, rules
from stillframe.server.stores.marks import MAX_NUMBER
from stillframe.v1 import snapshot_service_pb2
from stillframe.v1.snapshot_pb2 import ExecutionSnapshot
from stillframe.v1.snapshot_service_pb2 import (
    DiffSnapshotsRequest,
    DiffSnapshotsResponse,
    EntryDifference,
    SnapshotSelector,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from stillframe.server.stores.records import EntryInfo, EntryKey, Outline

MAX_PAGE_BYTES = 3 * 2**20
"""Bytes of a page's entries: with the rest, below gRPC's own default limit of 4 MiB."""

_START = re.compile(r"([0-9]{1,19})\.([0-9]{1,19})\.([0-9]{1,19})", re.ASCII)


class Start(NamedTuple):
    """Where a page of differences begins.

    It names the versions that the first page chose, so that every page compares the same
    two snapshots however the execution moves on. They never change, so a place among
    their differences is exact.
    """

    from_version: int
    to_version: int
    place: int

    def __str__(self) -> str:
        return f"{self.from_version}.{self.to_version}.{self.place}"


def parse(start: str) -> Start | None:
    """Returns the start of a page; None at the first page.

    Tokens are not signed: one that a client made up is refused, not trusted.
    """
    if not start:
        return None
    match = _START.fullmatch(start)
    if match is None:
        raise refusals.page_token_mismatch()
    read = Start(*map(int, match.groups()))
    if min(read) < 1 or max(read) > MAX_NUMBER:
        raise refusals.page_token_mismatch()
    return read


def selectors(
    request: DiffSnapshotsRequest, start: Start | None
) -> tuple[SnapshotSelector, SnapshotSelector]:
    """Returns which two snapshots a page compares."""
    if start is None:
        return getattr(request, "from"), request.to
    return SnapshotSelector(version=start.from_version), SnapshotSelector(version=start.to_version)


def compare(
    older: Outline, newer: Outline, start: Start | None, limit: int
) -> tuple[DiffSnapshotsResponse, Start | None]:
    """Returns one page of what differs, and where the next page begins; None at the end."""
    versions = older.header.version, newer.header.version
    response = DiffSnapshotsResponse(
        from_version=versions[0],
        to_version=versions[1],
        header_fields=header_fields(older.header, newer.header),
    )
    place = start.place if start else 0
    size = 0
    for number, difference in enumerate(_entries(older.entries, newer.entries)):
        if number < place:
            continue
        size += difference.ByteSize()
        if number == place + limit or size > MAX_PAGE_BYTES:
            return response, Start(*versions, number)
        response.entries.append(difference)
    return response, None


def header_fields(older: ExecutionSnapshot, newer: ExecutionSnapshot) -> list[str]:
    """Returns the names of the fields that the client set differently, the maps aside, in
    the order of the contract. Unset differs from empty.
    """
    left, right = (
        {field.name: value for field, value in rules.client_header(header).ListFields()}
        for header in (older, newer)
    )
    names = (field.name for field in ExecutionSnapshot.DESCRIPTOR.fields)
    return [name for name in names if left.get(name) != right.get(name)]


def _entries(
    older: Mapping[EntryKey, EntryInfo], newer: Mapping[EntryKey, EntryInfo]
) -> Iterator[EntryDifference]:
    for key in sorted(older.keys() | newer.keys()):
        before, after = older.get(key), newer.get(key)
        if before is None:
            kind = snapshot_service_pb2.DIFFERENCE_KIND_ADDED
        elif after is None:
            kind = snapshot_service_pb2.DIFFERENCE_KIND_REMOVED
        elif before.digest != after.digest:
            kind = snapshot_service_pb2.DIFFERENCE_KIND_CHANGED
        else:
            continue
        yield EntryDifference(
            map=key.map,
            key=key.key,
            kind=kind,
            from_size_bytes=before.size if before else 0,
            to_size_bytes=after.size if after else 0,
        )
