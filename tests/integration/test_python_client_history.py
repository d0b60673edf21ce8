"""The Python client against a real server: diffs, forks, prunes."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from stillframe.client import (
    AsyncClient,
    Client,
    Criteria,
    DifferenceKind,
    ExecutionExistsError,
    ExecutionState,
    FencedError,
    InvalidFieldError,
    Origin,
    Snapshot,
    SnapshotMap,
    SnapshotNotFoundError,
)
from tests.integration.saves import DEADLINE
from tests.integration.states import RIDES_OUT, assert_is, running

if TYPE_CHECKING:
    from collections.abc import Iterator

    from stillframe.client import Diff
    from stillframe.testing import ServerProcess

pytest_plugins = ["stillframe.testing.fixtures"]


@pytest.fixture
def client(stillframe_server: ServerProcess) -> Iterator[Client]:
    address = stillframe_server.address
    with Client(address, tenant="acme", timeout=DEADLINE, retry=RIDES_OUT) as opened:
        yield opened


def differences(diff: Diff) -> list[tuple[SnapshotMap, str, DifferenceKind]]:
    return [(each.map, each.key, each.kind) for each in diff.entries]


def test_two_versions_are_compared(client: Client) -> None:
    client.save("run-1", running(1))
    done = Snapshot(state=ExecutionState.COMPLETED, sequence_number=2, variables={"n": 1, "m": 2})
    client.save("run-1", done)

    diff = client.diff("run-1", from_version=1)

    assert (diff.from_version, diff.to_version) == (1, 2)
    assert diff.header_fields == ("state", "sequence_number")
    assert differences(diff) == [
        (SnapshotMap.STEP_OUTPUTS, "step", DifferenceKind.REMOVED),
        (SnapshotMap.VARIABLES, "constant", DifferenceKind.REMOVED),
        (SnapshotMap.VARIABLES, "m", DifferenceKind.ADDED),
    ]
    back = client.diff("run-1", from_version=2, to_criteria=Criteria(sequence_max=1))
    assert (back.from_version, back.to_version) == (2, 1)
    assert [each.to_size_bytes for each in back.entries] == [
        each.from_size_bytes for each in diff.entries
    ]
    with pytest.raises(SnapshotNotFoundError):
        client.diff("run-1", from_version=3)


def test_a_diff_of_many_pages_is_whole(client: Client) -> None:
    client.save("run-1", Snapshot(state=ExecutionState.RUNNING))
    # More than two pages of the most entries that a page may have.
    keys = [f"key-{number:05}" for number in range(25_000)]
    client.save("run-1", Snapshot(state=ExecutionState.RUNNING, variables=dict.fromkeys(keys, 1)))

    diff = client.diff("run-1", from_version=1)

    assert [each.key for each in diff.entries] == keys
    assert {each.kind for each in diff.entries} == {DifferenceKind.ADDED}


def test_a_fork_goes_on_by_itself(client: Client) -> None:
    states = [running(number) for number in range(1, 5)]
    saved = [client.save("run-1", state) for state in states]

    forked = client.fork("run-1", "run-2", version=3, include_history=True)

    assert (forked.version, forked.snapshot_count) == (3, 3)
    assert [each.version for each in client.history("run-2")] == [3, 2, 1]
    for version, state in enumerate(states[:3], start=1):
        copy = client.load("run-2", version=version)
        source = client.load("run-1", version=version)
        assert_is(copy, state)
        assert copy.origin == Origin(
            execution_id="run-1",
            version=version,
            etag=saved[version - 1].etag,
            commit_time_ns=source.commit_time_ns,
        )
        assert copy.revision == forked.revision
    handle = client.execution("run-2")
    handle.load()
    handle.save(running(9))
    assert client.load("run-2").origin is None
    assert_is(client.load("run-1"), states[-1])
    with pytest.raises(ExecutionExistsError):
        client.fork("run-1", "run-2")


def test_a_fork_for_a_new_event_log(client: Client) -> None:
    client.save("run-1", running(7))
    client.fork("run-1", "run-2", sequence_number=0)

    copy = client.load("run-2", event_store_head=0, require_fresh=True)

    assert_is(copy, replace(running(7), sequence_number=0))


def test_history_is_pruned_and_what_is_kept_stays(client: Client) -> None:
    states = [running(number) for number in range(1, 8)]
    for state in states:
        client.save("run-1", state)

    assert client.prune("run-1", versions=[1, 4, 7, 99]) == 2
    assert client.prune("run-1", criteria=Criteria(sequence_max=3), versions=[2, 5]) == 1

    kept = [each.version for each in client.history("run-1")]
    assert kept == [7, 6, 5, 3]
    for version in kept:
        assert_is(client.load("run-1", version=version), states[version - 1])
    with pytest.raises(InvalidFieldError):
        client.prune("run-1")
    assert client.prune("run-1", all_history=True) == 3
    assert_is(client.load("run-1"), states[-1])


async def test_the_same_with_asyncio(stillframe_server: ServerProcess) -> None:
    async with (
        asyncio.timeout(DEADLINE),
        AsyncClient(stillframe_server.address, tenant="acme") as client,
    ):
        execution = client.execution("run-1")
        for number in range(1, 5):
            await execution.save(running(number))
        diff = await execution.diff(from_version=1, to_version=4)
        assert [each.key for each in diff.entries] == ["step", "n"]
        forked = await execution.fork("run-2", criteria=Criteria(sequence_max=2))
        assert forked.version == 1
        assert_is(await client.load("run-2"), running(2))
        assert await execution.prune(versions=[2]) == 1
        await execution.save(running(5))
        await client.claim("run-1")
        with pytest.raises(FencedError):
            await execution.prune(all_history=True)
        assert [each.version async for each in client.history("run-1")] == [5, 4, 3, 1]
