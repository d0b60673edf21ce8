"""Streams of saves whose client vanishes: what was saved is whole, and a prefix."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from typing import TYPE_CHECKING

import grpc.aio
import pytest

from tests.conformance.calls import FULL
from tests.conformance.streams import (
    Gate,
    round_trips,
    save_stream,
    saved,
    until_no_stream_runs,
)
from tests.conformance.support import delta, saved_part, snapshot

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from stillframe.v1.snapshot_pb2 import ExecutionSnapshot
    from stillframe.v1.snapshot_service_pb2 import SaveItem, SnapshotDelta
    from tests.conformance.calls import Api
    from tests.conformance.streams import SaveStream

NAMES = [f"run-{number}" for number in range(6)]


@pytest.mark.any_store
async def test_a_batch_that_is_in_the_store_when_the_client_vanishes_is_decided(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    gate = Gate(api, monkeypatch)
    async with save_stream(api) as stream:
        await stream.send(stream.item("a", "run"))
        await gate.arrived()
        for number in range(20):
            await stream.send(stream.item(f"b{number}", "run", snapshot(number + 2)))
        await round_trips(api)
    await round_trips(api)
    gate.open.set()
    await until_no_stream_runs()

    head = await api.load("run")
    assert head.version == head.sequence_number >= 1
    # And the server goes on.
    async with save_stream(api) as stream:
        await stream.send(stream.item("c", "run", snapshot(99)))
        (result,) = await stream.finish()
    assert saved(result).version == head.version + 1


def state(name: str, number: int) -> ExecutionSnapshot:
    data = f"{name} {number} " * 50
    return snapshot(number, outputs={"o": data}, variables={"v": data, "n": str(number)})


def item(stream: SaveStream, name: str, number: int) -> SaveItem:
    """Full saves and deltas by turns."""
    whole = state(name, number)
    content: ExecutionSnapshot | SnapshotDelta = whole
    if number % 2 == 0:
        content = delta(None, whole, base_request_id=f"{name}-{number - 1}")
    return stream.item(f"{name}-{number}", name, content)


async def send_states(stream: SaveStream) -> None:
    """Sends the states of all executions by turns, until nobody takes them any more."""
    try:
        for number in range(1, 401):
            await stream.send(*(item(stream, name, number) for name in NAMES))
    except (asyncio.CancelledError, asyncio.InvalidStateError, grpc.aio.AioRpcError):
        pass


async def answers(stream: SaveStream) -> AsyncIterator[str]:
    """Yields the execution of each save that was answered, until the deadline."""
    try:
        while (result := await stream.result()) is not None:
            saved(result)
            yield result.item_id.rpartition("-")[0]
    except grpc.aio.AioRpcError as error:
        # What grpc.aio says if it was in the middle of a write.
        if error.code() not in {grpc.StatusCode.DEADLINE_EXCEEDED, grpc.StatusCode.INTERNAL}:
            raise


@pytest.mark.parametrize(
    ("deadline", "enough"), [(None, 500), (0.25, 2_400)], ids=["cancel", "deadline"]
)
async def test_who_vanishes_leaves_a_whole_prefix_of_each_execution(
    api: Api, deadline: float | None, enough: int
) -> None:
    answered: dict[str, int] = defaultdict(int)
    async with save_stream(api, deadline) as stream:
        sending = asyncio.create_task(send_states(stream))
        async for name in answers(stream):
            answered[name] += 1
            if sum(answered.values()) == enough:
                break
    await sending
    await until_no_stream_runs()

    heads = {head.execution_id: head.version for head in await api.all_executions()}
    for name in NAMES:
        version = heads.get(name, 0)
        assert version >= answered[name]
        history = await api.all_snapshots(execution_id=name, view=FULL) if version else []
        assert [each.version for each in history] == list(range(version, 0, -1))
        for each in history:
            assert saved_part(each) == state(name, each.version)


@pytest.mark.any_store
async def test_who_hangs_up_leaves_nothing_behind(api: Api) -> None:
    """The connection itself goes, without a word about the stream."""
    channel = grpc.aio.insecure_channel(
        api.server.address, options=[("grpc.use_local_subchannel_pool", 1)]
    )
    elsewhere = type(api)(
        api.settings,
        api.store,
        api.clock,
        api.tenant_id,
        api.server,
        channel,
        type(api.stub)(channel),
        type(api.memory)(channel),
    )
    async with save_stream(elsewhere) as stream:
        await stream.send(stream.item("a", "run"))
        await stream.results(1)
        await channel.close()
    await until_no_stream_runs()
    assert (await api.load("run")).version == 1
