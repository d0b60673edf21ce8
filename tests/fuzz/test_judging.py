"""The judge lets nothing through that an answer must not be."""

from __future__ import annotations

from typing import TYPE_CHECKING

import grpc
import pytest
from google.rpc import code_pb2, error_details_pb2, status_pb2

from stillframe.v1 import snapshot_service_pb2 as service
from tests.fuzz.judging import METHODS, Answer, judge

if TYPE_CHECKING:
    from google.protobuf.message import Message

NOT_FOUND = grpc.StatusCode.NOT_FOUND


def error(
    reason: str = "EXECUTION_NOT_FOUND",
    *details: Message,
    code: grpc.StatusCode = NOT_FOUND,
    text: str = "there is no such execution",
    domain: str = "stillframe",
    **metadata: str,
) -> Answer:
    """Builds the answer of a server that refuses a call."""
    status = status_pb2.Status(code=code.value[0], message=text)
    info = error_details_pb2.ErrorInfo(reason=reason, domain=domain, metadata=metadata)
    for detail in (info, *details):
        status.details.add().Pack(detail)
    return Answer(code, (), text, status.SerializeToString())


def test_what_a_server_answers_is_right() -> None:
    saved = service.SaveSnapshotResponse(version=1).SerializeToString()
    assert judge("SaveSnapshot", Answer(grpc.StatusCode.OK, (saved,))) is None
    assert judge("LoadSnapshot", error(execution_id="a")) is None
    bad = error_details_pb2.BadRequest()
    bad.field_violations.add(field="snapshot.state", description="must be set")
    refused = error("INVALID_FIELD", bad, code=grpc.StatusCode.INVALID_ARGUMENT)
    assert judge("SaveSnapshot", refused) is None


@pytest.mark.parametrize(
    "answer",
    [
        error("INTERNAL", code=grpc.StatusCode.INTERNAL, error_id="1"),
        error("INTERNAL", code=grpc.StatusCode.UNKNOWN),
        error("UNIMPLEMENTED", code=grpc.StatusCode.UNIMPLEMENTED, rpc="ForkExecution"),
        error("STORE_UNAVAILABLE", code=grpc.StatusCode.UNAVAILABLE),
        Answer(grpc.StatusCode.UNAVAILABLE, (), "Socket closed"),
        Answer(grpc.StatusCode.DEADLINE_EXCEEDED, (), "Deadline Exceeded"),
        Answer(NOT_FOUND, (), "there is no such execution"),
        Answer(NOT_FOUND, (), "there is no such execution", b"\xff"),
        error("MADE_UP"),
        error(domain="elsewhere"),
        error(code=grpc.StatusCode.ABORTED),
        error()._replace(text="another text"),
        error()._replace(code=grpc.StatusCode.ABORTED),
        error(execution_id="x" * 5_000),
    ],
)
def test_an_error_that_breaks_the_contract_is_found(answer: Answer) -> None:
    assert judge("LoadSnapshot", answer) is not None


@pytest.mark.parametrize(
    "text",
    [
        "Traceback (most recent call last)",
        'File "/srv/app.py", line 3',
        "apsw.BusyError: database is locked",
        "no such table: sqlite_master",
        "KeyError('a')",
        "'NoneType' object is not iterable",
        "<stillframe.server.Head object at 0x7f>",
    ],
)
def test_text_of_the_servers_insides_is_found(text: str) -> None:
    bad = error_details_pb2.BadRequest()
    bad.field_violations.add(field="snapshot", description=text)
    for answer in (error(text=text), error(selector=text), error("EXECUTION_NOT_FOUND", bad)):
        assert judge("LoadSnapshot", answer) is not None


def test_an_answer_that_is_no_message_is_found() -> None:
    assert judge("SaveSnapshot", Answer(grpc.StatusCode.OK, (b"\x0a",))) is not None


def test_the_results_of_a_stream_are_judged_too() -> None:
    details = status_pb2.Status.FromString(error().details)
    good = service.SaveError.FromString(details.SerializeToString())
    bad = service.SaveError(code=code_pb2.INTERNAL, message="the server failed")

    def answer(result: service.SaveItemResult) -> Answer:
        message = service.SaveSnapshotsResponse(results=[result])
        return Answer(grpc.StatusCode.OK, (message.SerializeToString(),))

    assert judge("SaveSnapshots", answer(service.SaveItemResult(error=good))) is None
    assert judge("SaveSnapshots", answer(service.SaveItemResult(error=bad))) is not None
    assert judge("SaveSnapshots", answer(service.SaveItemResult(item_id="i"))) is not None


def test_every_rpc_is_known() -> None:
    assert len(METHODS) == 17
