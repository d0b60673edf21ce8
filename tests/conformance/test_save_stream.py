"""SaveSnapshots: every item has its own outcome, and those of an execution keep their order."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import pytest

from stillframe.v1 import snapshot_service_pb2 as service
from stillframe.v1.snapshot_pb2 import ExecutionSnapshot, Payload
from tests.conformance.streams import refused_item, save_stream, saved
from tests.conformance.support import delta, refused, save_request, saved_part, snapshot, value

if TYPE_CHECKING:
    import grpc.aio

    from stillframe.v1.snapshot_service_pb2 import SaveItem
    from tests.conformance.calls import Api
    from tests.conformance.conftest import Serve
    from tests.conformance.streams import SaveStream

CREATED, UPDATED = service.SAVE_OUTCOME_CREATED, service.SAVE_OUTCOME_UPDATED
UNCHANGED, REPLAYED = service.SAVE_OUTCOME_UNCHANGED, service.SAVE_OUTCOME_REPLAYED


def chain(stream: SaveStream, execution_id: str, count: int) -> list[SaveItem]:
    """A full save and deltas upon it, each against the one before by its request_id."""
    first = snapshot(1, variables={"v": "1", "kept": "always"})
    items = [stream.item(f"{execution_id}-1", execution_id, first)]
    for number in range(2, count + 1):
        content = delta(
            None,
            snapshot(number, variables={"v": str(number)}),
            base_request_id=f"{execution_id}-{number - 1}",
        )
        items.append(stream.item(f"{execution_id}-{number}", execution_id, content))
    return items


async def test_each_item_has_its_own_answer(api: Api) -> None:
    async with save_stream(api) as stream:
        await stream.send(stream.item("a", "run-1"), stream.item("b", "run-2"))
        await stream.send(stream.item("c", "run-1", snapshot(2)), stream.item("d", "run-2"))
        results = await stream.finish()

    assert [result.item_id for result in results] == ["a", "b", "c", "d"]
    assert [saved(result).outcome for result in results] == [CREATED, CREATED, UPDATED, UNCHANGED]
    assert [saved(result).version for result in results] == [1, 1, 2, 1]
    assert [saved(result).revision for result in results[:3]] == [1, 2, 3]
    head = await api.load("run-1")
    assert (head.etag, head.version) == (results[2].saved.etag, 2)


async def test_an_answer_in_the_stream_is_the_answer_of_a_call(api: Api) -> None:
    async with save_stream(api) as stream:
        await stream.send(stream.item("a", "run"))
        (result,) = await stream.finish()

    again = await api.save("run", request_id="a")
    assert again.outcome == REPLAYED
    again.outcome = CREATED
    assert saved(result) == again


async def test_saves_of_one_execution_apply_in_the_order_sent(api: Api) -> None:
    async with save_stream(api) as stream:
        for number in range(1, 301):
            await stream.send(stream.item(f"i{number}", "run", snapshot(number)))
        results = await stream.finish()

    assert [saved(result).version for result in results] == list(range(1, 301))
    history = await api.all_snapshots(execution_id="run")
    assert [each.sequence_number for each in history] == list(range(300, 0, -1))


async def test_many_results_share_a_message_of_at_most_a_mib(api: Api) -> None:
    count = 3_000
    async with save_stream(api) as stream:
        # Long ids make long results; as many as the window never holds.
        names = [f"{number:04}".ljust(500, "x") for number in range(count)]
        await stream.send(*(stream.item(name, f"run-{name[:2]}", request_id="") for name in names))
        results = await stream.finish()

    assert [result.item_id for result in results] == names
    assert all(result.HasField("saved") for result in results)
    assert len(stream.message_sizes) < count / 10
    assert max(size for size, _ in stream.message_sizes) <= 2**20


async def test_deltas_follow_their_bases_before_any_answer(api: Api) -> None:
    async with save_stream(api) as stream:
        await stream.send(*chain(stream, "run", 40))
        results = await stream.finish()

    assert [saved(result).version for result in results] == list(range(1, 41))
    assert saved_part(await api.load("run")) == snapshot(
        40, variables={"v": "40", "kept": "always"}
    )
    assert saved_part(await api.load("run", version=7)) == snapshot(
        7, variables={"v": "7", "kept": "always"}
    )


async def test_a_refused_item_fails_what_was_made_against_it_alone(api: Api) -> None:
    async with save_stream(api) as stream:
        items = chain(stream, "run", 5)
        items[2].save.expected_etag = "another"
        items.insert(4, stream.item("other", "other"))
        items.append(stream.item("whole", "run", snapshot(9)))
        await stream.send(*items)
        results = {result.item_id: result for result in await stream.finish()}

    assert saved(results["run-1"]).version == 1
    assert saved(results["run-2"]).version == 2
    told = refused_item(results["run-3"], "ETAG_MISMATCH")
    assert told.metadata["head_version"] == "2"
    for name, base in (("run-4", "run-3"), ("run-5", "run-4")):
        assert refused_item(results[name], "DELTA_BASE_MISMATCH").metadata["base"] == base
    assert saved(results["other"]).version == 1
    assert saved(results["whole"]).version == 3


async def test_a_window_that_is_sent_again_is_answered_again(api: Api) -> None:
    async with save_stream(api) as stream:
        items = [item for name in ("a", "b", "c") for item in chain(stream, name, 32)]
        await stream.send(*items)
        first = await stream.finish()
    async with save_stream(api) as stream:
        await stream.send(*items)
        second = await stream.finish()

    for before, after in zip(first, second, strict=True):
        assert saved(after).outcome == REPLAYED
        after.saved.outcome = saved(before).outcome
        assert after == before
    assert len(await api.all_snapshots()) == 96


async def test_a_stream_serves_every_tenant(api: Api) -> None:
    async with save_stream(api) as stream:
        mine = stream.item("mine", "run")
        theirs = service.SaveItem(item_id="theirs", save=save_request(f"{api.tenant_id}-2", "run"))
        await stream.send(mine, theirs)
        results = await stream.finish()

    assert [saved(result).revision for result in results] == [1, 1]


@pytest.mark.any_store
async def test_a_stream_without_items_ends_well(api: Api) -> None:
    async with save_stream(api) as stream:
        assert await stream.finish() == []
    async with save_stream(api) as stream:
        await stream.send()
        await stream.send()
        assert await stream.finish() == []


@pytest.mark.any_store
async def test_a_bad_item_is_refused_alone_with_its_fields(api: Api) -> None:
    async with save_stream(api) as stream:
        good = stream.item("good", "run")
        no_name = stream.item("no-name", "")
        no_content = service.SaveItem(
            item_id="no-content",
            save=service.SaveSnapshotRequest(tenant_id=api.tenant_id, execution_id="run"),
        )
        both = stream.item("both", "run", snapshot(2), must_not_exist=True, expected_etag="e")
        nowhere = stream.item("nowhere", "run", ExecutionSnapshot())
        await stream.send(
            no_name, no_content, both, nowhere, service.SaveItem(item_id="no-save"), good
        )
        results = {result.item_id: result for result in await stream.finish()}

    fields = {
        name: refused_item(result, "INVALID_FIELD").fields
        for name, result in results.items()
        if name != "good"
    }
    assert fields == {
        "no-name": ["save.execution_id"],
        "no-content": ["save.snapshot"],
        "both": ["save.expected_etag"],
        "nowhere": ["save.snapshot.state"],
        "no-save": ["save"],
    }
    told = refused_item(results["no-name"], "INVALID_FIELD")
    assert told.metadata == {"field": "save.execution_id"}
    assert told.message.startswith("save.execution_id: ")
    assert saved(results["good"]).version == 1


@pytest.mark.any_store
@pytest.mark.parametrize(
    ("item_id", "echoed"),
    [("", ""), ("\n", "\n"), ("x" * 513, "x" * 512), ("\u65e5" * 171, "\u65e5" * 170)],
    ids=["empty", "control", "long", "long-wide"],
)
async def test_a_bad_item_id_is_refused(api: Api, item_id: str, echoed: str) -> None:
    async with save_stream(api) as stream:
        await stream.send(stream.item(item_id, "run", request_id="r"), stream.item("ok", "run"))
        bad, good = await stream.finish()

    assert refused_item(bad, "INVALID_FIELD").fields == ["item_id"]
    assert bad.item_id == echoed
    assert saved(good).outcome == CREATED


async def test_a_request_id_with_another_body_is_refused_in_its_place(api: Api) -> None:
    async with save_stream(api) as stream:
        await stream.send(
            stream.item("a", "run", snapshot(1), request_id="r"),
            stream.item("b", "run", snapshot(2), request_id="r"),
            stream.item("c", "run", snapshot(3)),
        )
        results = await stream.finish()

    assert refused_item(results[1], "REQUEST_ID_REUSED").fields == ["save.request_id"]
    assert [saved(results[0]).version, saved(results[2]).version] == [1, 2]


async def test_what_is_too_large_is_refused_alone(serve: Serve) -> None:
    api = await serve(max_payload_bytes=1024, max_snapshot_bytes=3000, max_entries=3)
    outputs = {str(number): value(b"x" * 1024) for number in range(4)}
    async with save_stream(api) as stream:
        await stream.send(
            stream.item("payload", "run", snapshot(outputs={"a": b"x" * 1025})),
            stream.item("entries", "run", snapshot(outputs={str(n): "x" for n in range(4)})),
            stream.item("snapshot", "run", snapshot(outputs=dict(list(outputs.items())[:3]))),
            stream.item("good", "run", snapshot(variables={"v": "1"})),
        )
        results = {result.item_id: result for result in await stream.finish()}

    limits = {
        name: refused_item(results[name], "SNAPSHOT_TOO_LARGE").metadata["limit"]
        for name in ("payload", "entries", "snapshot")
    }
    assert limits == {
        "payload": "max_payload_bytes",
        "entries": "max_entries",
        "snapshot": "max_snapshot_bytes",
    }
    assert saved(results["good"]).version == 1


@pytest.mark.any_store
async def test_an_item_larger_than_a_request_is_refused_alone(serve: Serve) -> None:
    api = await serve(max_request_bytes=2**20)
    async with save_stream(api) as stream:
        await stream.send(
            stream.item("large", "run", snapshot(outputs={"a": b"x" * 2**20})),
            stream.item("half-1", "run-1", snapshot(outputs={"a": b"x" * 2**19})),
            stream.item("half-2", "run-2", snapshot(outputs={"a": b"x" * 2**19})),
        )
        results = await stream.finish()

    told = refused_item(results[0], "SNAPSHOT_TOO_LARGE")
    assert (told.metadata["limit"], told.metadata["maximum"]) == ("max_request_bytes", str(2**20))
    assert [saved(result).version for result in results[1:]] == [1, 1]


@pytest.mark.any_store
@pytest.mark.parametrize("data", [b"\xff", b"\x0a\x05abc", b"\x0a\x04\x0a\x02\xff\xfe"])
async def test_a_message_that_is_none_ends_the_stream_after_the_results(
    api: Api, data: bytes
) -> None:
    multi: grpc.aio.StreamStreamMultiCallable[bytes, bytes] = api.channel.stream_stream(
        "/stillframe.v1.SnapshotService/SaveSnapshots"
    )
    item = service.SaveItem(item_id="a", save=save_request(api.tenant_id, "run"))
    good = service.SaveSnapshotsRequest(items=[item]).SerializeToString()
    call = multi()
    await call.write(good)
    await call.write(data)
    response = service.SaveSnapshotsResponse.FromString(cast("bytes", await call.read()))
    assert [saved(result).version for result in response.results] == [1]
    with refused("MALFORMED_MESSAGE") as told:
        await call.read()
    assert told.metadata == {"rpc": "SaveSnapshots"}
    assert (await api.load("run")).version == 1


async def test_a_payload_comes_back_byte_for_byte(api: Api) -> None:
    payload = Payload(data=bytes(range(256)), encoding="binary/x", codecs=["zstd", "aes;kid=1"])
    content = snapshot(1, outputs={"o": payload}, labels={"l": "v"}, snapshot_id="s")
    async with save_stream(api) as stream:
        await stream.send(stream.item("a", "run", content))
        await stream.finish()

    assert saved_part(await api.load("run")) == content
