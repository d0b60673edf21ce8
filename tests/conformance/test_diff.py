"""DiffSnapshots through a running server."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from stillframe.v1 import snapshot_pb2
from stillframe.v1 import snapshot_service_pb2 as service
from stillframe.v1.snapshot_pb2 import ExecutionSnapshot, Payload, SnapshotCriteria
from stillframe.v1.snapshot_service_pb2 import SnapshotSelector
from tests.conformance.runs import a_run
from tests.conformance.support import (
    PAUSED,
    STEP_OUTPUTS,
    VARIABLES,
    WAITING,
    refused,
    snapshot,
    timestamp,
)

if TYPE_CHECKING:
    from stillframe.v1.snapshot_service_pb2 import DiffSnapshotsResponse
    from tests.conformance.calls import Api

ADDED = service.DIFFERENCE_KIND_ADDED
REMOVED = service.DIFFERENCE_KIND_REMOVED
CHANGED = service.DIFFERENCE_KIND_CHANGED


def version(number: int) -> SnapshotSelector:
    return SnapshotSelector(version=number)


def rows(answer: DiffSnapshotsResponse) -> list[tuple[int, str, int]]:
    return [(each.map, each.key, each.kind) for each in answer.entries]


def differences(
    older: ExecutionSnapshot, newer: ExecutionSnapshot
) -> list[tuple[int, str, int, int, int]]:
    """Works out what the server should answer from the two snapshots whole."""
    found: list[tuple[int, str, int, int, int]] = []
    for map_, before, after in (
        (STEP_OUTPUTS, older.step_outputs, newer.step_outputs),
        (VARIABLES, older.variables, newer.variables),
    ):
        for key in sorted(set(before) | set(after)):
            if key in before and key in after and before[key] == after[key]:
                continue
            kind = CHANGED
            if key not in before:
                kind = ADDED
            elif key not in after:
                kind = REMOVED
            sizes = [each[key].ByteSize() if key in each else 0 for each in (before, after)]
            found.append((map_, key, kind, sizes[0], sizes[1]))
    return found


def answered(answer: DiffSnapshotsResponse) -> list[tuple[int, str, int, int, int]]:
    return [
        (each.map, each.key, each.kind, each.from_size_bytes, each.to_size_bytes)
        for each in answer.entries
    ]


async def test_entries_are_added_removed_and_changed(api: Api) -> None:
    await api.save("run", snapshot(1, outputs={"a": "1", "b": "2"}, variables={"a": "1", "c": "3"}))
    await api.save("run", snapshot(1, outputs={"a": "1", "c": "22"}, variables={"a": "10"}))
    answer = await api.diff("run", version(1), version(2))

    assert (answer.from_version, answer.to_version) == (1, 2)
    assert answered(answer) == [
        (STEP_OUTPUTS, "b", REMOVED, 3, 0),
        (STEP_OUTPUTS, "c", ADDED, 0, 4),
        (VARIABLES, "a", CHANGED, 3, 4),
        (VARIABLES, "c", REMOVED, 3, 0),
    ]
    assert not answer.header_fields
    assert not answer.next_page_token


async def test_the_other_way_round_everything_turns(api: Api) -> None:
    await api.save("run", snapshot(1, variables={"a": "1", "c": "3"}))
    await api.save("run", snapshot(1, variables={"a": "10", "b": "2"}))
    answer = await api.diff("run", version(2), version(1))

    assert (answer.from_version, answer.to_version) == (2, 1)
    assert rows(answer) == [
        (VARIABLES, "a", CHANGED),
        (VARIABLES, "b", REMOVED),
        (VARIABLES, "c", ADDED),
    ]


async def test_payloads_differ_by_encoding_and_codecs_too(api: Api) -> None:
    await api.save(
        "run", snapshot(1, variables={"e": "1", "k": "1", "s": "1", "empty": Payload(), "x": "1"})
    )
    changed = {
        "e": Payload(data=b"1", encoding="msgpack"),
        "k": Payload(data=b"1", codecs=["zstd"]),
        "s": Payload(data=b"1"),
        "empty": Payload(),
        "x": Payload(),
    }
    await api.save("run", snapshot(1, variables=changed))
    answer = await api.diff("run", version(1))
    assert [each.key for each in answer.entries] == ["e", "k", "x"]


HEADERS: list[tuple[dict[str, Any], list[str]]] = [
    ({}, []),
    ({"user_id": "u"}, ["user_id"]),
    ({"state": PAUSED}, ["state"]),
    (
        {"state": WAITING, "wait_reason": snapshot_pb2.WAIT_REASON_APPROVAL},
        ["state", "wait_reason"],
    ),
    ({"current_step_id": "s"}, ["current_step_id"]),
    ({"timestamp": timestamp(0)}, ["timestamp"]),
    ({"sequence_number": 2}, ["sequence_number"]),
    ({"labels": {"k": "v"}}, ["labels"]),
    ({"snapshot_id": "s"}, ["snapshot_id"]),
    ({"parent_snapshot_id": "s"}, ["parent_snapshot_id"]),
    ({"parent_execution_id": "p"}, ["parent_execution_id"]),
    ({"schema_version": "2"}, ["schema_version"]),
]


@pytest.mark.parametrize(("fields", "names"), HEADERS)
async def test_header_fields_that_differ_are_named(
    api: Api, fields: dict[str, Any], names: list[str]
) -> None:
    first: dict[str, Any] = {"sequence_number": 1, "variables": {"v": "1"}}
    await api.save("run", snapshot(**first))
    # What is compared differs in an entry, so that there is a second version.
    second: dict[str, Any] = {**first, "variables": {"v": "2"}, **fields}
    await api.save("run", snapshot(**second))

    assert (await api.diff("run", version(1), version(2))).header_fields == names
    assert (await api.diff("run", version(2), version(1))).header_fields == names


async def test_header_fields_come_in_the_contracts_order(api: Api) -> None:
    await api.save("run", snapshot(1, labels={"a": "1"}, timestamp=timestamp(1)))
    changed = snapshot(
        2, state=PAUSED, user_id="u", labels={"a": "2"}, timestamp=timestamp(1, 1), snapshot_id="s"
    )
    await api.save("run", changed)
    names = ["user_id", "state", "timestamp", "sequence_number", "labels", "snapshot_id"]
    assert (await api.diff("run", version(1))).header_fields == names


async def test_output_only_fields_are_not_compared(api: Api) -> None:
    await api.save("a", snapshot(1, variables={"v": "1"}))
    await api.fork("a", "b")
    await api.save("b", snapshot(1, variables={"v": "2"}))
    answer = await api.diff("b", version(1), version(2))
    assert (list(answer.header_fields), rows(answer)) == ([], [(VARIABLES, "v", CHANGED)])


async def test_every_selector_is_known_and_unset_is_the_head(api: Api) -> None:
    for number in range(1, 5):
        await api.save("run", snapshot(number, snapshot_id=f"s{number}"))
    latest = SnapshotSelector(latest_matching=SnapshotCriteria(sequence_max=3))
    named = SnapshotSelector(snapshot_id="s2")
    for older, newer, versions in (
        (version(1), None, (1, 4)),
        (named, latest, (2, 3)),
        (latest, SnapshotSelector(), (3, 4)),
        (None, version(1), (4, 1)),
        (None, None, (4, 4)),
    ):
        answer = await api.diff("run", older, newer)
        assert (answer.from_version, answer.to_version) == versions


async def test_a_snapshot_does_not_differ_from_itself(api: Api) -> None:
    await api.save("run", snapshot(1, outputs={"a": "1"}, labels={"k": "v"}))
    answer = await api.diff("run", version(1), version(1))
    assert answer == service.DiffSnapshotsResponse(from_version=1, to_version=1)


async def test_any_two_versions_of_a_run_compare_as_they_read(api: Api) -> None:
    states = a_run(41, 25)
    for state in states:
        await api.save("run", state)
    await api.fork("run", "fork", include_history=True)
    await api.prune("run", versions=list(range(2, 25, 3)))
    kept = [number for number in range(1, 26) if number not in range(2, 25, 3)]

    for name, numbers in (("run", kept), ("fork", [1, 2, 9, 24, 25])):
        for first in numbers[:: max(1, len(numbers) // 5)]:
            for second in numbers:
                answer = await api.diff(name, version(first), version(second))
                assert answered(answer) == differences(states[first - 1], states[second - 1])


@pytest.mark.parametrize("size", [1, 2, 7, 49, 50, 51])
async def test_pages_hold_every_difference_once(api: Api, size: int) -> None:
    await api.save("run", snapshot(1, variables={f"v{n}": "1" for n in range(20)}))
    outputs = {f"s{n}": "1" for n in range(30)}
    await api.save("run", snapshot(2, outputs=outputs))
    pages = [await api.diff("run", version(1), page_size=size)]
    while pages[-1].next_page_token:
        token = pages[-1].next_page_token
        pages.append(await api.diff("run", version(1), page_size=size, page_token=token))

    keys = [(each.map, each.key) for page in pages for each in page.entries]
    assert keys == sorted(keys)
    assert len(keys) == len(set(keys)) == 50
    assert len(pages) == -(-50 // size)
    for page in pages:
        assert (page.from_version, page.to_version) == (1, 2)
        assert list(page.header_fields) == ["sequence_number"]


async def test_every_page_compares_the_same_two(api: Api) -> None:
    await api.save("run", snapshot(1))
    await api.save("run", snapshot(2, variables={"a": "1", "b": "1", "c": "1"}))
    latest = SnapshotSelector(latest_matching=SnapshotCriteria())
    first = await api.diff("run", version(1), latest, page_size=1)
    await api.save("run", snapshot(3, variables={"z": "1"}))
    token = first.next_page_token
    rest = await api.diff("run", version(1), latest, page_token=token)

    assert (rest.from_version, rest.to_version) == (1, 2)
    assert [each.key for each in (*first.entries, *rest.entries)] == ["a", "b", "c"]
    assert (await api.diff("run", version(1), latest)).to_version == 3


async def test_a_page_of_what_was_deleted_since_is_refused(api: Api) -> None:
    await api.save("run", snapshot(1))
    await api.save("run", snapshot(2, variables={"a": "1", "b": "1"}))
    first = await api.diff("run", version(1), page_size=1)
    await api.prune("run", versions=[1])
    with refused("SNAPSHOT_NOT_FOUND") as told:
        await api.diff("run", version(1), page_size=1, page_token=first.next_page_token)
    assert told.metadata == {"execution_id": "run", "selector": "version 1"}
    await api.delete("run")
    with refused("EXECUTION_NOT_FOUND"):
        await api.diff("run", version(1), page_size=1, page_token=first.next_page_token)


async def test_a_token_of_another_comparison_is_refused(api: Api) -> None:
    for name in ("run", "other"):
        await api.save(name, snapshot(1))
        await api.save(name, snapshot(2, variables={"a": "1", "b": "1"}))
    token = (await api.diff("run", version(1), page_size=1)).next_page_token
    listed = (await api.snapshots(execution_id="run", page_size=1)).next_page_token
    for name, older, newer, given in (
        ("other", version(1), None, token),
        ("run", version(2), None, token),
        ("run", version(1), version(2), token),
        ("run", version(1), None, listed),
        ("run", version(1), None, token[:-4]),
        ("run", version(1), None, "x"),
    ):
        with refused("PAGE_TOKEN_MISMATCH") as told:
            await api.diff(name, older, newer, page_token=given)
        assert told.fields == ["page_token"]


async def test_a_page_has_1000_differences_unless_it_says_and_10000_at_most(api: Api) -> None:
    await api.save("run", snapshot(1))
    await api.save("run", snapshot(2, variables={f"{n:05}": "" for n in range(10_001)}))
    assert len((await api.diff("run", version(1))).entries) == 1_000
    assert len((await api.diff("run", version(1), page_size=10_000)).entries) == 10_000
    most = await api.diff("run", version(1), page_size=2**32 - 1)
    assert len(most.entries) == 10_000
    rest = await api.diff("run", version(1), page_token=most.next_page_token)
    assert [each.key for each in rest.entries] == ["10000"]
    assert not rest.next_page_token


async def test_a_page_fits_grpcs_own_limit(api: Api) -> None:
    keys = [f"{n:05}{'é' * 253}" for n in range(9_000)]
    await api.save("run", snapshot(1))
    await api.save("run", snapshot(2, variables=dict.fromkeys(keys, "")))
    found: list[str] = []
    token = ""
    while token or not found:
        page = await api.diff("run", version(1), page_size=10_000, page_token=token)
        assert page.entries
        assert page.ByteSize() < 4 * 2**20
        found += [each.key for each in page.entries]
        token = page.next_page_token
    assert found == keys


async def test_what_does_not_exist_is_refused(api: Api) -> None:
    await api.save("run")
    with refused("EXECUTION_NOT_FOUND") as told:
        await api.diff("missing", version(1))
    assert told.metadata == {"execution_id": "missing"}
    for older, newer in ((version(2), None), (version(1), version(2))):
        with refused("SNAPSHOT_NOT_FOUND") as told:
            await api.diff("run", older, newer)
        assert told.metadata == {"execution_id": "run", "selector": "version 2"}


INVALID: list[tuple[dict[str, Any], str]] = [
    ({"tenant_id": ""}, "tenant_id"),
    ({"execution_id": ""}, "execution_id"),
    ({"from": None}, "from"),
    ({"from": version(0)}, "from.version"),
    ({"from": SnapshotSelector(snapshot_id="")}, "from.snapshot_id"),
    ({"to": version(2**63)}, "to.version"),
    ({"to": SnapshotSelector(snapshot_id="a\n")}, "to.snapshot_id"),
    (
        {"to": SnapshotSelector(latest_matching=SnapshotCriteria(sequence_max=2**63))},
        "to.latest_matching.sequence_max",
    ),
]


@pytest.mark.any_store
@pytest.mark.parametrize(("fields", "name"), INVALID)
async def test_a_field_out_of_bounds_is_named(api: Api, fields: dict[str, Any], name: str) -> None:
    await api.save("run")
    valid: dict[str, Any] = {
        "tenant_id": api.tenant_id,
        "execution_id": "run",
        "from": version(1),
    }
    with refused("INVALID_FIELD") as told:
        await api.stub.DiffSnapshots(service.DiffSnapshotsRequest(**valid | fields))
    assert told.fields == [name]
