"""The thinking of a pipeline: what is sent against what, what is sent again, what is bounded."""

from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any

import grpc
import pytest
from google.rpc import status_pb2

from stillframe.client import (
    ClosedError,
    DeltaBaseMismatchError,
    FencedError,
    InternalError,
    PermissionDeniedError,
    RetryPolicy,
    Saved,
    SaveOutcome,
    ShuttingDownError,
    SnapshotTooLargeError,
    StillframeError,
    StoreUnavailableError,
    UnavailableError,
    UnknownError,
)
from stillframe.client import _pipelining as pipelining
from stillframe.client._encoding import encode_snapshot
from stillframe.client._pipelining import MAX_PER_EXECUTION, MESSAGE_BYTES, PipelineCore, keep
from stillframe.client._requests import Requests, SaveOptions
from stillframe.client._retry import Clock
from stillframe.v1 import snapshot_service_pb2 as rpc
from tests.unit.client.fake_head import BIG, CODEC, running
from tests.unit.client.support import item_failed, item_saved

POLICY = RetryPolicy(initial_backoff=1.0, max_backoff=4.0)


def mismatch(item: rpc.SaveItem) -> rpc.SaveItemResult:
    return item_failed(item, grpc.StatusCode.ABORTED, "DELTA_BASE_MISMATCH")


@dataclass
class Bench:
    """A core under a clock that the test moves, and its futures."""

    max_unanswered: int = 100
    max_message_bytes: int = 1 << 26
    now: float = 100.0
    futures: list[Future[Saved]] = field(default_factory=list[Future[Saved]])

    def __post_init__(self) -> None:
        self.core: PipelineCore[Future[Saved]] = PipelineCore(
            Requests("acme", CODEC, self.max_message_bytes),
            POLICY,
            Clock(monotonic=lambda: self.now, random=lambda: 1.0),
            max_unanswered=self.max_unanswered,
            max_absence=10.0,
        )
        self.core.begin()

    def save(self, execution_id: str = "run", options: SaveOptions | None = None, **v: Any) -> None:
        future: Future[Saved] = Future()
        encoded = encode_snapshot(running(**v), CODEC)
        self.core.submit(execution_id, encoded, options or SaveOptions(), future)
        self.futures.append(future)

    def sent(self) -> list[rpc.SaveItem]:
        items: list[rpc.SaveItem] = []
        while self.core.has_unsent:
            items += self.core.next_message().items
        return items

    def answer(self, *results: rpc.SaveItemResult) -> StillframeError | None:
        settled, error = self.core.receive(rpc.SaveSnapshotsResponse(results=results))
        keep(settled)
        return error

    def end(self, error: StillframeError | None = None) -> float | None:
        broken, delay = self.core.ended(error)
        keep(broken)
        return delay

    def versions(self) -> list[int | type[BaseException] | None]:
        """What has become of each save."""
        told: list[int | type[BaseException] | None] = []
        for future in self.futures:
            if not future.done():
                told.append(None)
            elif (error := future.exception()) is not None:
                told.append(type(error))
            else:
                told.append(future.result().version)
        return told


def test_a_save_behind_one_without_an_answer_is_a_delta_against_it() -> None:
    bench = Bench()
    bench.save(n=0, big=BIG)
    bench.save(n=1, big=BIG)
    bench.save(only="small")  # The whole would be less.
    bench.save("other", n=0)

    first, second, third, other = [item.save for item in bench.sent()]
    assert first.HasField("snapshot")
    assert other.HasField("snapshot")
    assert second.delta.base_request_id == first.request_id
    assert list(second.delta.snapshot.variables) == ["n"]
    assert third.delta.base_request_id == second.request_id
    assert list(third.delta.removed_variables) == ["n", "big"]
    assert len({first.request_id, second.request_id, third.request_id, other.request_id}) == 4


def test_once_all_is_answered_the_etag_is_the_base() -> None:
    bench = Bench()
    bench.save(n=0, big=BIG)
    bench.save(n=1, big=BIG)
    one, two = bench.sent()
    bench.answer(item_saved(one, 1))
    bench.save(n=2, big=BIG)
    bench.answer(item_saved(two, 2))
    (three,) = bench.sent()
    bench.answer(item_saved(three, 3))
    bench.save(n=3, big=BIG)
    (four,) = bench.sent()
    bench.answer(item_saved(four, 4))
    bench.save(nothing="alike")

    assert three.save.delta.base_request_id == two.save.request_id
    assert four.save.delta.base_etag == "e3"
    # Whole, but only upon what it takes the head to be.
    (whole,) = bench.sent()
    assert whole.save.HasField("snapshot")
    assert whole.save.expected_etag == "e4"
    assert bench.versions() == [1, 2, 3, 4, None]


