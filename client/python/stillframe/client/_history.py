"""The calls that compare, copy and remove snapshots of an execution: their requests, and how
their answers are read. Beside `_requests`, which has the others.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

from stillframe.client import _types as t
from stillframe.client._encoding import invalid_field, refused_as_field
from stillframe.client._enums import DifferenceKind, SnapshotMap, from_wire
from stillframe.client._queries import Criteria
from stillframe.client._requests import Call, new_request_id
from stillframe.client._selection import criteria_message, refuse_empty, selector_message
from stillframe.v1 import snapshot_service_pb2 as rpc

T = TypeVar("T")

DIFF_PAGE = 10_000
"""The most entries of one page of DiffSnapshots, by the contract."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two snapshots of an execution, and the calls that compare them, one for each page."""

    request: rpc.DiffSnapshotsRequest

    def page(self, page_token: str) -> Call[rpc.DiffSnapshotsResponse]:
        request = rpc.DiffSnapshotsRequest(page_token=page_token)
        request.MergeFrom(self.request)
        return Call("DiffSnapshots", request, _as_it_is)


def comparison(
    tenant: str,
    execution_id: str,
    *,
    from_version: int | None,
    from_snapshot_id: str | None,
    from_criteria: Criteria | None,
    to_version: int | None,
    to_snapshot_id: str | None,
    to_criteria: Criteria | None,
) -> Comparison:
    """The comparison of a snapshot with another, or with the head if none is selected."""
    with refused_as_field():
        request = rpc.DiffSnapshotsRequest(
            tenant_id=tenant,
            execution_id=execution_id,
            to=selector_message("to", to_version, to_snapshot_id, to_criteria),
            page_size=DIFF_PAGE,
        )
        start = selector_message("from", from_version, from_snapshot_id, from_criteria)
        if start is None:
            raise invalid_field("from", "takes one of version, snapshot_id and criteria")
        # `from` is a word of Python's.
        getattr(request, "from").CopyFrom(start)
    return Comparison(request)


def diff_of(pages: Sequence[rpc.DiffSnapshotsResponse]) -> t.Diff:
    """What the pages of a comparison say together."""
    first = pages[0]
    return t.Diff(
        from_version=first.from_version,
        to_version=first.to_version,
        header_fields=tuple(first.header_fields),
        entries=tuple(
            t.EntryDifference(
                map=from_wire(SnapshotMap, each.map),
                key=each.key,
                kind=from_wire(DifferenceKind, each.kind),
                from_size_bytes=each.from_size_bytes,
                to_size_bytes=each.to_size_bytes,
            )
            for page in pages
            for each in page.entries
        ),
    )


def fork(
    tenant: str,
    execution_id: str,
    new_execution_id: str,
    *,
    version: int | None,
    snapshot_id: str | None,
    criteria: Criteria | None,
    include_history: bool,
    sequence_number: int | None,
    request_id: str | None,
) -> Call[t.Forked]:
    with refused_as_field():
        request = rpc.ForkExecutionRequest(
            tenant_id=tenant,
            execution_id=execution_id,
            new_execution_id=new_execution_id,
            selector=selector_message("selector", version, snapshot_id, criteria),
            include_history=include_history,
            sequence_number=sequence_number,
            request_id=request_id or new_request_id(),
        )
    return Call("ForkExecution", request, _forked)


def prune(
    tenant: str,
    execution_id: str,
    *,
    versions: Sequence[int] | None,
    snapshot_ids: Sequence[str] | None,
    criteria: Criteria | None,
    labels: Mapping[str, str] | None,
    all_history: bool,
    writer_epoch: int | None,
    request_id: str | None,
) -> Call[int]:
    refuse_empty("versions", versions)
    refuse_empty("snapshot_ids", snapshot_ids)
    refuse_empty("labels", labels)
    with refused_as_field():
        request = rpc.DeleteSnapshotsRequest(
            tenant_id=tenant,
            execution_id=execution_id,
            versions=versions,
            snapshot_ids=snapshot_ids,
            criteria=criteria_message(criteria) if criteria is not None else None,
            labels=labels,
            all_history=all_history,
            writer_epoch=writer_epoch,
            request_id=request_id or new_request_id(),
        )
    return Call("DeleteSnapshots", request, _deleted_count)


def _as_it_is(answer: T) -> T:
    return answer


def _forked(answer: rpc.ForkExecutionResponse) -> t.Forked:
    return t.Forked(
        version=answer.version,
        etag=answer.etag,
        revision=answer.revision,
        resume_token=answer.resume_token,
        snapshot_count=answer.snapshot_count,
    )


def _deleted_count(answer: rpc.DeleteSnapshotsResponse) -> int:
    return answer.deleted_count
