"""The unary calls of `AsyncClient`: each builds its request, and hands it on."""

from collections.abc import AsyncIterator, Mapping
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING

from stillframe.client import _types as t
from stillframe.client._aio.history import AsyncHistoryCalls
from stillframe.client._aio.memory import AsyncMemoryCalls
from stillframe.client._aio.paging import pages
from stillframe.client._encoding import encode_snapshot
from stillframe.client._queries import Criteria, Filter, Projection
from stillframe.client._requests import SaveOptions

if TYPE_CHECKING:
    import builtins


class AsyncCalls(AsyncHistoryCalls, AsyncMemoryCalls):
    """The methods of a client that are one call, or a row of them."""

    async def save(
        self,
        execution_id: str,
        snapshot: t.Snapshot,
        *,
        expected_etag: str | None = None,
        must_not_exist: bool = False,
        writer_epoch: int | None = None,
        ttl: timedelta | float | None = None,
        allow_sequence_regression: bool = False,
        request_id: str | None = None,
    ) -> t.Saved:
        """As `Client.save`."""
        content = encode_snapshot(snapshot, self._requests.codec).message()
        options = SaveOptions(
            expected_etag=expected_etag,
            must_not_exist=must_not_exist,
            writer_epoch=writer_epoch,
            ttl=ttl,
            allow_sequence_regression=allow_sequence_regression,
            request_id=request_id,
        )
        return await self._unary(self._requests.save(execution_id, content, options))

    async def load(
        self,
        execution_id: str,
        *,
        version: int | None = None,
        snapshot_id: str | None = None,
        criteria: Criteria | None = None,
        projection: Projection | None = None,
        event_store_head: int | None = None,
        require_fresh: bool = False,
        max_behind: int | None = None,
        max_message_bytes: int | None = None,
    ) -> t.StoredSnapshot:
        """As `Client.load`."""
        return await self._unary(
            self._requests.load(
                execution_id,
                version=version,
                snapshot_id=snapshot_id,
                criteria=criteria,
                projection=projection,
                event_store_head=event_store_head,
                require_fresh=require_fresh,
                max_behind=max_behind,
                max_message_bytes=max_message_bytes,
            )
        )

    async def claim(
        self,
        execution_id: str,
        *,
        allow_missing: bool = False,
        projection: Projection | None = None,
        event_store_head: int | None = None,
    ) -> t.Claim:
        """As `Client.claim`."""
        return await self._unary(
            self._requests.claim(
                execution_id,
                allow_missing=allow_missing,
                projection=projection,
                event_store_head=event_store_head,
            )
        )

    async def check_freshness(self, heads: Mapping[str, int]) -> "builtins.list[t.Freshness]":
        """As `Client.check_freshness`."""
        return [
            freshness
            for call in self._requests.check_freshness(heads)
            for freshness in await self._unary(call)
        ]

    def list(
        self,
        filter: Filter | None = None,  # noqa: A002 - the contract's word
        *,
        full: bool = False,
        projection: Projection | None = None,
        page_size: int = 0,
    ) -> AsyncIterator[t.StoredSnapshot]:
        """As `Client.list`."""
        fetch = partial(self.list_page, filter, full=full, projection=projection)
        return pages(partial(fetch, page_size=page_size))

    async def list_page(
        self,
        filter: Filter | None = None,  # noqa: A002
        *,
        full: bool = False,
        projection: Projection | None = None,
        page_size: int = 0,
        page_token: str = "",
        include_count: bool = False,
    ) -> t.Page[t.StoredSnapshot]:
        """As `Client.list_page`."""
        return await self._unary(
            self._requests.list_page(
                filter,
                full=full,
                projection=projection,
                page_size=page_size,
                page_token=page_token,
                include_count=include_count,
            )
        )

    def history(
        self,
        execution_id: str | None = None,
        *,
        filter: Filter | None = None,  # noqa: A002
        criteria: Criteria | None = None,
        labels: Mapping[str, str] | None = None,
        full: bool = False,
        projection: Projection | None = None,
        page_size: int = 0,
    ) -> AsyncIterator[t.StoredSnapshot]:
        """As `Client.history`."""
        fetch = partial(
            self.history_page,
            execution_id,
            filter=filter,
            criteria=criteria,
            labels=labels,
            full=full,
            projection=projection,
            page_size=page_size,
        )
        return pages(fetch)

    async def history_page(
        self,
        execution_id: str | None = None,
        *,
        filter: Filter | None = None,  # noqa: A002
        criteria: Criteria | None = None,
        labels: Mapping[str, str] | None = None,
        full: bool = False,
        projection: Projection | None = None,
        page_size: int = 0,
        page_token: str = "",
    ) -> t.Page[t.StoredSnapshot]:
        """As `Client.history_page`."""
        return await self._unary(
            self._requests.history_page(
                execution_id,
                filter=filter,
                criteria=criteria,
                labels=labels,
                full=full,
                projection=projection,
                page_size=page_size,
                page_token=page_token,
            )
        )

    async def delete(
        self,
        execution_id: str,
        *,
        expected_etag: str | None = None,
        writer_epoch: int | None = None,
        include_descendants: bool = False,
        request_id: str | None = None,
    ) -> t.Deleted:
        """As `Client.delete`."""
        return await self._unary(
            self._requests.delete(
                execution_id,
                expected_etag=expected_etag,
                writer_epoch=writer_epoch,
                include_descendants=include_descendants,
                request_id=request_id,
            )
        )

    async def info(self) -> t.ServerInfo:
        """As `Client.info`."""
        return await self._unary(self._requests.info())
