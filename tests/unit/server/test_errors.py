"""The one table from reasons to status codes, and what an error carries."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

import grpc
from google.rpc import error_details_pb2

from stillframe.server.errors import CODE_OF_REASON, reason_name, status_of
from stillframe.server.stores import refusals
from stillframe.server.stores.records import Head
from stillframe.server.stores.refusals import Violation
from stillframe.v1 import error_pb2
from stillframe.v1.snapshot_pb2 import ExecutionSnapshot

if TYPE_CHECKING:
    import pytest
    from google.rpc.status_pb2 import Status


def info_of(status: Status) -> error_details_pb2.ErrorInfo:
    info = error_details_pb2.ErrorInfo()
    assert status.details[0].Unpack(info)
    return info


def test_every_reason_has_a_code() -> None:
    reasons = set(error_pb2.ErrorReason.values()) - {error_pb2.ERROR_REASON_UNSPECIFIED}
    assert set(CODE_OF_REASON) == reasons


def test_a_refusal_carries_reason_domain_and_metadata() -> None:
    status = status_of(refusals.execution_not_found("run-1"), "LoadSnapshot")
    assert status.code == grpc.StatusCode.NOT_FOUND.value[0]
    info = info_of(status)
    assert (info.reason, info.domain) == ("EXECUTION_NOT_FOUND", "stillframe")
    assert dict(info.metadata) == {"execution_id": "run-1"}


def test_a_time_to_wait_comes_as_retry_info() -> None:
    status = status_of(refusals.store_unavailable(retry_after=1.5), "SaveSnapshot")
    retry = error_details_pb2.RetryInfo()
    assert status.details[1].Unpack(retry)
    assert retry.retry_delay.ToMilliseconds() == 1500


def test_a_quota_comes_as_quota_failure() -> None:
    status = status_of(refusals.quota_exceeded("max_executions", 3), "SaveSnapshot")
    quota = error_details_pb2.QuotaFailure()
    assert status.details[1].Unpack(quota)
    assert quota.violations[0].subject == "max_executions"


def test_details_stay_below_4_kib_and_count_what_is_left_out() -> None:
    violations = [Violation(f"labels[{i}]", "must not be empty" * 20) for i in range(500)]
    status = status_of(refusals.invalid_field(*violations), "SaveSnapshot")
    assert status.ByteSize() < 4096
    bad_request = error_details_pb2.BadRequest()
    assert status.details[1].Unpack(bad_request)
    shown = len(bad_request.field_violations)
    assert shown > 0
    assert int(info_of(status).metadata["violations_omitted"]) == 500 - shown


def test_long_values_do_not_push_the_reason_out() -> None:
    head = Head(ExecutionSnapshot(version=7), "0" * 16, 0, 0)
    refusal = refusals.delta_base_mismatch("é" * 256, "b" * 512, head)
    status = status_of(refusal, "SaveSnapshot")
    assert status.ByteSize() < 4096
    assert info_of(status).reason == "DELTA_BASE_MISMATCH"


def test_the_text_of_an_unexpected_exception_stays_in_the_log(
    caplog: pytest.LogCaptureFixture,
) -> None:
    with caplog.at_level(logging.ERROR):
        status = status_of(RuntimeError("the password is swordfish"), "SaveSnapshot")
    assert status.code == grpc.StatusCode.INTERNAL.value[0]
    assert b"swordfish" not in status.SerializeToString()
    error_id = info_of(status).metadata["error_id"]
    assert error_id in caplog.text
    assert "swordfish" in caplog.text


def test_reason_names_have_no_prefix() -> None:
    assert reason_name(error_pb2.ERROR_REASON_FENCED) == "FENCED"
