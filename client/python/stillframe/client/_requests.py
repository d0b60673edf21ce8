"""The calls of the contract: for each RPC its request, and how its answer is read.

`Requests` knows the tenant, the codec and the bound on messages, and does no I/O: the two
clients send what it builds, and both read the answers the same way.
"""

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Generic, TypeVar

from google.protobuf.message import Message

from stillframe.client import _decoding
from stillframe.client import _types as t
from stillframe.client._encoding import duration_message, invalid_field, refused_as_field
from stillframe.client._enums import WatchMode
from stillframe.client._errors import SnapshotTooLargeError
from stillframe.client._queries import Criteria, Filter, Projection
from stillframe.client._selection import (
    criteria_message,
    filter_message,
    projection_message,
    selector_message,
)
from stillframe.client._values import Codec
from stillframe.v1 import snapshot_pb2 as pb
from stillframe.v1 import snapshot_service_pb2 as rpc

T = TypeVar("T")

FRESHNESS_BATCH = 1_000
"""The most executions of one CheckFreshness, by the contract."""


@dataclass(frozen=True, slots=True)
class Call(Generic[T]):
    """One call of a unary RPC: the name of its method, its request, and how to read the
    answer. Sending it twice is safe: what changes state carries a request_id.
    """

    method: str
    request: Message
    read: Callable[[Any], T]


@dataclass(frozen=True, kw_only=True, slots=True)
class SaveOptions:
    """What a save is told besides the snapshot; `Client.save` documents each."""

    expected_etag: str | None = None
    must_not_exist: bool = False
    writer_epoch: int | None = None
    ttl: timedelta | float | None = None
    allow_sequence_regression: bool = False
    request_id: str | None = None


def new_request_id() -> str:
    """A fresh request_id. Not from uuid, which tests of engines are known to mock."""
    return os.urandom(16).hex()


