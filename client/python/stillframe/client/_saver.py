"""What a background saver does next (no I/O, no threads, no tasks).

The newest state wins: one save is under way, at most one state waits, and a newer one takes
its place. `SaverCore` holds that, and counts how long the server is absent; the thread of
`Saver` and the task of `AsyncSaver` carry it out.
"""

from dataclasses import dataclass

from stillframe.client._encoding import EncodedSnapshot
from stillframe.client._errors import ClosedError, StillframeError
from stillframe.client._requests import SaveOptions
from stillframe.client._retry import Clock, RetryPolicy, is_absence
from stillframe.client._types import Saved


@dataclass(frozen=True, slots=True)
class Job:
    """A state to save; `ticket` counts the states submitted."""

    ticket: int
    snapshot: EncodedSnapshot
    options: SaveOptions


class SaverCore:
    """The state of a background saver. Not thread-safe: its shell locks."""

    def __init__(self, policy: RetryPolicy, clock: Clock, max_absence: float) -> None:
        self._policy = policy
        self._clock = clock
        self._max_absence = max_absence
        self._submitted = 0
        self._durable = 0
        self._waiting: Job | None = None
        self._failures = 0
        self._began = 0.0
        self._absent_since = 0.0
        self._error: StillframeError | None = None
        self._closed = False
        self.last: Saved | None = None
        """The answer to the newest state that is durable."""

    @property
    def newest(self) -> int:
        """The ticket of the newest state."""
        return self._submitted

    @property
    def has_work(self) -> bool:
        return self._waiting is not None and self._error is None

    def submit(self, snapshot: EncodedSnapshot, options: SaveOptions) -> None:
        """Takes a state to save. Raises the error that stopped the saver."""
        if self._closed:
            raise ClosedError("the saver is closed")
        self.check()
        self._submitted += 1
        self._waiting = Job(self._submitted, snapshot, options)

    def check(self) -> None:
        """Raises the error that stopped the saver, if one did."""
        if self._error is not None:
            # A fresh traceback each time: one error is raised to many callers.
            raise self._error.with_traceback(None)

    def is_settled(self, ticket: int) -> bool:
        """Whether waiting for a state is over: it, or a newer one, is durable, or never will
        be.
        """
        return self._durable >= ticket or self._error is not None

    def take(self) -> Job | None:
        """The state to save now; its try begins."""
        self._began = self._clock.monotonic()
        job, self._waiting = self._waiting, None
        return job

    def time_left(self, timeout: float | None) -> float | None:
        """The seconds that the next try may take: an absence ends in time also when the
        server swallows calls.
        """
        left = self._max_absence
        if self._failures:
            left -= self._clock.monotonic() - self._absent_since
        left = max(left, 0.001)
        return left if timeout is None else min(timeout, left)

    def saved(self, job: Job, saved: Saved) -> None:
        """A state is durable."""
        self._durable = job.ticket
        self._failures = 0
        self.last = saved

    def failed(self, job: Job, error: StillframeError) -> float | None:
        """A try failed. How many seconds to wait before the next one, of the newest state;
        None if the saver has stopped.
        """
        now = self._clock.monotonic()
        if not self._failures:
            # Not now: the try itself may have taken all the time that there is.
            self._absent_since = self._began
        self._failures += 1
        if not is_absence(error) or now - self._absent_since >= self._max_absence:
            self._error = error
            return None
        self._waiting = self._waiting or job
        delay = self._policy.backoff(self._failures, self._clock.random())
        # Whatever the server asks for: the bound is the caller's.
        left = self._absent_since + self._max_absence - now
        return min(delay + (error.retry_after or 0.0), left)

    def stop(self, error: StillframeError) -> None:
        """Stops the saver for a reason of its shell's."""
        if self._durable < self._submitted or not self._closed:
            # Else it ends as it was told to, and nothing was lost.
            self._error = self._error or error

    def close(self) -> None:
        """Refuses every later state."""
        self._closed = True
