"""Tools and clients that know gRPC and nothing of ours: buf, health checks, reflection."""

from __future__ import annotations

import asyncio
import base64
import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import grpc
import grpc.aio
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc

from stillframe.testing import ServerProcess
from stillframe.v1 import snapshot_service_pb2 as service
from tests.conformance.support import new_tenant, save_request, snapshot
from tests.integration.saves import DEADLINE, Tenant

if TYPE_CHECKING:
    from collections.abc import Iterator

# Neither package has types for its stubs.
HEALTH: Any = health_pb2_grpc
REFLECTION: Any = reflection_pb2_grpc
REFLECTED: Any = reflection_pb2

SERVICE = "stillframe.v1.SnapshotService"
RPCS = [
    "SaveSnapshot", "SaveSnapshots", "LoadSnapshot", "ClaimExecution", "CheckFreshness",
    "ListExecutions", "ListSnapshots", "DiffSnapshots", "ForkExecution", "DeleteSnapshots",
    "DeleteExecution", "WatchSnapshots", "GetServerInfo",
]  # fmt: skip

BUF = shutil.which("buf", path=f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")


@pytest.fixture(scope="module")
def server() -> Iterator[ServerProcess]:
    with ServerProcess() as process:
        yield process


def buf_curl(*args: str) -> subprocess.CompletedProcess[str]:
    """Runs buf's gRPC client, which learns by reflection what the service is."""
    assert BUF, "buf is not installed: pip install buf-bin"
    # In no folder of ours, where it would find the schema in a file.
    command = [BUF, "curl", "--http2-prior-knowledge", "--protocol", "grpc", *args]
    return subprocess.run(
        command, capture_output=True, text=True, timeout=DEADLINE, check=False, cwd="/"
    )


def call(server: ServerProcess, rpc: str, request: object) -> subprocess.CompletedProcess[str]:
    return buf_curl("-d", json.dumps(request), f"http://{server.address}/{SERVICE}/{rpc}")


def test_buf_lists_the_service(server: ServerProcess) -> None:
    listed = buf_curl("--list-methods", f"http://{server.address}")
    assert listed.returncode == 0, listed.stderr
    names = listed.stdout.split()
    assert sorted(each for each in names if each.startswith(SERVICE)) == sorted(
        f"{SERVICE}/{rpc}" for rpc in RPCS
    )
    assert "grpc.health.v1.Health/Check" in names


def test_buf_saves_and_loads_a_snapshot(server: ServerProcess) -> None:
    content = base64.b64encode(b'{"rows": 3}').decode()
    of_run = {"tenantId": new_tenant(), "executionId": "run-1"}
    state = {
        "state": "EXECUTION_STATE_WAITING",
        "waitReason": "WAIT_REASON_APPROVAL",
        "sequenceNumber": "9007199254740993",
        "stepOutputs": {"fetch": {"data": content}},
        "labels": {"team": "red"},
    }
    saved = call(server, "SaveSnapshot", of_run | {"snapshot": state})
    assert saved.returncode == 0, saved.stderr
    assert json.loads(saved.stdout)["outcome"] == "SAVE_OUTCOME_CREATED"

    loaded = call(server, "LoadSnapshot", of_run)
    assert loaded.returncode == 0, loaded.stderr
    read = json.loads(loaded.stdout)["snapshot"]
    assert {key: read[key] for key in state} == state
    assert read["etag"] == json.loads(saved.stdout)["etag"]


def test_buf_is_told_the_reason_of_an_error(server: ServerProcess) -> None:
    refused = call(server, "LoadSnapshot", {"tenantId": new_tenant(), "executionId": "run-1"})
    assert refused.returncode != 0
    told = json.loads(refused.stderr)
    assert told["code"] == "not_found"
    assert [each["type"] for each in told["details"]] == ["google.rpc.ErrorInfo"]
    # Without the padding, as Connect writes it.
    assert b"EXECUTION_NOT_FOUND" in base64.b64decode(told["details"][0]["value"] + "==")


def test_buf_watches(server: ServerProcess) -> None:
    tenant_id = new_tenant()
    assert BUF, "buf is not installed: pip install buf-bin"
    command = [
        BUF, "curl", "--http2-prior-knowledge", "--protocol", "grpc",
        "-d", json.dumps({"tenantId": tenant_id, "initialState": {}}),
        f"http://{server.address}/{SERVICE}/WatchSnapshots",
    ]  # fmt: skip
    saved = call(
        server,
        "SaveSnapshot",
        {
            "tenantId": tenant_id,
            "executionId": "run-1",
            "snapshot": {"state": "EXECUTION_STATE_RUNNING"},
        },
    )
    assert saved.returncode == 0, saved.stderr
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd="/") as watching:
        assert watching.stdout is not None
        try:
            assert any('"executionId": "run-1"' in line for line in watching.stdout)
        finally:
            watching.kill()


