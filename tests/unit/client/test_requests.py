"""What is sent for what the caller asks, and what is refused before it is sent."""

from datetime import timedelta
from typing import Any

import pytest

from stillframe.client import (
    ALL_ENTRIES,
    Criteria,
    ExecutionState,
    Filter,
    IncompleteSnapshotError,
    InvalidFieldError,
    JsonCodec,
    MapProjection,
    Payload,
    Projection,
    Snapshot,
    SnapshotTooLargeError,
    StateClass,
    StoredSnapshot,
    ValueEncodeError,
    WaitReason,
    WatchMode,
)
from stillframe.client._decoding import stored_snapshot
from stillframe.client._encoding import encode_snapshot
from stillframe.client._requests import Requests, SaveOptions
from stillframe.v1 import snapshot_pb2 as pb
from stillframe.v1 import snapshot_service_pb2 as rpc

CODEC = JsonCodec()
REQUESTS = Requests("acme", CODEC, 1 << 20)
WHOLE = Snapshot(
    state=ExecutionState.WAITING,
    sequence_number=7,
    wait_reason=WaitReason.APPROVAL,
    user_id="",
    current_step_id="s1",
    step_outputs={"s0": [1, 2]},
    variables={"raw": Payload(data=b"\0\1", encoding="binary/x", codecs=["zstd"]), "n": None},
    timestamp_ns=-1,
    labels={"team": "a"},
    snapshot_id="snap",
    parent_snapshot_id="before",
    parent_execution_id="parent",
    schema_version="3",
)


def load(**options: Any) -> rpc.LoadSnapshotRequest:
    unset: dict[str, Any] = {
        "version": None,
        "snapshot_id": None,
        "criteria": None,
        "projection": None,
        "event_store_head": None,
        "require_fresh": False,
        "max_behind": None,
        "max_message_bytes": None,
    }
    request = REQUESTS.load("run", **(unset | options)).request
    assert isinstance(request, rpc.LoadSnapshotRequest)
    return request


def watch(filter: Filter | None = None, **options: Any) -> rpc.WatchSnapshotsRequest:  # noqa: A002
    unset: dict[str, Any] = {
        "resume_token": None,
        "initial_state": False,
        "mode": WatchMode.LATEST,
        "full": False,
        "projection": None,
        "max_message_bytes": None,
    }
    return REQUESTS.watch(filter, **(unset | options))


def stored(**fields: Any) -> StoredSnapshot:
    message = encode_snapshot(WHOLE, CODEC).message()
    message.MergeFrom(
        pb.ExecutionSnapshot(tenant_id="acme", execution_id="run", version=2, etag="e2", **fields)
    )
    return stored_snapshot(message, CODEC)


def test_every_field_of_a_snapshot_is_sent() -> None:
    assert encode_snapshot(WHOLE, CODEC).message() == pb.ExecutionSnapshot(
        state=pb.EXECUTION_STATE_WAITING,
        sequence_number=7,
        wait_reason=pb.WAIT_REASON_APPROVAL,
        user_id="",
        current_step_id="s1",
        step_outputs={"s0": Payload(data=b"[1,2]")},
        variables={
            "raw": Payload(data=b"\0\1", encoding="binary/x", codecs=["zstd"]),
            "n": Payload(data=b"null"),
        },
        timestamp={"seconds": -1, "nanos": 999_999_999},  # type: ignore[arg-type] # pyright: ignore[reportArgumentType]
        labels={"team": "a"},
        snapshot_id="snap",
        parent_snapshot_id="before",
        parent_execution_id="parent",
        schema_version="3",
    )


def test_what_is_unset_stays_unset() -> None:
    message = encode_snapshot(Snapshot(state=ExecutionState.CREATED), CODEC).message()

    assert [field.name for field, _ in message.ListFields()] == ["state"]


