"""Child processes that report JSON lines on stdout, and never outlive their parent's block.

Every wait has a deadline, so that a test ends with an error where it would hang.
"""

from __future__ import annotations

import json
import os
import queue
import signal
import subprocess
import sys
import tempfile
import threading
import time
from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from types import TracebackType

DEADLINE = 120.0
"""Seconds that a child may take for what it is waited for; far more than it ever needs."""

Report = dict[str, Any]


class ChildError(Exception):
    """A child ended, failed or stayed silent where something else was expected."""


class Child:
    """`python -m module …` as a process.

    `on_report` is called for every report as it comes, in a thread; the reports also queue up
    for `expect`.
    """

    def __init__(
        self,
        name: str,
        module: str,
        arguments: Sequence[str],
        *,
        on_report: Callable[[Report], None] = lambda _: None,
    ) -> None:
        self.name = name
        self.reports: list[Report] = []
        self._on_report = on_report
        self._queue: queue.Queue[Report | None] = queue.Queue()
        self._stderr = tempfile.TemporaryFile()  # noqa: SIM115 - closed by close()
        self._process = subprocess.Popen(
            [sys.executable, "-m", module, *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._stderr,
            # gRPC's own remarks about a server that goes away are no news here.
            env=os.environ | {"GRPC_VERBOSITY": "NONE"},
        )
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    @property
    def pid(self) -> int:
        return self._process.pid

    def expect(self, what: str, **fields: Any) -> Report:
        """Waits for the report of this kind with these fields, past any others."""
        for report in self._coming():
            if report["what"] == what and fields.items() <= report.items():
                return report
            if report["what"] == "failed":
                raise ChildError(f"{self.name}: {report['error']}")
        raise self._ended(f"it ended before it reported {what} {fields or ''}".rstrip())

    def go(self) -> None:
        """Lets the child go on from where it holds."""
        assert self._process.stdin is not None
        self._process.stdin.write(b"go\n")
        self._process.stdin.flush()

    def abandon(self) -> None:
        """Closes the pipe by which the child is let go, as the end of this process would."""
        assert self._process.stdin is not None
        self._process.stdin.close()

    def freeze(self) -> None:
        """Stops the process as a whole, as a paused virtual machine would."""
        self._process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        self._process.send_signal(signal.SIGCONT)

    def kill(self) -> None:
        """SIGKILL: nothing of the process runs after this."""
        self._process.kill()
        self._finish()

    def wait(self) -> int:
        """Waits for the end of the process, and of its reports; returns the exit code."""
        for _ in self._coming():
            pass
        return self._finish()

    def told(self) -> str:
        """The last words of the process: its failure, or else what it wrote to stderr."""
        if self.reports and self.reports[-1]["what"] == "failed":
            return str(self.reports[-1]["error"])
        size = os.fstat(self._stderr.fileno()).st_size
        text = os.pread(self._stderr.fileno(), size, 0).decode(errors="replace").strip()
        return text or "(it wrote nothing to stderr)"

    def close(self) -> None:
        """Ends the process if it still runs, and gives back what it held."""
        self._process.kill()
        self._finish()
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                pipe.close()
        self._stderr.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def _coming(self) -> Iterator[Report]:
        deadline = time.monotonic() + DEADLINE
        while True:
            try:
                report = self._queue.get(timeout=deadline - time.monotonic())
            except (queue.Empty, ValueError):
                raise self._ended(f"nothing more came in {DEADLINE:g} s") from None
            if report is None:
                self._queue.put(None)
                return
            yield report

    def _finish(self) -> int:
        try:
            code = self._process.wait(DEADLINE)
        except subprocess.TimeoutExpired:
            self._process.kill()
            code = self._process.wait()
        self._reader.join()
        return code

    def _ended(self, what: str) -> ChildError:
        self._process.kill()
        self._finish()
        return ChildError(f"{self.name}: {what}:\n{self.told()}")

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            # A killed process may leave half a line, which nobody was told.
            if line.endswith(b"\n"):
                report: Report = json.loads(line)
                self.reports.append(report)
                self._on_report(report)
                self._queue.put(report)
        self._queue.put(None)
