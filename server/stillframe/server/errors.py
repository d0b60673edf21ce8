"""What a caller is told when a call fails: the one place that knows status codes.

A refusal becomes a google.rpc.Status with ErrorInfo, and BadRequest, RetryInfo or
QuotaFailure where they fit (DESIGN section 7). Anything else becomes INTERNAL with an
id that stands in the log beside the cause: its text may hold what is not the caller's.
"""

from __future__ import annotations

import logging
import os
from typing import TYPE_CHECKING

import grpc
from google.rpc import error_details_pb2, status_pb2

from stillframe.server.stores.refusals import Reason, Refusal
from stillframe.v1 import error_pb2

if TYPE_CHECKING:
    from google.protobuf.message import Message

DOMAIN = "stillframe"

MAX_DETAIL_BYTES = 4096 - 512
"""Larger trailers are dropped by proxies and clients, and the reason with them."""

_MAX_TEXT_BYTES = 300
"""Of one metadata value or message: the ids that clients choose may have 512 bytes."""

_CODES = {
    grpc.StatusCode.INVALID_ARGUMENT: (
        error_pb2.ERROR_REASON_INVALID_FIELD,
        error_pb2.ERROR_REASON_MALFORMED_MESSAGE,
        error_pb2.ERROR_REASON_PAGE_TOKEN_MISMATCH,
        error_pb2.ERROR_REASON_REQUEST_ID_REUSED,
    ),
    grpc.StatusCode.NOT_FOUND: (
        error_pb2.ERROR_REASON_EXECUTION_NOT_FOUND,
        error_pb2.ERROR_REASON_SNAPSHOT_NOT_FOUND,
        error_pb2.ERROR_REASON_VALUE_NOT_FOUND,
    ),
    grpc.StatusCode.ALREADY_EXISTS: (
        error_pb2.ERROR_REASON_EXECUTION_EXISTS,
        error_pb2.ERROR_REASON_SNAPSHOT_ID_EXISTS,
        error_pb2.ERROR_REASON_VALUE_EXISTS,
    ),
    grpc.StatusCode.ABORTED: (
        error_pb2.ERROR_REASON_ETAG_MISMATCH,
        error_pb2.ERROR_REASON_DELTA_BASE_MISMATCH,
    ),
    grpc.StatusCode.FAILED_PRECONDITION: (
        error_pb2.ERROR_REASON_FENCED,
        error_pb2.ERROR_REASON_SEQUENCE_REGRESSION,
        error_pb2.ERROR_REASON_SNAPSHOT_STALE,
        error_pb2.ERROR_REASON_SNAPSHOT_AHEAD,
    ),
    grpc.StatusCode.OUT_OF_RANGE: (
        error_pb2.ERROR_REASON_HISTORY_COMPACTED,
        error_pb2.ERROR_REASON_STORE_REPLACED,
        error_pb2.ERROR_REASON_REVISION_IN_FUTURE,
    ),
    grpc.StatusCode.RESOURCE_EXHAUSTED: (
        error_pb2.ERROR_REASON_SNAPSHOT_TOO_LARGE,
        error_pb2.ERROR_REASON_VALUE_TOO_LARGE,
        error_pb2.ERROR_REASON_QUOTA_EXCEEDED,
        error_pb2.ERROR_REASON_RATE_LIMITED,
        error_pb2.ERROR_REASON_SERVER_BUSY,
    ),
    grpc.StatusCode.UNAUTHENTICATED: (
        error_pb2.ERROR_REASON_CREDENTIALS_REQUIRED,
        error_pb2.ERROR_REASON_CREDENTIALS_INVALID,
    ),
    grpc.StatusCode.PERMISSION_DENIED: (
        error_pb2.ERROR_REASON_TENANT_DENIED,
        error_pb2.ERROR_REASON_SCOPE_DENIED,
    ),
    grpc.StatusCode.UNAVAILABLE: (
        error_pb2.ERROR_REASON_STORE_UNAVAILABLE,
        error_pb2.ERROR_REASON_SHUTTING_DOWN,
    ),
    grpc.StatusCode.INTERNAL: (error_pb2.ERROR_REASON_INTERNAL,),
    grpc.StatusCode.UNIMPLEMENTED: (error_pb2.ERROR_REASON_UNIMPLEMENTED,),
}
CODE_OF_REASON: dict[Reason, grpc.StatusCode] = {
    reason: code for code, reasons in _CODES.items() for reason in reasons
}

_log = logging.getLogger(__name__)


def reason_name(reason: Reason) -> str:
    """Returns the `reason` of ErrorInfo: the enum's name without its prefix."""
    return error_pb2.ErrorReason.Name(reason).removeprefix("ERROR_REASON_")


def status_of(error: Exception, rpc: str) -> status_pb2.Status:
    """Returns what the caller of `rpc` is told about an error; logs what it is not told."""
    if not isinstance(error, Refusal):
        error_id = os.urandom(8).hex()
        _log.error("%s failed, error_id %s", rpc, error_id, exc_info=error)
        error = Refusal(
            error_pb2.ERROR_REASON_INTERNAL,
            f"the server failed; its log says why at error_id {error_id}",
            {"error_id": error_id},
        )
    info = error_details_pb2.ErrorInfo(
        reason=reason_name(error.reason),
        domain=DOMAIN,
        metadata={key: _cut(value) for key, value in error.metadata.items()},
    )
    details: list[Message] = [info]
    if error.retry_after is not None:
        retry = error_details_pb2.RetryInfo()
        retry.retry_delay.FromNanoseconds(int(error.retry_after * 1e9))
        details.append(retry)
    if error.reason == error_pb2.ERROR_REASON_QUOTA_EXCEEDED:
        quota = error_details_pb2.QuotaFailure()
        quota.violations.add(subject=error.metadata["limit"], description=error.message)
        details.append(quota)
    if error.violations:
        details.append(_bad_request(error, info))
    code = CODE_OF_REASON[error.reason].value[0]
    status = status_pb2.Status(code=code, message=_cut(error.message))
    for detail in details:
        status.details.add().Pack(detail)
    return status


def _bad_request(
    refusal: Refusal, info: error_details_pb2.ErrorInfo
) -> error_details_pb2.BadRequest:
    """Returns the violations that fit, and counts the others in the info's metadata."""
    bad_request = error_details_pb2.BadRequest()
    left = MAX_DETAIL_BYTES - info.ByteSize()
    for number, (field, description) in enumerate(refusal.violations):
        row = error_details_pb2.BadRequest.FieldViolation(
            field=_cut(field), description=_cut(description)
        )
        left -= row.ByteSize() + 4
        if left < 0:
            info.metadata["violations_omitted"] = str(len(refusal.violations) - number)
            break
        bad_request.field_violations.append(row)
    return bad_request


def _cut(text: str) -> str:
    data = text.encode()
    if len(data) <= _MAX_TEXT_BYTES:
        return text
    return data[:_MAX_TEXT_BYTES].decode(errors="ignore") + "…"
