"""Ends a stream on Ctrl-C, SIGTERM, or when nobody reads standard output any more.

The stream is closed from a thread, and the loop that prints ends by itself: so no line is
cut in two, and a quiet stream notices too that its reader has gone.
"""

from __future__ import annotations

import contextlib
import os
import select
import signal
import stat
import sys
import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Generator
    from types import FrameType

PATIENCE = 5.0
"""Seconds that the loop has to end. A reader that has stalled must not hold the process."""


@contextlib.contextmanager
def stopping(close: Callable[[], None]) -> Generator[None]:
    """Within it, a signal or a closed pipe calls `close`. Only in the main thread."""
    wake, waker = os.pipe()
    os.set_blocking(waker, False)
    done = threading.Event()
    thread = threading.Thread(target=_wait, args=(wake, close, done), daemon=True)
    previous = {
        number: signal.signal(number, _handle) for number in (signal.SIGINT, signal.SIGTERM)
    }
    # Python writes a byte there when a signal comes, whatever the main thread is at.
    previous_fd = signal.set_wakeup_fd(waker, warn_on_full_buffer=False)
    thread.start()
    try:
        yield
    finally:
        signal.set_wakeup_fd(previous_fd)
        for number, handler in previous.items():
            signal.signal(number, handler)
        done.set()
        os.write(waker, b"\0")
        thread.join()
        os.close(wake)
        os.close(waker)


def _handle(_number: int, _frame: FrameType | None) -> None:
    """Leaves it to the thread: an exception here could cut a line in two."""


def _wait(wake: int, close: Callable[[], None], done: threading.Event) -> None:
    poll = select.poll()
    poll.register(wake, select.POLLIN)
    stdout = _pipe()
    if stdout is not None:
        # No events but those that cannot be masked: the other end was closed.
        poll.register(stdout, 0)
    poll.poll()
    if done.is_set():
        return
    close()
    if not done.wait(PATIENCE):
        os._exit(0)


def _pipe() -> int | None:
    """The descriptor of standard output, if that is a pipe or a socket."""
    try:
        descriptor = sys.stdout.fileno()
        mode = os.fstat(descriptor).st_mode
    except (OSError, ValueError):
        return None
    return descriptor if stat.S_ISFIFO(mode) or stat.S_ISSOCK(mode) else None
