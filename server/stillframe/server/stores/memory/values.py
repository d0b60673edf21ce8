"""The working memory of one tenant of the memory store."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from stillframe.server.stores import refusals, rules
from stillframe.server.stores.records import KeyPage, ValueInfo
from stillframe.v1.working_memory_service_pb2 import (
    DeleteValueResponse,
    GetValueRequest,
    GetValueResponse,
    SetValueResponse,
)

if TYPE_CHECKING:
    from stillframe.v1.working_memory_service_pb2 import DeleteValueRequest, SetValueRequest

_Scope = dict[str, tuple[ValueInfo, bytes]]
"""Values by key."""


@dataclass(slots=True)
class Values:
    """Values by scope: an execution's, or under None the tenant's own."""

    scopes: dict[str | None, _Scope] = field(default_factory=dict[str | None, _Scope])

    def _scope(self, execution_id: str | None) -> _Scope:
        return self.scopes.get(execution_id, {})

    def _find(self, execution_id: str | None, key: str) -> ValueInfo | None:
        found = self._scope(execution_id).get(key)
        return found[0] if found else None

    def set(self, request: SetValueRequest, now: int) -> SetValueResponse:
        scope = rules.scope_of(request)
        decision = rules.SetValue(request).decide(self._find(scope, request.key), now)
        if isinstance(decision, SetValueResponse):
            return decision
        self.scopes.setdefault(scope, {})[request.key] = (decision, request.value)
        return rules.set_response(decision)

    def get(self, request: GetValueRequest, now: int) -> GetValueResponse:
        scope = rules.scope_of(request)
        found = self._scope(scope).get(request.key)
        if found is None or not found[0].is_there(now):
            raise refusals.value_not_found(scope, request.key)
        return rules.get_response(*found)

    def delete(self, request: DeleteValueRequest, now: int) -> DeleteValueResponse:
        scope = rules.scope_of(request)
        deleted = rules.must_delete(request, self._find(scope, request.key), now)
        if deleted:
            self._remove(scope, request.key)
        return DeleteValueResponse(deleted=deleted)

    def list_keys(
        self, execution_id: str | None, prefix: str, after: str, limit: int, now: int
    ) -> KeyPage:
        # Code points compare as the bytes of their UTF-8 do.
        found = [
            rules.key_info(key, info, len(data))
            for key, (info, data) in sorted(self._scope(execution_id).items())
            if key > after and key.startswith(prefix) and info.is_there(now)
        ]
        keys = found[:limit]
        return KeyPage(keys, keys[-1].key if len(found) > limit else None)

    def drop(self, execution_id: str) -> None:
        """Deletes every value of an execution."""
        self.scopes.pop(execution_id, None)

    def free(self, limit: int, now: int) -> int:
        """Frees values whose ttl is over; returns how many."""
        over = [
            (scope, key)
            for scope, values in self.scopes.items()
            for key, (info, _) in values.items()
            if not info.is_there(now)
        ][: max(limit, 0)]
        for scope, key in over:
            self._remove(scope, key)
        return len(over)

    def _remove(self, execution_id: str | None, key: str) -> None:
        values = self.scopes[execution_id]
        del values[key]
        if not values:
            del self.scopes[execution_id]
