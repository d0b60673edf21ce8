"""Pages and their tokens, sizes and counts at their edges (DESIGN section 4)."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import grpc
import grpc.aio
import pytest

from stillframe.v1.snapshot_pb2 import (
    ExecutionFilter,
    MapProjection,
    SnapshotCriteria,
    SnapshotProjection,
)
from tests.conformance.calls import FULL, METADATA
from tests.conformance.support import (
    RUNNING,
    new_tenant,
    refused,
    save_request,
    snapshot,
)

if TYPE_CHECKING:
    from tests.conformance.calls import Api

OTHER_EXECUTIONS: list[dict[str, Any]] = [
    {"filter": ExecutionFilter(states=[RUNNING])},
    {"filter": ExecutionFilter(execution_id_prefix="e")},
    {"view": FULL},
    {"view": FULL, "projection": SnapshotProjection(variables=MapProjection(all=True))},
    {"include_count": True},
]
OTHER_SNAPSHOTS: list[dict[str, Any]] = [
    {"execution_id": "e1"},
    {"filter": ExecutionFilter(states=[RUNNING])},
    {"criteria": SnapshotCriteria(sequence_min=0)},
    {"labels": {"k": "v"}},
    {"view": FULL},
]


async def five_executions(api: Api) -> None:
    for number in range(5):
        await api.save(f"e{number}", snapshot(1, variables={"v": "1"}))


def field_of(other: dict[str, Any]) -> str:
    return "+".join(other)


@pytest.mark.parametrize("other", OTHER_EXECUTIONS, ids=field_of)
async def test_a_token_of_executions_holds_for_the_same_request_alone(
    api: Api, other: dict[str, Any]
) -> None:
    await five_executions(api)
    token = (await api.executions(page_size=2)).next_page_token
    with refused("PAGE_TOKEN_MISMATCH"):
        await api.executions(page_size=2, page_token=token, **other)
    theirs = (await api.executions(page_size=2, **other)).next_page_token
    with refused("PAGE_TOKEN_MISMATCH"):
        await api.executions(page_size=2, page_token=theirs)


@pytest.mark.parametrize("other", OTHER_SNAPSHOTS, ids=field_of)
async def test_a_token_of_snapshots_holds_for_the_same_request_alone(
    api: Api, other: dict[str, Any]
) -> None:
    await five_executions(api)
    token = (await api.snapshots(page_size=2)).next_page_token
    with refused("PAGE_TOKEN_MISMATCH"):
        await api.snapshots(page_size=2, page_token=token, **other)


async def test_a_token_is_of_its_tenant(api: Api) -> None:
    await five_executions(api)
    token = (await api.executions(page_size=2)).next_page_token
    with refused("PAGE_TOKEN_MISMATCH"):
        await replace(api, tenant_id=new_tenant()).executions(page_size=2, page_token=token)


async def test_a_token_is_of_its_rpc(api: Api) -> None:
    await five_executions(api)
    executions = (await api.executions(page_size=2)).next_page_token
    snapshots = (await api.snapshots(page_size=2)).next_page_token
    with refused("PAGE_TOKEN_MISMATCH"):
        await api.snapshots(page_token=executions)
    with refused("PAGE_TOKEN_MISMATCH"):
        await api.executions(page_token=snapshots)


async def test_page_size_and_message_size_may_change_from_page_to_page(api: Api) -> None:
    await five_executions(api)
    first = await api.executions(page_size=1)
    second = await api.executions(page_size=2, page_token=first.next_page_token)
    third = await api.executions(page_token=second.next_page_token, max_message_bytes=262_144)
    found = [*first.executions, *second.executions, *third.executions]
    assert [each.execution_id for each in found] == [f"e{number}" for number in range(5)]
    assert not third.next_page_token


@pytest.mark.parametrize("rpc", ["executions", "snapshots"])
async def test_a_token_that_was_tampered_with_is_refused_or_names_a_page(
    api: Api, rpc: str
) -> None:
    await five_executions(api)
    call = getattr(api, rpc)
    token: str = (await call(page_size=2)).next_page_token
    changed = [
        token[:place] + put + token[place + 1 :]
        for place in range(len(token))
        for put in "Az0_-=!\u00e9"
    ]
    for tampered in (*changed, token + token, token[:-1], token[1:]):
        try:
            await call(page_size=2, page_token=tampered)
        except grpc.aio.AioRpcError as error:
            assert error.code() is grpc.StatusCode.INVALID_ARGUMENT, tampered  # noqa: PT017
    for garbage in ("x", " ", "=" * 8, "\u00e9", "A" * 4_000):
        with refused("PAGE_TOKEN_MISMATCH") as told:
            await call(page_size=2, page_token=garbage)
        assert told.metadata == {"field": "page_token"}


async def test_a_token_can_be_used_again(api: Api) -> None:
    await five_executions(api)
    token = (await api.executions(page_size=2)).next_page_token
    assert await api.executions(page_token=token) == await api.executions(page_token=token)


@pytest.mark.parametrize(("asked", "given"), [(0, 100), (1_000, 1_000), (4_000_000_000, 1_000)])
async def test_a_page_has_what_was_asked_for_up_to_a_thousand(
    api: Api, asked: int, given: int
) -> None:
    await create(api, 1_010)
    page = await api.executions(page_size=asked)
    assert len(page.executions) == given
    assert page.next_page_token
    page_of_snapshots = await api.snapshots(page_size=asked)
    assert len(page_of_snapshots.snapshots) == given


async def create(api: Api, count: int) -> None:
    """Creates executions straight in the store: it is the count that matters."""
    for first in range(0, count, 500):
        numbers = range(first, min(first + 500, count))
        saves = (api.store.save(save_request(api.tenant_id, f"e{number:05}")) for number in numbers)
        await asyncio.gather(*saves)


@pytest.mark.parametrize(
    ("there", "value", "at_least"),
    [(9_999, 9_999, False), (10_000, 10_000, False), (10_001, 10_000, True)],
)
async def test_a_count_is_exact_to_ten_thousand_and_then_at_least(
    api: Api, monkeypatch: pytest.MonkeyPatch, there: int, value: int, *, at_least: bool
) -> None:
    # That a store counts up to its limit is tested with the store.
    async def count(_tenant_id: str, _where: ExecutionFilter, limit: int) -> int:
        return min(there, limit)

    monkeypatch.setattr(api.store, "count_executions", count)
    counted = (await api.executions(include_count=True)).count
    assert (counted.value, counted.at_least) == (value, at_least)


async def test_a_count_is_given_to_who_asks_alone_and_counts_every_page(api: Api) -> None:
    await five_executions(api)
    assert not (await api.executions()).HasField("count")
    page = await api.executions(page_size=2, include_count=True)
    assert page.count.value == 5
    rest = await api.executions(page_size=2, include_count=True, page_token=page.next_page_token)
    assert rest.count.value == 5


async def test_the_last_page_is_the_one_without_a_token(api: Api) -> None:
    empty = await api.executions()
    assert (len(empty.executions), empty.next_page_token) == (0, "")
    await five_executions(api)
    assert not (await api.executions(page_size=5)).next_page_token
    assert not (await api.snapshots(page_size=5)).next_page_token


async def test_what_is_deleted_between_pages_is_passed_over(api: Api) -> None:
    await five_executions(api)
    first = await api.executions(page_size=2)
    await api.delete("e1")
    await api.delete("e2")
    rest = await api.executions(page_size=9, page_token=first.next_page_token)
    assert [each.execution_id for each in rest.executions] == ["e3", "e4"]


async def test_a_history_that_is_deleted_between_pages_ends(api: Api) -> None:
    for number in range(5):
        await api.save("run", snapshot(number))
    await api.save("other")
    everything = await api.snapshots(page_size=2)
    await api.delete("run")
    rest = await api.snapshots(page_size=9, page_token=everything.next_page_token)
    assert not rest.snapshots


async def test_a_list_with_many_large_heads_never_breaks_its_bound(api: Api) -> None:
    for number in range(12):
        size = 20_000 * (number % 5) + 1
        await api.save(f"e{number:02}", snapshot(1, variables={"a": bytes(size), "b": bytes(size)}))
    found: list[int] = []
    token = ""
    while True:
        page = await api.executions(view=FULL, max_message_bytes=262_144, page_token=token)
        assert page.ByteSize() <= 262_144
        found += (len(each.variables["a"].data) for each in page.executions)
        token = page.next_page_token
        if not token:
            break
    assert found == [20_000 * (number % 5) + 1 for number in range(12)]


@pytest.mark.parametrize("view", [0, METADATA])
async def test_an_unset_view_is_the_metadata(api: Api, view: int) -> None:
    await five_executions(api)
    for each in (*(await api.executions(view=view)).executions,):
        assert not each.variables
        assert (each.omission.count, len(each.omission.entries)) == (1, 0)
    for each in (await api.snapshots(view=view)).snapshots:
        assert not each.variables
        assert each.omission.count == 1
