"""The calls of `AsyncClient` that are about the working memory."""

from abc import ABC, abstractmethod
from collections.abc import AsyncIterator
from datetime import timedelta
from functools import partial
from typing import TypeVar

from stillframe.client import _memory
from stillframe.client import _types as t
from stillframe.client._aio.paging import pages
from stillframe.client._requests import Call, Requests

T = TypeVar("T")


class AsyncMemoryCalls(ABC):
    """What a client does with values that stand beside the snapshots.

    Each is in one scope: an execution's, or without an `execution_id` the tenant's own.
    """

    _requests: Requests

    @abstractmethod
    async def _unary(self, call: Call[T], timeout: float | None = None) -> T: ...  # noqa: ASYNC109

    async def set_value(
        self,
        key: str,
        value: bytes,
        *,
        execution_id: str | None = None,
        ttl: timedelta | float | None = None,
        expected_etag: str | None = None,
        must_not_exist: bool = False,
        request_id: str | None = None,
    ) -> t.ValueCommit:
        """As `Client.set_value`."""
        return await self._unary(
            _memory.set_value(
                self._requests,
                key,
                value,
                execution_id=execution_id,
                ttl=ttl,
                expected_etag=expected_etag,
                must_not_exist=must_not_exist,
                request_id=request_id,
            )
        )

    async def get_value(self, key: str, *, execution_id: str | None = None) -> t.StoredValue:
        """As `Client.get_value`."""
        return await self._unary(_memory.get_value(self._requests, key, execution_id=execution_id))

    async def delete_value(
        self, key: str, *, execution_id: str | None = None, expected_etag: str | None = None
    ) -> bool:
        """As `Client.delete_value`."""
        return await self._unary(
            _memory.delete_value(
                self._requests, key, execution_id=execution_id, expected_etag=expected_etag
            )
        )

    def list_keys(
        self,
        *,
        execution_id: str | None = None,
        key_prefix: str | None = None,
        page_size: int = 0,
    ) -> AsyncIterator[t.KeyInfo]:
        """As `Client.list_keys`."""
        return pages(
            partial(
                self.list_keys_page,
                execution_id=execution_id,
                key_prefix=key_prefix,
                page_size=page_size,
            )
        )

    async def list_keys_page(
        self,
        *,
        execution_id: str | None = None,
        key_prefix: str | None = None,
        page_size: int = 0,
        page_token: str = "",
    ) -> t.Page[t.KeyInfo]:
        """As `Client.list_keys_page`."""
        return await self._unary(
            _memory.keys_page(
                self._requests,
                execution_id=execution_id,
                key_prefix=key_prefix,
                page_size=page_size,
                page_token=page_token,
            )
        )
