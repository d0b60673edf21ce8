"""The sync watch against a server that the test plays."""

import queue
from collections.abc import Iterator

import grpc
import pytest

from stillframe.client import (
    Change,
    Filter,
    HistoryCompactedError,
    PermissionDeniedError,
    Progress,
    Restarted,
    UnavailableError,
    Watch,
    WatchEvent,
    WatchMode,
    WatchOpened,
)
from stillframe.v1 import snapshot_service_pb2 as rpc
from tests.unit.client.frames import GOODBYE, caught_up, change, opened, progress
from tests.unit.client.support import PATIENCE, Stage, Taken


def send(call: Taken, *frames: rpc.WatchFrame) -> None:
    call.call.send_response(rpc.WatchSnapshotsResponse(frames=frames))


def end(call: Taken, code: grpc.StatusCode = grpc.StatusCode.OK) -> None:
    call.call.terminate((), code, "as it happened")


class Consumer:
    """Iterates in a thread, and shows what came.

    grpcio-testing forgets responses that were not read when a call fails, so a test takes
    what it sent before it ends the call.
    """

    def __init__(self, stage: Stage, events: Iterator[WatchEvent]) -> None:
        self._came: queue.Queue[WatchEvent] = queue.Queue()
        self.end = stage.start(lambda: self._consume(events))

    def _consume(self, events: Iterator[WatchEvent]) -> None:
        for each in events:
            self._came.put(each)

    def take(self, count: int) -> list[WatchEvent]:
        return [self._came.get(timeout=PATIENCE) for _ in range(count)]

    def types(self, count: int) -> list[type[WatchEvent]]:
        return [type(each) for each in self.take(count)]


def test_a_watch_goes_on_over_breaks_and_restarts(stage: Stage) -> None:
    client = stage.client(jitter=1.0)
    watch = client.watch(Filter(user_id="u"), mode=WatchMode.EVERY_CHANGE)
    consumer = Consumer(stage, watch)

    first = stage.take_watch()
    send(first, opened("r0"), change("r1"), change("r2"))
    assert consumer.types(3) == [WatchOpened, Change, Change]
    end(first, grpc.StatusCode.UNAVAILABLE)
    second = stage.take_watch()
    send(second, opened(""))
    send(second, change("r3"), GOODBYE)
    end(second)
    assert consumer.types(2) == [WatchOpened, Change]
    third = stage.take_watch()
    send(third, opened(""), progress("r9"))
    assert consumer.types(2) == [WatchOpened, Progress]

    assert first.request.WhichOneof("start") == "now"
    assert [second.request.resume_token, third.request.resume_token] == ["r2", "r3"]
    assert all(call.request.filter.user_id == "u" for call in (first, second, third))
    assert watch.resume_token == "r9"
    assert stage.waits == [1.0, 1.0]
    watch.close()
    consumer.end.result(PATIENCE)


def test_changes_are_the_changes_alone(stage: Stage) -> None:
    client = stage.client()
    watch = client.watch()
    consumer = Consumer(stage, watch.changes())

    call = stage.take_watch()
    send(call, opened("r0"), change("r1"))
    send(call, caught_up("r2"), change("r3"))
    assert consumer.types(2) == [Change, Change]
    end(call, grpc.StatusCode.PERMISSION_DENIED)

    assert isinstance(consumer.end.exception(PATIENCE), PermissionDeniedError)
    assert watch.resume_token == "r3"
    # An iterator that raised is at its end.
    assert list(watch) == []


@pytest.mark.parametrize("by", ["watch", "client"])
def test_another_thread_closes_it(stage: Stage, by: str) -> None:
    client = stage.client()
    watch = client.watch()
    consumer = Consumer(stage, watch)
    call = stage.take_watch()
    send(call, opened("r0"))
    consumer.take(1)
    if by == "watch":
        watch.close()
        call.call.cancelled()
    else:
        client.close()
        # A channel that was given stays open, and so do its calls, until they end.
        end(call, grpc.StatusCode.CANCELLED)

    consumer.end.result(PATIENCE)
    watch.close()
    assert list(watch) == []


def test_leaving_the_context_cancels_the_call(stage: Stage) -> None:
    client = stage.client()

    def consume() -> Watch:
        with client.watch() as watch:
            next(watch)
        return watch

    consuming = stage.start(consume)
    call = stage.take_watch()
    send(call, opened("r0"))

    assert list(consuming.result(PATIENCE)) == []
    call.call.cancelled()


def test_a_lost_place_is_raised(stage: Stage) -> None:
    consumer = Consumer(stage, stage.client().watch(resume_token="r1"))

    stage.take_watch().fail_stream(grpc.StatusCode.OUT_OF_RANGE, "HISTORY_COMPACTED")

    assert isinstance(consumer.end.exception(PATIENCE), HistoryCompactedError)


def test_a_lost_place_starts_over_if_asked(stage: Stage) -> None:
    watch = stage.client().watch(resume_token="r1", restart_if_lost=True)
    consumer = Consumer(stage, watch)

    stage.take_watch().fail_stream(grpc.StatusCode.OUT_OF_RANGE, "STORE_REPLACED")
    again = stage.take_watch()
    send(again, opened(""))

    assert again.request.WhichOneof("start") == "initial_state"
    assert consumer.take(1) == [Restarted(reason="STORE_REPLACED")]
    assert consumer.types(1) == [WatchOpened]
    watch.close()
    consumer.end.result(PATIENCE)


def test_an_unreachable_server_is_an_error(stage: Stage) -> None:
    consumer = Consumer(stage, stage.client().watch())

    for _ in range(8):
        end(stage.take_watch(), grpc.StatusCode.UNAVAILABLE)

    assert isinstance(consumer.end.exception(PATIENCE), UnavailableError)
