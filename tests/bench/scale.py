"""`python -m tests.bench.scale`: a million snapshots against a thousand.

Fills two servers over each store, with `--count` snapshots of 1 KiB and with 1,000, says what
that took, and then measures reads of both in turn, one in flight. No read may cost more because
there is more of what it does not read.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import grpc
import psycopg

from stillframe.v1 import snapshot_service_pb2 as service
from stillframe.v1.snapshot_pb2 import ExecutionFilter
from stillframe.v1.snapshot_service_pb2_grpc import SnapshotServiceStub
from tests.bench import load, machine, postgres, references
from tests.bench.load import NUMBER, SERVICE, Load
from tests.bench.record import FOLDER, Record
from tests.bench.results import Result, Sample, SkippedError
from tests.bench.settings import Bench

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable
    from contextlib import AbstractContextManager

SIZE = 1024
VERSIONS = 10
TENANTS = 50
FEW = 1_000
"""Snapshots of the smaller server, all of one tenant: a page of its lists is as full."""
SENDERS = 4
"""Tenants that are saved for at the same time, each on a stream of its own."""
IN_FLIGHT = 64
PAGE = 20
TOKENS = 8
"""Tenants whose pages in the middle and whose watches are asked for, at most."""
MISSED = 50
"""Changes that a resumed watch is given before it has caught up."""
MIB = 2**20

ROUNDS = 5
SECONDS = 1.5


@dataclass(frozen=True)
class Filled:
    """A server with snapshots: its tenants, and executions of each."""

    running: references.Running
    tenants: tuple[str, ...]
    executions: int

    @property
    def count(self) -> int:
        return len(self.tenants) * self.executions * VERSIONS

    def fill(self) -> float:
        """Saves everything; returns the seconds. One version of all is saved after another,
        in a scattered order, so that neither tenants nor executions stand together.
        """
        begin = time.monotonic()
        with ThreadPoolExecutor(SENDERS) as pool:
            for version in range(VERSIONS):
                done = pool.map(partial(self._save, version), self.tenants)
                told = f"version {version + 1} of {VERSIONS}"
                _say(f"{told}: {sum(done):,} saved, {time.monotonic() - begin:.0f} s")
        return time.monotonic() - begin

    def _save(self, version: int, tenant: str) -> int:
        saves = load.all_new(SIZE, f"run-{NUMBER}", seed=version * 64)
        for each in saves:
            each.tenant_id = tenant
            each.request_id = f"{NUMBER}-{version}"
        report = Load(
            "pipeline", self.running.address, f"{SERVICE}/SaveSnapshots", load.items(saves),
            IN_FLIGHT, extra={"modulo": self.executions},
        ).run(count=self.executions)  # fmt: skip
        return int(report["count"])

    def some_tenants(self) -> list[str]:
        return list(self.tenants[:: max(len(self.tenants) // TOKENS, 1)])

    def asked(self, method: str, requests: Iterable[Any], kind: str = "unary") -> Load:
        """Requests in turn, each for another execution."""
        bodies = [each.SerializeToString() for each in requests]
        # A number that has no divisor in common with the executions', most likely: then
        # every request is sent for every execution, in time.
        bodies.append(bodies[0])
        return Load(
            kind, self.running.address, f"{SERVICE}/{method}", bodies, 1, self.running.pids,
            {"modulo": self.executions},
        )  # fmt: skip

    def reads(self) -> dict[str, Load]:
        """What is measured, by its name."""
        some = self.some_tenants()
        with grpc.insecure_channel(self.running.address) as channel:
            stub: Any = SnapshotServiceStub(channel)
            first = [service.ListExecutionsRequest(tenant_id=each, page_size=PAGE) for each in some]
            middle = [_middle(stub, each, self.executions) for each in first]
            resumed = [self._missed(stub, each) for each in some]
        every, run = self.tenants, f"run-{NUMBER}"
        state = ExecutionFilter(states=[load.STATE])
        now = service.WatchFromNow()
        return {
            "load of a head": self.asked(
                "LoadSnapshot",
                [service.LoadSnapshotRequest(tenant_id=t, execution_id=run) for t in every],
            ),
            f"first {PAGE} executions": self.asked("ListExecutions", first),
            f"{PAGE} executions from the middle": self.asked("ListExecutions", middle),
            f"first {PAGE} executions of a state": self.asked(
                "ListExecutions",
                [
                    service.ListExecutionsRequest(tenant_id=t, page_size=PAGE, filter=state)
                    for t in some
                ],
            ),
            f"history of an execution, {VERSIONS} versions": self.asked(
                "ListSnapshots",
                [service.ListSnapshotsRequest(tenant_id=t, execution_id=run) for t in every],
            ),
            "watch from now until caught up": self.asked(
                "WatchSnapshots",
                [service.WatchSnapshotsRequest(tenant_id=t, now=now) for t in some],
                kind="starts",
            ),
            f"watch resumed after {MISSED} changes until caught up": self.asked(
                "WatchSnapshots", resumed, kind="starts"
            ),
        }

    def _missed(self, stub: Any, tenant: str) -> service.WatchSnapshotsRequest:
        """Makes changes, and returns the request of a watch that was cut off before them."""
        request = service.WatchSnapshotsRequest(
            tenant_id=tenant,
            now=service.WatchFromNow(),
            mode=service.WATCH_MODE_EVERY_CHANGE,
            view=service.SNAPSHOT_VIEW_FULL,
        )
        call = stub.WatchSnapshots(request)
        request.resume_token = next(iter(call)).frames[0].resume_token
        call.cancel()
        saves = load.all_new(SIZE, f"run-{NUMBER}", seed=VERSIONS * 64)
        for number, each in enumerate(saves[:MISSED]):
            each.tenant_id = tenant
            each.execution_id = f"run-{0:016x}"
            each.request_id = f"missed-{number}"
            stub.SaveSnapshot(each)
        return request


def _middle(
    stub: Any, first: service.ListExecutionsRequest, executions: int
) -> service.ListExecutionsRequest:
    """Returns the request of the page that begins in the middle of the list."""
    request = service.ListExecutionsRequest(tenant_id=first.tenant_id)
    left = max(executions // 2 - PAGE // 2, 1)
    while left > 0:
        request.page_size = min(left, 1_000)
        page = stub.ListExecutions(request)
        left -= len(page.executions)
        request.page_token = page.next_page_token
    request.page_size = PAGE
    return request


@dataclass(frozen=True)
class Stored:
    """Where a server keeps what it is given, and how many bytes of the disk that takes."""

    url: str
    sizes: Callable[[], dict[str, int]]


@contextmanager
def _sqlite(folder: Path) -> Generator[Stored]:
    path = folder / "stillframe.db"

    def sizes() -> dict[str, int]:
        found = {"file": path, "WAL": Path(f"{path}-wal")}
        return {name: each.stat().st_size for name, each in found.items() if each.exists()}

    yield Stored(f"sqlite:///{path}", sizes)


@contextmanager
def _postgres(folder: Path) -> Generator[Stored]:
    with postgres.database(folder) as url, psycopg.connect(url, autocommit=True) as connection:
        empty = _database_bytes(connection)
        yield Stored(url, lambda: {"database": _database_bytes(connection) - empty})


def _database_bytes(connection: psycopg.Connection) -> int:
    row = connection.execute("SELECT pg_database_size(current_database())").fetchone()
    assert row is not None
    return int(row[0])


STORES: dict[str, Callable[[Path], AbstractContextManager[Stored]]] = {
    "sqlite": _sqlite,
    "postgres": _postgres,
}


def _say(text: str) -> None:
    print(f"    {text}", flush=True)


def measure(bench: Bench, name: str, count: int, record: Record) -> None:
    """Fills two servers over a store, and adds to the record what that and reads took."""
    (bench.folder / "many").mkdir()
    (bench.folder / "few").mkdir()
    executions = count // VERSIONS // TENANTS
    tenants = tuple(f"tenant-{number:02}" for number in range(TENANTS))
    with (
        STORES[name](bench.folder / "few") as few_store,
        STORES[name](bench.folder / "many") as many_store,
        references.stillframe(few_store.url) as few_server,
        references.stillframe(many_store.url) as many_server,
    ):
        few = Filled(few_server, tenants[:1], FEW // VERSIONS)
        many = Filled(many_server, tenants, executions)
        few.fill()
        cpu = machine.cpu_seconds(many_server.pids)
        seconds = many.fill()
        cpu = machine.cpu_seconds(many_server.pids) - cpu
        what = f"{name}: {many.count:,} snapshots of 1 KiB, {TENANTS * executions:,} executions,"
        what += f" {TENANTS} tenants"
        sizes = many_store.sizes()
        stored = Sample(sum(sizes.values()) / (many.count * SIZE))
        parts = ", ".join(f"{part} {size / MIB:,.0f} MiB" for part, size in sizes.items())
        saved = Sample(many.count / seconds, server_cpu=cpu / seconds)
        record.add(
            Result(
                "scale", f"{what}, saved", "nothing", "a second", [saved], note=f"{seconds:.0f} s"
            )
        )
        record.add(
            Result("scale", f"{what}, stored", "the values' bytes", "x", [stored], note=parts)
        )
        few_reads, many_reads = few.reads(), many.reads()
        for read, ours in many_reads.items():
            _add_reads(bench, record, f"{name}: {read}", ours, few_reads[read])


def _add_reads(bench: Bench, record: Record, what: str, many: Load, few: Load) -> None:
    for each in (few, many):
        each.rate(0.3, warm_up=0.3)
    found = bench.interleaved(
        {"many": lambda: many.rate(bench.seconds), "few": lambda: few.rate(bench.seconds)}
    )
    for share in ("p50", "p99"):
        ours, theirs = (
            [replace(each, value=getattr(each, share) * 1e3) for each in found[side]]
            for side in ("many", "few")
        )
        against = f"the same of {FEW:,}"
        record.add(Result("scale", f"{share} of {what}", against, "ms", ours, theirs))


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.scale", description=__doc__)
    parser.add_argument("--count", type=int, default=1_000_000, help="snapshots (default: 1000000)")
    parser.add_argument(
        "--stores",
        type=lambda text: text.replace(",", " ").split(),
        default=list(STORES),
        help=f"which, by commas: {', '.join(STORES)}",
    )
    parser.add_argument("--folder", type=Path, default=FOLDER, help="where data goes: on a disk")
    options = parser.parse_args()
    if options.count % (VERSIONS * TENANTS) or options.count < FEW:
        parser.error(f"the count must be a multiple of {VERSIONS * TENANTS}, and at least {FEW:,}")
    if unknown := set(options.stores) - STORES.keys():
        parser.error(f"no store {', '.join(sorted(unknown))}; there are {', '.join(STORES)}")
    record = Record.open(options.folder, quick=options.count < 1_000_000)
    for name in options.stores:
        print(f"\n{name}", flush=True)
        with tempfile.TemporaryDirectory(dir=options.folder) as folder:
            bench = Bench(Path(folder), quick=False, rounds=ROUNDS, seconds=SECONDS, runs=0)
            try:
                measure(bench, name, options.count, record)
            except SkippedError as reason:
                record.skip(name, str(reason))
    record.keep()
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except machine.UnsuitableDiskError as error:
        sys.exit(f"{error}; choose another with --folder")
