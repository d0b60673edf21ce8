"""What every version costs: bytes kept in the file, and bytes written to the disk."""

from __future__ import annotations

import asyncio
import json
import os
import random
import re
import resource
import sqlite3
import subprocess
import sys
from collections import Counter
from contextlib import closing
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import grpc

from stillframe.client import JsonCodec
from stillframe.client._encoding import encode_snapshot
from stillframe.server.stores import open_store
from stillframe.server.stores.base import StoreConfig
from stillframe.v1.snapshot_pb2 import Payload
from stillframe.v1.snapshot_service_pb2_grpc import SnapshotServiceStub
from tests.bench import curves, load, machine, references
from tests.bench.references import ROOT
from tests.bench.results import Result, Sample, SkippedError
from tests.replay.formats import open_job
from tests.replay.job import RunState

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from stillframe.server.stores.base import Store
    from stillframe.v1.snapshot_pb2 import ExecutionSnapshot
    from stillframe.v1.snapshot_service_pb2 import SaveSnapshotRequest
    from tests.bench.settings import Bench

STEPS = 200
OUTPUT = 4 * 1024
NEW = STEPS * OUTPUT
BLOCK = 512
"""Bytes of a block in a process's rusage."""

CONCURRENT_RUNS = 8
FIRST_TIMESTAMP = 1_700_000_000_123_456_789


@dataclass(frozen=True)
class Curve:
    """Bytes of the database and bytes written, after each step; and, last, at the end, when
    the database was closed.
    """

    name: str
    stored: list[int]
    written: list[int]


class Meter:
    """Reads, after a step, what a database of SQLite and the process that writes it come to.
    What the process wrote before the first step is taken off.
    """

    def __init__(self, pid: int, file: Path) -> None:
        self._pid = pid
        self._file = file
        self.before = machine.written_bytes(pid)
        self.stored: list[int] = []
        self.written: list[int] = []

    def step(self) -> None:
        # The write-ahead log has the same pages once more, for a while, and is left out.
        with closing(sqlite3.connect(f"file:{self._file}?mode=ro", uri=True)) as connection:
            [(pages,)] = connection.execute("PRAGMA page_count").fetchall()
            [(size,)] = connection.execute("PRAGMA page_size").fetchall()
        self.stored.append(pages * size)
        self.written.append(machine.written_bytes(self._pid) - self.before)


def output(number: int) -> bytes:
    return load.text(OUTPUT, f"output {number}")


def step_saves() -> Iterator[SaveSnapshotRequest]:
    """Yields what an engine sends after each step: all outputs so far."""
    request = load.save({}, "run-1")
    for number in range(STEPS):
        request.request_id = f"save-{number}"
        request.snapshot.sequence_number = number + 1
        request.snapshot.timestamp.seconds += 1
        payload = Payload(data=output(number))
        request.snapshot.step_outputs[f"step-{number:03}"].CopyFrom(payload)
        yield request


def _ours(folder: Path) -> Curve:
    file = folder / "stillframe.db"
    with references.stillframe(f"sqlite:///{file}") as server:
        with grpc.insecure_channel(server.address) as channel:
            stub = SnapshotServiceStub(channel)
            meter = Meter(server.pids[0], file)
            for request in step_saves():
                stub.SaveSnapshot(request)
                meter.step()
        ended = _blocks_of_children()
    written = (_blocks_of_children() - ended) * BLOCK - meter.before
    return Curve(
        "Stillframe, the whole snapshot sent each time",
        [*meter.stored, machine.stored_bytes(folder, file.name)],
        [*meter.written, written],
    )


def _blocks_of_children() -> int:
    return resource.getrusage(resource.RUSAGE_CHILDREN).ru_oublock


def _langgraph(folder: Path, channel: str) -> Curve:
    """Runs the same steps in LangGraph, in a process of its own."""
    references.optional("langgraph.checkpoint.sqlite")
    if channel == "delta" and not hasattr(
        references.optional("langgraph.channels"), "DeltaChannel"
    ):
        raise SkippedError("this LangGraph has no DeltaChannel")
    file = folder / f"{channel}.db"
    ended = _blocks_of_children()
    done = subprocess.run(
        [sys.executable, "-m", "tests.bench.langgraph_steps", str(file), channel],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"},
    )
    if done.returncode != 0:
        raise RuntimeError(f"LangGraph failed: {done.stderr}")
    report = json.loads(done.stdout)
    written = (_blocks_of_children() - ended) * BLOCK - report["before"]
    names = {"plain": "LangGraph SqliteSaver", "delta": "LangGraph SqliteSaver, DeltaChannel"}
    stored = machine.stored_bytes(folder, file.name)
    return Curve(names[channel], [*report["stored"], stored], [*report["written"], written])


