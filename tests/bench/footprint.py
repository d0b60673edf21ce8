"""How long it takes to be there: the server to its first answer, the client to be imported."""

from __future__ import annotations

import subprocess
import sys
import time
from typing import TYPE_CHECKING

from stillframe.client import Client
from stillframe.testing import ServerProcess
from tests.bench.results import Result, Sample

if TYPE_CHECKING:
    from tests.bench.settings import Bench


def start(bench: Bench) -> list[Result]:
    """Start to first answer, and import of the client"""
    found = bench.interleaved({"start": lambda: _first_answer(bench), "import": _import})
    return [
        Result(
            "start", "start of the server to its first answer", "1 s", "s", found["start"],
            reach=1.0, at_most=True,
        ),
        Result(
            "start", "import stillframe.client, Python's own start taken away", "0.3 s", "s",
            found["import"], reach=0.3, at_most=True,
        ),
    ]  # fmt: skip


def _first_answer(bench: Bench) -> Sample:
    with bench.scratch() as folder:
        begin = time.perf_counter()
        with (
            ServerProcess(f"sqlite:///{folder}/stillframe.db") as server,
            Client(server.address, tenant="bench") as client,
        ):
            client.info()
            return Sample(time.perf_counter() - begin)


def _import() -> Sample:
    return Sample(_run("import stillframe.client") - _run("pass"))


def _run(code: str) -> float:
    begin = time.perf_counter()
    subprocess.run([sys.executable, "-c", code], check=True)
    return time.perf_counter() - begin
