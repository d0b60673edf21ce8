"""What counts as a change of a snapshot, and what does not (DESIGN section 3, rule 7)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from stillframe.v1 import snapshot_pb2
from stillframe.v1 import snapshot_service_pb2 as service
from stillframe.v1.snapshot_pb2 import ExecutionSnapshot, Payload
from tests.conformance.support import (
    COMPLETED,
    WAITING,
    delta,
    saved_part,
    snapshot,
    timestamp,
)

if TYPE_CHECKING:
    from tests.conformance.calls import Api


def base() -> ExecutionSnapshot:
    return snapshot(
        5,
        state=WAITING,
        wait_reason=snapshot_pb2.WAIT_REASON_APPROVAL,
        user_id="ann",
        current_step_id="step",
        timestamp=timestamp(7, 7),
        labels={"a": "1", "b": "2"},
        parent_snapshot_id="s0",
        parent_execution_id="parent",
        schema_version="1",
        outputs={"o": "1"},
        variables={"v": Payload(data=b"1", encoding="msgpack", codecs=["zstd"])},
    )


def changed(**fields: object) -> ExecutionSnapshot:
    """The base with some header fields set, or cleared where the value is None."""
    content = base()
    for name, to in fields.items():
        content.ClearField(name)  # type: ignore[arg-type] # pyright: ignore[reportArgumentType]
        content.MergeFrom(ExecutionSnapshot(**{name: to}))  # type: ignore[arg-type]
    return content


CHANGES = {
    "state": changed(state=COMPLETED, wait_reason=None),
    "wait_reason": changed(wait_reason=snapshot_pb2.WAIT_REASON_EXTERNAL),
    "user_id": changed(user_id="bob"),
    "user_id cleared": changed(user_id=None),
    "current_step_id": changed(current_step_id="next"),
    "current_step_id cleared": changed(current_step_id=None),
    "timestamp": changed(timestamp=timestamp(7, 8)),
    "timestamp cleared": changed(timestamp=None),
    "sequence_number": changed(sequence_number=6),
    "a label changed": changed(labels={"a": "1", "b": "3"}),
    "a label removed": changed(labels={"a": "1"}),
    "a label added": changed(labels={"a": "1", "b": "2", "c": "3"}),
    "snapshot_id": changed(snapshot_id="s1"),
    "parent_snapshot_id": changed(parent_snapshot_id="other"),
    "parent_execution_id": changed(parent_execution_id="other"),
    "schema_version": changed(schema_version="2"),
    "an output's data": changed(step_outputs={"o": Payload(data=b"2")}),
    "an output removed": changed(step_outputs=None),
    "an output added": changed(step_outputs={"o": Payload(data=b"1"), "p": Payload()}),
    "a variable's encoding": changed(
        variables={"v": Payload(data=b"1", encoding="json/utf8", codecs=["zstd"])}
    ),
    "a variable's codecs": changed(
        variables={"v": Payload(data=b"1", encoding="msgpack", codecs=["zstd", "aes"])}
    ),
    "a key in the other map": changed(
        step_outputs=None,
        variables={
            "o": Payload(data=b"1"),
            "v": Payload(data=b"1", encoding="msgpack", codecs=["zstd"]),
        },
    ),
}


@pytest.mark.parametrize("content", CHANGES.values(), ids=CHANGES.keys())
async def test_each_part_of_a_snapshot_counts_as_a_change(
    api: Api, content: ExecutionSnapshot
) -> None:
    await api.save("run", base())
    answer = await api.save("run", content)

    assert answer.outcome == service.SAVE_OUTCOME_UPDATED
    assert saved_part(await api.load("run")) == content


async def test_the_same_snapshot_is_unchanged_full_and_delta(api: Api) -> None:
    whole = changed(snapshot_id="s1")
    first = await api.save("run", whole)
    header = changed(snapshot_id="s1")
    header.ClearField("step_outputs")
    header.ClearField("variables")
    for content in (whole, delta(first.etag, header), delta(first.etag, whole)):
        again = await api.save("run", content)
        assert again.outcome == service.SAVE_OUTCOME_UNCHANGED
        assert (again.version, again.etag) == (1, first.etag)
        assert (again.revision, again.resume_token) == (first.revision, first.resume_token)
    assert len(await api.all_snapshots(execution_id="run")) == 1


async def test_output_only_fields_are_ignored_when_a_client_sends_them(api: Api) -> None:
    first = await api.save("run", base())
    read = await api.load("run")
    read.version, read.etag, read.revision = 99, "x", 99
    read.commit_time.seconds = 1
    read.origin.execution_id = "elsewhere"

    assert (await api.save("run", read)).outcome == service.SAVE_OUTCOME_UNCHANGED
    read.sequence_number += 1
    saved = await api.save("run", read)

    again = await api.load("run")
    assert (saved.version, again.version) == (2, 2)
    assert again.etag == saved.etag != first.etag
    assert again.commit_time.seconds != 1
    assert not again.HasField("origin")


async def test_a_snapshot_may_name_its_tenant_and_execution(api: Api) -> None:
    content = snapshot(1, tenant_id=api.tenant_id, execution_id="run")
    assert (await api.save("run", content)).version == 1
    assert (await api.save("run", snapshot(1))).outcome == service.SAVE_OUTCOME_UNCHANGED


async def test_an_unchanged_save_is_no_change_to_a_watch(api: Api) -> None:
    first = await api.save("run", base())
    await api.save("run", base())
    await api.save("run", base(), request_id="r")
    assert await api.changes_after(first.resume_token) == []
