"""Changes delivered to many watchers, and what watchers cost in memory."""

from __future__ import annotations

import statistics
from contextlib import ExitStack
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from stillframe.v1 import snapshot_service_pb2 as service
from stillframe.v1.snapshot_pb2 import ExecutionSnapshot
from stillframe.v1.snapshot_service_pb2 import (
    SnapshotChange,
    WatchFrame,
    WatchSnapshotsRequest,
    WatchSnapshotsResponse,
)
from tests.bench import load, machine, references
from tests.bench.load import NUMBER, SERVICE, TENANT, Load, sample
from tests.bench.rates import IN_FLIGHT, sqlite
from tests.bench.results import Result, Sample

if TYPE_CHECKING:
    from tests.bench.references import Running
    from tests.bench.settings import Bench

SIZE = 1024
CONNECTIONS = 10
KIB, MIB = 2**10, 2**20

WATCHERS = 1_000
CHANGES = 200
BARE_CHANGES = 40

STALLED = 10
STALLED_CHANGES = 100_000
STALLED_CHANGES_QUICK = 3_000

STREAMS = 100_000
STREAMS_QUICK = 5_000
AT_ONCE = 200


def _watch_request(max_message_bytes: int | None = None) -> bytes:
    return WatchSnapshotsRequest(
        tenant_id=TENANT,
        now=service.WatchFromNow(),
        mode=service.WATCH_MODE_EVERY_CHANGE,
        view=service.SNAPSHOT_VIEW_FULL,
        max_message_bytes=max_message_bytes,
    ).SerializeToString()


def _watches(running: Running, method: str, streams: int, **watch: Any) -> Load:
    plan = {"streams": streams, "connections": min(streams, CONNECTIONS), **watch}
    extra = {"watch": plan}
    return Load("watch", running.address, method, [_watch_request()], 0, running.pids, extra)


def _saves(running: Running) -> Load:
    items = load.items(load.all_new(SIZE))
    method = f"{SERVICE}/SaveSnapshots"
    return Load("pipeline", running.address, method, items, IN_FLIGHT)


def _event() -> bytes:
    """The message of one change, as a server without batching would send it."""
    snapshot = ExecutionSnapshot()
    snapshot.CopyFrom(load.all_new(SIZE)[0].snapshot)
    snapshot.tenant_id, snapshot.execution_id = TENANT, f"run-{'0' * 8}"
    snapshot.version = snapshot.revision = 1_000
    snapshot.etag = NUMBER
    change = SnapshotChange(kind=service.CHANGE_KIND_SAVED, snapshot=snapshot)
    frame = WatchFrame(resume_token=NUMBER, change=change)
    return WatchSnapshotsResponse(frames=[frame]).SerializeToString()


def _delivered(running: Running, method: str, publish: Load, changes: int) -> Sample:
    plan = publish.plan(count=changes)
    report = _watches(running, method, WATCHERS, changes=changes, publish=plan).run()
    return replace(
        sample(report, report["count"] / report["seconds"]),
        changes_a_message=report["count"] / report["messages"],
    )


def watch(bench: Bench) -> list[Result]:
    """Changes delivered to 1,000 watchers, against a bare fan-out"""
    method = f"{SERVICE}/WatchSnapshots"
    with bench.scratch() as folder, ExitStack() as stack:
        server, bare = sqlite(stack, folder), stack.enter_context(references.bare())
        events = Load("unary", bare.address, "/bench.Bare/Publish", [_event()], 1)
        changes = CHANGES // 4 if bench.quick else CHANGES
        found = bench.interleaved(
            {
                "ours": lambda: _delivered(server, method, _saves(server), changes),
                "bare": lambda: _delivered(
                    bare, "/bench.Bare/Fan", replace(events, in_flight=1), BARE_CHANGES
                ),
            }
        )
    what = f"{changes} changes of 1 KiB, saved on one stream, delivered to {WATCHERS:,} watchers"
    against = "bare grpc.aio fan-out, one event a message"
    unit = "deliveries a second"
    result = Result("watch", what, against, unit, found["ours"], found["bare"], reach=3.0)
    packed = statistics.median(each.changes_a_message or 0 for each in found["ours"])
    result.note = f"ours had {packed:.1f} changes in a message"
    return [result]


