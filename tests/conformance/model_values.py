"""The working memory of the contract as dictionaries: a part of `model`."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, TypeAlias

from stillframe.v1.working_memory_service_pb2 import (
    DeleteValueRequest,
    DeleteValueResponse,
    GetValueRequest,
    GetValueResponse,
    KeyInfo,
    SetValueRequest,
    SetValueResponse,
)
from tests.conformance.refused import RefusedError

if TYPE_CHECKING:
    from tests.conformance.support import Clock

    Keyed: TypeAlias = SetValueRequest | GetValueRequest | DeleteValueRequest


class Set(NamedTuple):
    """A value, and the request that set it."""

    request: SetValueRequest
    etag: str
    commit_time: int

    @property
    def expire_at(self) -> int | None:
        if not self.request.HasField("ttl"):
            return None
        return self.commit_time + self.request.ttl.ToNanoseconds()

    def times(self) -> dict[str, int]:
        """Returns the times that every answer has, by field."""
        expiry = {} if self.expire_at is None else {"expire_time": self.expire_at}
        return {"commit_time": self.commit_time, **expiry}


def scope_of(request: Keyed) -> str | None:
    return request.execution_id if request.HasField("execution_id") else None


class ValuesModel:
    """One tenant's working memory."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.kept: dict[tuple[str | None, str], Set] = {}
        """By scope and key; those whose ttl is over too, until they are freed."""

    def there(self, scope: str | None, key: str) -> Set | None:
        found = self.kept.get((scope, key))
        if found and found.expire_at is not None and found.expire_at <= self.clock():
            return None
        return found

    def set(self, request: SetValueRequest, etag: str) -> SetValueResponse:
        """Answers a set; `etag` is what the store gave to what it may have made."""
        scope = scope_of(request)
        there = self.there(scope, request.key)
        if there and request.request_id and there.request.request_id == request.request_id:
            if there.request != request:
                raise RefusedError("REQUEST_ID_REUSED")
        else:
            if request.must_not_exist and there:
                raise RefusedError("VALUE_EXISTS")
            if request.HasField("expected_etag") and (
                not there or there.etag != request.expected_etag
            ):
                raise RefusedError("ETAG_MISMATCH")
            there = Set(request, etag, self.clock())
            self.kept[scope, request.key] = there
        response = SetValueResponse(etag=there.etag)
        for name, time in there.times().items():
            getattr(response, name).FromNanoseconds(time)
        return response

    def get(self, request: GetValueRequest) -> GetValueResponse:
        there = self.there(scope_of(request), request.key)
        if there is None:
            raise RefusedError("VALUE_NOT_FOUND")
        response = GetValueResponse(value=there.request.value, etag=there.etag)
        for name, time in there.times().items():
            getattr(response, name).FromNanoseconds(time)
        return response

    def delete(self, request: DeleteValueRequest) -> DeleteValueResponse:
        there = self.there(scope_of(request), request.key)
        if there is None:
            return DeleteValueResponse()
        if request.HasField("expected_etag") and there.etag != request.expected_etag:
            raise RefusedError("ETAG_MISMATCH")
        del self.kept[scope_of(request), request.key]
        return DeleteValueResponse(deleted=True)

    def keys(self, scope: str | None, prefix: str) -> list[KeyInfo]:
        names = [key for where, key in self.kept if where == scope and key.startswith(prefix)]
        found: list[KeyInfo] = []
        for key in sorted(names, key=str.encode):
            there = self.there(scope, key)
            if there is not None:
                info = KeyInfo(key=key, etag=there.etag, size_bytes=len(there.request.value))
                for name, time in there.times().items():
                    getattr(info, name).FromNanoseconds(time)
                found.append(info)
        return found

    def drop(self, name: str) -> None:
        """Deletes the values of an execution."""
        self.kept = {place: each for place, each in self.kept.items() if place[0] != name}

    def over(self) -> list[tuple[str | None, str]]:
        """Returns where there are values whose ttl is over."""
        return [place for place in self.kept if self.there(*place) is None]

    def free(self) -> None:
        for place in self.over():
            del self.kept[place]
