"""An engine's event log: a file with one JSON line for each event, synced before it counts.

The log is the truth about a run and the snapshot a cache of it. So an event is appended and
synced before the snapshot that includes it is saved, and never the other way round.
"""

from __future__ import annotations

import fcntl
import json
import os
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

from tests.replay.job import Result

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path
    from types import TracebackType


class LogMovedError(Exception):
    """Somebody else has appended since this log was read: a second engine is at work."""


@dataclass(frozen=True, slots=True)
class Event:
    """One event: a step has run, at this time, with this result."""

    sequence: int
    step_id: str
    time_ns: int
    result: Result

    def line(self) -> bytes:
        """The event as it stands in the log."""
        fields: dict[str, Any] = {
            "sequence": self.sequence,
            "step_id": self.step_id,
            "time_ns": self.time_ns,
            "output": self.result.output,
            "sets": self.result.sets,
            "appends": self.result.appends,
        }
        return json.dumps(fields, separators=(",", ":")).encode() + b"\n"

    @classmethod
    def of_line(cls, line: bytes) -> Self:
        fields = json.loads(line)
        return cls(
            sequence=fields["sequence"],
            step_id=fields["step_id"],
            time_ns=fields["time_ns"],
            result=Result(output=fields["output"], sets=fields["sets"], appends=fields["appends"]),
        )


class EventLog:
    """The log of one run, opened by an engine that wants to go on with it."""

    def __init__(self, path: Path) -> None:
        self._descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o644)
        # A new file is only durable with its name in the folder.
        folder = os.open(path.parent, os.O_RDONLY)
        os.fsync(folder)
        os.close(folder)
        self._end = 0
        self._events: list[Event] = []
        self.read()

    def read(self) -> None:
        """Reads the log again: another engine may have appended."""
        fcntl.flock(self._descriptor, fcntl.LOCK_EX)
        try:
            size = os.fstat(self._descriptor).st_size
            data = os.pread(self._descriptor, size, 0)
            # An engine that dies while it writes leaves half a line. It never counted as an
            # event, and what comes next must not be glued to it.
            self._end = data.rfind(b"\n") + 1
            if self._end < size:
                os.ftruncate(self._descriptor, self._end)
        finally:
            fcntl.flock(self._descriptor, fcntl.LOCK_UN)
        self._events = [Event.of_line(line) for line in data[: self._end].splitlines()]

    @property
    def head(self) -> int:
        """The sequence number of the last event; 0 when there is none."""
        return len(self._events)

    def after(self, sequence: int) -> Sequence[Event]:
        """The events that come after this sequence number."""
        return self._events[sequence:]

    def append(self, step_id: str, result: Result) -> Event:
        """Adds an event, and returns once it is durable.

        Refuses to when another engine has appended in the meantime: whoever is fenced from the
        snapshots must not add to the log either.
        """
        event = Event(self.head + 1, step_id, time.time_ns(), result)
        line = event.line()
        fcntl.flock(self._descriptor, fcntl.LOCK_EX)
        try:
            if os.fstat(self._descriptor).st_size != self._end:
                raise LogMovedError(f"another engine has appended after event {self.head}")
            _write_all(self._descriptor, line)
            os.fsync(self._descriptor)
        finally:
            fcntl.flock(self._descriptor, fcntl.LOCK_UN)
        self._end += len(line)
        self._events.append(event)
        return event

    def close(self) -> None:
        os.close(self._descriptor)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()


def read_events(path: Path) -> list[Event]:
    """The events of a log that nobody writes to any more."""
    return [Event.of_line(line) for line in path.read_bytes().splitlines()]


def _write_all(descriptor: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(descriptor, view) :]