def memory(bench: Bench) -> list[Result]:
    """Memory of idle watchers, and of one that is stalled"""
    return [_idle(bench), _stalled(bench)]


def streams(bench: Bench) -> list[Result]:
    """What streams leave in memory that are opened and cancelled, against bare streams"""
    count = STREAMS_QUICK if bench.quick else STREAMS
    told: list[str] = []

    def left(name: str, running: Running, method: str, count: int) -> Sample:
        # The first thousands fill the allocator's pools.
        _cancelled(running, method).run(count=count // 10)
        before = machine.resident_bytes(running.pids[0])
        report = _cancelled(running, method).run(count=count)
        after = machine.resident_bytes(running.pids[0])
        told.append(f"{name} {before / MIB:.1f} MiB before {count:,}, {after / MIB:.1f} after")
        return sample(report, (after - before) / count)

    with bench.scratch() as folder, ExitStack() as stack:
        server, bare = sqlite(stack, folder), stack.enter_context(references.bare())
        _saves(server).run(count=1_000)
        ours = left("ours", server, f"{SERVICE}/WatchSnapshots", count)
        theirs = left("bare", bare, "/bench.Bare/Fan", count // 4)
    what = f"memory left by a watch that was opened and cancelled, of {count:,}"
    against = "a stream of bare grpc.aio"
    result = Result("streams", what, against, "bytes", [ours], [theirs])
    result.note = "; ".join(told)
    return [result]


def _cancelled(running: Running, method: str) -> Load:
    """Streams that are cancelled after their first message, many at once."""
    plan = {"streams": AT_ONCE, "connections": CONNECTIONS}
    extra = {"watch": plan}
    return Load("cancel", running.address, method, [_watch_request()], 0, running.pids, extra)


def _idle(bench: Bench) -> Result:
    method = f"{SERVICE}/WatchSnapshots"
    with bench.scratch() as folder, ExitStack() as stack:
        server = sqlite(stack, folder)
        _saves(server).run(count=1_000)
        with _watches(server, method, 10).held():
            before = machine.resident_bytes(server.pids[0])
            with _watches(server, method, WATCHERS).held():
                after = machine.resident_bytes(server.pids[0])
    what = f"memory of an idle watcher, of {WATCHERS:,}"
    value = Sample((after - before) / WATCHERS / KIB)
    return Result("memory", what, "64 KiB", "KiB", [value], reach=64, at_most=True)


def _stalled(bench: Bench) -> Result:
    """Watchers that read nothing beside one that does, in a server whose ring is full already.
    What the server grows by meanwhile is all held to be theirs.
    """
    changes = STALLED_CHANGES_QUICK if bench.quick else STALLED_CHANGES
    method = f"{SERVICE}/WatchSnapshots"
    with bench.scratch() as folder, ExitStack() as stack:
        server = sqlite(stack, folder)
        stack.enter_context(_watches(server, method, 1).held())
        _saves(server).run(count=changes // 4)
        for number in range(STALLED):
            # Each asks for something else: none shares what it stays at with another.
            request = _watch_request(max_message_bytes=4 * MIB - number)
            watch = replace(_watches(server, method, 1, stall=True), templates=[request])
            stack.enter_context(watch.held())
        before = machine.resident_bytes(server.pids[0])
        _saves(server).run(count=changes)
        after = machine.resident_bytes(server.pids[0])
    value = Sample((after - before) / STALLED / MIB)
    what = f"memory of a watcher stalled for {changes:,} changes of 1 KiB, of {STALLED}"
    result = Result("memory", what, "8 MiB", "MiB", [value], reach=8, at_most=True)
    result.note = f"the server had {before / MIB:.1f} MiB before, {after / MIB:.1f} after"
    return result
