"""What a pipeline of saves sends, and what the answers mean (no I/O, no threads, no tasks).

A pipeline is many calls of SaveSnapshots, one after another: when one breaks, everything
that has no answer is sent again on the next, in the same order and under the same
request_ids, and what had taken effect is only answered again. Two rules make that safe:

 - At most 32 saves of one execution are without an answer: so many request_ids the server
   remembers, so that none of them can take effect twice.
 - A save that goes out behind one without an answer is a delta against that one, named by
   its request_id, even where the whole would be smaller. The server accepts it only on top
   of the other: whatever fails or is sent again, nothing takes effect out of its order.
   (A save with must_not_exist, or with a request_id of the caller's, is whole all the same.)

What is known of an execution is the last save that went out: a digest of each entry, and
the etag once its answer has come. An error leaves the head unknown. What had been sent
against the failed save fails with it (DELTA_BASE_MISMATCH), and the next save is whole.
"""

from collections import OrderedDict, deque
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Generic, NamedTuple, Protocol, TypeVar

from google.rpc import code_pb2

from stillframe.client import _decoding
from stillframe.client._encoding import EncodedSnapshot
from stillframe.client._errors import ClosedError, StillframeError, UnavailableError
from stillframe.client._requests import Requests, SaveOptions, new_request_id
from stillframe.client._retry import Clock, RetryPolicy, is_absence, is_transient
from stillframe.client._statuses import error_from_status
from stillframe.client._tracking import Difference, Known
from stillframe.client._types import Saved
from stillframe.v1 import snapshot_service_pb2 as rpc

MAX_PER_EXECUTION = 32
"""Saves of one execution without an answer; the request_ids that the server remembers."""

MAX_WINDOW_BYTES = 16 * 2**20
"""Bytes of saves without an answer, about; what the server's window holds."""

MESSAGE_BYTES = 2**20
"""What saves are packed into; a single larger one goes alone."""

MAX_KNOWN = 100_000
"""Executions and entries, together, that a pipeline remembers while nothing is under way."""


class Promise(Protocol):
    """A future, of threads or of tasks."""

    def done(self) -> bool: ...

    def set_result(self, result: Saved, /) -> None: ...

    def set_exception(self, exception: BaseException, /) -> None: ...


P = TypeVar("P", bound=Promise)


class Settled(NamedTuple, Generic[P]):
    """A promise that can be kept: the shell does it, outside of its lock."""

    promise: P
    outcome: Saved | StillframeError


@dataclass(slots=True)
class _Tip:
    """The last save of an execution that went out, which the next is made against."""

    request_id: str
    known: Known
    etag: str = ""
    """Empty until it is answered."""


@dataclass(slots=True)
class _Run:
    """One execution."""

    tip: _Tip | None = None
    chain: int = 0
    """Counts the whole saves after errors: what was sent before one says nothing of it."""
    unanswered: int = 0

    @property
    def weight(self) -> int:
        return 1 + (self.tip.known.count if self.tip else 0)


@dataclass(slots=True, eq=False)
class _Pending(Generic[P]):
    """A save without an answer. `message` carries it alone."""

    ticket: int
    message: rpc.SaveSnapshotsRequest
    size: int
    request_id: str
    run: _Run
    chain: int
    promise: P


