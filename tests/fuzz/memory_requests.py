"""Requests to the working memory that make sense."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from stillframe.v1.working_memory_service_pb2 import (
    DeleteValueRequest,
    GetValueRequest,
    ListKeysRequest,
    SetValueRequest,
)
from tests.fuzz.world import EXECUTIONS, KEYS

if TYPE_CHECKING:
    from random import Random

    from tests.fuzz.world import World


class MemoryRequests:
    """Makes the request of one message, as Requests does."""

    def __init__(self, random: Random, world: World, tenant_id: str) -> None:
        self._random = random
        self._world = world
        self._tenant_id = tenant_id

    def _maybe(self, chance: float = 0.3) -> bool:
        return self._random.random() < chance

    def _scope(self) -> dict[str, Any]:
        scope = None if self._maybe() else self._random.choice(EXECUTIONS)
        return {"tenant_id": self._tenant_id, "execution_id": scope}

    def _place(self) -> dict[str, Any]:
        return {**self._scope(), "key": self._random.choice(KEYS)}

    def set(self) -> SetValueRequest:
        size = self._random.randint(0, 64) if self._maybe(0.9) else self._random.randint(0, 8_192)
        request = SetValueRequest(**self._place(), value=self._random.randbytes(size))
        if self._maybe(0.6):
            request.ttl.FromMilliseconds(self._random.randint(1, 3_000))
        if self._maybe(0.2):
            request.expected_etag = self._world.value_etag(self._random)
        elif self._maybe(0.2):
            request.must_not_exist = True
        if self._maybe(0.5):
            request.request_id = self._world.request_id(self._random)
        return request

    def get(self) -> GetValueRequest:
        return GetValueRequest(**self._place())

    def delete(self) -> DeleteValueRequest:
        request = DeleteValueRequest(**self._place())
        if self._maybe():
            request.expected_etag = self._world.value_etag(self._random)
        return request

    def list_keys(self) -> ListKeysRequest:
        request = ListKeysRequest(**self._scope(), page_size=self._random.randint(1, 3))
        if self._maybe():
            request.key_prefix = self._random.choice(("k", "s", *KEYS))
        return request
