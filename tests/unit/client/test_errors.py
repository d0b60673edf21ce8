"""Statuses become typed errors, with everything that the server said."""

import pickle
import re

import grpc
import pytest
from google.rpc import error_details_pb2, status_pb2

from stillframe.client import (
    FencedError,
    FieldViolation,
    InvalidFieldError,
    StillframeError,
    UnavailableError,
    UnknownError,
    ValueDecodeError,
    ValueEncodeError,
    _errors,
)
from stillframe.client._statuses import BY_CODE, BY_REASON, error_from_status
from stillframe.v1 import error_pb2
from stillframe.v1.snapshot_pb2 import Payload
from tests.unit.client.support import status_details

REASONS = [
    name.removeprefix("ERROR_REASON_") for name, number in error_pb2.ErrorReason.items() if number
]


def _classes() -> list[type[StillframeError]]:
    found = [
        value
        for value in vars(_errors).values()
        if isinstance(value, type) and issubclass(value, StillframeError)
    ]
    assert len(found) > len(REASONS)
    return found


def test_every_reason_has_its_class() -> None:
    assert sorted(BY_REASON) == sorted(REASONS)
    assert len(set(BY_REASON.values())) == len(REASONS)


@pytest.mark.parametrize("reason", REASONS)
def test_a_class_is_named_after_its_reason_and_stands_under_its_code(reason: str) -> None:
    kind = BY_REASON[reason]
    comment = _comment(reason)

    assert kind.__name__ == "".join(each.title() for each in reason.split("_")) + "Error"
    assert comment.startswith(f"{kind.status}: ")


def _comment(reason: str) -> str:
    # The contract's text is the reference: the generated types carry it.
    source = (error_pb2.__file__ or "").replace(".py", ".pyi")
    with open(source) as lines:  # noqa: PTH123
        text = lines.read()
    match = re.search(rf'ERROR_REASON_{reason}: .*\n\s*"""(.+)', text)
    assert match is not None
    return match[1]


@pytest.mark.parametrize("code", list(grpc.StatusCode))
def test_every_code_but_ok_has_its_class(code: grpc.StatusCode) -> None:
    if code is not grpc.StatusCode.OK:
        error = error_from_status(code.name, "why", None)

        assert type(error) is BY_CODE[code.name]
        assert error.code is code
        assert error.reason == ""
        assert str(error) == "why"


def test_the_tree_in_the_docstring_is_the_tree() -> None:
    drawn: dict[str, str] = {}
    path: list[str] = []
    for line in (_errors.__doc__ or "").splitlines():
        match = re.match(r"^ {4}([│ ├└─]*)(\w+Error)\b", line)
        if match:
            path = [*path[: len(match[1]) // 4], match[2]]
            drawn[match[2]] = path[-2] if len(path) > 1 else "Exception"

    assert drawn == {each.__name__: each.__bases__[0].__name__ for each in _classes()}


def test_an_error_carries_all_that_the_server_said() -> None:
    details = status_details(
        grpc.StatusCode.INVALID_ARGUMENT,
        "INVALID_FIELD",
        metadata={"field": "ttl"},
        retry_after=1.25,
        violations=(("ttl", "is negative"), ("labels", "too many")),
    )

    error = error_from_status("INVALID_ARGUMENT", "as it happened", details)

    assert type(error) is InvalidFieldError
    assert error.reason == "INVALID_FIELD"
    assert error.message == "as it happened"
    assert str(error) == "INVALID_FIELD: as it happened"
    assert error.metadata == {"field": "ttl"}
    assert error.violations == (
        FieldViolation("ttl", "is negative"),
        FieldViolation("labels", "too many"),
    )
    assert error.retry_after == 1.25


def test_a_wait_longer_than_any_time_does_not_hide_the_error() -> None:
    retry = error_details_pb2.RetryInfo()
    retry.retry_delay.seconds = 2**60
    status = status_pb2.Status(code=14)
    status.details.add().Pack(retry)
    error = error_from_status("UNAVAILABLE", "away", status.SerializeToString())
    assert type(error) is UnavailableError
    assert error.retry_after == 2.0**60


def test_a_reason_of_another_domain_is_not_ours() -> None:
    details = status_details(grpc.StatusCode.UNAVAILABLE, "FENCED", domain="mesh.example")

    error = error_from_status("UNAVAILABLE", "no upstream", details)

    assert type(error) is UnavailableError
    assert error.reason == ""


def test_a_reason_of_a_newer_server_falls_back_on_the_code() -> None:
    details = status_details(grpc.StatusCode.ABORTED, "BRAND_NEW")

    error = error_from_status("ABORTED", "", details)

    assert type(error) is BY_CODE["ABORTED"]
    assert error.reason == "BRAND_NEW"


def test_details_that_cannot_be_read_do_not_hide_the_status() -> None:
    error = error_from_status("UNAVAILABLE", "broken", b"\xff\xff\xff")

    assert type(error) is UnavailableError
    assert error.message == "broken"


def test_an_unknown_code_is_unknown() -> None:
    assert type(error_from_status("NO_SUCH_CODE", "", None)) is UnknownError


@pytest.mark.parametrize("kind", _classes())
def test_errors_cross_process_boundaries(kind: type[StillframeError]) -> None:
    error = kind("why")
    error.metadata["a"] = "b"
    error.retry_after = 2.0

    copy = pickle.loads(pickle.dumps(error))

    assert type(copy) is kind
    assert str(copy) == str(error)
    assert copy.metadata == {"a": "b"}
    assert copy.retry_after == 2.0
    assert copy.code.name == kind.status


def test_value_errors_are_value_errors_and_keep_their_key() -> None:
    encode = pickle.loads(pickle.dumps(ValueEncodeError("no", key="variables['x']")))
    decode = pickle.loads(pickle.dumps(ValueDecodeError("no", key="k", payload=Payload(data=b"1"))))

    assert issubclass(ValueEncodeError, ValueError)
    assert issubclass(ValueDecodeError, ValueError)
    assert str(encode) == "variables['x']: no"
    assert encode.key == "variables['x']"
    assert decode.payload == Payload(data=b"1")


def test_fenced_is_a_failed_precondition() -> None:
    assert FencedError().code is grpc.StatusCode.FAILED_PRECONDITION