class PipelineCore(Generic[P]):
    """The state of a pipeline. Not thread-safe: its shell locks."""

    def __init__(
        self,
        requests: Requests,
        policy: RetryPolicy,
        clock: Clock,
        *,
        max_unanswered: int,
        max_absence: float,
    ) -> None:
        if max_unanswered < 1:
            raise ValueError("max_unanswered is at least 1")
        self._requests = requests
        self._policy = policy
        self._clock = clock
        self._max_unanswered = max_unanswered
        self._max_absence = max_absence
        self._runs: OrderedDict[str, _Run] = OrderedDict()
        """By execution; the one saved last comes last."""
        self._weight = 0
        self._pending: OrderedDict[str, _Pending[P]] = OrderedDict()
        """By item_id, in the order of the saves."""
        self._unsent: deque[_Pending[P]] = deque()
        self._bytes = 0
        self._failures = 0
        self._absent_since = 0.0
        self._error: StillframeError | None = None
        self._closed = False
        self.newest = 0
        """The ticket of the newest save: they are counted."""

    @property
    def has_work(self) -> bool:
        """Whether a save is without an answer."""
        return bool(self._pending)

    @property
    def has_unsent(self) -> bool:
        return bool(self._unsent)

    def has_room(self, execution_id: str) -> bool:
        """Whether `submit` may be called for an execution, be it only to raise."""
        if self._closed or self._error is not None:
            return True
        run = self._runs.get(execution_id)
        return (
            len(self._pending) < self._max_unanswered
            and self._bytes < MAX_WINDOW_BYTES
            and (run is None or run.unanswered < MAX_PER_EXECUTION)
        )

    def is_settled(self, ticket: int) -> bool:
        """Whether this save, and all before it, have their answers."""
        first = next(iter(self._pending.values()), None)
        return first is None or first.ticket > ticket

    def check(self) -> None:
        """Raises the error that stopped the pipeline, if one did."""
        if self._error is not None:
            # A fresh traceback each time: one error is raised to many callers.
            raise self._error.with_traceback(None)

    def submit(
        self, execution_id: str, snapshot: EncodedSnapshot, options: SaveOptions, promise: P
    ) -> None:
        """Takes a save. Raises the error that stopped the pipeline, or the save's own."""
        if self._closed:
            raise ClosedError("the pipeline is closed")
        self.check()
        run = self._runs.get(execution_id) or _Run()
        known = Known.of(snapshot.step_outputs, snapshot.variables)
        request = self._request(execution_id, run, snapshot, known, options)
        item_id = str(self.newest + 1)
        message = rpc.SaveSnapshotsRequest(items=[rpc.SaveItem(item_id=item_id, save=request)])
        size = self._requests.refuse_too_large(message)
        # Nothing is refused from here on.
        self.newest += 1
        self._move_tip(execution_id, run, _Tip(request.request_id, known))
        run.unanswered += 1
        pending = _Pending(self.newest, message, size, request.request_id, run, run.chain, promise)
        self._pending[item_id] = pending
        self._unsent.append(pending)
        self._bytes += size

    def _request(
        self,
        execution_id: str,
        run: _Run,
        snapshot: EncodedSnapshot,
        known: Known,
        options: SaveOptions,
    ) -> rpc.SaveSnapshotRequest:
        tip = run.tip
        content = None
        # must_not_exist contradicts a base. And a caller who brings a request_id may bring
        # it again to another pipeline: its body must not depend on what this one knows.
        if tip is not None and not options.must_not_exist and options.request_id is None:
            difference = Difference.between(tip.known, known, snapshot)
            if not tip.etag:
                content = difference.delta()
                content.base_request_id = tip.request_id
            elif difference.is_smaller:
                content = difference.delta()
                content.base_etag = tip.etag
            elif options.expected_etag is None:
                options = replace(options, expected_etag=tip.etag)
        options = replace(options, request_id=options.request_id or new_request_id())
        call = self._requests.save(execution_id, content or snapshot.message(), options)
        if not isinstance(call.request, rpc.SaveSnapshotRequest):
            raise TypeError("a save has another request")
        return call.request

    def _move_tip(self, execution_id: str, run: _Run, tip: _Tip | None) -> None:
        if execution_id in self._runs:
            self._weight -= run.weight
        run.tip = tip
        self._runs[execution_id] = run
        self._runs.move_to_end(execution_id)
        self._weight += run.weight
        while self._weight > MAX_KNOWN:
            # Those under way are few; the oldest of the others is saved whole next time.
            idle = (name for name, each in self._runs.items() if not each.unanswered)
            oldest = next(idle, execution_id)
            if oldest == execution_id:
                return
            self._weight -= self._runs.pop(oldest).weight

    def begin(self) -> None:
        """A new call begins: whatever has no answer is to be sent, in its order."""
        self._unsent = deque(self._pending.values())

    def next_message(self) -> rpc.SaveSnapshotsRequest:
        """The next message to send, of saves that were not sent on this call."""
        message = rpc.SaveSnapshotsRequest()
        size = 0
        while self._unsent and (not size or size + self._unsent[0].size <= MESSAGE_BYTES):
            pending = self._unsent.popleft()
            message.MergeFrom(pending.message)
            size += pending.size
        return message

    def receive(
        self, response: rpc.SaveSnapshotsResponse
    ) -> tuple[list[Settled[P]], StillframeError | None]:
        """Takes results: the promises to keep, and an error if the call must end with it,
        because a save failed for a reason that passes. It and all behind it are sent again.
        """
        settled: list[Settled[P]] = []
        for result in response.results:
            pending = self._pending.get(result.item_id)
            if pending is None:
                continue
            outcome = _outcome(result)
            if isinstance(outcome, StillframeError) and is_transient(outcome):
                return settled, outcome
            del self._pending[result.item_id]
            self._bytes -= pending.size
            self._failures = 0
            self._learn(pending, outcome)
            settled.append(Settled(pending.promise, outcome))
        return settled, None

    def _learn(self, pending: _Pending[P], outcome: Saved | StillframeError) -> None:
        run = pending.run
        run.unanswered -= 1
        if isinstance(outcome, Saved):
            if run.tip is not None and run.tip.request_id == pending.request_id:
                run.tip.etag = outcome.etag
        elif pending.chain == run.chain:
            run.chain += 1
            execution_id = pending.message.items[0].save.execution_id
            self._move_tip(execution_id, run, None)

    def ended(self, error: StillframeError | None) -> tuple[list[Settled[P]], float | None]:
        """A call has ended, with OK if the error is None. The promises that can only be
        broken now, and how many seconds to wait before the next call; None if the pipeline
        has stopped.
        """
        error = error or UnavailableError("the server ended the stream")
        if not is_absence(error):
            return self.stop(error), None
        if not self._pending:
            # Nobody waits: an idle connection may break as it likes.
            self._failures = 0
            return [], 0.0
        now = self._clock.monotonic()
        if not self._failures:
            self._absent_since = now
        self._failures += 1
        if now - self._absent_since >= self._max_absence:
            return self.stop(error), None
        delay = self._policy.backoff(self._failures, self._clock.random())
        return [], delay + (error.retry_after or 0.0)

    def stop(self, error: StillframeError) -> list[Settled[P]]:
        """Stops the pipeline for good. The promises that can only be broken now."""
        if self._pending or not self._closed:
            # Else it ends as it was told to, and nothing was lost.
            self._error = self._error or error
        broken = [Settled(pending.promise, error) for pending in self._pending.values()]
        self._pending.clear()
        self._unsent.clear()
        self._bytes = 0
        return broken

    def close(self) -> None:
        """Refuses every later save."""
        self._closed = True


def keep(settled: Sequence[Settled[P]]) -> None:
    """Keeps promises. Out of the shell's lock: callbacks run."""
    for promise, outcome in settled:
        if promise.done():  # Cancelled: nobody waits for it, and the save went its way.
            continue
        if isinstance(outcome, Saved):
            promise.set_result(outcome)
        else:
            promise.set_exception(outcome)


def _outcome(result: rpc.SaveItemResult) -> Saved | StillframeError:
    if result.HasField("saved"):
        return _decoding.saved(result.saved)
    error = result.error
    try:
        code = code_pb2.Code.Name(error.code)
    except ValueError:
        code = "UNKNOWN"
    # A SaveError is a google.rpc.Status under another name.
    return error_from_status(code, error.message, error.SerializeToString())
