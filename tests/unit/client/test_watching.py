"""The state of a watch over its connections: what is asked for, what is handed out, what an
end means. No connection is involved.
"""

import random

import pytest

from stillframe.client import (
    CaughtUp,
    Change,
    ChangeKind,
    Clock,
    FencedError,
    HistoryCompactedError,
    InitialStateEnd,
    InternalError,
    JsonCodec,
    Progress,
    Restarted,
    RetryPolicy,
    ShuttingDownError,
    StillframeError,
    StoreReplacedError,
    UnavailableError,
    WatchEvent,
    WatchMode,
    WatchOpened,
)
from stillframe.client._watching import Watching
from stillframe.v1 import snapshot_service_pb2 as rpc
from tests.unit.client.frames import (
    GOODBYE,
    caught_up,
    change,
    initial_state_end,
    opened,
    progress,
)

POLICY = RetryPolicy(max_attempts=3, initial_backoff=1.0, max_backoff=4.0)


def watching(*, start: str = "now", restart_if_lost: bool = False, jitter: float = 1.0) -> Watching:
    request = rpc.WatchSnapshotsRequest(tenant_id="acme", mode=rpc.WATCH_MODE_EVERY_CHANGE)
    if start == "initial":
        request.initial_state.SetInParent()
    elif start != "now":
        request.resume_token = start
    return Watching(
        request,
        JsonCodec(),
        policy=POLICY,
        clock=Clock(random=lambda: jitter),
        restart_if_lost=restart_if_lost,
    )


def receive(watch: Watching, *frames: rpc.WatchFrame) -> None:
    watch.receive(rpc.WatchSnapshotsResponse(frames=frames))


def events(watch: Watching, *frames: rpc.WatchFrame) -> list[WatchEvent]:
    receive(watch, *frames)
    found: list[WatchEvent] = []
    while (event := watch.next_event()) is not None:
        found.append(event)
    return found


def start_of(request: rpc.WatchSnapshotsRequest) -> str:
    which = request.WhichOneof("start")
    return request.resume_token if which == "resume_token" else str(which)


def test_frames_become_events() -> None:
    watch = watching()

    assert start_of(watch.next_request()) == "now"
    got = events(watch, opened("r0"), caught_up("r1"), change("r2"), progress("r3"))

    assert got[0] == WatchOpened(
        mode=WatchMode.EVERY_CHANGE,
        full=True,
        max_message_bytes=99,
        progress_interval=0.0,
        resume_token="r0",
    )
    assert got[1] == CaughtUp(resume_token="r1")
    assert isinstance(got[2], Change)
    assert got[2].kind is ChangeKind.SAVED
    assert not got[2].initial
    assert got[2].resume_token == "r2"
    assert got[3] == Progress(resume_token="r3")
    assert watch.resume_token == "r3"


def test_the_rest_of_the_request_stays_as_it_was() -> None:
    watch = watching(start="r5")

    request = watch.next_request()

    assert request.tenant_id == "acme"
    assert request.mode == rpc.WATCH_MODE_EVERY_CHANGE
    assert start_of(request) == "r5"


def test_the_token_moves_when_an_event_is_handed_out() -> None:
    watch = watching()
    watch.next_request()
    receive(watch, opened("r0"), change("r1"), change("r2"), change("r3"))

    watch.next_event()
    watch.next_event()

    assert watch.resume_token == "r1"
    watch.ended(UnavailableError())
    # What came and was not handed out is asked for again, and not handed out twice.
    assert start_of(watch.next_request()) == "r1"
    assert watch.next_event() is None


def test_a_watch_that_was_cut_before_it_opened_starts_now_again() -> None:
    watch = watching()
    watch.next_request()
    watch.ended(UnavailableError())

    assert start_of(watch.next_request()) == "now"
    events(watch, opened("r7"))
    watch.ended(UnavailableError())
    assert start_of(watch.next_request()) == "r7"


def test_the_initial_state() -> None:
    watch = watching(start="initial")

    assert start_of(watch.next_request()) == "initial_state"
    got = events(watch, opened("r1"), change(), change(), initial_state_end("r4", 2), change("r5"))

    assert [type(each) for each in got] == [WatchOpened, Change, Change, InitialStateEnd, Change]
    assert [each.initial for each in got if isinstance(each, Change)] == [True, True, False]
    assert got[3] == InitialStateEnd(execution_count=2, resume_token="r4")
    watch.ended(None)
    assert start_of(watch.next_request()) == "r5"
    assert [type(each) for each in events(watch, opened(), change("r6"))] == [
        WatchOpened,
        Change,
    ]


def test_no_token_of_the_initial_state_is_trusted() -> None:
    watch = watching(start="initial")
    watch.next_request()

    got = events(watch, opened("r1"), change("r2"), progress("r3"))

    assert watch.resume_token == ""
    assert all(each.resume_token == "" for each in got if not isinstance(each, Restarted))


def test_a_cut_in_the_initial_state_starts_over_and_says_so() -> None:
    watch = watching(start="initial")
    watch.next_request()
    events(watch, opened(), change())

    watch.ended(UnavailableError())

    assert start_of(watch.next_request()) == "initial_state"
    # Said when the new state begins, not while the server is away.
    assert watch.next_event() is None
    got = events(watch, opened(), change(), initial_state_end("r3", 1))
    assert got[0] == Restarted(reason="INTERRUPTED")
    assert [type(each) for each in got[1:]] == [WatchOpened, Change, InitialStateEnd]


def test_a_cut_that_nobody_saw_needs_no_restart() -> None:
    watch = watching(start="initial")
    watch.next_request()
    events(watch, opened())
    watch.ended(UnavailableError())
    watch.next_request()

    assert [type(each) for each in events(watch, opened(), initial_state_end("r1"))] == [
        WatchOpened,
        InitialStateEnd,
    ]


