"""What a store must tell of snapshots without their payloads."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from stillframe.server.stores.execution import digest
from stillframe.server.stores.records import EntryInfo, EntryKey
from stillframe.v1.snapshot_pb2 import Payload, SnapshotCriteria
from stillframe.v1.snapshot_service_pb2 import SnapshotSelector
from tests.conformance.runs import a_run, save_five
from tests.conformance.support import STEP_OUTPUTS, VARIABLES, refused, snapshot

if TYPE_CHECKING:
    from stillframe.server.stores.records import Outline
    from stillframe.v1.snapshot_pb2 import ExecutionSnapshot
    from tests.conformance.direct import StoreTenant


def outlines(outline: Outline, whole: ExecutionSnapshot) -> None:
    """Checks that the outline is this snapshot's."""
    header = type(whole)()
    header.CopyFrom(whole)
    expected: dict[EntryKey, EntryInfo] = {}
    for map_, payloads in ((STEP_OUTPUTS, whole.step_outputs), (VARIABLES, whole.variables)):
        for key, payload in payloads.items():
            data = payload.SerializeToString()
            expected[EntryKey(map_, key)] = EntryInfo(digest(data), len(data))
    header.ClearField("step_outputs")
    header.ClearField("variables")
    assert outline.header == header
    assert dict(outline.entries) == expected


async def test_an_outline_is_the_header_and_what_is_known_of_each_entry(
    store: StoreTenant,
) -> None:
    await store.save("a", snapshot(1, user_id="u", labels={"k": "v"}, snapshot_id="s"))
    content: dict[str, str | Payload] = {
        "same": "1",
        "empty": Payload(),
        "typed": Payload(data=b"1", encoding="x"),
    }
    await store.save("a", snapshot(2, outputs=content, variables=content))

    for outline, version in zip(await store.outlines("a", 1, 2, 0), (1, 2, 2), strict=True):
        outlines(outline, await store.load("a", version=version))


async def test_every_version_of_a_run_has_its_outline(store: StoreTenant) -> None:
    for state in a_run(31, 40):
        await store.save("a", state)
    await store.fork("a", "b", include_history=True)
    await store.prune("a", *range(3, 30, 3))
    await store.prune("b", *range(2, 30, 4))

    for name in ("a", "b"):
        kept = await store.versions(name)
        for outline, whole in zip(await store.outlines(name, *kept), kept.values(), strict=True):
            outlines(outline, whole)


async def test_they_come_in_the_order_asked_and_as_often(store: StoreTenant) -> None:
    await save_five(store)
    found = await store.outlines("a", 3, 0, 1, 3)
    assert [outline.header.version for outline in found] == [3, 5, 1, 3]
    assert await store.outlines("a") == []


async def test_every_kind_of_selector_is_known(store: StoreTenant) -> None:
    await save_five(store)
    selectors = [
        SnapshotSelector(snapshot_id="id2"),
        SnapshotSelector(latest_matching=SnapshotCriteria(sequence_max=49)),
        SnapshotSelector(),
    ]
    found = await store.store.outlines(store.tenant_id, "a", selectors)
    assert [outline.header.version for outline in found] == [2, 4, 5]


async def test_what_is_missing_is_refused_as_a_load_refuses_it(store: StoreTenant) -> None:
    await save_five(store)
    await store.prune("a", 2)
    for versions in ((2,), (1, 2), (2, 1), (6, 0)):
        with refused("SNAPSHOT_NOT_FOUND") as told:
            await store.outlines("a", *versions)
        assert told.metadata["execution_id"] == "a"
        assert told.metadata["selector"] in {"version 2", "version 6"}
    with refused("EXECUTION_NOT_FOUND"):
        await store.outlines("missing", 0)
    await store.delete("a")
    with refused("EXECUTION_NOT_FOUND"):
        await store.outlines("a", 1)


async def test_all_of_them_are_of_one_moment(store: StoreTenant) -> None:
    await store.save("a", snapshot(0, variables={"n": "0"}))

    async def saves() -> None:
        for number in range(1, 60):
            await store.save("a", snapshot(number, variables={"n": str(number)}))

    async def reads() -> None:
        selectors = [
            SnapshotSelector(),
            SnapshotSelector(latest_matching=SnapshotCriteria()),
            SnapshotSelector(),
        ]
        for _ in range(40):
            found = await store.store.outlines(store.tenant_id, "a", selectors)
            assert len({outline.header.etag for outline in found}) == 1
            data = Payload(data=str(found[0].header.sequence_number).encode())
            key = EntryKey(VARIABLES, "n")
            assert found[0].entries[key].digest == digest(data.SerializeToString())

    await asyncio.gather(saves(), reads(), reads())
