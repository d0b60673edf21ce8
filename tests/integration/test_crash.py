"""kill -9 of the server in a stream of saves: what was acknowledged is there, and nothing half."""

from __future__ import annotations

import asyncio
import os
import random
import signal
from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import grpc
import grpc.aio

from stillframe.testing import ServerProcess
from stillframe.v1 import snapshot_service_pb2 as service
from tests.conformance.support import new_tenant, save_request
from tests.integration.saves import DEADLINE, Tenant, gapless, tagged, whole

if TYPE_CHECKING:
    from pathlib import Path

    from stillframe.v1.snapshot_pb2 import ExecutionSnapshot
    from stillframe.v1.snapshot_service_pb2 import SaveSnapshotRequest, SaveSnapshotResponse

ROUNDS = 3
EXECUTIONS = 12
IN_FLIGHT = 4
"""Saves of one execution on their way at the same time."""


@dataclass
class Ledger:
    """What the clients know: the saves they sent, and the answers they got."""

    sent: int = 0
    acknowledged: list[tuple[SaveSnapshotRequest, SaveSnapshotResponse]] = field(
        default_factory=list[tuple["SaveSnapshotRequest", "SaveSnapshotResponse"]]
    )
    unanswered: list[SaveSnapshotRequest] = field(default_factory=list["SaveSnapshotRequest"])

    def next(self, tenant_id: str, execution_id: str) -> SaveSnapshotRequest:
        self.sent += 1
        tag = f"{execution_id}-{self.sent}"
        return save_request(
            tenant_id,
            execution_id,
            tagged(tag),
            request_id=tag,
            # Calls overtake each other on their way.
            allow_sequence_regression=True,
        )


async def save_until_killed(tenant: Tenant, ledger: Ledger, pid: int, kill_at: int) -> None:
    """Saves without a pause until the server is gone, which this kills in the middle."""

    async def engine(execution_id: str) -> None:
        while True:
            request = ledger.next(tenant.tenant_id, execution_id)
            try:
                answer = await tenant.save(request)
            except grpc.aio.AioRpcError as error:
                if error.code() is not grpc.StatusCode.UNAVAILABLE:
                    raise
                ledger.unanswered.append(request)
                return
            ledger.acknowledged.append((request, answer))
            if len(ledger.acknowledged) == kill_at:
                os.kill(pid, signal.SIGKILL)

    async with asyncio.timeout(DEADLINE), asyncio.TaskGroup() as group:
        for number in range(EXECUTIONS * IN_FLIGHT):
            group.create_task(engine(f"run-{number % EXECUTIONS}"))


async def check(tenant: Tenant, ledger: Ledger, beginning: str) -> list[ExecutionSnapshot]:
    """Compares the store with the ledger, and its views of itself with each other."""
    history = await tenant.history()
    assert gapless([each.revision for each in history])
    assert all(whole(each) for each in history)
    tags = [each.labels["tag"] for each in history]
    assert len(set(tags)) == len(tags), "a save was made twice"

    by_etag = {each.etag: each for each in history}
    for request, answer in ledger.acknowledged:
        kept = by_etag[answer.etag]
        assert (kept.execution_id, kept.version) == (request.execution_id, answer.version)
        assert kept.revision == answer.revision
        assert kept.labels == request.snapshot.labels
    known = {request.request_id for request, _ in ledger.acknowledged}
    known |= {request.request_id for request in ledger.unanswered}
    assert set(tags) <= known

    versions: dict[str, list[ExecutionSnapshot]] = defaultdict(list)
    for each in history:
        versions[each.execution_id].append(each)
    assert all(gapless([each.version for each in kept]) for kept in versions.values())
    assert await tenant.heads() == {name: kept[-1] for name, kept in versions.items()}

    changes = await tenant.changes_after(beginning)
    assert all(each.kind == service.CHANGE_KIND_SAVED for each in changes)
    assert [each.snapshot for each in changes] == history
    return history


async def test_a_kill_in_a_stream_of_saves_loses_nothing_and_keeps_nothing_half(
    tmp_path: Path,
) -> None:
    chance = random.Random(2)
    ledger = Ledger()
    tenant_id = new_tenant()
    with ServerProcess(f"sqlite:///{tmp_path}/stillframe.db", cwd=tmp_path) as server:
        async with Tenant(server.address, tenant_id) as tenant:
            beginning = await tenant.beginning()
        for _ in range(ROUNDS):
            kill_at = len(ledger.acknowledged) + chance.randint(30, 250)
            async with Tenant(server.address, tenant_id) as tenant:
                await save_until_killed(tenant, ledger, server.pid, kill_at)
            server.kill()  # for the record: it is dead already
            await asyncio.to_thread(server.start)

            async with Tenant(server.address, tenant_id) as tenant:
                before = await check(tenant, ledger, beginning)
                for request, answer in chance.sample(ledger.acknowledged, 40):
                    read = await tenant.load(request.execution_id, answer.version)
                    assert read.etag == answer.etag
                    assert whole(read)

                # The engines never learned what became of these: they ask again.
                made = {each.labels["tag"]: each for each in before}
                for request in ledger.unanswered:
                    answer = await tenant.save(request)
                    if (kept := made.get(request.request_id)) is not None:
                        assert answer.outcome == service.SAVE_OUTCOME_REPLAYED
                        assert (answer.etag, answer.revision) == (kept.etag, kept.revision)
                    ledger.acknowledged.append((request, answer))
                ledger.unanswered.clear()
                after = await check(tenant, ledger, beginning)
                assert len(after) == ledger.sent
