"""The calls that compare, copy and remove snapshots: what is sent, and what is read."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import grpc
import pytest

from stillframe.client import (
    Criteria,
    Diff,
    DifferenceKind,
    EntryDifference,
    ExecutionExistsError,
    FencedError,
    Forked,
    InvalidFieldError,
    SnapshotMap,
    SnapshotNotFoundError,
)
from stillframe.v1 import snapshot_pb2 as pb
from stillframe.v1 import snapshot_service_pb2 as rpc
from tests.unit.client.fake_service import FENCED, serving
from tests.unit.client.support import PATIENCE

if TYPE_CHECKING:
    from tests.unit.client.support import Stage

FORKED = rpc.ForkExecutionResponse(
    version=2, etag="e2", revision=9, resume_token="r9", snapshot_count=2
)


def difference(key: str, kind: rpc.DifferenceKind.ValueType, **sizes: int) -> rpc.EntryDifference:
    return rpc.EntryDifference(map=pb.SNAPSHOT_MAP_VARIABLES, key=key, kind=kind, **sizes)


def test_a_diff_is_one_result_of_many_pages(stage: Stage) -> None:
    client = stage.client()
    comparing = stage.start(lambda: client.diff("run", from_version=3))

    first = stage.take("DiffSnapshots")
    first.reply(
        rpc.DiffSnapshotsResponse(
            from_version=3,
            to_version=7,
            header_fields=["sequence_number", "state"],
            entries=[difference("a", rpc.DIFFERENCE_KIND_ADDED, to_size_bytes=5)],
            next_page_token="p2",
        )
    )
    second = stage.take("DiffSnapshots")
    second.reply(
        rpc.DiffSnapshotsResponse(
            from_version=3,
            to_version=7,
            header_fields=["sequence_number", "state"],
            entries=[
                difference("b", rpc.DIFFERENCE_KIND_REMOVED, from_size_bytes=4),
                difference("c", rpc.DIFFERENCE_KIND_CHANGED, from_size_bytes=1, to_size_bytes=2),
            ],
        )
    )

    assert comparing.result(PATIENCE) == Diff(
        from_version=3,
        to_version=7,
        header_fields=("sequence_number", "state"),
        entries=tuple(
            EntryDifference(
                map=SnapshotMap.VARIABLES,
                key=key,
                kind=kind,
                from_size_bytes=before,
                to_size_bytes=after,
            )
            for key, kind, before, after in (
                ("a", DifferenceKind.ADDED, 0, 5),
                ("b", DifferenceKind.REMOVED, 4, 0),
                ("c", DifferenceKind.CHANGED, 1, 2),
            )
        ),
    )
    assert (first.request.tenant_id, first.request.execution_id) == ("acme", "run")
    assert getattr(first.request, "from").version == 3
    assert not first.request.HasField("to")
    assert (first.request.page_token, second.request.page_token) == ("", "p2")
    # The token belongs to the request that gave it.
    second.request.page_token = ""
    assert first.request == second.request


@pytest.mark.parametrize(
    ("selector", "expected"),
    [
        ({"version": 0}, rpc.SnapshotSelector(version=0)),
        ({"snapshot_id": "a"}, rpc.SnapshotSelector(snapshot_id="a")),
        (
            {"criteria": Criteria(sequence_max=4)},
            rpc.SnapshotSelector(latest_matching=pb.SnapshotCriteria(sequence_max=4)),
        ),
    ],
    ids=["version", "snapshot_id", "criteria"],
)
def test_selectors_of_a_diff_and_a_fork(
    stage: Stage, selector: dict[str, Any], expected: rpc.SnapshotSelector
) -> None:
    client = stage.client()
    ends = {f"{end}_{key}": value for end in ("from", "to") for key, value in selector.items()}
    comparing = stage.start(lambda: client.diff("run", **ends))
    compared = stage.take("DiffSnapshots")
    compared.reply(rpc.DiffSnapshotsResponse(from_version=1, to_version=1))
    forking = stage.start(lambda: client.fork("run", "copy", **selector))
    forked = stage.take("ForkExecution")
    forked.reply(FORKED)

    assert comparing.result(PATIENCE).entries == ()
    assert getattr(compared.request, "from") == compared.request.to == expected
    assert forking.result(PATIENCE).version == 2
    assert forked.request.selector == expected


@pytest.mark.parametrize(
    ("options", "field"),
    [
        ({}, "from"),
        ({"to_version": 3}, "from"),
        ({"from_version": 1, "from_snapshot_id": "a"}, "from"),
        ({"from_version": 1, "to_version": 2, "to_criteria": Criteria()}, "to"),
        ({"from_version": -1}, ""),
    ],
    ids=str,
)
def test_a_diff_is_between_two_snapshots(stage: Stage, options: dict[str, Any], field: str) -> None:
    with pytest.raises(InvalidFieldError) as caught:
        stage.client().diff("run", **options)
    if field:
        assert caught.value.metadata["field"] == field


def test_a_fork(stage: Stage) -> None:
    client = stage.client()
    forking = stage.start(
        lambda: client.fork("run", "copy", include_history=True, sequence_number=0)
    )

    first = stage.take("ForkExecution")
    first.fail(grpc.StatusCode.UNAVAILABLE)
    again = stage.take("ForkExecution")
    again.reply(FORKED)

    assert forking.result(PATIENCE) == Forked(
        version=2, etag="e2", revision=9, resume_token="r9", snapshot_count=2
    )
    request = first.request
    assert request.request_id
    assert request == again.request
    assert (request.tenant_id, request.execution_id, request.new_execution_id) == (
        "acme",
        "run",
        "copy",
    )
    assert request.include_history
    assert request.HasField("sequence_number")
    assert not request.HasField("selector")


def test_a_fork_keeps_the_sequence_number_unless_told(stage: Stage) -> None:
    client = stage.client()
    forking = stage.start(lambda: client.fork("run", "copy", request_id="mine"))
    call = stage.take("ForkExecution")
    call.fail(grpc.StatusCode.ALREADY_EXISTS, "EXECUTION_EXISTS")

    assert isinstance(forking.exception(PATIENCE), ExecutionExistsError)
    assert call.request.request_id == "mine"
    assert not call.request.HasField("sequence_number")


def test_a_prune(stage: Stage) -> None:
    client = stage.client()
    pruning = stage.start(
        lambda: client.prune(
            "run",
            versions=[1, 2],
            snapshot_ids=["a"],
            criteria=Criteria(sequence_max=9),
            labels={"k": "v"},
            writer_epoch=4,
        )
    )
    call = stage.take("DeleteSnapshots")
    call.reply(rpc.DeleteSnapshotsResponse(deleted_count=2))

    assert pruning.result(PATIENCE) == 2
    request_id = call.request.request_id
    assert request_id
    assert call.request == rpc.DeleteSnapshotsRequest(
        tenant_id="acme",
        execution_id="run",
        versions=[1, 2],
        snapshot_ids=["a"],
        criteria=pb.SnapshotCriteria(sequence_max=9),
        labels={"k": "v"},
        writer_epoch=4,
        request_id=request_id,
    )


def test_a_prune_of_everything_is_said_so(stage: Stage) -> None:
    client = stage.client()
    pruning = stage.start(lambda: client.prune("run", all_history=True, request_id="mine"))
    call = stage.take("DeleteSnapshots")
    call.reply(rpc.DeleteSnapshotsResponse())

    assert pruning.result(PATIENCE) == 0
    assert call.request == rpc.DeleteSnapshotsRequest(
        tenant_id="acme", execution_id="run", all_history=True, request_id="mine"
    )


@pytest.mark.parametrize(
    "options", [{"versions": []}, {"snapshot_ids": ()}, {"labels": {}}], ids=str
)
def test_a_selection_that_came_out_empty_deletes_nothing(
    stage: Stage, options: dict[str, Any]
) -> None:
    [field] = options

    with pytest.raises(InvalidFieldError, match=field):
        stage.client().prune("run", criteria=Criteria(sequence_max=9), **options)


def test_a_handle_prunes_with_its_epoch(stage: Stage) -> None:
    execution = stage.client().execution("run", writer_epoch=7)
    pruning = stage.start(lambda: execution.prune(versions=[1]))
    pruned = stage.take("DeleteSnapshots")
    pruned.reply(rpc.DeleteSnapshotsResponse(deleted_count=1))
    comparing = stage.start(lambda: execution.diff(from_version=1))
    stage.take("DiffSnapshots").fail(grpc.StatusCode.NOT_FOUND, "SNAPSHOT_NOT_FOUND")
    forking = stage.start(lambda: execution.fork("copy", version=1))
    forked = stage.take("ForkExecution")
    forked.reply(FORKED)

    assert pruning.result(PATIENCE) == 1
    assert (pruned.request.execution_id, pruned.request.writer_epoch) == ("run", 7)
    assert isinstance(comparing.exception(PATIENCE), SnapshotNotFoundError)
    assert forking.result(PATIENCE).etag == "e2"
    assert forked.request.execution_id == "run"


async def test_the_same_with_asyncio() -> None:
    async with serving() as (client, service):
        diff = await client.diff("run", from_version=1)
        forked = await client.fork("run", "copy", version=1, include_history=True)
        deleted = await client.prune("run", all_history=True)
        execution = client.execution("run", writer_epoch=7)
        of_handle = await execution.diff(from_version=1)
        await execution.fork("copy", snapshot_id="a")
        service.refusals = [FENCED]
        with pytest.raises(FencedError):
            await execution.prune(versions=[1])

        assert [each.key for each in diff.entries] == ["k0", "k1", "k2"]
        assert of_handle == diff
        assert (forked.version, deleted) == (1, 4)
        asked = {type(each).__name__: each for each in service.asked}
        assert asked["ForkExecutionRequest"].selector.snapshot_id == "a"
        assert asked["DeleteSnapshotsRequest"].writer_epoch == 7
        tokens = [each.page_token for each in service.asked if hasattr(each, "page_token")]
        assert tokens == ["", "1", "2"] * 2
