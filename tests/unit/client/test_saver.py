"""The background saver: the newest state wins, absence is ridden out, fatal errors surface."""

import threading
from typing import Any

import grpc
import pytest

from stillframe.client import (
    ClosedError,
    DeadlineExceededError,
    FencedError,
    JsonCodec,
    RetryPolicy,
    Saved,
    SaveOutcome,
    UnavailableError,
    ValueEncodeError,
)
from stillframe.client._encoding import encode_snapshot
from stillframe.client._requests import SaveOptions
from stillframe.client._retry import Clock
from stillframe.client._saver import Job, SaverCore
from stillframe.v1 import snapshot_service_pb2 as rpc
from tests.unit.client.support import PATIENCE, Stage, snapshot

SAVED = Saved(version=1, etag="e", revision=1, resume_token="", outcome=SaveOutcome.UPDATED)
POLICY = RetryPolicy(initial_backoff=1.0, max_backoff=4.0)


class Bench:
    """A core under a clock that the test moves."""

    def __init__(self, max_absence: float = 10.0) -> None:
        self.now = 100.0
        clock = Clock(monotonic=lambda: self.now, random=lambda: 1.0)
        self.core = SaverCore(POLICY, clock, max_absence)

    def submit(self, **variables: Any) -> int:
        self.core.submit(encode_snapshot(snapshot(**variables), JsonCodec()), SaveOptions())
        return self.core.newest

    def take(self) -> Job:
        job = self.core.take()
        assert job is not None
        return job


def test_a_newer_state_takes_the_place_of_the_one_that_waits() -> None:
    bench = Bench()
    first = bench.submit(n=1)
    under_way = bench.take()
    second, third = bench.submit(n=2), bench.submit(n=3)

    bench.core.saved(under_way, SAVED)
    assert [bench.core.is_settled(each) for each in (first, second, third)] == [True, False, False]
    newest = bench.take()
    assert newest.ticket == third
    assert newest.snapshot.variables["n"].data == b"3"
    assert not bench.core.has_work
    bench.core.saved(newest, SAVED)
    assert bench.core.is_settled(second)


def test_the_time_that_a_server_asks_for_does_not_lift_the_bound() -> None:
    bench = Bench(max_absence=10.0)
    bench.submit(n=1)
    assert bench.core.failed(bench.take(), UnavailableError(retry_after=3_600.0)) == 10.0


def test_an_absence_begins_with_the_first_try_that_fails() -> None:
    bench = Bench(max_absence=10.0)
    bench.submit(n=1)
    job = bench.take()
    bench.now += 10.0
    assert bench.core.failed(job, UnavailableError()) is None


def test_absence_is_ridden_out_for_its_time() -> None:
    bench = Bench(max_absence=10.0)
    bench.submit(n=1)
    delays: list[float | None] = []
    for _ in range(5):
        delays.append(bench.core.failed(bench.take(), UnavailableError()))
        bench.now += 3.0

    assert delays == [1.0, 2.0, 4.0, 1.0, None]
    assert bench.core.is_settled(bench.core.newest)
    with pytest.raises(UnavailableError):
        bench.core.check()
    with pytest.raises(UnavailableError):
        bench.submit(n=2)


def test_an_answer_ends_the_absence() -> None:
    bench = Bench(max_absence=10.0)
    for _ in range(5):
        bench.submit()
        bench.core.failed(bench.take(), DeadlineExceededError())
        bench.now += 9.0
        bench.core.saved(bench.take(), SAVED)
    bench.core.check()


def test_after_a_failure_the_newest_state_is_tried() -> None:
    bench = Bench()
    bench.submit(n=1)
    job = bench.take()
    bench.submit(n=2)

    bench.core.failed(job, UnavailableError())

    assert bench.take().snapshot.variables["n"].data == b"2"


def test_a_try_ends_with_the_absence() -> None:
    bench = Bench(max_absence=10.0)
    assert bench.core.time_left(30.0) == 10.0
    assert bench.core.time_left(4.0) == 4.0
    assert bench.core.time_left(None) == 10.0
    bench.submit()
    bench.core.failed(bench.take(), UnavailableError())
    bench.now += 7.0
    assert bench.core.time_left(30.0) == 3.0
    bench.now += 7.0
    assert bench.core.time_left(30.0) == 0.001


def reply(stage: Stage, version: int) -> rpc.SaveSnapshotRequest:
    call = stage.take("SaveSnapshot")
    call.reply(rpc.SaveSnapshotResponse(version=version, etag=f"e{version}"))
    request = call.request
    assert isinstance(request, rpc.SaveSnapshotRequest)
    return request


