"""A run of the fuzzer against one server process."""

from __future__ import annotations

import asyncio
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import grpc
from google.protobuf.message import DecodeError

from tests.fuzz.calling import Caller
from tests.fuzz.judging import error_info, judge, read_request, read_response
from tests.fuzz.messages import Call, call
from tests.fuzz.shrinking import smaller
from tests.fuzz.world import World

if TYPE_CHECKING:
    from stillframe.testing import ServerProcess
    from tests.fuzz.judging import Answer

SETTINGS = {
    "STILLFRAME_MAX_REQUEST_BYTES": str(2**20),
    "STILLFRAME_MAX_SNAPSHOT_BYTES": str(2**18),
    "STILLFRAME_MAX_PAYLOAD_BYTES": str(2**16),
    "STILLFRAME_MAX_ENTRIES": "64",
    "STILLFRAME_MAX_VALUE_BYTES": "4096",
    "STILLFRAME_MAX_EXECUTIONS": "24",
    "STILLFRAME_CHANGE_LOG_SIZE": "500",
    "STILLFRAME_RETENTION": "last:16",
    "STILLFRAME_TOMBSTONE_DAYS": "0.00002",
    "STILLFRAME_WATCH_BUFFER_BYTES": str(2**20),
    "STILLFRAME_MAINTENANCE_INTERVAL": "0.2",
}
"""Limits that are soon met, and housekeeping that is always at work: what a server holds
stays small, so that memory that grows is memory that leaks."""

ROUND = 500
"""Calls after which one looks whether the server is the same, and how large."""

IN_FLIGHT = 32

WARM_CALLS = 4_000
"""Calls after which a server has what it needs: modules, pools, caches."""

MEMORY_ALLOWANCE = 128 * 2**20
"""Bytes that a warm server may grow by."""

MAX_FINDINGS = 10

MAX_HEX = 10_000
"""Characters of a request that are printed."""


@dataclass
class Report:
    """What came of a run."""

    calls: int = 0
    messages: int = 0
    codes: Counter[str] = field(default_factory=Counter[str])
    """How many calls of which RPC ended with which status code."""
    findings: list[str] = field(default_factory=list[str])
    warm_bytes: int = 0
    """Resident bytes of the server after WARM_CALLS; 0 before, and where nobody tells."""
    last_bytes: int = 0


class Campaign:
    """Sends calls to a server, many at once, and gathers what is wrong with the answers."""

    def __init__(self, server: ServerProcess, seed: int) -> None:
        self._server = server
        self._pid = server.pid
        self._seed = seed
        self._world = World()
        self._kinds: set[tuple[str, str]] = set()
        self.report = Report()

    @property
    def over(self) -> bool:
        """Whether enough is wrong, or the server is gone."""
        return len(self.report.findings) >= MAX_FINDINGS or not self._server.running

    async def round(self, calls: int = ROUND) -> None:
        """Makes this many calls more, and looks at the server afterwards."""
        numbers = iter(range(self.report.calls, self.report.calls + calls))
        made: list[Call] = []
        caller = Caller(self._server.address, IN_FLIGHT)

        async def work() -> None:
            for number in numbers:
                made.append(call(self._seed, number, self._world))
                await self._make(caller, made[-1], number)

        try:
            async with asyncio.TaskGroup() as group:
                for _ in range(IN_FLIGHT):
                    group.create_task(work())
        finally:
            await caller.close()
        self.report.calls += len(made)
        self.report.messages += sum(len(each.requests) for each in made)
        if not self._server.running or self._server.pid != self._pid:
            await self._find_killer(made)
        else:
            self._weigh()

    async def _make(self, caller: Caller, made: Call, number: int) -> None:
        answer = await caller.call(made)
        self.report.codes[f"{made.rpc} {answer.code.name}"] += 1
        wrong = judge(made.rpc, answer)
        if wrong is None:
            self._learn(made, answer)
        elif self._server.running:
            await self._report(caller, made, number, wrong)

    def _learn(self, made: Call, answer: Answer) -> None:
        try:
            request = read_request(made.rpc, made.requests[0])
        except DecodeError:
            return
        if answer.code is grpc.StatusCode.OK and len(answer.messages) == 1:
            self._world.learn(request, read_response(made.rpc, answer.messages[0]))
        elif floor := error_info(answer).metadata.get("writer_epoch_floor"):
            self._world.learn_floor(request, int(floor))

    async def _report(self, caller: Caller, made: Call, number: int, wrong: str) -> None:
        kind = (made.rpc, wrong[:40])
        if kind in self._kinds or self.over:
            return
        self._kinds.add(kind)

        async def is_wrong(requests: tuple[bytes, ...]) -> bool:
            found = judge(made.rpc, await caller.call(Call(made.rpc, requests)))
            return found is not None and found[:40] == wrong[:40]

        small = Call(made.rpc, await smaller(made.requests, is_wrong))
        self.report.findings.append(
            f"{wrong}\n    call {number}: {_cut(made)}\n    smaller: {_cut(small)}"
        )

    async def _find_killer(self, suspects: list[Call]) -> None:
        """Starts the server again, and sends what it was sent, one by one, until it ends."""
        self.report.findings.append(f"the server ended:\n{self._server.stderr[-2_000:]}")
        self._server.start()
        caller = Caller(self._server.address, IN_FLIGHT)
        try:
            for suspect in suspects:
                await caller.call(suspect)
                if not self._server.running:
                    self.report.findings.append(f"the server ends at {_cut(suspect)}")
                    return
        finally:
            await caller.close()
        self._server.kill()

    def _weigh(self) -> None:
        self.report.last_bytes = resident_bytes(self._pid)
        if self.report.calls < WARM_CALLS:
            return
        self.report.warm_bytes = self.report.warm_bytes or self.report.last_bytes
        grown = self.report.last_bytes - self.report.warm_bytes
        if grown > MEMORY_ALLOWANCE:
            self.report.findings.append(
                f"the server has grown by {grown:,} bytes since call {WARM_CALLS:,}"
            )


def resident_bytes(pid: int) -> int:
    """Returns the memory that a process holds; 0 where the system has no /proc."""
    try:
        status = Path(f"/proc/{pid}/status").read_text(encoding="ascii")
    except FileNotFoundError:
        return 0
    [line] = (line for line in status.splitlines() if line.startswith("VmRSS:"))
    return int(line.split()[1]) * 1024


def _cut(made: Call) -> str:
    text = str(made)
    return text if len(text) <= MAX_HEX else f"{text[:MAX_HEX]}… ({len(text):,} characters)"
