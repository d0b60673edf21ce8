"""The handlers: parse, validate, call, reply.

A handler takes the bytes of a request and gives the bytes of an answer. None knows
gRPC, so that another front end can serve them; `app` binds them.
"""

from __future__ import annotations

from importlib.metadata import version
from typing import TYPE_CHECKING

from stillframe.server import descendants, differences, freshness, paging, validation, wire
from stillframe.server.stores import refusals
from stillframe.server.stores.projection import Selection
from stillframe.server.stores.records import HistoryKey, SnapshotFilter
from stillframe.v1 import snapshot_service_pb2 as messages

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from stillframe.server.config import Settings
    from stillframe.server.pipeline import Pipelines
    from stillframe.server.stores.base import Store
    from stillframe.server.watch import Feed
    from stillframe.v1.snapshot_pb2 import SnapshotProjection

DEFAULT_MESSAGE_BYTES = 4 * 2**20
"""gRPC's own default limit, so that stock stubs always work."""
MAX_COUNT = 10_000
FEATURES = (
    "claim",
    "delta",
    "diff",
    "fork",
    "freshness",
    "prune",
    "retention",
    "save_stream",
    "ttl",
    "watch",
    "working_memory",
)


class Service:
    """The handlers of stillframe.v1.SnapshotService over a store."""

    def __init__(self, store: Store, feed: Feed, pipelines: Pipelines, settings: Settings) -> None:
        self._store = store
        self._feed = feed
        self._pipelines = pipelines
        self._settings = settings

    def _parse(self, kind: type[wire.M], data: bytes) -> wire.M:
        maximum = self._settings.max_request_bytes
        if len(data) > maximum:
            raise refusals.too_large("max_request_bytes", maximum, len(data))
        return wire.parse(kind, data)

    def _message_bytes(self, request: _Projected) -> int:
        if not request.HasField("max_message_bytes"):
            return DEFAULT_MESSAGE_BYTES
        return min(request.max_message_bytes, self._settings.max_request_bytes)

    async def save_snapshot(self, data: bytes) -> bytes:
        request = self._parse(messages.SaveSnapshotRequest, data)
        validation.save(request, self._settings)
        response = await self._store.save(request)
        return response.SerializeToString()

    def save_snapshots(self, requests: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
        return self._pipelines.run(requests)

    async def load_snapshot(self, data: bytes) -> bytes:
        request = self._parse(messages.LoadSnapshotRequest, data)
        validation.load(request)
        stored = await self._store.load(
            request.tenant_id,
            request.execution_id,
            request.selector,
            Selection(_projection(request), self._message_bytes(request), name_unselected=True),
        )
        answer = wire.field(1, wire.snapshot(stored))
        if not request.HasField("event_store_head"):
            return answer
        compared = freshness.compare(request.execution_id, stored.header, request.event_store_head)
        freshness.demand(request, compared)
        return answer + wire.field(2, compared.SerializeToString())

    async def claim_execution(self, data: bytes) -> bytes:
        request = self._parse(messages.ClaimExecutionRequest, data)
        validation.claim(request)
        claimed = await self._store.claim(
            request.tenant_id,
            request.execution_id,
            allow_missing=request.allow_missing,
            selection=Selection(
                _projection(request), self._message_bytes(request), name_unselected=True
            ),
        )
        response = messages.ClaimExecutionResponse(writer_epoch=claimed.writer_epoch)
        if request.HasField("event_store_head"):
            header = claimed.head.header if claimed.head else None
            compared = freshness.compare(request.execution_id, header, request.event_store_head)
            response.freshness.CopyFrom(compared)
        answer = response.SerializeToString()
        return answer + wire.field(2, wire.snapshot(claimed.head)) if claimed.head else answer

    async def check_freshness(self, data: bytes) -> bytes:
        request = self._parse(messages.CheckFreshnessRequest, data)
        validation.check_freshness(request)
        names = [query.execution_id for query in request.executions]
        heads = await self._store.heads(request.tenant_id, names)
        response = messages.CheckFreshnessResponse(
            results=(
                freshness.compare(
                    query.execution_id, head.header if head else None, query.event_store_head
                )
                for query, head in zip(request.executions, heads, strict=True)
            )
        )
        return response.SerializeToString()

    async def list_executions(self, data: bytes) -> bytes:
        request = self._parse(messages.ListExecutionsRequest, data)
        validation.list_executions(request)
        found = await self._store.list_executions(
            request.tenant_id,
            request.filter,
            after=paging.decode(request),
            limit=paging.page_size(request.page_size),
            selection=self._selection(request),
        )
        response = messages.ListExecutionsResponse()
        if found.page.next is not None:
            response.next_page_token = paging.encode(request, str(found.page.next))
        if request.include_count:
            count = await self._store.count_executions(
                request.tenant_id, request.filter, MAX_COUNT + 1
            )
            response.count.value = min(count, MAX_COUNT)
            response.count.at_least = count > MAX_COUNT
        rows = (wire.field(1, wire.snapshot(item)) for item in found.page.items)
        return b"".join((*rows, response.SerializeToString()))

    async def list_snapshots(self, data: bytes) -> bytes:
        request = self._parse(messages.ListSnapshotsRequest, data)
        validation.list_snapshots(request)
        start = paging.decode(request)
        found = await self._store.list_snapshots(
            request.tenant_id,
            request.execution_id if request.HasField("execution_id") else None,
            SnapshotFilter(request.filter, request.criteria, dict(request.labels)),
            before=paging.history_key(start),
            limit=paging.page_size(request.page_size),
            selection=self._selection(request),
        )
        response = messages.ListSnapshotsResponse()
        if isinstance(found.next, HistoryKey):
            response.next_page_token = paging.encode(request, paging.encode_key(found.next))
        rows = (wire.field(1, wire.snapshot(item)) for item in found.items)
        return b"".join((*rows, response.SerializeToString()))

    async def diff_snapshots(self, data: bytes) -> bytes:
        request = self._parse(messages.DiffSnapshotsRequest, data)
        validation.diff_snapshots(request)
        start = differences.parse(paging.decode(request))
        older, newer = await self._store.outlines(
            request.tenant_id, request.execution_id, differences.selectors(request, start)
        )
        limit = paging.page_size(request.page_size, *paging.DIFFERENCES)
        response, following = differences.compare(older, newer, start, limit)
        if following is not None:
            response.next_page_token = paging.encode(request, str(following))
        return response.SerializeToString()

    async def fork_execution(self, data: bytes) -> bytes:
        request = self._parse(messages.ForkExecutionRequest, data)
        validation.fork_execution(request)
        response = await self._store.fork(request)
        return response.SerializeToString()

    async def delete_snapshots(self, data: bytes) -> bytes:
        request = self._parse(messages.DeleteSnapshotsRequest, data)
        validation.delete_snapshots(request)
        response = await self._store.prune(request)
        return response.SerializeToString()

    async def delete_execution(self, data: bytes) -> bytes:
        request = self._parse(messages.DeleteExecutionRequest, data)
        validation.delete_execution(request)
        if request.include_descendants:
            response = await descendants.delete_tree(self._store, request)
        else:
            response = await self._store.delete(request)
        return response.SerializeToString()

    async def watch_snapshots(self, data: bytes) -> AsyncIterator[bytes]:
        request = self._parse(messages.WatchSnapshotsRequest, data)
        validation.watch(request)
        async for answer in self._feed.watch(
            request, _projection(request), self._message_bytes(request)
        ):
            yield answer

    async def get_server_info(self, data: bytes) -> bytes:
        self._parse(messages.GetServerInfoRequest, data)
        settings = self._settings
        limits = messages.ServerLimits(
            max_request_bytes=settings.max_request_bytes,
            max_snapshot_bytes=settings.max_snapshot_bytes,
            max_payload_bytes=settings.max_payload_bytes,
            max_entries=settings.max_entries,
            max_watches=settings.max_watches,
            max_inflight_bytes=settings.max_inflight_bytes,
            max_executions=settings.max_executions,
            change_log_size=settings.change_log_size,
            progress_interval_ms=round(settings.progress_interval * 1_000),
            max_value_bytes=settings.max_value_bytes,
        )
        response = messages.GetServerInfoResponse(
            server_version=version("stillframe"),
            store_kind=self._store.kind,
            limits=limits,
            features=FEATURES,
        )
        return response.SerializeToString()

    def _selection(
        self, request: messages.ListExecutionsRequest | messages.ListSnapshotsRequest
    ) -> Selection:
        if request.view != messages.SNAPSHOT_VIEW_FULL:
            return Selection(entries=False, max_bytes=self._message_bytes(request))
        return Selection(_projection(request), self._message_bytes(request))


if TYPE_CHECKING:
    _Projected = (
        messages.LoadSnapshotRequest
        | messages.ClaimExecutionRequest
        | messages.ListExecutionsRequest
        | messages.ListSnapshotsRequest
        | messages.WatchSnapshotsRequest
    )


def _projection(request: _Projected) -> SnapshotProjection | None:
    return request.projection if request.HasField("projection") else None
