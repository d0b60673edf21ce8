"""What every answer must be, whatever was asked."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import grpc
from google.protobuf.message import DecodeError
from google.protobuf.message_factory import GetMessageClass
from google.rpc import error_details_pb2, status_pb2

from stillframe.v1 import snapshot_service_pb2 as service
from stillframe.v1 import working_memory_service_pb2 as memory
from tests.conformance.support import STATUS_CODES

if TYPE_CHECKING:
    from google.protobuf.descriptor import MethodDescriptor
    from google.protobuf.message import Message

METHODS: dict[str, MethodDescriptor] = {
    method.name: method
    for module in (service, memory)
    for each in module.DESCRIPTOR.services_by_name.values()
    for method in each.methods
}

MAX_DETAIL_BYTES = 4 * 1024
"""Of the trailer that carries an error's details (error.proto)."""

_NEVER = frozenset((grpc.StatusCode.INTERNAL, grpc.StatusCode.UNKNOWN))
_NO_SERVER_FAULT = {
    reason: code
    for reason, code in STATUS_CODES.items()
    if code not in _NEVER | {grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.UNIMPLEMENTED}
}
"""Every reason that a healthy server gives."""

_INSIDES = (
    "traceback",
    'file "',
    ".py",
    "site-packages",
    "/stillframe/",
    "apsw",
    "sqlite",
    "exception",
    "error(",
    "error:",
    "nonetype",
    "<class",
    "object at 0x",
    "assert",
    "google.protobuf",
    "asyncio",
    "_pb2",
)
"""What only the server's own code and libraries say, in small letters."""


class Answer(NamedTuple):
    """What came back for one call."""

    code: grpc.StatusCode
    messages: tuple[bytes, ...] = ()
    text: str = ""
    """The status message."""
    details: bytes = b""
    """The serialised google.rpc.Status of the trailers."""


def judge(rpc: str, answer: Answer) -> str | None:
    """Says what is wrong with an answer; None when it is as it must be."""
    for data in answer.messages:
        wrong = _judge_message(rpc, data)
        if wrong is not None:
            return wrong
    if answer.code is grpc.StatusCode.OK:
        return None
    if answer.code in _NEVER:
        return f"{answer.code.name}: {answer.text}"
    return _judge_error(answer)


def read_request(rpc: str, data: bytes) -> Message:
    """Reads a request message. Raises DecodeError."""
    return GetMessageClass(METHODS[rpc].input_type).FromString(data)


def read_response(rpc: str, data: bytes) -> Message:
    """Reads a response message. Raises DecodeError."""
    return GetMessageClass(METHODS[rpc].output_type).FromString(data)


def error_info(answer: Answer) -> error_details_pb2.ErrorInfo:
    """Returns the ErrorInfo of an answer, empty where it has none. Raises DecodeError."""
    info = error_details_pb2.ErrorInfo()
    for packed in status_pb2.Status.FromString(answer.details).details:
        if packed.Unpack(info):
            break
    return info


def _judge_message(rpc: str, data: bytes) -> str | None:
    try:
        message = read_response(rpc, data)
    except DecodeError:
        return f"the answer is no {METHODS[rpc].output_type.name}: {data[:200].hex()}"
    if not isinstance(message, service.SaveSnapshotsResponse):
        return None
    for result in message.results:
        if result.HasField("saved"):
            continue
        # The same fields as google.rpc.Status, and the same bytes.
        details = result.error.SerializeToString()
        code = next((c for c in grpc.StatusCode if c.value[0] == result.error.code), None)
        if code is None or code is grpc.StatusCode.OK:
            return f"a result has neither an answer nor an error: {result}"
        wrong = judge(rpc, Answer(code, (), result.error.message, details))
        if wrong is not None:
            return f"in a result: {wrong}"
    return None


def _judge_error(answer: Answer) -> str | None:
    try:
        status = status_pb2.Status.FromString(answer.details)
        info = error_info(answer)
    except DecodeError:
        return f"the details are no google.rpc.Status: {answer.details.hex()}"
    wrong: str | None = None
    if not info.reason:
        wrong = f"{answer.code.name} without an ErrorInfo: {answer.text}"
    elif info.domain != "stillframe" or info.reason not in _NO_SERVER_FAULT:
        wrong = f"{answer.code.name} for {info.domain} {info.reason}: {answer.text}"
    elif _NO_SERVER_FAULT[info.reason] is not answer.code:
        wrong = f"{info.reason} came as {answer.code.name}"
    elif (status.code, status.message) != (answer.code.value[0], answer.text):
        wrong = f"the details say otherwise than the status: {status}"
    elif len(answer.details) > MAX_DETAIL_BYTES:
        wrong = f"{len(answer.details)} bytes of details"
    elif shown := _shown(_texts(status)):
        wrong = f"the server's insides show: {shown!r} in {_texts(status)}"
    return wrong


def _shown(text: str) -> str | None:
    return next((each for each in _INSIDES if each in text), None)


def _texts(status: status_pb2.Status) -> str:
    """Returns all that an error says in words, in small letters."""
    found = [status.message]
    info, bad = error_details_pb2.ErrorInfo(), error_details_pb2.BadRequest()
    quota = error_details_pb2.QuotaFailure()
    for packed in status.details:
        if packed.Unpack(info):
            found += [info.reason, *info.metadata, *info.metadata.values()]
        elif packed.Unpack(bad):
            found += [f"{each.field}: {each.description}" for each in bad.field_violations]
        elif packed.Unpack(quota):
            found += [f"{each.subject}: {each.description}" for each in quota.violations]
    return "\n".join(found).lower()
