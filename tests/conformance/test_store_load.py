"""What a store must do with a load and with heads."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from stillframe.server.stores.projection import METADATA, Selection
from stillframe.v1 import snapshot_pb2
from stillframe.v1.snapshot_pb2 import (
    ExecutionSnapshot,
    MapProjection,
    Payload,
    SnapshotCriteria,
    SnapshotProjection,
)
from tests.conformance.support import (
    IDS_IN_BYTE_ORDER,
    MAX_NUMBER,
    STEP_OUTPUTS,
    VARIABLES,
    WAITING,
    refused,
    saved_part,
    snapshot,
    timestamp,
)

if TYPE_CHECKING:
    from tests.conformance.direct import StoreTenant

EVERY_FIELD = snapshot(
    MAX_NUMBER,
    state=WAITING,
    wait_reason=snapshot_pb2.WAIT_REASON_SUB_AGENT,
    user_id="ann",
    current_step_id="step 1",
    timestamp=timestamp(1, 999_999_999),
    labels={"team": "red", "k\u00e9y": "v\u00e4lue"},
    snapshot_id="s1",
    parent_snapshot_id="s0",
    parent_execution_id="parent",
    schema_version="3",
    outputs={
        "empty": b"",
        "nul": b"\0",
        "bytes": bytes(range(256)),
        "coded": Payload(
            data=b"x", encoding="msgpack", codecs=["zstd", "aes-256-gcm;kid=7", "zstd"]
        ),
    },
    variables={key: key for key in IDS_IN_BYTE_ORDER},
)

SAVED_TO_THE_LIMIT = {
    "every field": EVERY_FIELD,
    "no optional field": snapshot(0),
    "before 1970": snapshot(1, timestamp=timestamp(-62_135_596_800)),
    "year 9999": snapshot(1, timestamp=timestamp(253_402_300_799, 999_999_999)),
    "the epoch": snapshot(1, timestamp=timestamp(0)),
    "a large value": snapshot(1, variables={"big": bytes(range(256)) * 8192}),
    "the same key in both maps": snapshot(1, outputs={"k": "1"}, variables={"k": "2"}),
    "longest ids": snapshot(1, user_id="u" * 512, variables={"\u00e9" * 256: "v"}),
}


@pytest.mark.parametrize("saved", SAVED_TO_THE_LIMIT.values(), ids=SAVED_TO_THE_LIMIT.keys())
async def test_a_load_gives_exactly_what_was_saved(
    store: StoreTenant, saved: ExecutionSnapshot
) -> None:
    await store.save("a", saved)
    head = await store.load("a")
    assert saved_part(head) == saved
    assert (head.tenant_id, head.execution_id) == (store.tenant_id, "a")
    assert not head.HasField("omission")

    await store.save("a", snapshot(MAX_NUMBER, variables={"other": "1"}))
    assert await store.load("a", version=1) == head


async def test_a_missing_execution_is_refused(store: StoreTenant) -> None:
    with refused("EXECUTION_NOT_FOUND") as told:
        await store.load("a")
    assert told.metadata == {"execution_id": "a"}
    with refused("EXECUTION_NOT_FOUND"):
        await store.load("a", version=1)


@pytest.mark.parametrize(
    "selector",
    [
        {"version": 2},
        {"snapshot_id": "other"},
        {"latest_matching": SnapshotCriteria(sequence_min=2)},
    ],
    ids=["version", "snapshot_id", "criteria"],
)
async def test_a_missing_snapshot_is_refused(store: StoreTenant, selector: dict[str, Any]) -> None:
    await store.save("a", snapshot(1, snapshot_id="s"))
    with refused("SNAPSHOT_NOT_FOUND") as told:
        await store.load("a", **selector)
    assert told.metadata["execution_id"] == "a"
    assert told.metadata["selector"]


async def test_a_snapshot_id_is_found_in_its_own_execution(store: StoreTenant) -> None:
    await store.save("a", snapshot(1, snapshot_id="s"))
    await store.save("a", snapshot(2, snapshot_id="t"))
    await store.save("b", snapshot(9, snapshot_id="s"))

    assert (await store.load("a", snapshot_id="s")).sequence_number == 1
    assert (await store.load("b", snapshot_id="s")).sequence_number == 9


async def test_the_latest_that_matches_is_the_one_with_the_highest_version(
    store: StoreTenant,
) -> None:
    for sequence in (5, 8, 6):
        await store.save("a", snapshot(sequence), allow_sequence_regression=True)

    found = await store.load("a", latest_matching=SnapshotCriteria(sequence_max=8))
    assert found.version == 3
    found = await store.load("a", latest_matching=SnapshotCriteria(sequence_min=7))
    assert found.version == 2


async def test_the_omission_names_every_entry_that_the_selection_leaves_out(
    store: StoreTenant,
) -> None:
    await store.save("a", snapshot(1, outputs={"o": "12"}, variables={"v": "1", "w": "123"}))
    chosen = SnapshotProjection(variables=MapProjection(keys=["v"]))
    read = await store.load("a", Selection(chosen, name_unselected=True))

    assert dict(read.variables) == {"v": Payload(data=b"1")}
    assert not read.step_outputs
    assert read.omission.count == 2
    assert [(e.map, e.key, e.reason) for e in read.omission.entries] == [
        (STEP_OUTPUTS, "o", snapshot_pb2.OMISSION_REASON_NOT_SELECTED),
        (VARIABLES, "w", snapshot_pb2.OMISSION_REASON_NOT_SELECTED),
    ]
    assert [e.size_bytes for e in read.omission.entries] == [
        Payload(data=b"12").ByteSize(),
        Payload(data=b"123").ByteSize(),
    ]


async def test_the_omission_names_what_does_not_fit(store: StoreTenant) -> None:
    await store.save("a", snapshot(1, variables={"big": b"x" * 300_000, "small": "1"}))
    read = await store.load("a", Selection(max_bytes=262_144, name_unselected=True))

    assert list(read.variables) == ["small"]
    assert [(e.key, e.reason) for e in read.omission.entries] == [
        ("big", snapshot_pb2.OMISSION_REASON_TOO_LARGE)
    ]


@pytest.mark.parametrize("version", [1, 2])
async def test_metadata_counts_the_entries_and_lists_none(store: StoreTenant, version: int) -> None:
    await store.save("a", snapshot(1, outputs={"o": "1"}, variables={"v": "1"}))
    await store.save("a", snapshot(2, outputs={"o": "2"}, variables={"v": "1"}))
    read = await store.load("a", METADATA, version=version)

    assert not read.step_outputs
    assert not read.variables
    assert (read.omission.count, len(read.omission.entries)) == (2, 0)
    assert read.omission.size_bytes > 0


async def test_entries_are_read_in_the_order_of_their_bytes(store: StoreTenant) -> None:
    keys = IDS_IN_BYTE_ORDER
    await store.save(
        "a", snapshot(1, outputs=dict.fromkeys(keys, "1"), variables=dict.fromkeys(keys, "2"))
    )
    head = await store.claim("a")

    assert head.head is not None
    assert [key for key, _ in head.head.entries] == [
        *((STEP_OUTPUTS, key) for key in keys),
        *((VARIABLES, key) for key in keys),
    ]


async def test_heads_come_in_the_order_asked_and_none_for_what_is_missing(
    store: StoreTenant,
) -> None:
    first = await store.save("a", snapshot(1, variables={"k": "v"}))
    second = await store.save("b", snapshot(7))
    await store.save("c", snapshot(1))
    await store.delete("c")

    heads = await store.store.heads(store.tenant_id, ["b", "missing", "a", "c", "b"])

    assert [head and head.etag for head in heads] == [
        second.etag,
        None,
        first.etag,
        None,
        second.etag,
    ]
    assert [head and head.sequence_number for head in heads] == [7, None, 1, None, 7]
    assert heads[2] is not None
    assert heads[2].entry_count == 1


async def test_no_heads_are_asked_for(store: StoreTenant) -> None:
    assert await store.store.heads(store.tenant_id, []) == []