def test_a_stored_snapshot_goes_back_as_it_came() -> None:
    back = stored()

    assert encode_snapshot(back, CODEC).message() == encode_snapshot(WHOLE, CODEC).message()
    assert back.timestamp_ns == -1
    assert back.user_id == ""
    assert back.step_outputs == {"s0": [1, 2]}


def test_untouched_payloads_go_back_byte_for_byte() -> None:
    message = encode_snapshot(WHOLE, CODEC).message()
    message.variables["odd"].data = b' { "b" : 1.00 } '
    back = stored_snapshot(message, CODEC)
    back.variables["n"] = 5

    sent = encode_snapshot(back, CODEC)

    assert sent.variables["odd"].data == b' { "b" : 1.00 } '
    assert sent.variables["raw"] == WHOLE.variables["raw"]
    assert sent.variables["n"].data == b"5"


def test_a_snapshot_that_leaves_something_out_is_refused() -> None:
    partial = stored(omission=pb.Omission(count=1))

    with pytest.raises(IncompleteSnapshotError) as caught:
        encode_snapshot(partial, CODEC)
    with pytest.raises(IncompleteSnapshotError, match="variables"):
        encode_snapshot(Snapshot(state=ExecutionState.RUNNING, variables=partial.variables), CODEC)
    assert caught.value.reason == "INVALID_FIELD"
    assert caught.value.violations[0].field == "snapshot.omission"


@pytest.mark.parametrize(
    "fields",
    [{"sequence_number": -1}, {"sequence_number": 2**64}, {"user_id": "\ud800"}],
    ids=str,
)
def test_what_no_message_can_carry_is_refused_as_a_server_would(fields: dict[str, Any]) -> None:
    with pytest.raises(InvalidFieldError):
        encode_snapshot(Snapshot(state=ExecutionState.RUNNING, **fields), CODEC)


def test_an_encode_error_names_its_entry() -> None:
    with pytest.raises(ValueEncodeError, match=r"^step_outputs\['a'\]: ") as caught:
        encode_snapshot(Snapshot(state=ExecutionState.RUNNING, step_outputs={"a": b""}), CODEC)
    assert caught.value.key == "step_outputs['a']"


def save(options: SaveOptions) -> rpc.SaveSnapshotRequest:
    request = REQUESTS.save("run", pb.ExecutionSnapshot(), options).request
    assert isinstance(request, rpc.SaveSnapshotRequest)
    return request


def test_each_save_has_a_request_id_of_its_own() -> None:
    first, second = save(SaveOptions()), save(SaveOptions())

    assert len(first.request_id) == 32
    assert first.request_id != second.request_id
    assert save(SaveOptions(request_id="mine")).request_id == "mine"


def test_what_the_channel_would_not_take_is_refused_with_a_reason() -> None:
    content = pb.ExecutionSnapshot(variables={"a": Payload(data=bytes(1 << 20))})

    with pytest.raises(SnapshotTooLargeError) as caught:
        REQUESTS.save("run", content, SaveOptions())
    assert caught.value.reason == "SNAPSHOT_TOO_LARGE"
    assert caught.value.metadata["maximum"] == str(1 << 20)


@pytest.mark.parametrize(
    ("ttl", "nanoseconds"),
    [
        (0, 0),
        (0.5, 500_000_000),
        (90, 90 * 10**9),
        (timedelta(days=400_000, microseconds=1), 400_000 * 86_400 * 10**9 + 1_000),
    ],
)
def test_ttl_is_exact(ttl: timedelta | float, nanoseconds: int) -> None:
    duration = save(SaveOptions(ttl=ttl)).ttl

    assert duration.seconds * 10**9 + duration.nanos == nanoseconds
    assert not save(SaveOptions()).HasField("ttl")
    assert save(SaveOptions(ttl=0)).HasField("ttl")


@pytest.mark.parametrize("ttl", [-1, float("nan"), float("inf"), timedelta(days=-1), 1e300])
def test_a_ttl_that_is_none_is_refused(ttl: timedelta | float) -> None:
    with pytest.raises(InvalidFieldError):
        save(SaveOptions(ttl=ttl))


