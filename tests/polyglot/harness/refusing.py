"""A server that answers every call with the status that the call names (errors.yaml)."""

from __future__ import annotations

import base64
import sys
from collections import defaultdict
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, cast

import grpc
from google.protobuf.any_pb2 import Any as AnyMessage
from google.protobuf.message_factory import GetMessageClass
from google.rpc import error_details_pb2, status_pb2

from stillframe.v1 import snapshot_service_pb2, working_memory_service_pb2
from tests.polyglot.building import ROOT
from tests.polyglot.harness.data import read_yaml
from tests.polyglot.harness.templates import fill

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from google.protobuf.descriptor import MethodDescriptor
    from google.protobuf.message import Message

JSON = dict[str, Any]

FILE = ROOT / "tests" / "polyglot" / "errors.yaml"
REFUSALS = {"transient": 2, "owed": 1}
"""How often the cases of a section are refused before they are answered; others always are."""

METHODS = {
    f"/{service.full_name}/{method.name}": method
    for module in (snapshot_service_pb2, working_memory_service_pb2)
    for service in module.DESCRIPTOR.services_by_name.values()
    for method in service.methods
    if not method.client_streaming
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Case:
    """A status, and what a driver reports of it beside the code."""

    name: str
    code: str
    reason: str = ""
    domain: str = "stillframe"
    message: str = "said by the test"
    metadata: dict[str, str] = field(default_factory=dict[str, str])
    fields: dict[str, str] = field(default_factory=dict[str, str])
    quota: dict[str, str] = field(default_factory=dict[str, str])
    retry_after: float | None = None
    details: str | None = None
    expect: JSON = field(default_factory=dict[str, Any])

    def expected(self) -> JSON:
        """The error that a driver reports."""
        ours = self.reason if self.domain == "stillframe" else ""
        absent = "$absent"
        known = {
            "reason": ours,
            "code": self.code,
            "message": self.message,
            "metadata": self.metadata if ours and self.metadata else absent,
            "fields": list(self.fields) or absent,
            "retry_after": absent if self.retry_after is None else self.retry_after,
        }
        return known | self.expect

    def trailer(self) -> bytes | None:
        """The bytes of grpc-status-details-bin; None for a bare status."""
        if self.details is not None:
            return base64.b64decode(self.details)
        details = list(self._details())
        if not details:
            return None
        status = status_pb2.Status(code=grpc.StatusCode[self.code].value[0], message=self.message)
        for each in details:
            packed = AnyMessage()
            packed.Pack(each)
            status.details.append(packed)
        trailer: bytes = status.SerializeToString()
        return trailer

    def _details(self) -> Generator[Message]:
        if self.fields:
            bad = error_details_pb2.BadRequest()
            for name, description in self.fields.items():
                bad.field_violations.add(field=name, description=description)
            yield bad
        if self.reason:
            yield error_details_pb2.ErrorInfo(
                reason=self.reason, domain=self.domain, metadata=self.metadata
            )
        if self.quota:
            quota = error_details_pb2.QuotaFailure()
            for subject, description in self.quota.items():
                quota.violations.add(subject=subject, description=description)
            yield quota
        if self.retry_after is not None:
            retry = error_details_pb2.RetryInfo()
            retry.retry_delay.FromNanoseconds(round(self.retry_after * 1e9))
            yield retry


def read_cases(section: str) -> list[Case]:
    """The cases of one section of errors.yaml."""
    found = fill(read_yaml(FILE)[section], {})
    if section == "reasons":
        found = {name: {"reason": name} | case for name, case in found.items()}
    return [Case(name=name, **case) for name, case in found.items()]


@dataclass(frozen=True, slots=True)
class Seen:
    """What the server saw of one call."""

    method: str
    request: Message
    time_remaining: float | None
    user_agent: str


class RefusingServer(grpc.GenericRpcHandler):
    """Answers with the case whose name the execution_id begins with, up to a `/`."""

    def __init__(self) -> None:
        sections = ("reasons", "others", *REFUSALS)
        self._cases = {case.name: case for each in sections for case in read_cases(each)}
        self._refusals = {
            case.name: times for each, times in REFUSALS.items() for case in read_cases(each)
        }
        self.seen: defaultdict[str, list[Seen]] = defaultdict(list)
        """What was seen of each execution, in order."""
        self.address = ""

    def service(
        self, handler_call_details: grpc.HandlerCallDetails
    ) -> grpc.RpcMethodHandler[Message, bytes] | None:
        method = METHODS.get(handler_call_details.method)
        if method is None:
            return None
        read: Callable[[bytes], Message] = GetMessageClass(method.input_type).FromString
        if method.server_streaming:
            return grpc.unary_stream_rpc_method_handler(
                self._refuse_stream, request_deserializer=read
            )

        def answer(request: Message, context: grpc.ServicerContext) -> bytes:
            return self._answer(method, request, context)

        return grpc.unary_unary_rpc_method_handler(answer, request_deserializer=read)

    def _refuse_stream(self, request: Message, context: grpc.ServicerContext) -> Generator[bytes]:
        self._refuse(self._see("WatchSnapshots", request, context), context)
        yield b""

    def _answer(
        self, method: MethodDescriptor, request: Message, context: grpc.ServicerContext
    ) -> bytes:
        execution_id = self._see(method.name, request, context)
        name = execution_id.partition("/")[0]
        if len(self.seen[execution_id]) > self._refusals.get(name, sys.maxsize):
            return snapshot_service_pb2.SaveSnapshotResponse(
                version=1,
                etag="v1-a",
                revision=1,
                resume_token="r1-a",
                outcome=snapshot_service_pb2.SAVE_OUTCOME_CREATED,
            ).SerializeToString()
        self._refuse(execution_id, context)
        raise AssertionError

    def _see(self, method: str, request: Message, context: grpc.ServicerContext) -> str:
        execution_id = named(request)
        metadata = dict(context.invocation_metadata())
        agent = str(metadata.get("user-agent", ""))
        seen = Seen(method, request, context.time_remaining(), agent)
        self.seen[execution_id].append(seen)
        return execution_id

    def _refuse(self, execution_id: str, context: grpc.ServicerContext) -> None:
        case = self._cases[execution_id.partition("/")[0]]
        if (trailer := case.trailer()) is not None:
            context.set_trailing_metadata((("grpc-status-details-bin", trailer),))
        context.abort(grpc.StatusCode[case.code], case.message)


def named(request: Any) -> str:
    """The execution that a request names, wherever it has a place for it."""
    if "executions" in request.DESCRIPTOR.fields_by_name:
        return cast("str", request.executions[0].execution_id)
    if getattr(request, "execution_id", ""):
        return cast("str", request.execution_id)
    return cast("str", request.filter.execution_ids[0])


@contextmanager
def refusing_server() -> Generator[RefusingServer]:
    handler = RefusingServer()
    pool = ThreadPoolExecutor(max_workers=8)
    server = grpc.server(pool, handlers=[handler], options=[("grpc.so_reuseport", 0)])
    handler.address = f"127.0.0.1:{server.add_insecure_port('127.0.0.1:0')}"
    server.start()
    try:
        yield handler
    finally:
        server.stop(None).wait()
        pool.shutdown()