def test_a_restart_that_is_cut_again_is_said_again() -> None:
    watch = watching(start="initial")
    watch.next_request()
    for _ in range(2):
        events(watch, opened(), change())
        watch.ended(UnavailableError())
        watch.next_request()
    receive(watch, opened(), initial_state_end("r1"))

    assert watch.next_event() == Restarted(reason="INTERRUPTED")
    assert isinstance(watch.next_event(), WatchOpened)
    # Cut before the consumer saw any of the new state: the view is empty already.
    watch.ended(UnavailableError())
    watch.next_request()
    assert [type(each) for each in events(watch, opened(), initial_state_end("r1"))] == [
        WatchOpened,
        InitialStateEnd,
    ]


def test_a_call_that_was_dropped_without_an_end_counts_as_cut() -> None:
    watch = watching(start="initial")
    watch.next_request()
    events(watch, opened(), change())

    watch.next_request()

    assert events(watch, opened())[0] == Restarted(reason="INTERRUPTED")


@pytest.mark.parametrize("error", [HistoryCompactedError, StoreReplacedError])
def test_a_lost_place_is_raised(error: type[StillframeError]) -> None:
    watch = watching(start="r1")
    watch.next_request()

    with pytest.raises(error):
        watch.ended(error())


def test_a_lost_place_starts_over_if_asked() -> None:
    watch = watching(start="r1", restart_if_lost=True)
    watch.next_request()

    watch.ended(HistoryCompactedError("gone", reason="HISTORY_COMPACTED"))

    assert start_of(watch.next_request()) == "initial_state"
    # Still so after another cut on the way.
    watch.ended(UnavailableError())
    assert start_of(watch.next_request()) == "initial_state"
    got = events(watch, opened(), change(), initial_state_end("r9", 1), change("r10"))
    assert got[0] == Restarted(reason="HISTORY_COMPACTED")
    assert [type(each) for each in got[1:]] == [WatchOpened, Change, InitialStateEnd, Change]
    assert watch.resume_token == "r10"


@pytest.mark.parametrize(
    "error", [FencedError(), InternalError("bug", reason="INTERNAL")], ids=["refused", "fault"]
)
def test_an_answer_of_the_server_is_raised(error: StillframeError) -> None:
    watch = watching()
    watch.next_request()
    events(watch, opened("r1"))

    with pytest.raises(type(error)):
        watch.ended(error)


@pytest.mark.parametrize("error", [None, UnavailableError(), InternalError("RST_STREAM")], ids=str)
def test_what_breaks_a_connection_is_survived(error: StillframeError | None) -> None:
    watch = watching()
    watch.next_request()
    events(watch, opened("r1"), GOODBYE)

    assert watch.ended(error) == 1.0
    assert start_of(watch.next_request()) == "r1"


def test_a_watch_that_never_opened_gives_up() -> None:
    watch = watching()
    watch.next_request()

    assert [watch.ended(UnavailableError()) for _ in range(2)] == [1.0, 2.0]
    with pytest.raises(UnavailableError):
        watch.ended(UnavailableError())


def test_a_watch_that_was_open_waits_as_long_as_it_takes() -> None:
    watch = watching()
    watch.next_request()
    events(watch, opened("r1"))

    delays = [watch.ended(UnavailableError()) for _ in range(2_000)]

    assert delays[:4] == [1.0, 2.0, 4.0, 4.0]
    assert delays[-1] == 4.0
    assert watch.ended(ShuttingDownError(retry_after=0.5)) == 4.5
    events(watch, opened("r1"))
    assert watch.ended(UnavailableError()) == 1.0


def test_an_unknown_frame_moves_the_token_and_is_passed_over() -> None:
    watch = watching()
    watch.next_request()

    assert events(watch, opened("r1"), rpc.WatchFrame(resume_token="r2"))[1:] == []
    assert watch.resume_token == "r2"


@pytest.mark.parametrize(
    "frame",
    [
        change("r1", kind=rpc.CHANGE_KIND_DELETED),
        change("r1", content_gone=True),
        change("r1", kind=rpc.CHANGE_KIND_LEFT_FILTER),
    ],
    ids=["deleted", "gone", "left"],
)
def test_a_change_without_entries_cannot_be_saved_back(frame: rpc.WatchFrame) -> None:
    watch = watching()
    watch.next_request()

    event = events(watch, opened("r0"), frame)[1]

    assert isinstance(event, Change)
    assert event.snapshot.variables.is_partial


@pytest.mark.parametrize("seed", range(40))
def test_no_gap_and_no_duplicate_whatever_is_cut(seed: int) -> None:
    chance = random.Random(seed)
    watch = watching(start="r0")
    log = [f"r{n}" for n in range(1, 120)]
    seen: list[str] = []
    while watch.resume_token != log[-1]:
        token = watch.next_request().resume_token
        place = int(token[1:])
        receive(watch, opened(chance.choice(["", token])))
        while place < len(log):
            count = chance.randrange(1, 8)
            receive(watch, *(change(each) for each in log[place : place + count]))
            place += count
            # The consumer may stop in the middle of what came.
            for _ in range(chance.randrange(12)):
                event = watch.next_event()
                if isinstance(event, Change):
                    seen.append(event.resume_token)
            if chance.random() < 0.2:
                break
        else:
            while (event := watch.next_event()) is not None:
                if isinstance(event, Change):
                    seen.append(event.resume_token)
        watch.ended(chance.choice([None, UnavailableError()]))
    assert seen == log