async def test_reflection_lists_the_services(server: ServerProcess) -> None:
    async with asyncio.timeout(DEADLINE), grpc.aio.insecure_channel(server.address) as channel:
        stub = REFLECTION.ServerReflectionStub(channel)
        asked = [REFLECTED.ServerReflectionRequest(list_services="")]
        answers: list[Any] = [each async for each in stub.ServerReflectionInfo(iter(asked))]
    names: set[str] = {each.name for each in answers[0].list_services_response.service}
    assert {SERVICE, "grpc.health.v1.Health"} <= names


async def test_without_reflection_there_is_the_service_alone() -> None:
    with ServerProcess(args=["--no-reflection"]) as server:
        listed = buf_curl("--list-methods", f"http://{server.address}")
        assert listed.returncode != 0
        async with Tenant(server.address, new_tenant()) as tenant:
            assert await tenant.heads() == {}


@pytest.mark.parametrize("name", ["", SERVICE])
async def test_health_says_serving(server: ServerProcess, name: str) -> None:
    async with asyncio.timeout(DEADLINE), grpc.aio.insecure_channel(server.address) as channel:
        stub = HEALTH.HealthStub(channel)
        answer = await stub.Check(health_pb2.HealthCheckRequest(service=name))
        assert answer.status == health_pb2.HealthCheckResponse.SERVING
        with pytest.raises(grpc.aio.AioRpcError) as refused:
            await stub.Check(health_pb2.HealthCheckRequest(service="no.such.Service"))
        assert refused.value.code() is grpc.StatusCode.NOT_FOUND


async def test_sigterm_drains(tmp_path: Path) -> None:
    """Health says NOT_SERVING, a watch gets goodbye and OK, what was saved is kept, exit 0."""
    url = f"sqlite:///{tmp_path}/stillframe.db"
    # A watch of the health never ends by itself: the drain must not wait for it.
    with ServerProcess(url, args=["--drain-grace", "600"], cwd=tmp_path) as server:
        async with asyncio.timeout(DEADLINE), Tenant(server.address, new_tenant()) as tenant:
            health = HEALTH.HealthStub(tenant.channel)
            statuses = health.Watch(health_pb2.HealthCheckRequest(service=SERVICE))
            first = await statuses.read()
            assert first.status == health_pb2.HealthCheckResponse.SERVING

            now = service.WatchSnapshotsRequest(now=service.WatchFromNow())
            async with tenant.watch(now) as watch:
                await watch.until("opened")
                saved = await tenant.save(save_request(tenant.tenant_id, "run-1", snapshot()))
                os.kill(server.pid, signal.SIGTERM)
                second = await statuses.read()
                assert second.status == health_pb2.HealthCheckResponse.NOT_SERVING

                frames = await watch.until("goodbye")
                delivered = [each.change for each in frames if each.HasField("change")]
                assert await watch.frame() is None
                assert await watch.code() is grpc.StatusCode.OK
            # Not terminate: a second signal could meet a process that no longer handles it.
            assert await asyncio.to_thread(server.wait) == 0
            assert "Traceback" not in server.stderr

        # The token of the goodbye goes on at the next server: the change comes once,
        # before it or after.
        await asyncio.to_thread(server.start)
        deadline = asyncio.timeout(DEADLINE)
        async with deadline, Tenant(server.address, tenant.tenant_id) as again:
            assert (await again.load("run-1", saved.version)).etag == saved.etag
            delivered += await again.changes_after(frames[-1].resume_token)
            assert [each.snapshot.etag for each in delivered] == [saved.etag]
