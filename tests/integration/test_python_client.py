"""The Python client against a real server: saves, loads, watches, deltas, forks."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from stillframe.client import (
    AsyncClient,
    Change,
    ChangeKind,
    Client,
    DeltaBaseMismatchError,
    EtagMismatchError,
    ExecutionState,
    FencedError,
    FreshnessStatus,
    InitialStateEnd,
    SaveOutcome,
    Snapshot,
    StoredSnapshot,
)
from tests.integration.saves import DEADLINE
from tests.integration.states import RIDES_OUT, assert_is, running

if TYPE_CHECKING:
    from collections.abc import Iterator

    from stillframe.testing import ServerProcess

pytest_plugins = ["stillframe.testing.fixtures"]


@pytest.fixture
def client(stillframe_server: ServerProcess) -> Iterator[Client]:
    address = stillframe_server.address
    with Client(address, tenant="acme", timeout=DEADLINE, retry=RIDES_OUT) as opened:
        yield opened


def test_an_engine_saves_loads_resumes_and_is_fenced(client: Client) -> None:
    claim = client.claim("run-1", allow_missing=True)
    first = client.save("run-1", running(1), writer_epoch=claim.writer_epoch)
    assert (first.outcome, first.version) == (SaveOutcome.CREATED, 1)
    done = Snapshot(state=ExecutionState.COMPLETED, sequence_number=2, labels={"team": "red"})
    client.save("run-1", done, expected_etag=first.etag, writer_epoch=claim.writer_epoch)

    successor = client.claim("run-1", event_store_head=4)
    assert successor.snapshot is not None
    assert_is(successor.snapshot, done)
    assert successor.freshness is not None
    assert (successor.freshness.status, successor.freshness.distance) == (FreshnessStatus.STALE, 2)
    with pytest.raises(FencedError):
        client.save("run-1", running(3), writer_epoch=claim.writer_epoch)

    assert_is(client.load("run-1", version=1), running(1))
    assert [each.version for each in client.history("run-1")] == [2, 1]
    assert [each.execution_id for each in client.list()] == ["run-1"]
    assert client.delete("run-1", writer_epoch=successor.writer_epoch).deleted_count == 1
    assert list(client.list()) == []


async def test_the_same_with_asyncio(stillframe_server: ServerProcess) -> None:
    async with (
        asyncio.timeout(DEADLINE),
        AsyncClient(stillframe_server.address, tenant="acme") as client,
    ):
        claim = await client.claim("run-1", allow_missing=True)
        await asyncio.gather(
            *(client.save(f"run-{n}", running(n)) for n in range(2, 20)),
            client.save("run-1", running(1), writer_epoch=claim.writer_epoch),
        )
        for number in (1, 19):
            assert_is(await client.load(f"run-{number}"), running(number))
        assert len([each async for each in client.list(page_size=4)]) == 19
        with pytest.raises(FencedError):
            await client.save("run-1", running(3))

        states: dict[str, StoredSnapshot] = {}
        async with client.watch(initial_state=True, full=True) as watch:
            async for event in watch:
                if isinstance(event, Change):
                    states[event.snapshot.execution_id] = event.snapshot
                if isinstance(event, InitialStateEnd):
                    break
            assert len(states) == 19
            assert_is(states["run-19"], running(19))
            deleted = await client.delete("run-19")
            async for change in watch.changes():
                assert (change.kind, change.resume_token) == (
                    ChangeKind.DELETED,
                    deleted.resume_token,
                )
                break


def test_a_handle_saves_deltas_and_reads_back_what_it_saved(client: Client) -> None:
    execution = client.execution("run-1")
    states = [running(number) for number in range(1, 6)]
    states.append(Snapshot(state=ExecutionState.PAUSED, sequence_number=6, variables={"only": 1}))
    for state in states:
        execution.save(state)
    for version, state in enumerate(states, start=1):
        assert_is(client.load("run-1", version=version), state)
    # A second engine goes on from the head, and the first hears of it.
    other = client.execution("run-1")
    assert_is(other.load(), states[-1])
    other.save(running(7))
    with pytest.raises((DeltaBaseMismatchError, EtagMismatchError)):
        execution.save(running(8))
    assert_is(client.load("run-1"), running(7))
    execution.load()
    execution.save(running(9))
    assert_is(client.load("run-1"), running(9))


def test_a_handle_that_overwrites_saves_the_whole(client: Client) -> None:
    execution = client.execution("run-1", overwrite=True)
    execution.save(running(1))
    stranger = Snapshot(state=ExecutionState.PAUSED, sequence_number=2, variables={"theirs": 1})
    client.save("run-1", stranger)
    assert execution.save(running(3)).version == 3
    assert_is(client.load("run-1"), running(3))


FORK = """
import os, sys, warnings
warnings.simplefilter("ignore")
from stillframe.client import Client, ExecutionState, Snapshot

with Client(sys.argv[1], tenant="acme", timeout=30) as client:
    state = Snapshot(state=ExecutionState.RUNNING)
    children = []
    for number in range(3):
        pid = os.fork()
        if not pid:
            client.save(f"child-{number}", state)
            assert client.load(f"child-{number}").version == 1
            os._exit(0)
        children.append(pid)
    client.save("parent", state)
    codes = [os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) for pid in children]
    print(codes, [each.execution_id for each in client.list()])
"""


def test_a_client_works_in_the_children_of_a_fork(stillframe_server: ServerProcess) -> None:
    """The workers of a pool share a client that was made before them."""
    done = subprocess.run(
        [sys.executable, "-c", FORK, stillframe_server.address],
        capture_output=True, text=True, timeout=DEADLINE, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stdout == "[0, 0, 0] ['child-0', 'child-1', 'child-2', 'parent']\n"
