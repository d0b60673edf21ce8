"""The JSON shape of a snapshot, there and back."""

from __future__ import annotations

import json
from typing import Any

import pytest

from stillframe.cli.documents import DocumentError, snapshot_document, snapshot_of
from stillframe.client import (
    ExecutionState,
    JsonCodec,
    Omission,
    OmissionReason,
    OmittedEntry,
    Origin,
    SnapshotMap,
    StoredSnapshot,
    Values,
    WaitReason,
)
from stillframe.v1.snapshot_pb2 import Payload


def stored(variables: dict[str, Any] | None = None, **given: Any) -> StoredSnapshot:
    """A snapshot with everything in it, as a load gives it."""
    codec = JsonCodec()
    outputs = Values("step_outputs", {"step_1": codec.encode([1, 2])}, codec)
    fields: dict[str, Any] = {
        "tenant_id": "acme",
        "execution_id": "run-1",
        "version": 3,
        "etag": "v3-abc",
        "revision": 9,
        "commit_time_ns": 1_782_907_200_123_456_789,
        "state": ExecutionState.WAITING,
        "wait_reason": WaitReason.SUB_AGENT,
        "sequence_number": 2**63 - 1,
        "step_outputs": outputs,
        "variables": Values("variables", {}, codec),
        "timestamp_ns": 1,
        "labels": {"team": "red"},
        "snapshot_id": "s-3",
        "parent_snapshot_id": "s-2",
        "parent_execution_id": "run-0",
        "schema_version": "7",
        "user_id": "u",
        "current_step_id": "step_1",
    } | given
    snapshot = StoredSnapshot(**fields)
    for key, value in (variables or {}).items():
        snapshot.variables[key] = value
    return snapshot


def through_json(document: object) -> Any:
    return json.loads(json.dumps(document))


def test_everything_that_a_client_sets_reads_back() -> None:
    snapshot = stored({"n": 2**64 - 1, "x": 0.1, "deep": {"é": [None, True, ""]}})
    again = snapshot_of(through_json(snapshot_document(snapshot)))
    for name in (
        *("state", "wait_reason", "sequence_number", "timestamp_ns", "labels", "snapshot_id"),
        *("parent_snapshot_id", "parent_execution_id", "schema_version", "user_id"),
        "current_step_id",
    ):
        assert getattr(again, name) == getattr(snapshot, name)
    assert again.step_outputs == {"step_1": [1, 2]}
    assert again.variables == {"n": 2**64 - 1, "x": 0.1, "deep": {"é": [None, True, ""]}}


def test_what_is_unset_is_left_out() -> None:
    unset = dict.fromkeys(
        [
            "timestamp_ns",
            "snapshot_id",
            "parent_snapshot_id",
            "parent_execution_id",
            "user_id",
            "current_step_id",
            "wait_reason",
        ]
    )
    bare = stored(**unset, labels={}, schema_version="", state=ExecutionState.CREATED)
    assert set(snapshot_document(bare)) == {
        *("tenant_id", "execution_id", "version", "etag", "revision", "commit_time"),
        *("state", "sequence_number", "step_outputs", "variables"),
    }
    assert snapshot_of({"state": "created"}).variables == {}


def test_names_are_those_that_the_options_take() -> None:
    document = snapshot_document(stored())
    assert (document["state"], document["wait_reason"]) == ("waiting", "sub_agent")
    assert document["commit_time"] == "2026-07-01T12:00:00.123456789Z"


@pytest.mark.parametrize(
    "payload",
    [
        Payload(data=b"\x81\xa1n\x01", encoding="msgpack", codecs=["zstd", "aes"]),
        Payload(data=b"{broken"),
        Payload(data=b"\xff"),
        Payload(data=b"1e400"),
        Payload(),
    ],
)
def test_what_is_not_json_is_printed_with_its_bytes_and_reads_back(payload: Payload) -> None:
    document = through_json(snapshot_document(stored({"x": payload})))
    assert set(document["variables"]["x"]) == {"$payload"}
    assert snapshot_of(document).variables["x"] == payload


def test_an_object_that_looks_like_a_payload_is_not_mistaken_for_one() -> None:
    value = {"$payload": {"data_base64": "AAAA"}}
    again = snapshot_of(through_json(snapshot_document(stored({"x": value}))))
    assert JsonCodec().decode(again.variables["x"]) == value


def test_raw_keeps_every_byte() -> None:
    payload = Payload(data=b'{ "n" : 1.0 }', encoding="json/utf8")
    document = through_json(snapshot_document(stored({"x": payload}), raw=True))
    assert snapshot_of(document).variables["x"] == payload


def test_a_fork_shows_where_it_came_from() -> None:
    origin = Origin(execution_id="run-0", version=4, etag="v4-x", commit_time_ns=0)
    assert snapshot_document(stored(origin=origin))["origin"] == {
        "execution_id": "run-0",
        "version": 4,
        "etag": "v4-x",
        "commit_time": "1970-01-01T00:00:00Z",
    }


def test_a_snapshot_that_is_not_whole_says_so_and_is_refused() -> None:
    entry = OmittedEntry(
        map=SnapshotMap.VARIABLES, key="big", size_bytes=5, reason=OmissionReason.TOO_LARGE
    )
    snapshot = stored(omission=Omission(entries=(entry,), count=1, size_bytes=8))
    document = through_json(snapshot_document(snapshot))
    assert document["omission"] == {
        "count": 1,
        "size_bytes": 8,
        "entries": [
            {"map": "variables", "key": "big", "size_bytes": 5, "reason": "too_large"},
        ],
    }
    with pytest.raises(DocumentError, match="not whole"):
        snapshot_of(document)


@pytest.mark.parametrize(
    ("document", "message"),
    [
        ([], "the snapshot is not a JSON object"),
        ({}, "state is None, not one of created, planning"),
        ({"state": "asleep"}, "state is 'asleep'"),
        ({"state": 3}, "state is 3"),
        ({"state": "waiting", "wait_reason": "rain"}, "wait_reason is 'rain'"),
        ({"state": "running", "sequence_number": "7"}, "sequence_number is not a whole number"),
        ({"state": "running", "sequence_number": True}, "sequence_number is not a whole number"),
        ({"state": "running", "sequence_number": 1.5}, "sequence_number is not a whole number"),
        ({"state": "running", "variables": [1]}, "variables is not a JSON object"),
        ({"state": "running", "labels": {"a": 1}}, "labels.a is not text"),
        ({"state": "running", "user_id": 7}, "user_id is not text"),
        ({"state": "running", "timestamp": "noon"}, "timestamp: 'noon' is not a time"),
        ({"state": "running", "varibles": {}, "extra": 1}, "no such field: extra, varibles"),
        ({"state": "running", "variables": {"x": {"$payload": 1}}}, "not a JSON object"),
        (
            {"state": "running", "variables": {"x": {"$payload": {"data_base64": "?"}}}},
            r"variables\.x\.\$payload\.data_base64",
        ),
        (
            {"state": "running", "variables": {"x": {"$payload": {"codecs": "zstd"}}}},
            "codecs is not a list",
        ),
        (
            {"state": "running", "variables": {"x": {"$payload": {"encodng": "m"}}}},
            "no such field: encodng",
        ),
        ({"state": "running", "variables": {"x": {"$payload": {}, "y": 1}}}, "no such field: y"),
    ],
)
def test_what_is_not_a_snapshot_is_refused(document: object, message: str) -> None:
    with pytest.raises(DocumentError, match=message):
        snapshot_of(document)
