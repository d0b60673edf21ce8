"""The state of a watch over its connections (no I/O).

A watch is one stream of events made of many calls. `Watching` says which request to send
next, turns the frames that come back into events, and decides what the end of a call means.
What it guarantees: in EVERY_CHANGE no change is lost or delivered twice over reconnections.
That holds because the resume token moves when an event is handed out, not when its message
arrives: frames that came and were not handed out come again.
"""

from collections import deque
from enum import Enum, auto

from stillframe.client import _events as ev
from stillframe.client._decoding import stored_snapshot
from stillframe.client._encoding import NANOS
from stillframe.client._enums import ChangeKind, WatchMode, from_wire
from stillframe.client._errors import OutOfRangeError, StillframeError
from stillframe.client._retry import Clock, RetryPolicy, is_absence
from stillframe.client._values import Codec
from stillframe.v1 import snapshot_service_pb2 as rpc

INTERRUPTED = "INTERRUPTED"
"""The reason of a Restarted event after a cut during the initial state."""


class _Phase(Enum):
    OPENING = auto()
    INITIAL = auto()
    LIVE = auto()


class Watching:
    """One watch. Drive it so: send `next_request()`; for each response `receive()` it and
    take `next_event()` until None; when the call ends `ended()`, wait as long as it says,
    and begin again.
    """

    def __init__(
        self,
        request: rpc.WatchSnapshotsRequest,
        codec: Codec,
        *,
        policy: RetryPolicy,
        clock: Clock,
        restart_if_lost: bool,
    ) -> None:
        self._template = request
        self._codec = codec
        self._policy = policy
        self._clock = clock
        self._restart_if_lost = restart_if_lost
        self._from_initial_state = request.WhichOneof("start") == "initial_state"
        self._token = request.resume_token
        self._phase = _Phase.OPENING
        self._frames: deque[rpc.WatchFrame] = deque()
        self._restart_reason = ""
        self._was_open = False
        self._shown_initial = False
        self._failures = 0

    @property
    def resume_token(self) -> str:
        """The token of the last event that carried one; empty before the first."""
        return self._token

    def next_request(self) -> rpc.WatchSnapshotsRequest:
        """The request of the next call."""
        # Here and not in `ended`, because a call may also be dropped without an end, by an
        # interrupt or a cancelled task.
        if self._phase is _Phase.INITIAL and self._shown_initial:
            self._restart_reason = self._restart_reason or INTERRUPTED
        self._phase = _Phase.OPENING
        self._frames.clear()
        request = rpc.WatchSnapshotsRequest()
        request.CopyFrom(self._template)
        if self._token:
            request.resume_token = self._token
        elif self._from_initial_state:
            request.initial_state.SetInParent()
        else:
            request.now.SetInParent()
        return request

    def receive(self, response: rpc.WatchSnapshotsResponse) -> None:
        """Takes the frames of a response."""
        self._frames.extend(response.frames)

    def next_event(self) -> ev.WatchEvent | None:
        """The next event to hand to the consumer; None when another response is needed."""
        while self._frames:
            frame = self._frames[0]
            if frame.HasField("opened") and self._restart_reason:
                # Said only now, when a new view is about to come: until then the consumer's
                # old view is the best that there is. The frame itself stays for next time.
                reason, self._restart_reason = self._restart_reason, ""
                self._shown_initial = False
                return ev.Restarted(reason=reason)
            self._frames.popleft()
            event = self._event(frame)
            self._token = self._safe(frame) or self._token
            if event is not None:
                return event
        return None

    def ended(self, error: StillframeError | None) -> float:
        """Decides what the end of a call means: how many seconds to wait before the next one.
        Raises the error if there is none.

        `error` is None when the server ended the stream with OK, which it does only to be
        resumed elsewhere.
        """
        self._failures += 1
        if isinstance(error, OutOfRangeError) and self._restart_if_lost:
            self._lose(error)
        elif error is not None and not is_absence(error):
            raise error
        # A watch that never opened may have a wrong address, which waiting does not mend; one
        # that was open once waits for its server as long as it takes.
        if error is not None and not self._was_open and self._failures >= self._policy.max_attempts:
            raise error
        delay = self._policy.backoff(self._failures, self._clock.random())
        return delay + ((error.retry_after or 0.0) if error is not None else 0.0)

    def _lose(self, error: OutOfRangeError) -> None:
        self._token = ""
        self._from_initial_state = True
        self._restart_reason = error.reason or error.status

    def _safe(self, frame: rpc.WatchFrame) -> str:
        # Inside the initial state no token is safe, whatever a frame says: after a cut all of
        # its heads must come again.
        return "" if self._phase is _Phase.INITIAL else frame.resume_token

    def _event(self, frame: rpc.WatchFrame) -> ev.WatchEvent | None:
        kind = frame.WhichOneof("frame")
        if kind == "opened":
            return self._opened(frame)
        if kind == "change":
            return self._change(frame)
        if kind == "initial_state_end":
            self._phase = _Phase.LIVE
            return ev.InitialStateEnd(
                execution_count=frame.initial_state_end.execution_count,
                resume_token=self._safe(frame),
            )
        if kind == "caught_up":
            return ev.CaughtUp(resume_token=self._safe(frame))
        if kind == "progress":
            return ev.Progress(resume_token=self._safe(frame))
        # Goodbye announces the end that follows; a kind that this version does not know is
        # passed over, but its token still counts.
        return None

    def _opened(self, frame: rpc.WatchFrame) -> ev.WatchOpened:
        initial = not self._token and self._from_initial_state
        self._phase = _Phase.INITIAL if initial else _Phase.LIVE
        self._was_open = True
        self._failures = 0
        opened = frame.opened
        interval = opened.progress_interval
        return ev.WatchOpened(
            mode=from_wire(WatchMode, opened.mode),
            full=opened.view == rpc.SNAPSHOT_VIEW_FULL,
            max_message_bytes=opened.max_message_bytes,
            progress_interval=interval.seconds + interval.nanos / NANOS,
            resume_token=self._safe(frame),
        )

    def _change(self, frame: rpc.WatchFrame) -> ev.Change:
        change = frame.change
        initial = self._phase is _Phase.INITIAL
        self._shown_initial = self._shown_initial or initial
        whole = change.kind == rpc.CHANGE_KIND_SAVED and not change.content_gone
        return ev.Change(
            kind=from_wire(ChangeKind, change.kind),
            snapshot=stored_snapshot(change.snapshot, self._codec, partial=not whole),
            initial=initial,
            content_gone=change.content_gone,
            resume_token=self._safe(frame),
        )