def test_filters() -> None:
    request = watch(
        Filter(
            execution_ids=["a", "b"],
            execution_id_prefix="",
            states=[ExecutionState.FAILED],
            state_classes=[StateClass.ACTIVE],
            wait_reasons=[WaitReason.EXTERNAL],
            user_id="u",
            parent_execution_id="p",
            labels={"k": "v"},
            criteria=Criteria(sequence_max=0, commit_time_min_ns=1_500_000_000),
        ),
    )

    assert request.filter == pb.ExecutionFilter(
        execution_ids=["a", "b"],
        execution_id_prefix="",
        states=[pb.EXECUTION_STATE_FAILED],
        state_classes=[pb.STATE_CLASS_ACTIVE],
        wait_reasons=[pb.WAIT_REASON_EXTERNAL],
        user_id="u",
        parent_execution_id="p",
        labels={"k": "v"},
        criteria=pb.SnapshotCriteria(
            sequence_max=0,
            commit_time_min={"seconds": 1, "nanos": 500_000_000},  # type: ignore[arg-type] # pyright: ignore[reportArgumentType]
        ),
    )


@pytest.mark.parametrize("field", ["execution_ids", "states", "state_classes", "wait_reasons"])
def test_an_empty_list_does_not_become_no_condition(field: str) -> None:
    empty: dict[str, Any] = {field: []}

    with pytest.raises(InvalidFieldError, match=field):
        watch(Filter(**empty))


def test_projections() -> None:
    def projected(projection: Projection | None) -> rpc.LoadSnapshotRequest:
        return load(projection=projection)

    assert not projected(None).HasField("projection")
    assert projected(Projection()).HasField("projection")
    assert projected(
        Projection(
            step_outputs=ALL_ENTRIES, variables=MapProjection(keys=["a"], key_prefixes=["b"])
        )
    ).projection == pb.SnapshotProjection(
        step_outputs=pb.MapProjection(all=True),
        variables=pb.MapProjection(keys=["a"], key_prefixes=["b"]),
    )


@pytest.mark.parametrize(
    ("options", "field"),
    [
        ({"version": 1, "snapshot_id": "a"}, "version"),
        ({"version": 0}, "version"),
        ({"snapshot_id": "a"}, "snapshot_id"),
        ({"criteria": Criteria()}, "latest_matching"),
        ({}, None),
    ],
)
def test_selectors(options: dict[str, Any], field: str | None) -> None:
    if len(options) > 1:
        with pytest.raises(InvalidFieldError):
            load(**options)
        return
    request = load(**options)
    assert request.selector.WhichOneof("selector") == field
    assert request.max_message_bytes == 1 << 20


def test_a_watch_starts_in_one_way() -> None:
    assert watch().WhichOneof("start") is None
    initial = watch(initial_state=True)
    assert initial.WhichOneof("start") == "initial_state"
    resumed = watch(resume_token="r1")
    assert resumed.resume_token == "r1"
    wrongs: list[dict[str, Any]] = [
        {"resume_token": "r1", "initial_state": True},
        {"resume_token": ""},
    ]
    for wrong in wrongs:
        with pytest.raises(InvalidFieldError):
            watch(**wrong)


def test_a_projection_needs_the_full_view() -> None:
    with pytest.raises(InvalidFieldError, match="full"):
        watch(projection=Projection())
    full = watch(projection=Projection(), full=True)
    assert full.view == rpc.SNAPSHOT_VIEW_FULL


def test_freshness_goes_in_batches() -> None:
    calls = REQUESTS.check_freshness({f"run-{n}": n for n in range(2_001)})

    requests = [each.request for each in calls]
    assert [
        len(each.executions) for each in requests if isinstance(each, rpc.CheckFreshnessRequest)
    ] == [1_000, 1_000, 1]
    assert REQUESTS.check_freshness({}) == []