def growth(bench: Bench) -> list[Result]:
    """200 steps that each add 4 KiB, every version kept, one commit a step"""
    found: list[Curve] = []
    missing: list[str] = []
    measures: list[Callable[[Path], Curve]] = [
        _ours,
        partial(_langgraph, channel="plain"),
        partial(_langgraph, channel="delta"),
    ]
    for measure in measures:
        try:
            with bench.scratch() as folder:
                found.append(measure(folder))
        except SkippedError as reason:
            missing.append(str(reason))
    note = "; ".join(f"skipped: {each}" for each in missing)
    made: list[Result] = []
    for curve in found:
        ours = curve is found[0]
        for what, values, reach in (
            ("stored", curve.stored, 1.3),
            ("written to the disk", curve.written, 8.0),
        ):
            against = f"the {NEW / 2**20:.2f} MiB of new information"
            sample = Sample(values[-1] / NEW)
            made.append(
                Result(
                    "growth", f"{what}: {curve.name}", against, "x the new bytes", [sample],
                    reach=reach if ours else None, at_most=True, note=note,
                )
            )  # fmt: skip
        made[-1].curve = {"name": curve.name, "stored": curve.stored, "written": curve.written}
    try:
        made[0].note = f"drawn in {curves.draw(found, OUTPUT)}" + (f"; {note}" if note else "")
    except SkippedError as reason:
        made[0].note = f"no curves are drawn: {reason}"
    return made


def _recorded() -> list[Path]:
    folder = Path(os.environ.get("STILLFRAME_TEST_DATA", ROOT.parent / "shared" / "data"))
    return sorted((folder / "agents").glob("*.traj"))


def _varied(value: Any, word: Callable[[str], str]) -> Any:
    """The same document with other words, so that no two runs say the same."""
    if isinstance(value, dict):
        return {key: _varied(each, word) for key, each in value.items()}  # pyright: ignore[reportUnknownVariableType]
    if isinstance(value, list):
        return [_varied(each, word) for each in value]  # pyright: ignore[reportUnknownVariableType]
    if isinstance(value, str) and len(value) > 20:
        return re.sub(r"[a-z]{5,}", lambda match: word(match[0]), value)
    return value


def _words(seed: int) -> Callable[[str], str]:
    """Changes every fifth word, always to the same."""

    @cache
    def word(text: str) -> str:
        chance = random.Random(f"{seed} {text}")
        return "".join(chance.sample(text, len(text))) if chance.random() < 0.2 else text

    return word


def _snapshots(source: Path, into: Path, seed: int) -> Iterator[ExecutionSnapshot]:
    """Yields what an engine saves after each step of a varied run, whole."""
    path = into / f"{seed}.traj"
    path.write_text(json.dumps(_varied(json.loads(source.read_text()), _words(seed))))
    job = open_job(path)
    path.unlink()
    state = RunState()
    for number, step_id in enumerate(job.step_ids):
        state.apply(step_id, job.perform(number, state))
        snapshot = state.snapshot(job, FIRST_TIMESTAMP + number * 1_000_000_007)
        yield encode_snapshot(snapshot, JsonCodec()).message()


async def _save_run(
    store: Store, name: str, snapshots: Iterator[ExecutionSnapshot], counts: Counter[str]
) -> None:
    message: ExecutionSnapshot | None = None
    for number, message in enumerate(snapshots):
        request = load.save({}, name)
        request.request_id = f"{name}-{number}"
        request.snapshot.CopyFrom(message)
        await store.save(request)
        counts["versions"] += 1
        counts["sent"] += message.ByteSize()
    assert message is not None
    counts["final"] += message.ByteSize()


async def _save_runs(folder: Path, count: int, sources: list[Path]) -> Counter[str]:
    counts: Counter[str] = Counter()
    store = await open_store(f"sqlite:///{folder}/agents.db", StoreConfig())
    at_once = asyncio.Semaphore(CONCURRENT_RUNS)

    async def one(seed: int) -> None:
        async with at_once:
            snapshots = _snapshots(sources[seed % len(sources)], folder, seed)
            await _save_run(store, f"run-{seed}", snapshots, counts)

    try:
        await asyncio.gather(*(one(seed) for seed in range(count)))
    finally:
        await store.close()
    return counts


def agents(bench: Bench) -> list[Result]:
    """Agent runs whose message list grows, every version kept"""
    sources = _recorded()
    if not sources:
        raise SkippedError("there are no recorded runs: name their folder in STILLFRAME_TEST_DATA")
    with bench.scratch() as folder:
        counts = asyncio.run(_save_runs(folder, bench.runs, sources))
        stored = machine.stored_bytes(folder, "agents.db")
    what = f"{bench.runs} varied runs of agents, {counts['versions']:,} versions, stored"
    against = "the final snapshots' bytes alone"
    value = Sample(stored / counts["final"])
    result = Result("agents", what, against, "x", [value], reach=1.2, at_most=True)
    result.note = (
        f"{counts['sent'] / 2**20:,.0f} MiB sent, {stored / 2**20:,.1f} MiB stored, the final"
        f" snapshots have {counts['final'] / 2**20:,.1f} MiB; heads are compressed, for which the aim is 0.5"
    )
    return [result]
