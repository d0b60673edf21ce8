"""What the changes of a watch carry of a snapshot, and what they say of the rest."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from stillframe.v1 import snapshot_pb2
from stillframe.v1.snapshot_pb2 import ExecutionFilter, Payload
from tests.conformance.calls import (
    DELETED,
    EVERY_CHANGE,
    EXPIRED,
    FULL,
    INITIAL_STATE,
    LEFT_FILTER,
    METADATA,
    NOW,
    SAVED,
)
from tests.conformance.support import (
    PAUSED,
    RUNNING,
    STEP_OUTPUTS,
    VARIABLES,
    WAITING,
    delta,
    refused,
    saved_part,
    seconds,
    snapshot,
    timestamp,
    value,
)

if TYPE_CHECKING:
    from stillframe.v1.snapshot_pb2 import ExecutionSnapshot
    from stillframe.v1.snapshot_service_pb2 import SnapshotChange
    from tests.conformance.calls import Api

MIB = 2**20

ALL_STARTS = pytest.mark.parametrize("start", ["live", "resumed", "initial state"])


def rich(number: int = 1) -> ExecutionSnapshot:
    """Returns a snapshot in which every field that a client may set is set."""
    return snapshot(
        number,
        state=WAITING,
        wait_reason=snapshot_pb2.WAIT_REASON_SUB_AGENT,
        outputs={"s1": b"\x00\xff", "s2": ""},
        variables={
            "k": Payload(data=b"v", encoding="binary/x", codecs=["zstd", "aes-256-gcm;kid=7"])
        },
        user_id="ann",
        current_step_id="s2",
        timestamp=timestamp(7, 9),
        labels={"team": "red"},
        snapshot_id=f"snap-{number}",
        parent_snapshot_id="snap-0",
        parent_execution_id="parent",
        schema_version="3",
    )


async def start_token(api: Api) -> str:
    """Returns the token of a change that no test is about."""
    return (await api.save("0-start")).resume_token


async def told_of(
    api: Api, start: str, content: ExecutionSnapshot, **fields: Any
) -> tuple[SnapshotChange, list[tuple[int, int]]]:
    """Saves "a", and returns what a watch tells of it, with the sizes of its messages."""
    token = await start_token(api)
    where = ExecutionFilter(execution_ids=["a"])
    if start == "live":
        async with api.watch(filter=where, **NOW, **fields) as watch:
            await watch.until("caught_up")
            await api.save("a", content)
            return await watch.change(), watch.message_sizes
    await api.save("a", content)
    begin: dict[str, Any] = {"resume_token": token} if start == "resumed" else INITIAL_STATE
    async with api.watch(filter=where, **begin, **fields) as watch:
        return await watch.change(), watch.message_sizes


@ALL_STARTS
async def test_metadata_is_the_header_and_a_count_of_the_entries(api: Api, start: str) -> None:
    content = rich()

    change, _ = await told_of(api, start, content, view=METADATA)

    omission = change.snapshot.omission
    assert omission.count == 3
    assert omission.size_bytes > 0
    assert not omission.entries
    assert not change.content_gone
    assert change.snapshot == (await api.all_executions(view=METADATA))[1]
    content.ClearField("step_outputs")
    content.ClearField("variables")
    assert saved_part(change.snapshot) == content


@ALL_STARTS
async def test_an_unset_view_is_the_metadata(api: Api, start: str) -> None:
    change, _ = await told_of(api, start, rich())

    assert not change.snapshot.step_outputs
    assert not change.snapshot.variables
    assert change.snapshot.omission.count == 3


@ALL_STARTS
async def test_metadata_of_a_snapshot_without_entries_omits_nothing(api: Api, start: str) -> None:
    change, _ = await told_of(api, start, snapshot(1))

    assert change.snapshot == await api.load("a")


@ALL_STARTS
async def test_full_is_exactly_what_was_saved(api: Api, start: str) -> None:
    content = rich()

    change, _ = await told_of(api, start, content, view=FULL)

    assert saved_part(change.snapshot) == content
    assert not change.snapshot.HasField("omission")
    assert change.snapshot == await api.load("a")
    assert not change.content_gone


@ALL_STARTS
async def test_a_projection_chooses_among_the_entries(api: Api, start: str) -> None:
    content = snapshot(
        1, outputs={"a1": "1", "a2": "2", "b1": "3"}, variables={"k": "4", "l": "5", "k2": "6"}
    )
    projection = {"step_outputs": {"key_prefixes": ["a"]}, "variables": {"keys": ["k", "none"]}}

    change, _ = await told_of(api, start, content, view=FULL, projection=projection)

    read = change.snapshot
    assert dict(read.step_outputs) == {"a1": value("1"), "a2": value("2")}
    assert dict(read.variables) == {"k": value("4")}
    assert read.omission.count == 3
    assert read.omission.size_bytes > 0
    # What was not asked for is counted, and not named.
    assert not read.omission.entries
    assert not change.content_gone


@ALL_STARTS
async def test_a_projection_may_choose_nothing_of_a_map(api: Api, start: str) -> None:
    content = snapshot(1, outputs={"s": "1"}, variables={"k": "2", "l": "3"})

    change, _ = await told_of(
        api, start, content, view=FULL, projection={"step_outputs": {"all": True}}
    )

    assert dict(change.snapshot.step_outputs) == {"s": value("1")}
    assert not change.snapshot.variables
    assert change.snapshot.omission.count == 2


async def test_a_projection_without_the_full_view_is_refused(api: Api) -> None:
    with refused("INVALID_FIELD") as told:
        async with api.watch(projection={"variables": {"all": True}}) as watch:
            await watch.frame()
    assert told.fields == ["projection"]


@ALL_STARTS
async def test_what_does_not_fit_is_left_out_and_named(api: Api, start: str) -> None:
    big = value(b"x" * 300_000)
    content = snapshot(1, outputs={"large": big, "small": "1"}, variables={"tiny": "2"})

    change, sizes = await told_of(api, start, content, view=FULL, max_message_bytes=262_144)

    read = change.snapshot
    assert dict(read.step_outputs) == {"small": value("1")}
    assert dict(read.variables) == {"tiny": value("2")}
    assert read.omission.count == 1
    [left_out] = read.omission.entries
    assert left_out.map == STEP_OUTPUTS
    assert left_out.key == "large"
    assert left_out.size_bytes == big.ByteSize()
    assert left_out.reason == snapshot_pb2.OMISSION_REASON_TOO_LARGE
    assert max(size for size, _ in sizes) <= 262_144
    assert not change.content_gone


@ALL_STARTS
async def test_what_was_not_asked_for_takes_no_room(api: Api, start: str) -> None:
    content = snapshot(1, outputs={"large": b"x" * 300_000}, variables={"b": b"y" * 300_000})
    projection = {"variables": {"all": True}}

    change, _ = await told_of(
        api, start, content, view=FULL, projection=projection, max_message_bytes=262_144
    )

    assert change.snapshot.omission.count == 2
    assert [(each.map, each.key) for each in change.snapshot.omission.entries] == [(VARIABLES, "b")]


@ALL_STARTS
async def test_a_large_snapshot_is_whole_where_it_fits(api: Api, start: str) -> None:
    """Larger than the mebibyte at which messages of many frames are cut."""
    content = snapshot(1, variables={f"k{number}": b"x" * MIB for number in range(3)})

    change, sizes = await told_of(api, start, content, view=FULL)

    assert saved_part(change.snapshot) == content
    assert max(size for size, _ in sizes) <= 4 * MIB


async def test_full_content_of_every_version_on_resume(api: Api) -> None:
    token = await start_token(api)
    base = await api.save("a", snapshot(0, variables={"n": "0", "same": "s"}))
    for number in range(1, 8):
        changed = snapshot(number, variables={"n": f"{number}"})
        base = await api.save("a", delta(base.etag, changed))

    changes = await api.changes_after(token, mode=EVERY_CHANGE, view=FULL)

    assert [dict(each.snapshot.variables) for each in changes] == [
        {"n": value(f"{number}"), "same": value("s")} for number in range(8)
    ]


async def test_content_that_was_deleted_since_is_gone(api: Api) -> None:
    token = await start_token(api)
    saved = [await api.save("a", snapshot(n, variables={"k": f"{n}"})) for n in range(2)]
    await api.save("empty", snapshot(1))
    await api.delete("a")
    await api.delete("empty")
    await api.save("a", snapshot(9, variables={"k": "again"}))

    changes = await api.changes_after(token, mode=EVERY_CHANGE, view=FULL)

    assert [(each.snapshot.execution_id, each.kind, each.content_gone) for each in changes] == [
        ("a", SAVED, True),
        ("a", SAVED, True),
        ("empty", SAVED, False),
        ("a", DELETED, False),
        ("empty", DELETED, False),
        ("a", SAVED, False),
    ]
    for change, answer in zip(changes, saved, strict=False):
        read = change.snapshot
        assert (read.version, read.etag) == (answer.version, answer.etag)
        assert not read.variables
        assert read.omission.count == 1
    assert changes[-1].snapshot == await api.load("a")
    metadata = await api.changes_after(token, mode=EVERY_CHANGE, view=METADATA)
    assert not any(each.content_gone for each in metadata)


async def test_what_left_the_filter_comes_as_the_new_head_without_entries(api: Api) -> None:
    where = ExecutionFilter(states=[RUNNING])
    first = await api.save("a", snapshot(1, variables={"k": "1"}))
    await api.save("a", snapshot(2, state=PAUSED, variables={"k": "2"}, user_id="ann"))

    [change] = await api.changes_after(first.resume_token, filter=where, view=FULL)

    assert change.kind == LEFT_FILTER
    assert change.snapshot == (await api.all_executions(view=METADATA))[0]
    assert change.snapshot.user_id == "ann"
    assert change.snapshot.omission.count == 1
    assert not change.content_gone


@pytest.mark.parametrize("kind", [DELETED, EXPIRED], ids=["deleted", "expired"])
@pytest.mark.parametrize("view", [METADATA, FULL], ids=["metadata", "full"])
async def test_what_is_gone_comes_with_what_filters_test(api: Api, kind: int, view: int) -> None:
    await api.save("a", rich(1))
    saved = await api.save("a", rich(2), ttl=seconds(5))
    api.clock.advance(6)
    if kind == DELETED:
        await api.delete("a")
    else:
        await api.maintain()

    [change] = await api.changes_after(saved.resume_token, view=view)

    gone, head = change.snapshot, rich(2)
    assert change.kind == kind
    assert (gone.tenant_id, gone.execution_id) == (api.tenant_id, "a")
    assert (gone.version, gone.revision) == (saved.version, saved.revision + 1)
    assert gone.commit_time.ToNanoseconds() == api.clock.now
    assert (gone.state, gone.wait_reason) == (head.state, head.wait_reason)
    assert (gone.user_id, gone.parent_execution_id) == ("ann", "parent")
    assert gone.labels == head.labels
    assert gone.sequence_number == head.sequence_number
    assert gone.timestamp == head.timestamp
    assert not gone.step_outputs
    assert not gone.variables
    assert not change.content_gone
