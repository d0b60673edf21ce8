"""The two pipelines as their users see them: futures, room, flushing, closing."""

import asyncio
import threading

import grpc
import pytest

from stillframe.client import (
    CallCancelledError,
    ClosedError,
    DeadlineExceededError,
    FencedError,
    PermissionDeniedError,
    Pipeline,
    UnavailableError,
    UnimplementedError,
    ValueEncodeError,
)
from tests.unit.client.fake_service import UNAVAILABLE, Naps, Refusal, serving
from tests.unit.client.support import PATIENCE, Stage, item_failed, item_saved, snapshot


def test_each_save_has_its_own_answer(stage: Stage) -> None:
    with stage.client().pipeline() as pipeline:
        good, bad = pipeline.save("run-1", snapshot(n=1)), pipeline.save("run-2", snapshot(n=2))
        call = stage.take_pipeline()
        one, two = call.items(2)
        call.send(
            item_saved(one, 7),
            item_failed(two, grpc.StatusCode.FAILED_PRECONDITION, "FENCED"),
        )
        assert good.result(PATIENCE).version == 7
        assert isinstance(bad.exception(PATIENCE), FencedError)
        # An error of one is not the pipeline's.
        again = pipeline.save("run-2", snapshot(n=3), writer_epoch=4)
        (three,) = call.items(1)
        call.send(item_saved(three, 8))
        assert again.result(PATIENCE).version == 8

    assert [each.save.execution_id for each in (one, two, three)] == ["run-1", "run-2", "run-2"]
    assert {each.save.tenant_id for each in (one, two, three)} == {"acme"}
    assert three.save.writer_epoch == 4


def test_a_future_cannot_be_cancelled(stage: Stage) -> None:
    with stage.client().pipeline() as pipeline:
        future = pipeline.save("run", snapshot())
        assert not future.cancel()
        call = stage.take_pipeline()
        call.send(item_saved(call.items(1)[0], 1))
        assert future.result(PATIENCE).version == 1


def test_after_a_broken_call_everything_without_an_answer_comes_again(stage: Stage) -> None:
    with stage.client().pipeline() as pipeline:
        futures = [pipeline.save("run", snapshot(n=n)) for n in range(3)]
        first = stage.take_pipeline()
        sent = first.items(3)
        first.send(item_saved(sent[0], 1))
        assert futures[0].result(PATIENCE).version == 1
        first.end(grpc.StatusCode.UNAVAILABLE, "SHUTTING_DOWN", retry_after=2.0)
        second = stage.take_pipeline()
        assert second.items(2) == sent[1:]
        second.send(item_saved(sent[1], 2))
        assert futures[1].result(PATIENCE).version == 2
        # Its store is away.
        second.send(item_failed(sent[2], grpc.StatusCode.UNAVAILABLE, "STORE_UNAVAILABLE"))
        third = stage.take_pipeline()
        assert third.items(1) == sent[2:]
        third.send(item_saved(sent[2], 3))
        assert futures[2].result(PATIENCE).version == 3

    assert stage.waits == [2.5, 0.5]


def test_what_waiting_does_not_mend_breaks_every_promise(stage: Stage) -> None:
    pipeline = stage.client().pipeline()
    futures = [pipeline.save("run", snapshot(n=n)) for n in range(3)]
    stage.take_pipeline().end(grpc.StatusCode.PERMISSION_DENIED)

    for future in futures:
        assert isinstance(future.exception(PATIENCE), PermissionDeniedError)
    with pytest.raises(PermissionDeniedError):
        pipeline.save("run", snapshot())
    with pytest.raises(PermissionDeniedError):
        pipeline.flush()
    with pytest.raises(PermissionDeniedError):
        pipeline.close()


def test_an_absence_is_ridden_out_for_its_time(stage: Stage) -> None:
    pipeline = stage.client().pipeline(max_absence=5.0)
    future = pipeline.save("run", snapshot())
    for _ in range(5):
        stage.take_pipeline().end(grpc.StatusCode.UNAVAILABLE)

    assert isinstance(future.exception(PATIENCE), UnavailableError)
    assert stage.waits == [0.5, 1.0, 2.0, 4.0]


def test_a_save_waits_for_room(stage: Stage) -> None:
    with stage.client().pipeline(max_unanswered=1) as pipeline:
        first = pipeline.save("a", snapshot())
        call = stage.take_pipeline()
        (one,) = call.items(1)
        saving = stage.start(lambda: pipeline.save("b", snapshot()))
        call.send(item_saved(one, 1))
        second = saving.result(PATIENCE)
        assert first.done(), "there was no room before"
        (two,) = call.items(1)
        call.send(item_saved(two, 2))
        assert second.result(PATIENCE).version == 2


def test_the_state_is_the_one_at_the_call(stage: Stage) -> None:
    with stage.client().pipeline() as pipeline:
        messages = ["a"]
        pipeline.save("run", snapshot(messages=messages))
        messages.append("b")
        call = stage.take_pipeline()
        (one,) = call.items(1)
        assert one.save.snapshot.variables["messages"].data == b'["a"]'
        call.send(item_saved(one, 1))
        with pytest.raises(ValueEncodeError):
            pipeline.save("run", snapshot(bad=object()))


def test_flushing_waits_for_every_answer_and_leaves_errors_to_the_futures(stage: Stage) -> None:
    with stage.client().pipeline() as pipeline:
        pipeline.flush()
        future = pipeline.save("run", snapshot())
        call = stage.take_pipeline()
        (one,) = call.items(1)
        with pytest.raises(DeadlineExceededError):
            pipeline.flush(0.01)
        flushing = stage.start(pipeline.flush)
        call.send(item_failed(one, grpc.StatusCode.FAILED_PRECONDITION, "FENCED"))
        assert flushing.result(PATIENCE) is None
        assert isinstance(future.exception(0), FencedError)


