"""When to try a call again, and for how long (no I/O, no clock of its own).

Every call can be repeated: saves, forks, deletes and sets carry a request_id, by which the
server gives its first answer again; a claim that is repeated gives a higher epoch; and the
contract says of DeleteValue, which carries none, what a repeat may find. So what is retried is
what another try can help: UNAVAILABLE, RESOURCE_EXHAUSTED where the server said that it
passes (SERVER_BUSY, RATE_LIMITED), and CANCELLED, which a server answers whose time to drain
is over: the caller's own cancellation never comes as a status.
"""

import random
import threading
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from stillframe.client._errors import (
    CallCancelledError,
    DeadlineExceededError,
    InternalError,
    RateLimitedError,
    ServerBusyError,
    StillframeError,
    UnavailableError,
    UnknownError,
)


@dataclass(frozen=True, kw_only=True, slots=True)
class RetryPolicy:
    """How often and how patiently a call is repeated, within the client's timeout.

    The delay before try n + 1 is random between 0 and min(max_backoff, initial_backoff *
    multiplier^(n-1)) seconds ("full jitter"), so that clients do not come back in step; where
    the server names a time to wait, that much comes on top. `max_attempts` counts the first
    try; 1 retries nothing. The defaults ride out about 20 s, the restart of a server on a busy
    machine. A watch that was open once reconnects without counting.
    """

    max_attempts: int = 24
    initial_backoff: float = 0.1
    max_backoff: float = 2.0
    multiplier: float = 2.0

    def backoff(self, failures: int, jitter: float) -> float:
        """The delay in seconds after so many failures in a row; `jitter` is in [0, 1)."""
        # The exponent is bounded because a watch may fail without end.
        ceiling = self.initial_backoff * self.multiplier ** min(failures - 1, 64)
        return jitter * min(self.max_backoff, ceiling)


def _wait(wake: threading.Event, seconds: float) -> None:
    wake.wait(seconds)


async def _sleep(seconds: float) -> None:
    import asyncio  # noqa: PLC0415 - the blocking client does without

    await asyncio.sleep(seconds)


@dataclass(frozen=True, kw_only=True, slots=True)
class Clock:
    """The time and the chance that retries depend on; tests bring their own.

    `wait` and `sleep` pass so many seconds, for threads and for tasks; setting the event ends
    a wait early.
    """

    monotonic: Callable[[], float] = time.monotonic
    random: Callable[[], float] = random.random
    wait: Callable[[threading.Event, float], object] = _wait
    sleep: Callable[[float], Awaitable[object]] = _sleep


def is_transient(error: StillframeError) -> bool:
    """Whether another try of the same call may succeed soon."""
    return isinstance(
        error, UnavailableError | ServerBusyError | RateLimitedError | CallCancelledError
    )


def is_absence(error: StillframeError) -> bool:
    """Whether no answer of a working server was had: what a background saver rides out, and
    after which nobody knows whether the call took effect.

    Besides transient errors: the timeout, and statuses without a Stillframe reason that
    broken connections and proxies make up.
    """
    if is_transient(error) or isinstance(error, DeadlineExceededError):
        return True
    made_up = isinstance(error, CallCancelledError | InternalError | UnknownError)
    return made_up and not error.reason


@dataclass(slots=True)
class Attempts:
    """The tries of one call."""

    policy: RetryPolicy
    timeout: float | None
    clock: Clock
    _failures: int = 0
    _deadline: float | None = field(init=False)

    def __post_init__(self) -> None:
        self._deadline = None if self.timeout is None else self.clock.monotonic() + self.timeout

    def remaining(self) -> float | None:
        """The seconds that the next try may take; None is no bound."""
        if self._deadline is None:
            return None
        return max(0.0, self._deadline - self.clock.monotonic())

    def delay_after(self, error: StillframeError) -> float | None:
        """How many seconds to wait before the next try; None when there is none: the error is
        the call's.
        """
        self._failures += 1
        if not is_transient(error) or self._failures >= self.policy.max_attempts:
            return None
        delay = self.policy.backoff(self._failures, self.clock.random())
        delay += error.retry_after or 0.0
        remaining = self.remaining()
        # A wait that uses the time up leaves none for the try.
        if remaining is not None and delay >= remaining:
            return None
        return delay
