"""Saves and loads a second, against what bare gRPC, etcd and Valkey do with the same bytes."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from stillframe.v1.snapshot_service_pb2 import LoadSnapshotRequest
from tests.bench import load, references
from tests.bench.load import NUMBER, SERVICE, SLOT, TENANT, Load
from tests.bench.results import Result, Sample, SkippedError

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager
    from pathlib import Path

    from tests.bench.references import Running
    from tests.bench.settings import Bench

SIZE = 16 * 1024
IN_FLIGHT = 64
RATE = "a second"
DURABLE = "durable, 16 KiB, all of it new"

HEAD_SIZE = 1024
FEW_HEADS = 1_000
MANY_HEADS = 50_000
MANY_HEADS_QUICK = 5_000


def echo(running: Running, in_flight: int = IN_FLIGHT) -> Load:
    bodies = load.wire(load.all_new(SIZE))
    return Load("unary", running.address, "/bench.Bare/Echo", bodies, in_flight, running.pids)


def saves(running: Running, in_flight: int = IN_FLIGHT) -> Load:
    bodies = load.wire(load.all_new(SIZE))
    method = f"{SERVICE}/SaveSnapshot"
    return Load("unary", running.address, method, bodies, in_flight, running.pids)


def pipeline(running: Running) -> Load:
    bodies = load.items(load.all_new(SIZE))
    method = f"{SERVICE}/SaveSnapshots"
    return Load("pipeline", running.address, method, bodies, IN_FLIGHT, running.pids)


def etcd_puts(running: Running, in_flight: int) -> Load:
    """PutRequest: the key in field 1, the value in field 2."""
    key = f"run-{SLOT}".encode()
    bodies = [
        b"\x0a" + _varint(len(key)) + key + b"\x12" + _varint(SIZE) + value
        for value in (_value(seed) for seed in range(64))
    ]
    method = "/etcdserverpb.KV/Put"
    return Load("unary", running.address, method, bodies, in_flight, running.pids)


def valkey_sets(running: Running, in_flight: int) -> Load:
    key = f"run-{SLOT}".encode()
    bodies = [
        b"*3\r\n$3\r\nSET\r\n$%d\r\n%b\r\n$%d\r\n%b\r\n" % (len(key), key, SIZE, _value(seed))
        for seed in range(64)
    ]
    return Load("redis", running.address, "SET", bodies, in_flight, running.pids)


def _value(seed: int) -> bytes:
    return NUMBER.encode() + load.text(SIZE - len(NUMBER), seed)


def _varint(number: int) -> bytes:
    low, high = number & 0x7F, number >> 7
    return bytes([low | 0x80]) + _varint(high) if high else bytes([low])


class Started:
    """Starts references, and remembers why those that cannot be are not there."""

    def __init__(self, stack: ExitStack) -> None:
        self._stack = stack
        self.missing: list[str] = []

    def get(self, start: Callable[[], AbstractContextManager[Running]]) -> Running | None:
        try:
            return self._stack.enter_context(start())
        except SkippedError as reason:
            self.missing.append(str(reason))
            return None


def sqlite(stack: ExitStack, folder: Path) -> Running:
    return stack.enter_context(references.stillframe(f"sqlite:///{folder}/stillframe.db"))


def measure(bench: Bench, loads: dict[str, Load | None]) -> dict[str, list[Sample]]:
    """Measures the loads that there are, in turn, after each has been tried once."""
    present = {name: each for name, each in loads.items() if each is not None}
    for each in present.values():
        each.rate(0.2, warm_up=0.3)
    return bench.interleaved(
        {name: partial(each.rate, bench.seconds) for name, each in present.items()}
    )


def results(
    template: Result,
    ours: list[Sample],
    found: dict[str, list[Sample]],
    against: dict[str, float | None],
    missing: list[str],
) -> list[Result]:
    """One result for each reference that was measured; the first that was not says why."""
    made = [
        replace(template, against=name, ours=ours, theirs=found[name], reach=reach)
        for name, reach in against.items()
        if name in found
    ]
    if not made:
        raise SkippedError("; ".join(missing))
    made[-1].note = "; ".join(f"skipped: {reason}" for reason in missing)
    return made


def save(bench: Bench) -> list[Result]:
    """Unary SaveSnapshot, 64 in flight, against a bare echo"""
    with bench.scratch() as folder, ExitStack() as stack:
        start = Started(stack)
        server, bare = sqlite(stack, folder), stack.enter_context(references.bare())
        valkey = start.get(lambda: references.valkey(folder))
        step = replace(saves(server), templates=load.wire(load.one_step(SIZE)))
        found = measure(
            bench,
            {
                "ours": saves(server),
                "bare grpc.aio echo of the same bytes": echo(bare),
                "Valkey SET, appendfsync always, 64 clients": (
                    valkey_sets(valkey, IN_FLIGHT) if valkey else None
                ),
                "step": step,
            },
        )
    template = Result("save", f"unary SaveSnapshot, {DURABLE}, 64 in flight", "", RATE)
    reach: dict[str, float | None] = {
        "bare grpc.aio echo of the same bytes": 0.8,
        "Valkey SET, appendfsync always, 64 clients": None,
    }
    made = results(template, found["ours"], found, reach, start.missing)
    what = "unary SaveSnapshot, durable, 16 KiB, of which 1 KiB is new, 64 in flight"
    name = "bare grpc.aio echo of the same bytes"
    return [
        *made,
        replace(template, what=what, against=name, ours=found["step"], theirs=found[name]),
    ]


def save_one(bench: Bench) -> list[Result]:
    """Unary SaveSnapshot, 1 in flight, against etcd and Valkey"""
    with bench.scratch() as folder, ExitStack() as stack:
        start = Started(stack)
        server = sqlite(stack, folder)
        etcd = start.get(lambda: references.etcd(folder))
        valkey = start.get(lambda: references.valkey(folder))
        found = measure(
            bench,
            {
                "ours": saves(server, 1),
                "etcd put, 1 client": etcd_puts(etcd, 1) if etcd else None,
                "Valkey SET, appendfsync always, 1 client": (
                    valkey_sets(valkey, 1) if valkey else None
                ),
            },
        )
    template = Result("save-one", f"unary SaveSnapshot, {DURABLE}, 1 in flight", "", RATE)
    reach = {"etcd put, 1 client": 0.8, "Valkey SET, appendfsync always, 1 client": None}
    return results(template, found["ours"], found, reach, start.missing)


def stream(bench: Bench) -> list[Result]:
    """SaveSnapshots on one stream, 64 in flight, against etcd"""
    with bench.scratch() as folder, ExitStack() as stack:
        start = Started(stack)
        server = sqlite(stack, folder)
        etcd = start.get(lambda: references.etcd(folder))
        valkey = start.get(lambda: references.valkey(folder))
        found = measure(
            bench,
            {
                "ours": pipeline(server),
                "etcd put, 64 clients": etcd_puts(etcd, IN_FLIGHT) if etcd else None,
                "Valkey SET, appendfsync always, 64 clients": (
                    valkey_sets(valkey, IN_FLIGHT) if valkey else None
                ),
            },
        )
    template = Result("stream", f"SaveSnapshots stream, {DURABLE}, 64 in flight", "", RATE)
    reach = {"etcd put, 64 clients": 2.0, "Valkey SET, appendfsync always, 64 clients": None}
    return results(template, found["ours"], found, reach, start.missing)


def load_head(bench: Bench) -> list[Result]:
    """LoadSnapshot of a head, 64 in flight, against a bare echo"""
    name = "bare grpc.aio echo of 16 KiB"
    with bench.scratch() as folder, ExitStack() as stack:
        server, bare = sqlite(stack, folder), stack.enter_context(references.bare())
        saves(server).rate(0.3, warm_up=0)
        found = measure(bench, {"ours": _loads(server, f"run-{SLOT}"), name: echo(bare)})
    what = "LoadSnapshot of a head, 16 KiB, 64 in flight"
    return [Result("load", what, name, RATE, found["ours"], found[name], reach=0.9)]


def _loads(server: Running, execution_id: str, in_flight: int = IN_FLIGHT) -> Load:
    request = LoadSnapshotRequest(tenant_id=TENANT, execution_id=execution_id)
    body = request.SerializeToString()
    method = f"{SERVICE}/LoadSnapshot"
    return Load("unary", server.address, method, [body], in_flight, server.pids)


def heads(bench: Bench) -> list[Result]:
    """LoadSnapshot of one head of many, against the same of one of 1,000"""
    many = MANY_HEADS_QUICK if bench.quick else MANY_HEADS
    with bench.scratch() as folder, ExitStack() as stack:
        samplers: dict[str, Callable[[], Sample]] = {}
        for name, count in (("many", many), ("few", FEW_HEADS)):
            (folder / name).mkdir()
            server = sqlite(stack, folder / name)
            bodies = load.items(load.all_new(HEAD_SIZE, f"run-{NUMBER}"))
            method = f"{SERVICE}/SaveSnapshots"
            fill = Load("pipeline", server.address, method, bodies, IN_FLIGHT)
            fill.run(count=count, first=0)
            loads = _loads(server, f"run-{NUMBER}", in_flight=1)
            loads = replace(loads, extra={"modulo": count})
            samplers[name] = partial(_median_latency, loads, bench.seconds)
        found = bench.interleaved(samplers)
    what = f"p50 of a head load, 1 in flight, {many:,} snapshots of 1 KiB stored"
    against = f"the same with {FEW_HEADS:,}"
    note = "" if bench.quick else "the aim is the same at 1,000,000"
    result = Result("heads", what, against, "ms", found["many"], found["few"], 1.3, at_most=True)
    result.note = note
    return [result]


def _median_latency(loads: Load, seconds: float) -> Sample:
    found = loads.rate(seconds)
    assert found.p50 is not None
    return replace(found, value=found.p50 * 1e3)
