"""Drives the load generator, a program in Go in a process of its own, and makes what it sends."""

from __future__ import annotations

import base64
import json
import os
import random
import shutil
import subprocess
import sys
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from google.protobuf.timestamp_pb2 import Timestamp

from stillframe.v1 import snapshot_pb2
from stillframe.v1.snapshot_pb2 import ExecutionSnapshot, Payload
from stillframe.v1.snapshot_service_pb2 import SaveItem, SaveSnapshotRequest
from tests.bench.results import Sample, SkippedError

if TYPE_CHECKING:
    from collections.abc import Generator, Sequence

SOURCE = Path(__file__).parent / "generator"
BUILT = Path(sys.prefix) / "bench" / "generator"

NUMBER = "@" * 16
"""The generator puts the message's number here, in hexadecimal."""
SLOT = "%" * 8
"""And here the number of the sender, which is below the number in flight."""

TENANT = "bench"
STATE = snapshot_pb2.EXECUTION_STATE_RUNNING
"""Of every snapshot."""
SERVICE = "/stillframe.v1.SnapshotService"
TIMEOUT = 300


@cache
def generator() -> Path:
    """Builds the load generator. Raises SkippedError where there is no Go."""
    if shutil.which("go") is None:
        raise SkippedError("the load generator is in Go, and there is no go")
    BUILT.parent.mkdir(exist_ok=True)
    subprocess.run(["go", "build", "-o", BUILT, "."], cwd=SOURCE, check=True)
    return BUILT


def numbers() -> int:
    """Returns where a run's numbers begin, so that no run repeats another's request_ids."""
    return int.from_bytes(os.urandom(4)) << 28


@dataclass(frozen=True)
class Load:
    """What one run of the generator sends to a server."""

    kind: str
    target: str
    method: str
    templates: Sequence[bytes]
    in_flight: int
    pids: Sequence[int] = ()
    extra: dict[str, Any] = field(default_factory=dict[str, Any])

    def plan(self, **more: Any) -> dict[str, Any]:
        return {
            "kind": self.kind,
            "target": self.target,
            "method": self.method,
            "templates": [base64.b64encode(each).decode() for each in self.templates],
            "in_flight": self.in_flight,
            "pids": list(self.pids),
            "first": numbers(),
            **self.extra,
            **more,
        }

    def run(self, **more: Any) -> dict[str, Any]:
        """Runs the generator and returns its report."""
        done = subprocess.run(
            [generator()],
            input=json.dumps(self.plan(**more)),
            capture_output=True,
            text=True,
            timeout=TIMEOUT,
            check=False,
        )
        if done.returncode != 0:
            raise RuntimeError(f"the load failed: {done.stderr.strip()}")
        report: dict[str, Any] = json.loads(done.stdout)
        return report

    def rate(self, seconds: float, warm_up: float = 0.5) -> Sample:
        """Returns how many a second were answered."""
        report = self.run(seconds=seconds, warm_up=warm_up)
        return sample(report, report["count"] / report["seconds"])

    @contextmanager
    def held(self) -> Generator[None]:
        """Holds the streams of a watch open."""
        process = subprocess.Popen(
            [generator()], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            process.stdin.write(json.dumps(self.plan()))
            process.stdin.flush()
            if process.stdout.readline() != "open\n":
                raise RuntimeError("the watches were not opened")
            yield
        finally:
            process.stdin.close()
            process.stdout.close()
            process.kill()
            process.wait()


def sample(report: dict[str, Any], value: float) -> Sample:
    """Returns a sample with what a report says beside its value."""
    server = report.get("server_cpu")
    return Sample(
        value,
        own_cpu=report["own_cpu"] / report["seconds"],
        server_cpu=None if server is None else server / report["seconds"],
        p50=report["p50"] or None,
        p99=report["p99"] or None,
    )


def text(size: int, seed: object) -> bytes:
    """Returns text that does not compress to much less than three quarters."""
    return base64.b64encode(random.Random(str(seed)).randbytes(size))[:size]


def save(variables: dict[str, bytes], execution_id: str = f"run-{SLOT}") -> SaveSnapshotRequest:
    """Builds a full save with a request_id of its own."""
    return SaveSnapshotRequest(
        tenant_id=TENANT,
        execution_id=execution_id,
        request_id=NUMBER,
        snapshot=ExecutionSnapshot(
            state=STATE,
            sequence_number=1,
            timestamp=Timestamp(seconds=1_700_000_000),
            variables={key: Payload(data=value) for key, value in variables.items()},
        ),
    )


def all_new(
    size: int, execution_id: str = f"run-{SLOT}", seed: int = 0
) -> list[SaveSnapshotRequest]:
    """Saves whose one value has nothing in common with the one before it; with another seed,
    64 or more away, nor with those.
    """
    marker = NUMBER.encode()
    return [
        save({"state": marker + text(size - len(marker), each)}, execution_id)
        for each in range(seed, seed + 64)
    ]


def one_step(size: int) -> list[SaveSnapshotRequest]:
    """Saves of sixteen values, of which one is new."""
    part = size // 16
    marker = NUMBER.encode()
    kept = {f"step-{number:02}": text(part, number) for number in range(15)}
    return [
        save(kept | {"step-15": marker + text(part - len(marker), f"new {seed}")})
        for seed in range(16)
    ]


def wire(requests: Sequence[SaveSnapshotRequest]) -> list[bytes]:
    return [each.SerializeToString() for each in requests]


def items(requests: Sequence[SaveSnapshotRequest]) -> list[bytes]:
    """The saves as items of a pipeline, named by their slot."""
    return [SaveItem(item_id=SLOT, save=each).SerializeToString() for each in requests]
