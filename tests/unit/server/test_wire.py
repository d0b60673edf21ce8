"""Answers that are written around serialised payloads read as the messages they are."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from stillframe.server import wire
from stillframe.server.stores.records import EntryKey, Stored
from stillframe.v1 import snapshot_pb2
from stillframe.v1.snapshot_pb2 import ExecutionSnapshot, Payload
from stillframe.v1.snapshot_service_pb2 import LoadSnapshotResponse

MAPS = (snapshot_pb2.SNAPSHOT_MAP_STEP_OUTPUTS, snapshot_pb2.SNAPSHOT_MAP_VARIABLES)

payloads = st.builds(Payload, data=st.binary(max_size=300), encoding=st.sampled_from(["", "x"]))


@given(st.dictionaries(st.tuples(st.sampled_from(MAPS), st.text(max_size=200)), payloads))
def test_a_snapshot_reads_back(entries: dict[tuple[int, str], Payload]) -> None:
    expected = ExecutionSnapshot(tenant_id="t", execution_id="e", version=3)
    rows: list[tuple[EntryKey, bytes]] = []
    for (map_, key), payload in entries.items():
        name = MAPS[map_ - 1]
        rows.append((EntryKey(name, key), payload.SerializeToString()))
        target = expected.step_outputs if name == MAPS[0] else expected.variables
        target[key].CopyFrom(payload)
    header = ExecutionSnapshot(tenant_id="t", execution_id="e", version=3)
    data = wire.field(1, wire.snapshot(Stored(header, rows)))
    assert LoadSnapshotResponse.FromString(data) == LoadSnapshotResponse(snapshot=expected)


@given(st.integers(min_value=0, max_value=2**64 - 1))
def test_a_varint_is_protobufs(number: int) -> None:
    expected = ExecutionSnapshot(version=number).SerializeToString()
    assert (wire.varint(16 << 3) + wire.varint(number) if number else b"") == expected