def test_after_an_error_the_next_save_is_whole_and_replaces_what_is_there() -> None:
    bench = Bench()
    for number in range(3):
        bench.save(n=number, big=BIG)
    one, two, three = bench.sent()
    bench.answer(item_failed(one, grpc.StatusCode.FAILED_PRECONDITION, "FENCED"))
    bench.save(n=3, big=BIG)
    # What was sent before it says nothing of the head any more.
    bench.answer(mismatch(two), mismatch(three))
    bench.save(n=4, big=BIG)

    whole, behind = [item.save for item in bench.sent()]
    assert whole.HasField("snapshot")
    assert not whole.HasField("expected_etag")
    assert behind.delta.base_request_id == whole.request_id
    assert bench.versions() == [
        FencedError, DeltaBaseMismatchError, DeltaBaseMismatchError, None, None,
    ]  # fmt: skip


def test_an_error_of_one_execution_leaves_the_others_alone() -> None:
    bench = Bench()
    for name in ("a", "b"):
        bench.save(name, n=0, big=BIG)
    one, two = bench.sent()
    bench.answer(mismatch(one), item_saved(two, 1))
    for name in ("a", "b"):
        bench.save(name, n=1, big=BIG)

    kinds = [item.save.WhichOneof("content") for item in bench.sent()]
    assert kinds == ["snapshot", "delta"]


@pytest.mark.parametrize(
    "options", [SaveOptions(must_not_exist=True), SaveOptions(request_id="mine")]
)
def test_some_saves_are_whole_whatever_is_known(options: SaveOptions) -> None:
    bench = Bench()
    bench.save(n=0, big=BIG)
    bench.save(n=1, big=BIG, options=options)
    bench.save(n=2, big=BIG)

    _, whole, behind = [item.save for item in bench.sent()]
    assert whole.HasField("snapshot")
    assert whole.request_id == (options.request_id or whole.request_id)
    assert behind.delta.base_request_id == whole.request_id


def test_options_go_with_their_save() -> None:
    bench = Bench()
    bench.save(options=SaveOptions(expected_etag="e", writer_epoch=7, ttl=2.5), n=1)
    bench.save(options=SaveOptions(allow_sequence_regression=True), n=2)

    one, two = [item.save for item in bench.sent()]
    assert (one.expected_etag, one.writer_epoch, one.ttl.seconds) == ("e", 7, 2)
    assert not two.HasField("expected_etag")
    assert two.allow_sequence_regression


def test_what_has_no_answer_is_sent_again_in_its_order_as_it_was() -> None:
    bench = Bench()
    for number in range(6):
        bench.save(f"run-{number % 2}", n=number, big=BIG)
    first = bench.sent()
    bench.answer(item_saved(first[1], 1), item_saved(first[2], 2))
    assert bench.end(UnavailableError()) == 1.0
    bench.core.begin()

    assert bench.sent() == [first[0], *first[3:]]
    assert bench.sent() == []


def test_a_reason_that_passes_ends_the_call_and_what_came_behind_it_does_not_count() -> None:
    """Else a save that took effect could be followed by the one before it."""
    bench = Bench()
    for number in range(3):
        bench.save(n=number)
    one, two, three = bench.sent()

    error = bench.answer(
        item_saved(one, 1),
        item_failed(two, grpc.StatusCode.UNAVAILABLE, "STORE_UNAVAILABLE"),
        mismatch(three),
    )

    assert isinstance(error, StoreUnavailableError)
    assert bench.end(error) == 1.0
    bench.core.begin()
    assert bench.sent() == [two, three]
    assert bench.versions() == [1, None, None]


def test_a_fault_of_the_server_is_the_saves_own() -> None:
    bench = Bench()
    bench.save(n=1)
    (one,) = bench.sent()
    assert bench.answer(item_failed(one, grpc.StatusCode.INTERNAL, "INTERNAL")) is None
    assert bench.versions() == [InternalError]


def test_absence_is_ridden_out_for_its_time() -> None:
    bench = Bench()
    bench.save(n=1)
    delays: list[float | None] = []
    for error in (None, UnavailableError(), ShuttingDownError(retry_after=2.0), InternalError()):
        delays.append(bench.end(error))
        bench.now += 4.0

    assert delays == [1.0, 2.0, 6.0, None]
    assert bench.versions() == [InternalError]
    with pytest.raises(InternalError):
        bench.save(n=2)
    assert bench.core.has_room("run"), "or nobody would be told"


def test_an_answer_ends_the_absence() -> None:
    bench = Bench()
    for number in range(5):
        bench.save(n=number)
        bench.save(n=number + 100)
        first, second = bench.sent()
        assert bench.end(UnavailableError()) == 1.0
        bench.now += 9.0
        bench.answer(item_saved(first, 1))
        assert bench.end(UnavailableError()) == 1.0
        bench.now += 9.0
        bench.answer(item_saved(second, 2))
    bench.core.check()


def test_nobody_minds_an_absence_when_nothing_waits() -> None:
    bench = Bench()
    for _ in range(20):
        assert bench.end(UnavailableError()) == 0.0
        bench.now += 100.0
    bench.save(n=1)
    assert bench.end(UnavailableError()) == 1.0


