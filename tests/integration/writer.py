"""A process that saves and deletes at full speed until its stdin ends.

python -m tests.integration.writer ADDRESS TENANT NAME: prints `ready` once it is at
work, and exits with 0.
"""

from __future__ import annotations

import random
import sys
import threading
from collections import deque
from typing import TYPE_CHECKING, Any

import grpc

from stillframe.v1 import snapshot_service_pb2 as service
from stillframe.v1.snapshot_service_pb2_grpc import SnapshotServiceStub
from tests.conformance.support import COMPLETED, PAUSED, RUNNING, save_request, snapshot

if TYPE_CHECKING:
    from stillframe.v1.snapshot_service_pb2 import DeleteExecutionRequest, SaveSnapshotRequest

EXECUTIONS = 40
"""Few, so that the writers meet on the same ones; and others rest as they were seeded."""
IN_FLIGHT = 16
WARM_UP = 50


def next_save(tenant_id: str, name: str, number: int, chance: random.Random) -> SaveSnapshotRequest:
    content = snapshot(
        number,
        state=chance.choice([RUNNING, RUNNING, PAUSED, COMPLETED]),
        outputs={f"step-{number % 5}": f"{name} {number} " * chance.randint(1, 50)},
        variables={"by": name, f"v{number % 3}": str(number)},
        labels={"team": chance.choice(["red", "blue"]), "by": name},
    )
    return save_request(
        tenant_id,
        f"run-{chance.randrange(EXECUTIONS):03}",
        content,
        allow_sequence_regression=True,
    )


def next_delete(tenant_id: str, chance: random.Random) -> DeleteExecutionRequest:
    return service.DeleteExecutionRequest(
        tenant_id=tenant_id, execution_id=f"run-{chance.randrange(EXECUTIONS):03}"
    )


def main(address: str, tenant_id: str, name: str) -> None:
    stop = threading.Event()

    def wait_for_end() -> None:
        sys.stdin.read()
        stop.set()

    threading.Thread(target=wait_for_end, daemon=True).start()
    chance = random.Random(name)
    with grpc.insecure_channel(address) as channel:
        stub = SnapshotServiceStub(channel)
        calls: deque[grpc.Future[Any]] = deque()
        number = 0
        while not stop.is_set():
            number += 1
            if chance.random() < 0.05:
                calls.append(stub.DeleteExecution.future(next_delete(tenant_id, chance)))
            else:
                calls.append(stub.SaveSnapshot.future(next_save(tenant_id, name, number, chance)))
            if len(calls) == IN_FLIGHT:
                calls.popleft().result(timeout=30)
            if number == WARM_UP:
                print("ready", flush=True)
        for call in calls:
            call.result(timeout=30)


if __name__ == "__main__":
    main(*sys.argv[1:])
