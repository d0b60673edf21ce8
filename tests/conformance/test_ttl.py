"""A ttl ends an execution by a commit, when the store's clock says so (DESIGN sections 3, 4)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from stillframe.v1 import snapshot_service_pb2 as service
from tests.conformance.calls import EVERY_CHANGE, EXPIRED
from tests.conformance.support import refused, seconds, snapshot

if TYPE_CHECKING:
    from tests.conformance.calls import Api


async def lives(api: Api, execution_id: str = "run") -> bool:
    await api.maintain()
    return bool([e for e in await api.all_executions() if e.execution_id == execution_id])


async def test_an_execution_lives_until_its_ttl_has_passed(api: Api) -> None:
    await api.save("run", snapshot(1), ttl=seconds(10))
    api.clock.advance(9.999)
    assert await lives(api)
    api.clock.advance(0.001)
    assert (await api.load("run")).version == 1  # until the commit it is there
    assert not await lives(api)
    with refused("EXECUTION_NOT_FOUND"):
        await api.load("run")


async def test_an_unset_ttl_keeps_the_moment_and_zero_clears_it(api: Api) -> None:
    await api.save("kept", snapshot(1), ttl=seconds(10))
    await api.save("cleared", snapshot(1), ttl=seconds(10))
    api.clock.advance(6)
    await api.save("kept", snapshot(2))
    await api.save("cleared", snapshot(2), ttl=seconds(0))
    api.clock.advance(5)
    assert not await lives(api, "kept")
    assert await lives(api, "cleared")


async def test_a_new_ttl_counts_from_its_own_commit(api: Api) -> None:
    await api.save("run", snapshot(1), ttl=seconds(10))
    api.clock.advance(6)
    await api.save("run", snapshot(2), ttl=seconds(10))
    api.clock.advance(6)
    assert await lives(api)
    api.clock.advance(4)
    assert not await lives(api)


@pytest.mark.parametrize("request_id", ["", "r"])
async def test_a_ttl_counts_although_nothing_changed(api: Api, request_id: str) -> None:
    await api.save("run", snapshot(1))
    again = await api.save("run", snapshot(1), ttl=seconds(10), request_id=request_id)
    assert again.outcome == service.SAVE_OUTCOME_UNCHANGED
    api.clock.advance(10)
    assert not await lives(api)


async def test_a_refused_save_does_not_set_a_ttl(api: Api) -> None:
    await api.save("run", snapshot(5))
    with refused("SEQUENCE_REGRESSION"):
        await api.save("run", snapshot(1), ttl=seconds(1))
    api.clock.advance(10)
    assert await lives(api)


async def test_an_expiry_is_a_change_with_a_revision(api: Api) -> None:
    saved = await api.save("run", snapshot(7), ttl=seconds(10))
    api.clock.advance(10)
    await api.maintain()
    [change] = await api.changes_after(saved.resume_token, mode=EVERY_CHANGE)
    assert change.kind == EXPIRED
    assert change.snapshot.execution_id == "run"
    assert (change.snapshot.version, change.snapshot.sequence_number) == (1, 7)
    assert change.snapshot.revision == saved.revision + 1
    assert (await api.save("other")).revision == saved.revision + 2


async def test_what_expired_leaves_a_tombstone(api: Api) -> None:
    await api.save("run", snapshot(1), ttl=seconds(10), writer_epoch=4)
    api.clock.advance(10)
    await api.maintain()
    with refused("FENCED"):
        await api.save("run", snapshot(1), writer_epoch=3)
    again = await api.save("run", snapshot(1), writer_epoch=4)
    assert again.version == 2
    api.clock.advance(100)
    assert await lives(api)  # the ttl went with the one that had it
