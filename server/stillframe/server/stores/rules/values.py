"""The rules of the working memory.

A value whose ttl is over by the store's clock is not there, whether or not its row has
been freed: what a store found is given to these rules as it is, with the time.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from stillframe.server.stores import refusals
from stillframe.server.stores.execution import digest
from stillframe.server.stores.marks import new_mark
from stillframe.server.stores.records import ValueInfo
from stillframe.v1.working_memory_service_pb2 import (
    GetValueResponse,
    KeyInfo,
    SetValueRequest,
    SetValueResponse,
)

if TYPE_CHECKING:
    from stillframe.v1.working_memory_service_pb2 import DeleteValueRequest, GetValueRequest

    _Keyed = SetValueRequest | GetValueRequest | DeleteValueRequest


def scope_of(request: _Keyed) -> str | None:
    """Returns the execution in whose scope the key is; None is the tenant's own."""
    return request.execution_id if request.HasField("execution_id") else None


class SetValue:
    """A SetValueRequest, decided by the rules."""

    def __init__(self, request: SetValueRequest) -> None:
        self.request = request
        self._request_hash = self._body = b""
        if request.request_id:
            rest = SetValueRequest()
            rest.CopyFrom(request)
            rest.ClearField("request_id")
            self._request_hash = digest(request.request_id.encode())
            self._body = digest(rest.SerializeToString(deterministic=True))

    @property
    def inflight_bytes(self) -> int:
        return len(self.request.value) + 1024

    def decide(self, found: ValueInfo | None, now: int) -> SetValueResponse | ValueInfo:
        """Returns the value to set, or the answer that was given before; raises Refusal."""
        request = self.request
        scope = scope_of(request)
        there = found if found is not None and found.is_there(now) else None
        if there is not None and self._request_hash and there.request == self._request_hash:
            if there.body != self._body:
                raise refusals.request_id_reused(scope, request.request_id)
            return set_response(there)
        if request.must_not_exist and there is not None:
            raise refusals.value_exists(scope, request.key, there.etag)
        if request.HasField("expected_etag"):
            etag = there.etag if there is not None else None
            if etag != request.expected_etag:
                raise refusals.value_etag_mismatch(scope, request.key, request.expected_etag, etag)
        expire_at = now + request.ttl.ToNanoseconds() if request.HasField("ttl") else None
        return ValueInfo(new_mark(), now, expire_at, self._request_hash, self._body)


def must_delete(request: DeleteValueRequest, found: ValueInfo | None, now: int) -> bool:
    """Tells whether there is a value, to be deleted; raises ETAG_MISMATCH."""
    if found is None or not found.is_there(now):
        return False
    if request.HasField("expected_etag") and found.etag != request.expected_etag:
        raise refusals.value_etag_mismatch(
            scope_of(request), request.key, request.expected_etag, found.etag
        )
    return True


def set_response(value: ValueInfo) -> SetValueResponse:
    """Returns the answer to the call that set the value."""
    response = SetValueResponse(etag=value.etag)
    response.commit_time.FromNanoseconds(value.commit_time)
    if value.expire_at is not None:
        response.expire_time.FromNanoseconds(value.expire_at)
    return response


def get_response(value: ValueInfo, data: bytes) -> GetValueResponse:
    response = GetValueResponse(value=data, etag=value.etag)
    response.commit_time.FromNanoseconds(value.commit_time)
    if value.expire_at is not None:
        response.expire_time.FromNanoseconds(value.expire_at)
    return response


def key_info(key: str, value: ValueInfo, size: int) -> KeyInfo:
    info = KeyInfo(key=key, etag=value.etag, size_bytes=size)
    info.commit_time.FromNanoseconds(value.commit_time)
    if value.expire_at is not None:
        info.expire_time.FromNanoseconds(value.expire_at)
    return info
