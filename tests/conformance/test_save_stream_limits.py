"""Streams of saves under pressure: who never reads, a busy or failing store, a drain."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from stillframe.server.pipeline import BATCH_ITEMS
from stillframe.server.stores import refusals
from stillframe.v1 import snapshot_service_pb2 as service
from tests.conformance.streams import (
    Gate,
    refused_item,
    round_trips,
    running_parts,
    save_stream,
    saved,
)
from tests.conformance.support import refused, snapshot

if TYPE_CHECKING:
    from tests.conformance.calls import Api


@pytest.fixture
def gate(api: Api, monkeypatch: pytest.MonkeyPatch) -> Gate:
    return Gate(api, monkeypatch)


@pytest.mark.any_store
async def test_one_batch_is_in_the_store_while_the_next_is_collected(api: Api, gate: Gate) -> None:
    async with save_stream(api) as stream:
        await stream.send(stream.item("a", "run"))
        await gate.arrived()
        for number in range(10):
            await stream.send(stream.item(f"b{number}", "run", snapshot(number + 2)))
        await round_trips(api)
        assert len(gate.batches) == 1
        gate.open.set()
        results = await stream.finish()

    assert len(gate.batches[0]) == 1
    assert sum(map(len, gate.batches)) == 11
    assert [saved(result).version for result in results] == list(range(1, 12))


@pytest.mark.any_store
async def test_a_client_that_never_reads_is_held_back(api: Api, gate: Gate) -> None:
    """Its results fill the connection, and then its saves wait for it."""
    gate.open.set()
    count = 20_000
    async with save_stream(api) as stream:
        # Twelve MiB of results for saves that change nothing.
        item = stream.item("x" * 512, "run", request_id="")
        message = service.SaveSnapshotsRequest(items=[item] * 100)

        async def send() -> None:
            for _ in range(count // 100):
                await stream.call.write(message)

        sending = asyncio.create_task(send())
        await round_trips(api, 200)
        assert sum(map(len, gate.batches)) < count
        results = await stream.results(count)
        await sending
    assert {saved(result).version for result in results} == {1}


@pytest.mark.any_store
async def test_a_busy_store_slows_the_stream_and_refuses_nothing(api: Api, gate: Gate) -> None:
    gate.open.set()
    gate.failures = [refusals.server_busy("max_inflight_bytes", 1, retry_after=0.01)] * 3
    async with save_stream(api) as stream:
        await stream.send(stream.item("a", "run"), stream.item("b", "run", snapshot(2)))
        results = await stream.finish()

    assert [saved(result).version for result in results] == [1, 2]
    assert len(gate.batches) == 4
    assert all(batch == gate.batches[0] for batch in gate.batches)


@pytest.mark.any_store
async def test_a_store_that_cannot_write_ends_the_stream_before_what_is_behind(
    api: Api, gate: Gate
) -> None:
    """What is sent again must not find a save from behind it in its place."""
    gate.open.set()
    gate.failures = [refusals.store_unavailable(retry_after=0.5)]
    count = BATCH_ITEMS + 1
    async with save_stream(api) as stream:
        await stream.send(*(stream.item(str(n), "run", snapshot(n)) for n in range(1, count + 1)))
        with refused("STORE_UNAVAILABLE") as told:
            await stream.finish()
    assert told.retry_after == 0.5
    assert len(gate.batches) == 1
    with refused("EXECUTION_NOT_FOUND"):
        await api.load("run")


@pytest.mark.any_store
async def test_an_unexpected_fault_is_internal_and_says_nothing(api: Api, gate: Gate) -> None:
    gate.open.set()
    gate.failures = [RuntimeError("swordfish")]
    async with save_stream(api) as stream:
        await stream.send(stream.item("a", "run"))
        (result,) = await stream.results(1)
        told = refused_item(result, "INTERNAL")
        await stream.send(stream.item("b", "run"))
        (good,) = await stream.finish()

    assert "swordfish" not in told.message
    assert told.metadata["error_id"] in told.message
    assert saved(good).version == 1


@pytest.mark.any_store
async def test_a_store_that_loses_an_answer_is_a_fault(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def loses(*_: object) -> list[object]:
        return []

    monkeypatch.setattr(api.store, "save_many", loses)
    async with save_stream(api) as stream:
        await stream.send(stream.item("a", "run"), stream.item("b", "run"))
        for result in await stream.finish():
            refused_item(result, "INTERNAL")


@pytest.mark.any_store
async def test_a_drain_answers_what_was_read_and_tells_the_client_to_go(
    api: Api, gate: Gate
) -> None:
    async with save_stream(api) as stream:
        await stream.send(stream.item("a", "run"))
        await gate.arrived()
        for number in range(5):
            await stream.send(stream.item(f"b{number}", "run", snapshot(number + 2)))
        await round_trips(api)
        stopping = asyncio.create_task(api.server.stop())
        await asyncio.sleep(0)  # It has begun.
        gate.open.set()
        results = await stream.results(6)
        with refused("SHUTTING_DOWN") as told:
            await stream.result()
        await stopping

    assert told.retry_after
    assert [saved(result).version for result in results] == list(range(1, 7))
    assert not running_parts()


@pytest.mark.any_store
async def test_a_drain_does_not_wait_for_a_quiet_stream(api: Api) -> None:
    async with save_stream(api) as stream:
        await stream.send(stream.item("a", "run"))
        await stream.results(1)
        await api.server.stop()
        with refused("SHUTTING_DOWN"):
            await stream.result()
    assert not running_parts()


@pytest.mark.any_store
async def test_a_drain_gives_up_on_a_store_that_stays_busy(api: Api, gate: Gate) -> None:
    gate.open.set()
    gate.failures = [refusals.server_busy("max_inflight_bytes", 1, retry_after=3600.0)]
    async with save_stream(api) as stream:
        await stream.send(stream.item("a", "run"))
        await gate.arrived()
        await stream.send(stream.item("b", "run"))
        await round_trips(api)
        await api.server.stop()
        with refused("SHUTTING_DOWN"):
            await stream.result()

    assert len(gate.batches) == 1
    assert not running_parts()


@pytest.mark.any_store
async def test_a_drain_ends_a_client_that_never_reads(api: Api) -> None:
    """When its time is up: the results have nowhere to go."""
    async with save_stream(api) as stream:
        message = service.SaveSnapshotsRequest(
            items=[stream.item("x" * 512, "run", request_id="")] * 100
        )

        async def send() -> None:
            while True:
                await stream.call.write(message)

        sending = asyncio.create_task(send())
        await round_trips(api, 300)
        await api.server.stop(0.1)
        stream.call.cancel()
        await asyncio.wait([sending])
        assert sending.cancelled() or sending.exception() is not None
    assert not running_parts()
