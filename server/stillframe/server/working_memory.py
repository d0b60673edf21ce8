"""The handlers of the working memory: parse, validate, call, reply, as in `service`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from stillframe.server import paging, validation, wire
from stillframe.server.stores import refusals
from stillframe.v1 import working_memory_service_pb2 as messages

if TYPE_CHECKING:
    from stillframe.server.config import Settings
    from stillframe.server.stores.base import Store


class WorkingMemory:
    """The handlers of stillframe.v1.WorkingMemoryService over a store."""

    def __init__(self, store: Store, settings: Settings) -> None:
        self._store = store
        self._settings = settings

    def _parse(self, kind: type[wire.M], data: bytes) -> wire.M:
        maximum = self._settings.max_request_bytes
        if len(data) > maximum:
            raise refusals.value_too_large("max_request_bytes", maximum, len(data))
        return wire.parse(kind, data)

    async def set_value(self, data: bytes) -> bytes:
        request = self._parse(messages.SetValueRequest, data)
        validation.set_value(request, self._settings)
        response = await self._store.set_value(request)
        return response.SerializeToString()

    async def get_value(self, data: bytes) -> bytes:
        request = self._parse(messages.GetValueRequest, data)
        validation.get_value(request)
        response = await self._store.get_value(request)
        return response.SerializeToString()

    async def delete_value(self, data: bytes) -> bytes:
        request = self._parse(messages.DeleteValueRequest, data)
        validation.delete_value(request)
        response = await self._store.delete_value(request)
        return response.SerializeToString()

    async def list_keys(self, data: bytes) -> bytes:
        request = self._parse(messages.ListKeysRequest, data)
        validation.list_keys(request)
        found = await self._store.list_keys(
            request.tenant_id,
            request.execution_id if request.HasField("execution_id") else None,
            prefix=request.key_prefix,
            after=paging.decode(request),
            limit=paging.page_size(request.page_size, *paging.KEYS),
        )
        response = messages.ListKeysResponse(keys=found.keys)
        if found.next is not None:
            response.next_page_token = paging.encode(request, found.next)
        return response.SerializeToString()
