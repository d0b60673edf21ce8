"""A file of an older schema reads as before, and goes on.

`schema_1` was written by the server that had schema 1: its rows as SQL, and what it
answered.
"""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from google.protobuf import json_format

from stillframe.server.stores import open_store
from stillframe.server.stores.base import StoreConfig
from stillframe.server.stores.sqlite.verifying import verify
from tests.conformance.direct import StoreTenant
from tests.conformance.support import Clock, refused, snapshot

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from stillframe.v1.snapshot_pb2 import ExecutionSnapshot

FOLDER = Path(__file__).parent / "schema_1"
EXPECTED = json.loads((FOLDER / "expected.json").read_text())


@pytest.fixture
def path(tmp_path: Path) -> Path:
    file = tmp_path / "s.db"
    with closing(sqlite3.connect(file)) as connection:
        connection.executescript((FOLDER / "store.sql").read_text())
    return file


@pytest.fixture
async def store(path: Path) -> AsyncIterator[StoreTenant]:
    clock = Clock()
    opened = await open_store(f"sqlite:///{path}", StoreConfig(clock=clock))
    yield StoreTenant(opened, "acme", clock)
    await opened.close()


def fields(header: ExecutionSnapshot) -> dict[str, Any]:
    return json_format.MessageToDict(header, preserving_proto_field_name=True)


async def assert_as_before(store: StoreTenant) -> None:
    for version, expected in EXPECTED["versions"].items():
        loaded = await store.load("run-1", version=int(version))
        entries = [
            [map_, key, payloads[key].SerializeToString().hex()]
            for map_, payloads in ((1, loaded.step_outputs), (2, loaded.variables))
            for key in sorted(payloads)
        ]
        loaded.ClearField("step_outputs")
        loaded.ClearField("variables")
        assert (fields(loaded), entries) == (expected["header"], expected["entries"])


async def test_every_version_reads_as_before(store: StoreTenant, path: Path) -> None:
    await assert_as_before(store)
    assert verify(str(path)).problems == []


async def test_the_change_log_reads_as_before(store: StoreTenant) -> None:
    read = [
        [
            change.revision,
            change.mark,
            int(change.kind),
            fields(change.header),
            None if change.before is None else fields(change.before),
        ]
        for change in await store.changes()
    ]
    assert read == EXPECTED["changes"]


async def test_it_goes_on_with_patches(store: StoreTenant, path: Path) -> None:
    for number in range(8, 20):
        text = "a line that an agent says\n" * number
        await store.save("run-1", snapshot(number, variables={"messages": text}))
    await assert_as_before(store)
    assert verify(str(path)).problems == []
    await store.prune("run-1", 2, 3, 9, 10)
    while await store.store.maintain(3):
        pass
    assert verify(str(path)).problems == []
    assert sorted(await store.versions("run-1")) == [1, 4, 5, 6, 7, 8, *range(11, 20)]


async def test_it_remembers_floors_answers_and_tombstones(store: StoreTenant) -> None:
    with refused("FENCED"):
        await store.save("run-2", snapshot(2))
    with refused("REQUEST_ID_REUSED"):
        await store.save("run-1", snapshot(9), request_id="run-1-7")
    assert (await store.save("gone", snapshot(1))).version == 2
