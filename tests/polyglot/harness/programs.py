"""Drivers: a program that is asked over its pipes, or the Python one within this process."""

from __future__ import annotations

import json
import os
import queue
import subprocess
import tempfile
import threading
from collections import deque
from contextlib import contextmanager, suppress
from typing import IO, TYPE_CHECKING, Any, Protocol

from stillframe.client import Client
from tests.polyglot.drivers.python.driver import Driver

if TYPE_CHECKING:
    from collections.abc import Callable, Generator
    from pathlib import Path

JSON = dict[str, Any]

ENVIRONMENT = dict(os.environ)
"""What drivers are given. Not what it is when they start, in threads of their own: pytest
changes it for each test, and a process that starts meanwhile would read what was freed.
"""

PATIENCE = 90
"""Seconds that a driver may take for an answer, or to end: more than any timeout of its own."""


class Speaker(Protocol):
    """Who is sent commands, and answers them in order."""

    def send(self, call: str, args: JSON) -> None: ...

    def receive(self) -> JSON: ...


class DriverError(AssertionError):
    """A driver did not keep to the protocol."""


class Program:
    """A driver's process."""

    def __init__(self, command: list[str | Path]) -> None:
        self._stderr = tempfile.TemporaryFile()  # noqa: SIM115 - closed by end()
        try:
            self._process = subprocess.Popen(
                command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=self._stderr,
                encoding="utf-8",
                env=ENVIRONMENT,
            )
        except BaseException:
            self._stderr.close()
            raise
        self._lines: queue.Queue[str | None] = queue.Queue()
        assert self._process.stdout is not None
        self._reader = threading.Thread(
            target=_read, args=(self._process.stdout, self._lines), daemon=True
        )
        self._reader.start()

    def send(self, call: str, args: JSON) -> None:
        assert self._process.stdin is not None
        try:
            # Text stays ASCII on the way: what a pipe's encoding does is no matter of a client's.
            self._process.stdin.write(json.dumps({"call": call, "args": args}) + "\n")
            self._process.stdin.flush()
        except BrokenPipeError:
            raise self._failure(f"it ended before {call}") from None

    def receive(self) -> JSON:
        try:
            line = self._lines.get(timeout=PATIENCE)
        except queue.Empty:
            raise self._failure(f"it did not answer within {PATIENCE} s") from None
        if line is None:
            raise self._failure("it ended without an answer")
        try:
            answer = json.loads(line)
        except ValueError:
            answer = None
        if not isinstance(answer, dict) or answer.keys() not in ({"ok"}, {"error"}):
            raise self._failure(f"it answered {line[:500]!r}")
        return answer  # pyright: ignore[reportUnknownVariableType]

    def end(self) -> None:
        """Ends the input, after which a driver ends with 0 and says nothing more."""
        assert self._process.stdin is not None
        try:
            self._process.stdin.close()
            code = self._process.wait(PATIENCE)
            self._reader.join()
            if code != 0:
                raise self._failure(f"it ended with {code}")
            if (line := self._lines.get()) is not None:
                raise self._failure(f"it said more than it was asked: {line[:500]!r}")
        except BrokenPipeError:
            raise self._failure("it ended before its input") from None
        except subprocess.TimeoutExpired:
            raise self._failure("it did not end with its input") from None
        finally:
            self.kill()

    def kill(self) -> None:
        """Ends it whatever it does. Idempotent."""
        self._process.kill()
        self._process.wait()
        assert self._process.stdin is not None
        with suppress(BrokenPipeError):
            self._process.stdin.close()
        self._reader.join()
        self._stderr.close()

    def _failure(self, what: str) -> DriverError:
        self._stderr.seek(0)
        told = self._stderr.read()[-4000:].decode(errors="replace").strip()
        return DriverError(f"{what}; on stderr:\n{told or '(nothing)'}")


def _read(stdout: IO[str], lines: queue.Queue[str | None]) -> None:
    with stdout:
        for line in stdout:
            lines.put(line)
    lines.put(None)


class Local:
    """A Python driver within this process: the rival of a scene, or a wrong one."""

    def __init__(self, driver: Driver) -> None:
        self._driver = driver
        self._answers: deque[JSON] = deque()

    def send(self, call: str, args: JSON) -> None:
        # Through text, as over a pipe: what is sent is no object of the sender's.
        command = json.loads(json.dumps({"call": call, "args": args}))
        self._answers.append(self._driver.answer(command))

    def receive(self) -> JSON:
        return self._answers.popleft()


@contextmanager
def program(driver: Path, target: str, tenant: str, *options: str | Path) -> Generator[Program]:
    """A driver's process, which must end well if the block does."""
    started = Program([driver, target, tenant, *options])
    try:
        yield started
        started.end()
    finally:
        started.kill()


@contextmanager
def local(
    target: str, tenant: str, kind: Callable[[Callable[[float], Client]], Driver] = Driver
) -> Generator[Local]:
    with kind(lambda timeout: Client(target, tenant=tenant, timeout=timeout)) as driver:
        yield Local(driver)
