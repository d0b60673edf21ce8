"""A file of an older schema reads as before, and goes on.

`schema_1` and `schema_2` were written by the servers that had these schemas: their rows as
SQL, and what the servers answered.
"""

from __future__ import annotations

import json
import sqlite3
from contextlib import asynccontextmanager, closing
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
    from collections.abc import AsyncGenerator, AsyncIterator

    from stillframe.v1.snapshot_pb2 import ExecutionSnapshot

SCHEMA_1, SCHEMA_2 = (Path(__file__).parent / f"schema_{number}" for number in (1, 2))
EXPECTED, EXPECTED_2 = (
    json.loads((folder / "expected.json").read_text()) for folder in (SCHEMA_1, SCHEMA_2)
)


def restore(folder: Path, file: Path) -> Path:
    with closing(sqlite3.connect(file)) as connection:
        connection.executescript((folder / "store.sql").read_text())
    return file


@asynccontextmanager
async def opened(path: Path) -> AsyncGenerator[StoreTenant]:
    clock = Clock()
    store = await open_store(f"sqlite:///{path}", StoreConfig(clock=clock))
    try:
        yield StoreTenant(store, "acme", clock)
    finally:
        await store.close()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return restore(SCHEMA_1, tmp_path / "s.db")


@pytest.fixture
async def store(path: Path) -> AsyncIterator[StoreTenant]:
    async with opened(path) as tenant:
        yield tenant


@pytest.fixture
def path_2(tmp_path: Path) -> Path:
    return restore(SCHEMA_2, tmp_path / "s2.db")


@pytest.fixture
async def store_2(path_2: Path) -> AsyncIterator[StoreTenant]:
    async with opened(path_2) as tenant:
        yield tenant


def fields(header: ExecutionSnapshot) -> dict[str, Any]:
    return json_format.MessageToDict(header, preserving_proto_field_name=True)


async def assert_as_before(
    store: StoreTenant,
    name: str = "run-1",
    versions: dict[str, Any] = EXPECTED["versions"],
) -> None:
    for version, expected in versions.items():
        loaded = await store.load(name, version=int(version))
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


async def log(store: StoreTenant) -> list[list[Any]]:
    return [
        [
            change.revision,
            change.mark,
            int(change.kind),
            fields(change.header),
            None if change.before is None else fields(change.before),
        ]
        for change in await store.changes()
    ]


async def test_the_change_log_reads_as_before(store: StoreTenant) -> None:
    assert await log(store) == EXPECTED["changes"]


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


async def test_forks_and_patches_of_schema_2_read_as_before(
    store_2: StoreTenant, path_2: Path
) -> None:
    assert set(EXPECTED_2["versions"]) == {"run-1", "fork"}
    for name, versions in EXPECTED_2["versions"].items():
        await assert_as_before(store_2, name, versions)
        assert [str(number) for number in await store_2.versions(name)] == list(versions)
    assert await log(store_2) == EXPECTED_2["changes"]
    assert verify(str(path_2)).problems == []


async def test_a_store_of_schema_2_goes_on_with_a_working_memory(
    store_2: StoreTenant, path_2: Path
) -> None:
    for scope in ("run-1", "gone", None):
        await store_2.set_value(scope, "key", b"value")
    await store_2.delete("run-1")
    await store_2.maintain()
    assert [await store_2.keys(scope) for scope in ("run-1", "gone", None)] == [
        [],
        ["key"],
        ["key"],
    ]
    await assert_as_before(store_2, "fork", EXPECTED_2["versions"]["fork"])
    with refused("FENCED"):
        await store_2.save("run-2", snapshot(1))
    assert verify(str(path_2)).problems == []