def test_one_is_under_way_and_the_newest_follows(stage: Stage) -> None:
    saver = stage.client().saver("run", writer_epoch=3)
    big = "x" * 500
    state = {"big": big, "n": 0}
    saver.submit(snapshot(**state))
    first = stage.take("SaveSnapshot")
    for n in range(1, 5):
        state["n"] = n
        saver.submit(snapshot(**state))
    flushing = stage.start(saver.flush)
    first.reply(rpc.SaveSnapshotResponse(version=1, etag="e1"))

    second = reply(stage, 2)

    flushed = flushing.result(PATIENCE)
    assert flushed is not None
    assert flushed.version == 2
    assert second.writer_epoch == 3
    assert second.delta.base_etag == "e1"
    assert {key: each.data for key, each in second.delta.snapshot.variables.items()} == {"n": b"4"}
    saver.close()


def test_it_may_be_closed_twice(stage: Stage) -> None:
    saver = stage.client().saver("run")
    saver.submit(snapshot(n=1))
    reply(stage, 1)
    saver.close()
    saver.close()
    assert saver.flush() is not None
    with pytest.raises(ClosedError):
        saver.submit(snapshot(n=2))


def test_the_state_is_the_one_at_the_submit(stage: Stage) -> None:
    saver = stage.client().saver("run")
    messages = ["a"]
    saver.submit(snapshot(messages=messages))
    messages.append("b")

    assert reply(stage, 1).snapshot.variables["messages"].data == b'["a"]'
    saver.close()


def test_a_fatal_error_is_raised_by_flush_and_submit(stage: Stage) -> None:
    saver = stage.client().saver("run")
    saver.submit(snapshot())
    stage.take("SaveSnapshot").fail(grpc.StatusCode.FAILED_PRECONDITION, "FENCED")

    for _ in range(2):
        with pytest.raises(FencedError):
            saver.flush(PATIENCE)
    with pytest.raises(FencedError):
        saver.submit(snapshot())
    with pytest.raises(FencedError):
        saver.close()
    with pytest.raises(ClosedError):
        saver.submit(snapshot())


def test_an_absence_is_ridden_out_with_the_same_request(stage: Stage) -> None:
    saver = stage.client(retry=RetryPolicy(max_attempts=2), jitter=1.0).saver("run")
    saver.submit(snapshot(n=1))
    requests: list[rpc.SaveSnapshotRequest] = []
    for _ in range(5):
        call = stage.take("SaveSnapshot")
        requests.append(call.request)
        call.fail(grpc.StatusCode.UNAVAILABLE)
    requests.append(reply(stage, 1))
    reply(stage, 2)

    flushed = saver.flush(PATIENCE)
    assert flushed is not None
    assert flushed.version == 2
    assert len({each.request_id for each in requests}) == 1
    saver.close()


def test_an_absence_that_lasts_is_an_error(stage: Stage) -> None:
    client = stage.client(
        retry=RetryPolicy(max_attempts=1, initial_backoff=4.0, max_backoff=4.0), jitter=1.0
    )
    saver = client.saver("run", max_absence=3.0)
    saver.submit(snapshot())
    for _ in range(2):
        stage.take("SaveSnapshot").fail(grpc.StatusCode.UNAVAILABLE)

    with pytest.raises(UnavailableError):
        saver.flush(PATIENCE)
    with pytest.raises(UnavailableError):
        saver.close()


def test_flush_has_a_timeout(stage: Stage) -> None:
    saver = stage.client().saver("run")
    assert saver.flush() is None
    saver.submit(snapshot())
    call = stage.take("SaveSnapshot")

    with pytest.raises(DeadlineExceededError):
        saver.flush(0.0)
    call.reply(rpc.SaveSnapshotResponse(version=1))
    assert saver.flush(PATIENCE) is not None
    saver.close()


def test_what_cannot_be_encoded_is_the_submitters_error(stage: Stage) -> None:
    with stage.client().saver("run") as saver, pytest.raises(ValueEncodeError):
        saver.submit(snapshot(n=object()))


def test_leaving_the_context_flushes(stage: Stage) -> None:
    saver = stage.client().saver("run")

    def use() -> None:
        with saver:
            saver.submit(snapshot())

    using = stage.start(use)
    reply(stage, 1)
    using.result(PATIENCE)

    with pytest.raises(ClosedError):
        saver.submit(snapshot())
    assert "stillframe-saver" not in {each.name for each in threading.enumerate()}


def test_the_bodys_error_comes_before_the_savers(stage: Stage) -> None:
    saver = stage.client().saver("run")

    def use() -> None:
        with saver:
            saver.submit(snapshot())
            raise LookupError("the body's")

    using = stage.start(use)
    stage.take("SaveSnapshot").fail(grpc.StatusCode.FAILED_PRECONDITION, "FENCED")

    error = using.exception(PATIENCE)
    assert isinstance(error, LookupError)
    assert "FencedError" in error.__notes__[0]
