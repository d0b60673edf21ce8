"""The command against a server, within the test's process or as one of its own."""

from __future__ import annotations

import contextlib
import json
import queue
import subprocess
import sys
import threading
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING, Any

from typer.testing import CliRunner

from stillframe.cli.app import app

if TYPE_CHECKING:
    from collections.abc import Generator

DEADLINE = 30.0
"""Seconds after which a test fails instead of waiting on."""


@dataclass(frozen=True)
class Done:
    """What a command that has ended left behind."""

    code: int
    out: str
    err: str

    @property
    def document(self) -> Any:
        """The one line of JSON."""
        [line] = self.documents
        return line

    @property
    def documents(self) -> list[Any]:
        return [json.loads(line) for line in self.out.splitlines()]


@dataclass(frozen=True)
class Cli:
    """The command, for one server and one tenant."""

    address: str
    tenant: str

    def __call__(self, *arguments: str, stdin: str | None = None, code: int = 0) -> Done:
        """Runs a command to its end within this process, and checks its exit code."""
        result = CliRunner().invoke(app, [*self._connection(), *arguments], input=stdin)
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        assert result.exit_code == code, result.stdout + result.stderr
        return Done(result.exit_code, result.stdout, result.stderr)

    def command(self, *arguments: str) -> list[str]:
        """The same as a command line."""
        return [sys.executable, "-m", "stillframe.cli", *self._connection(), *arguments]

    def _connection(self) -> list[str]:
        return ["--address", self.address, "--tenant", self.tenant]


class Process:
    """A command as a process, whose lines are read with a deadline."""

    def __init__(self, command: list[str], *, stdout: int | IO[bytes] = subprocess.PIPE) -> None:
        self.popen = subprocess.Popen(
            command, stdout=stdout, stderr=subprocess.PIPE, text=True, encoding="utf-8"
        )
        self._threads: list[threading.Thread] = []
        self.out = self._lines(self.popen.stdout)
        self.err = self._lines(self.popen.stderr)

    def line(self) -> str:
        """The next line on stdout."""
        return self.out.get(timeout=DEADLINE) or self._ended()

    def remark(self) -> str:
        """The next line on stderr."""
        return self.err.get(timeout=DEADLINE) or self._ended()

    def wait(self) -> int:
        """The exit code."""
        code = self.popen.wait(DEADLINE)
        for thread in self._threads:
            thread.join(DEADLINE)
        return code

    def rest(self) -> list[str]:
        """The lines on stdout that were not read before, once the process has ended."""
        return list(iter(lambda: self.out.get(timeout=DEADLINE), ""))

    def remarks(self) -> list[str]:
        """The same of stderr."""
        return list(iter(lambda: self.err.get(timeout=DEADLINE), ""))

    def _ended(self) -> str:
        raise EOFError("\n".join(self.remarks()))

    def _lines(self, stream: IO[str] | None) -> queue.Queue[str]:
        lines: queue.Queue[str] = queue.Queue()
        if stream is not None:

            def read() -> None:
                with stream:
                    for line in stream:
                        lines.put(line)
                # Twice, for who reads on after the end.
                lines.put("")
                lines.put("")

            thread = threading.Thread(target=read, daemon=True)
            thread.start()
            self._threads.append(thread)
        return lines


@contextlib.contextmanager
def process(command: list[str], *, stdout: int | IO[bytes] = subprocess.PIPE) -> Generator[Process]:
    """The command as a process that does not outlive the test."""
    running = Process(command, stdout=stdout)
    try:
        yield running
    finally:
        running.popen.kill()
        running.wait()
