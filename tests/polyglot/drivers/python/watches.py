"""Watches whose events are taken with a timeout."""

from __future__ import annotations

import queue
import threading
from time import monotonic
from typing import TYPE_CHECKING, Any

from stillframe.client import (
    CaughtUp,
    Change,
    DeadlineExceededError,
    InitialStateEnd,
    Restarted,
    StillframeError,
    Watch,
    WatchOpened,
)
from tests.polyglot.drivers.python import notation as n

if TYPE_CHECKING:
    from stillframe.client import WatchEvent

    Taken = WatchEvent | StillframeError


class OpenWatch:
    """One watch, which a thread of its own iterates over: a take must end after its time."""

    def __init__(self, watch: Watch) -> None:
        self._watch = watch
        self._came: queue.Queue[Taken] = queue.Queue()
        self._failed: StillframeError | None = None
        self.token = ""
        """That of the last event that was taken and carried one."""
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def take(self, changes: int | None, until: str | None, timeout: float) -> list[n.JSON]:
        """The events up to and with the last change counted, or the event named."""
        deadline = monotonic() + timeout
        events: list[n.JSON] = []
        left = changes
        while left != 0:
            written = event(self._next(max(0.0, deadline - monotonic())))
            if written is None or (changes and written["event"] in ("opened", "caught_up")):
                continue
            events.append(written)
            if left is None and written["event"] == until:
                break
            if left is not None and written["event"] == "change":
                left -= 1
        return events

    def close(self) -> None:
        self._watch.close()
        self._thread.join()

    def _next(self, timeout: float) -> WatchEvent:
        if self._failed is not None:
            raise self._failed
        try:
            came = self._came.get(timeout=timeout)
        except queue.Empty:
            raise DeadlineExceededError("no event came in time") from None
        if isinstance(came, StillframeError):
            self._failed = came
            raise came
        self.token = getattr(came, "resume_token", "") or self.token
        return came

    def _run(self) -> None:
        try:
            for each in self._watch:
                self._came.put(each)
        except StillframeError as error:
            self._came.put(error)


def event(each: WatchEvent) -> n.JSON | None:
    """An event; None for one that is not reported."""
    written: dict[str, Any]
    match each:
        case WatchOpened():
            written = {"event": "opened"}
        case Change():
            written = {
                "event": "change",
                "kind": each.kind.name,
                "snapshot": n.stored(each.snapshot),
            }
            written |= {"initial": True} if each.initial else {}
            written |= {"content_gone": True} if each.content_gone else {}
        case InitialStateEnd():
            written = {
                "event": "initial_state_end",
                "execution_count": str(each.execution_count),
            }
        case CaughtUp():
            written = {"event": "caught_up"}
        case Restarted():
            return {"event": "restarted", "reason": each.reason}
        case _:
            return None
    return written | ({"resume_token": each.resume_token} if each.resume_token else {})
