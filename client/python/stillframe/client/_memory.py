"""The calls of the working memory: their requests, and how their answers are read. Beside
`_requests`, which has those that are about snapshots.
"""

from datetime import timedelta

from google.protobuf.timestamp_pb2 import Timestamp

from stillframe.client import _types as t
from stillframe.client._encoding import NANOS, duration_message, refused_as_field
from stillframe.client._errors import ValueTooLargeError
from stillframe.client._requests import Call, Requests, new_request_id
from stillframe.v1 import working_memory_service_pb2 as rpc


def set_value(
    requests: Requests,
    key: str,
    value: bytes,
    *,
    execution_id: str | None,
    ttl: timedelta | float | None,
    expected_etag: str | None,
    must_not_exist: bool,
    request_id: str | None,
) -> Call[t.ValueCommit]:
    with refused_as_field():
        request = rpc.SetValueRequest(
            tenant_id=requests.tenant,
            execution_id=execution_id,
            key=key,
            value=value,
            ttl=duration_message(ttl),
            expected_etag=expected_etag,
            must_not_exist=must_not_exist,
            request_id=request_id or new_request_id(),
        )
    _refuse_too_large(request, requests.max_message_bytes)
    return Call("SetValue", request, _committed)


def get_value(requests: Requests, key: str, *, execution_id: str | None) -> Call[t.StoredValue]:
    with refused_as_field():
        request = rpc.GetValueRequest(tenant_id=requests.tenant, execution_id=execution_id, key=key)
    return Call("GetValue", request, _stored)


def delete_value(
    requests: Requests, key: str, *, execution_id: str | None, expected_etag: str | None
) -> Call[bool]:
    with refused_as_field():
        request = rpc.DeleteValueRequest(
            tenant_id=requests.tenant,
            execution_id=execution_id,
            key=key,
            expected_etag=expected_etag,
        )
    return Call("DeleteValue", request, _deleted)


def keys_page(
    requests: Requests,
    *,
    execution_id: str | None,
    key_prefix: str | None,
    page_size: int,
    page_token: str,
) -> Call[t.Page[t.KeyInfo]]:
    with refused_as_field():
        request = rpc.ListKeysRequest(
            tenant_id=requests.tenant,
            execution_id=execution_id,
            key_prefix=key_prefix,
            page_size=page_size,
            page_token=page_token,
        )
    return Call("ListKeys", request, _keys)


def _refuse_too_large(request: rpc.SetValueRequest, maximum: int) -> None:
    """As `Requests.refuse_too_large`."""
    size = request.ByteSize()
    if size > maximum:
        raise ValueTooLargeError(
            f"the request has {size} bytes, and max_message_bytes is {maximum}",
            reason="VALUE_TOO_LARGE",
            metadata={
                "limit": "max_message_bytes",
                "maximum": str(maximum),
                "actual": str(size),
            },
        )


def _committed(answer: rpc.SetValueResponse) -> t.ValueCommit:
    return t.ValueCommit(
        etag=answer.etag,
        commit_time_ns=_nanoseconds(answer.commit_time),
        expire_time_ns=_expiry(answer),
    )


def _stored(answer: rpc.GetValueResponse) -> t.StoredValue:
    return t.StoredValue(
        value=answer.value,
        etag=answer.etag,
        commit_time_ns=_nanoseconds(answer.commit_time),
        expire_time_ns=_expiry(answer),
    )


def _deleted(answer: rpc.DeleteValueResponse) -> bool:
    return answer.deleted


def _keys(answer: rpc.ListKeysResponse) -> t.Page[t.KeyInfo]:
    return t.Page(
        items=tuple(
            t.KeyInfo(
                key=each.key,
                etag=each.etag,
                size_bytes=each.size_bytes,
                commit_time_ns=_nanoseconds(each.commit_time),
                expire_time_ns=_expiry(each),
            )
            for each in answer.keys
        ),
        next_page_token=answer.next_page_token,
    )


def _expiry(message: rpc.SetValueResponse | rpc.GetValueResponse | rpc.KeyInfo) -> int | None:
    return _nanoseconds(message.expire_time) if message.HasField("expire_time") else None


def _nanoseconds(timestamp: Timestamp) -> int:
    return timestamp.seconds * NANOS + timestamp.nanos