@dataclass(frozen=True, slots=True)
class Requests:
    """Builds the calls of one tenant."""

    tenant: str
    codec: Codec
    max_message_bytes: int

    def save(
        self,
        execution_id: str,
        content: pb.ExecutionSnapshot | rpc.SnapshotDelta,
        options: SaveOptions,
    ) -> Call[t.Saved]:
        with refused_as_field():
            request = rpc.SaveSnapshotRequest(
                tenant_id=self.tenant,
                execution_id=execution_id,
                request_id=options.request_id or new_request_id(),
                expected_etag=options.expected_etag,
                must_not_exist=options.must_not_exist,
                writer_epoch=options.writer_epoch,
                ttl=duration_message(options.ttl),
                allow_sequence_regression=options.allow_sequence_regression,
            )
            if isinstance(content, rpc.SnapshotDelta):
                request.delta.CopyFrom(content)
            else:
                request.snapshot.CopyFrom(content)
        self.refuse_too_large(request)
        return Call("SaveSnapshot", request, _decoding.saved)

    def load(
        self,
        execution_id: str,
        *,
        version: int | None,
        snapshot_id: str | None,
        criteria: Criteria | None,
        projection: Projection | None,
        event_store_head: int | None,
        require_fresh: bool,
        max_behind: int | None,
        max_message_bytes: int | None,
    ) -> Call[t.StoredSnapshot]:
        with refused_as_field():
            request = rpc.LoadSnapshotRequest(
                tenant_id=self.tenant,
                execution_id=execution_id,
                selector=selector_message("selector", version, snapshot_id, criteria),
                projection=projection_message(projection),
                event_store_head=event_store_head,
                require_fresh=require_fresh,
                max_behind=max_behind,
                max_message_bytes=self._bound(max_message_bytes),
            )
        return Call("LoadSnapshot", request, lambda answer: _decoding.loaded(answer, self.codec))

    def claim(
        self,
        execution_id: str,
        *,
        allow_missing: bool,
        projection: Projection | None,
        event_store_head: int | None,
    ) -> Call[t.Claim]:
        with refused_as_field():
            request = rpc.ClaimExecutionRequest(
                tenant_id=self.tenant,
                execution_id=execution_id,
                allow_missing=allow_missing,
                projection=projection_message(projection),
                event_store_head=event_store_head,
                max_message_bytes=self.max_message_bytes,
            )
        return Call("ClaimExecution", request, lambda answer: _decoding.claim(answer, self.codec))

    def check_freshness(self, heads: Mapping[str, int]) -> Sequence[Call[Sequence[t.Freshness]]]:
        """One call for each batch, in the order of `heads`."""
        with refused_as_field():
            queries = [
                rpc.FreshnessQuery(execution_id=execution_id, event_store_head=event_store_head)
                for execution_id, event_store_head in heads.items()
            ]
        return [
            Call(
                "CheckFreshness",
                rpc.CheckFreshnessRequest(
                    tenant_id=self.tenant, executions=queries[start : start + FRESHNESS_BATCH]
                ),
                _read_freshness,
            )
            for start in range(0, len(queries), FRESHNESS_BATCH)
        ]

    def list_page(
        self,
        filter: Filter | None,  # noqa: A002 - the contract's word
        *,
        full: bool,
        projection: Projection | None,
        page_size: int,
        page_token: str,
        include_count: bool,
    ) -> Call[t.Page[t.StoredSnapshot]]:
        with refused_as_field():
            request = rpc.ListExecutionsRequest(
                tenant_id=self.tenant,
                filter=filter_message(filter),
                view=view_of(full=full, projection=projection),
                projection=projection_message(projection),
                page_size=page_size,
                page_token=page_token,
                include_count=include_count,
                max_message_bytes=self.max_message_bytes,
            )
        return Call(
            "ListExecutions",
            request,
            lambda answer: _decoding.executions_page(answer, self.codec),
        )

    def history_page(
        self,
        execution_id: str | None,
        *,
        filter: Filter | None,  # noqa: A002
        criteria: Criteria | None,
        labels: Mapping[str, str] | None,
        full: bool,
        projection: Projection | None,
        page_size: int,
        page_token: str,
    ) -> Call[t.Page[t.StoredSnapshot]]:
        with refused_as_field():
            request = rpc.ListSnapshotsRequest(
                tenant_id=self.tenant,
                execution_id=execution_id,
                filter=filter_message(filter),
                criteria=criteria_message(criteria) if criteria is not None else None,
                labels=labels,
                view=view_of(full=full, projection=projection),
                projection=projection_message(projection),
                page_size=page_size,
                page_token=page_token,
                max_message_bytes=self.max_message_bytes,
            )
        return Call(
            "ListSnapshots", request, lambda answer: _decoding.snapshots_page(answer, self.codec)
        )

    def delete(
        self,
        execution_id: str,
        *,
        expected_etag: str | None,
        writer_epoch: int | None,
        include_descendants: bool,
        request_id: str | None,
    ) -> Call[t.Deleted]:
        with refused_as_field():
            request = rpc.DeleteExecutionRequest(
                tenant_id=self.tenant,
                execution_id=execution_id,
                expected_etag=expected_etag,
                writer_epoch=writer_epoch,
                request_id=request_id or new_request_id(),
                include_descendants=include_descendants,
            )
        return Call("DeleteExecution", request, _decoding.deleted)

    def watch(
        self,
        filter: Filter | None,  # noqa: A002
        *,
        resume_token: str | None,
        initial_state: bool,
        mode: WatchMode,
        full: bool,
        projection: Projection | None,
        max_message_bytes: int | None,
    ) -> rpc.WatchSnapshotsRequest:
        """The first request of a watch, which `Watching` makes the later ones from."""
        if resume_token is not None and initial_state:
            raise invalid_field("start", "takes one of resume_token and initial_state")
        if resume_token == "":
            raise invalid_field("resume_token", "is empty; None starts now")
        with refused_as_field():
            request = rpc.WatchSnapshotsRequest(
                tenant_id=self.tenant,
                filter=filter_message(filter),
                mode=rpc.WatchMode.ValueType(mode),
                view=view_of(full=full, projection=projection),
                projection=projection_message(projection),
                max_message_bytes=self._bound(max_message_bytes),
            )
        if resume_token is not None:
            request.resume_token = resume_token
        if initial_state:
            request.initial_state.SetInParent()
        return request

    def info(self) -> Call[t.ServerInfo]:
        return Call("GetServerInfo", rpc.GetServerInfoRequest(), _decoding.server_info)

    def refuse_too_large(self, request: Message) -> int:
        """Returns the bytes of a request. Raises SnapshotTooLargeError above the bound on
        messages: the channel would refuse it with a status that has no reason.
        """
        size = request.ByteSize()
        if size > self.max_message_bytes:
            raise SnapshotTooLargeError(
                f"the request has {size} bytes, and max_message_bytes is {self.max_message_bytes}",
                reason="SNAPSHOT_TOO_LARGE",
                metadata={
                    "limit": "max_message_bytes",
                    "maximum": str(self.max_message_bytes),
                    "actual": str(size),
                },
            )
        return size

    def _bound(self, max_message_bytes: int | None) -> int:
        return self.max_message_bytes if max_message_bytes is None else max_message_bytes


def view_of(*, full: bool, projection: Projection | None) -> rpc.SnapshotView.ValueType:
    """The view of a list or watch; a projection means nothing without the FULL one."""
    if projection is not None and not full:
        raise invalid_field("projection", "needs full=True")
    return rpc.SNAPSHOT_VIEW_FULL if full else rpc.SNAPSHOT_VIEW_METADATA


def _read_freshness(answer: rpc.CheckFreshnessResponse) -> Sequence[t.Freshness]:
    return [_decoding.freshness_of(each) for each in answer.results]