def test_what_waiting_does_not_mend_stops_it() -> None:
    bench = Bench()
    bench.save(n=1)
    bench.save(n=2)
    assert bench.end(PermissionDeniedError()) is None
    assert bench.versions() == [PermissionDeniedError] * 2
    with pytest.raises(PermissionDeniedError):
        bench.core.check()


def test_a_closed_one_takes_no_more_and_goes_on_with_what_it_has() -> None:
    bench = Bench()
    bench.save(n=1)
    bench.core.close()
    assert bench.core.has_room("run")
    with pytest.raises(ClosedError):
        bench.save(n=2)
    (one,) = bench.sent()
    bench.answer(item_saved(one, 1))
    assert bench.versions() == [1]
    assert bench.core.stop(ClosedError()) == []
    bench.core.check()


def test_the_window_is_bounded_in_saves_and_bytes() -> None:
    bench = Bench(max_unanswered=2)
    bench.save("a")
    assert bench.core.has_room("b")
    bench.save("b")
    assert not bench.core.has_room("c")
    bench.answer(item_saved(bench.sent()[0], 1))
    assert bench.core.has_room("c")

    large = Bench()
    large.save("a", x="x" * pipelining.MAX_WINDOW_BYTES)
    assert not large.core.has_room("b")
    large.answer(item_saved(large.sent()[0], 1))
    assert large.core.has_room("b")
    with pytest.raises(ValueError, match="at least 1"):
        Bench(max_unanswered=0)


def test_no_more_saves_of_one_execution_than_the_server_remembers() -> None:
    bench = Bench()
    for number in range(MAX_PER_EXECUTION):
        assert bench.core.has_room("run")
        bench.save(n=number)
    assert not bench.core.has_room("run")
    assert bench.core.has_room("other")
    bench.answer(item_saved(bench.sent()[0], 1))
    assert bench.core.has_room("run")


def test_messages_are_filled_and_a_large_save_goes_alone() -> None:
    bench = Bench()
    for number in range(40):
        bench.save(f"run-{number}", x="x" * 100_000)
    bench.save("large", x="x" * 2 * MESSAGE_BYTES)
    bench.save("small")

    sizes: list[tuple[int, int]] = []
    while bench.core.has_unsent:
        message = bench.core.next_message()
        sizes.append((len(message.items), message.ByteSize()))
    assert [count for count, _ in sizes] == [10, 10, 10, 10, 1, 1]
    assert max(size for count, size in sizes if count > 1) <= MESSAGE_BYTES


def test_a_save_that_cannot_be_sent_is_refused_and_leaves_no_trace() -> None:
    bench = Bench(max_message_bytes=4_000)
    bench.save(n=1)
    with pytest.raises(SnapshotTooLargeError):
        bench.save(n=1, x="x" * 4_000)
    bench.save(n=2)

    one, two = [item.save for item in bench.sent()]
    assert two.delta.base_request_id == one.request_id
    assert list(two.delta.snapshot.variables) == ["n"]


def test_what_is_known_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pipelining, "MAX_KNOWN", 20)
    bench = Bench()
    for number in range(10):
        bench.save(f"run-{number}", n=0, big=BIG)
    for item in bench.sent():
        bench.answer(item_saved(item, 1))
    # An execution with its two entries counts three; the oldest were forgotten.
    for number in (9, 0):
        bench.save(f"run-{number}", n=1, big=BIG)
    kinds = [item.save.WhichOneof("content") for item in bench.sent()]
    assert kinds == ["delta", "snapshot"]


def test_results_that_say_nothing_to_it_are_passed_over() -> None:
    bench = Bench()
    bench.save(n=1)
    (one,) = bench.sent()
    stranger = rpc.SaveItem(item_id="stranger")
    bench.answer(item_saved(stranger, 1), item_saved(one, 2), item_saved(one, 3))
    assert bench.versions() == [2]


def test_an_error_with_a_code_of_its_own_is_an_error() -> None:
    bench = Bench()
    bench.save(n=1)
    (one,) = bench.sent()
    error = rpc.SaveError.FromString(status_pb2.Status(code=99, message="?").SerializeToString())
    bench.answer(rpc.SaveItemResult(item_id=one.item_id, error=error))
    assert bench.versions() == [UnknownError]


def test_a_promise_that_was_cancelled_is_left_alone() -> None:
    bench = Bench()
    bench.save(n=1)
    bench.save(n=2)
    one, two = bench.sent()
    assert bench.futures[0].cancel()
    bench.answer(item_saved(one, 1), item_saved(two, 2))
    assert bench.futures[1].result().outcome is SaveOutcome.UPDATED


def test_flushing_waits_for_everything_before() -> None:
    bench = Bench()
    for name in ("a", "b", "c"):
        bench.save(name)
    a, b, _ = bench.sent()
    bench.answer(item_saved(b, 1))
    assert not bench.core.is_settled(1)
    bench.answer(item_saved(a, 1))
    assert bench.core.is_settled(2)
    assert not bench.core.is_settled(bench.core.newest)
