"""A server that tests start, kill and restart."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
import threading
import weakref
from concurrent.futures import Future
from typing import IO, TYPE_CHECKING, Self

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from types import TracebackType

_READY = re.compile(r"^stillframe \S+ serves .* on (?P<address>\S+) \([^()]*\)$")


class ServerStartError(Exception):
    """The server ended, or said nothing in time, before it was ready."""


class ServerProcess:
    """`stillframe serve` as a subprocess.

    `store` is the URL of the store, `args` are further arguments of `serve`, and
    `env` is added to the environment, of which no variable STILLFRAME_* is passed
    on otherwise. With `store` or `listen` None, `serve` chooses as it does alone.

    The address stays the same for the life of the object: port 0 takes a free
    port at the first start, and every later start takes that one again.
    """

    def __init__(
        self,
        store: str | None = "memory:",
        *,
        listen: str | None = "127.0.0.1:0",
        args: Sequence[str] = (),
        env: Mapping[str, str] | None = None,
        cwd: str | os.PathLike[str] | None = None,
        start_timeout: float = 30,
    ) -> None:
        self._store = store
        self._listen = listen
        self._args = tuple(args)
        self._env = dict(env or {})
        self._cwd = cwd
        self._start_timeout = start_timeout
        self._address: str | None = None
        self._process: subprocess.Popen[str] | None = None
        self._stdout: list[str] = []
        self._drain: threading.Thread | None = None
        # Every start appends to the same file, so that it tells the whole story.
        self._stderr = tempfile.TemporaryFile()  # noqa: SIM115 - closed by close()
        weakref.finalize(self, self._stderr.close)
        # A server must not outlive the tests, whatever becomes of this object.
        self._reaper: weakref.finalize[..., ServerProcess] | None = None

    @property
    def address(self) -> str:
        """Host and port. Known once the server has started, and from then on."""
        if self._address is None:
            raise RuntimeError("the server was not started")
        return self._address

    @property
    def pid(self) -> int:
        """The process id of the server that was started last."""
        if self._process is None:
            raise RuntimeError("the server was not started")
        return self._process.pid

    @property
    def running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    @property
    def stdout(self) -> str:
        """What the server that was started last has printed so far."""
        return "".join(self._stdout)

    @property
    def stderr(self) -> str:
        """What the server has logged so far, over all starts."""
        # pread leaves the position alone, which the server writes at.
        descriptor = self._stderr.fileno()
        size = os.fstat(descriptor).st_size
        return os.pread(descriptor, size, 0).decode(errors="replace")

    def start(self) -> Self:
        """Starts the server and waits until it is ready."""
        if self.running:
            raise RuntimeError("the server is running")
        process = subprocess.Popen(  # noqa: S603 - our own command
            self._command(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=self._stderr,
            text=True,
            encoding="utf-8",
            errors="replace",
            env=self._environment(),
            cwd=self._cwd,
        )
        self._process = process
        self._reaper = weakref.finalize(self, _kill, process)
        ready: Future[str] = Future()
        self._stdout = []
        assert process.stdout is not None  # noqa: S101 - for the type checkers
        self._drain = threading.Thread(
            target=_drain, args=(process.stdout, self._stdout, ready), daemon=True
        )
        self._drain.start()
        try:
            self._address = ready.result(self._start_timeout)
        except TimeoutError:
            raise self._failure(f"not ready within {self._start_timeout:g} s") from None
        except EOFError:
            raise self._failure("ended before it was ready") from None
        return self

    def kill(self) -> None:
        """Ends the server at once with SIGKILL, as a crash would."""
        if self._process is not None:
            self._process.kill()
            self._finish(timeout=30)

    def terminate(self, timeout: float = 30) -> int:
        """Asks the server to end with SIGTERM, and returns its exit code.

        Raises TimeoutError, and kills it, if it has not ended in `timeout` seconds.
        """
        if self._process is None:
            raise RuntimeError("the server was not started")
        self._process.terminate()
        return self._finish(timeout)

    def wait(self, timeout: float = 30) -> int:
        """Waits for a server that ends by itself, and returns its exit code.

        Raises TimeoutError, and kills it, if it has not ended in `timeout` seconds.
        """
        if self._process is None:
            raise RuntimeError("the server was not started")
        return self._finish(timeout)

    def restart(self) -> Self:
        """Starts the server again at the same address over the same store.

        A server that still runs is asked to end first. A `memory:` store begins empty.
        """
        if self.running:
            self.terminate()
        return self.start()

    def close(self) -> None:
        """Ends the server and gives back what the object holds."""
        try:
            if self.running:
                self.terminate()
        finally:
            self._stderr.close()

    def __enter__(self) -> Self:
        if self._process is None:
            try:
                self.start()
            except BaseException:
                self._stderr.close()
                raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def _command(self) -> list[str]:
        command = [sys.executable, "-m", "stillframe.cli", "serve"]
        if self._store is not None:
            command += ["--store", self._store]
        listen = self._address or self._listen
        if listen is not None:
            command += ["--listen", listen]
        return [*command, *self._args]

    def _environment(self) -> dict[str, str]:
        # Name by name: another thread may change the environment meanwhile, as pytest does.
        found = {name: os.environ.get(name) for name in list(os.environ)}
        inherited = {
            name: value
            for name, value in found.items()
            if value is not None and not name.startswith("STILLFRAME_")
        }
        return inherited | self._env

    def _finish(self, timeout: float) -> int:
        """Waits for the end of the process, and for the last line it printed."""
        assert self._process is not None  # noqa: S101 - for the type checkers
        try:
            code = self._process.wait(timeout)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
            raise TimeoutError(f"the server did not end within {timeout:g} s") from None
        finally:
            if self._drain is not None:
                self._drain.join()
            if self._reaper is not None:
                self._reaper.detach()
        return code

    def _failure(self, what: str) -> ServerStartError:
        self.kill()
        assert self._process is not None  # noqa: S101 - for the type checkers
        command = " ".join(self._command())
        told = (self.stdout + self.stderr).strip() or "(it printed nothing)"
        return ServerStartError(
            f"`{command}` {what} (exit code {self._process.returncode}):\n{told}"
        )


def _drain(stdout: IO[str], lines: list[str], ready: Future[str]) -> None:
    """Reads what the server prints, so that it never waits for a reader."""
    with stdout:
        for line in stdout:
            lines.append(line)
            match = _READY.match(line.rstrip("\n"))
            if match and not ready.done():
                ready.set_result(match["address"])
    if not ready.done():
        ready.set_exception(EOFError())


def _kill(process: subprocess.Popen[str]) -> None:
    process.kill()
    process.wait()