def test_closing_flushes_and_ends_the_call(stage: Stage) -> None:
    pipeline = stage.client().pipeline()
    future = pipeline.save("run", snapshot())
    call = stage.take_pipeline()
    (one,) = call.items(1)
    closing = stage.start(pipeline.close)
    call.send(item_saved(one, 1))
    closing.result(PATIENCE)

    assert future.result(0).version == 1
    call.call.cancelled()
    pipeline.close()
    with pytest.raises(ClosedError):
        pipeline.save("run", snapshot())
    names = [thread.name for thread in threading.enumerate()]
    assert "stillframe-pipeline" not in names


def test_one_that_was_not_used_makes_no_call(stage: Stage) -> None:
    with stage.client().pipeline() as pipeline:
        assert isinstance(pipeline, Pipeline)
    assert stage.waits == []


def test_closing_the_client_breaks_the_promises(stage: Stage) -> None:
    client = stage.client()
    pipeline = client.pipeline()
    future = pipeline.save("run", snapshot())
    call = stage.take_pipeline()
    call.items(1)
    client.close()
    # A channel that was given stays open, and so do its calls, until they end.
    call.end(grpc.StatusCode.CANCELLED)

    assert isinstance(future.exception(PATIENCE), ClosedError)
    with pytest.raises(ClosedError):
        pipeline.close()


def test_the_body_s_own_error_is_the_one_to_see(stage: Stage) -> None:
    def use() -> None:
        with stage.client().pipeline() as pipeline:
            pipeline.save("run", snapshot())
            raise LookupError

    using = stage.start(use)
    stage.take_pipeline().end(grpc.StatusCode.PERMISSION_DENIED)

    error = using.exception(PATIENCE)
    assert isinstance(error, LookupError)
    assert "PermissionDeniedError" in error.__notes__[0]


async def test_saves_are_awaited_twice_for_room_and_for_the_answer() -> None:
    async with serving() as (client, service), client.pipeline() as pipeline:
        futures = [await pipeline.save(f"run-{n}", snapshot(n=n)) for n in range(5)]
        versions = [(await future).version for future in futures]
        await pipeline.flush()
    assert versions == [1, 2, 3, 4, 5]
    items = [item for message in service.asked for item in message.items]
    assert [item.save.execution_id for item in items] == [f"run-{n}" for n in range(5)]


async def test_an_async_pipeline_sends_again_what_has_no_answer() -> None:
    naps = Naps()
    async with serving(clock=naps.clock) as (client, service), client.pipeline() as pipeline:
        service.refusals = [UNAVAILABLE, UNAVAILABLE]
        saved = await (await pipeline.save("run", snapshot(n=1)))
        assert saved.version == 1
    assert len(service.asked) == 3
    assert service.asked[0] == service.asked[1] == service.asked[2]
    assert naps.taken == [0.1, 0.2]


async def test_an_async_pipeline_stops_at_what_waiting_does_not_mend() -> None:
    async with serving() as (client, service):
        pipeline = client.pipeline()
        service.refusals = [Refusal(grpc.StatusCode.UNIMPLEMENTED)]
        future = await pipeline.save("run", snapshot())
        with pytest.raises(UnimplementedError):
            await future
        with pytest.raises(UnimplementedError):
            await pipeline.save("run", snapshot())
        with pytest.raises(UnimplementedError):
            await pipeline.close()


async def test_async_saves_take_their_turns_where_there_is_no_room() -> None:
    async with serving() as (client, service), client.pipeline(max_unanswered=1) as pipeline:
        service.gate.clear()
        saving = [asyncio.create_task(pipeline.save("run", snapshot(n=n))) for n in range(4)]
        await service.arrived.wait()
        assert [task.done() for task in saving] == [True, False, False, False]
        service.gate.set()
        versions = [(await (await task)).version for task in saving]
    assert versions == [1, 2, 3, 4]
    items = [item.save for message in service.asked for item in message.items]
    numbers = [
        (save.snapshot if save.HasField("snapshot") else save.delta.snapshot).variables["n"].data
        for save in items
    ]
    assert numbers == [b"0", b"1", b"2", b"3"]


async def test_cancelling_who_waits_takes_nothing_back() -> None:
    async with serving() as (client, service), client.pipeline() as pipeline:
        service.gate.clear()
        first, second = [await pipeline.save("run", snapshot(n=n)) for n in range(2)]
        await service.arrived.wait()
        first.cancel()
        with pytest.raises(DeadlineExceededError):
            await pipeline.flush(0.01)
        service.gate.set()
        assert (await second).version == 2
        await pipeline.flush()


async def test_closing_the_async_client_breaks_the_promises() -> None:
    async with serving() as (client, service):
        pipeline = client.pipeline()
        service.gate.clear()
        future = await pipeline.save("run", snapshot())
        await service.arrived.wait()
        await client.close()
        with pytest.raises((ClosedError, CallCancelledError)):
            await future
        with pytest.raises(ClosedError):
            await pipeline.close()
    assert not [t for t in asyncio.all_tasks() if t.get_name().startswith("stillframe")]


async def test_an_async_pipeline_that_was_not_used_makes_no_call() -> None:
    async with serving() as (client, service), client.pipeline():
        pass
    assert service.asked == []
