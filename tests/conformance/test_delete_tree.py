"""Deletes through a server: preconditions, and descendants (DESIGN section 4)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.conformance.calls import DELETED, EVERY_CHANGE
from tests.conformance.support import refused, snapshot

if TYPE_CHECKING:
    from tests.conformance.calls import Api


async def child(api: Api, name: str, parent: str) -> None:
    await api.save(name, snapshot(1, parent_execution_id=parent))


async def names(api: Api) -> list[str]:
    return [each.execution_id for each in await api.all_executions()]


async def test_a_delete_takes_an_expected_etag(api: Api) -> None:
    first = await api.save("run", snapshot(1))
    second = await api.save("run", snapshot(2))
    with refused("ETAG_MISMATCH") as told:
        await api.delete("run", expected_etag=first.etag)
    assert told.metadata["head_etag"] == second.etag
    answer = await api.delete("run", expected_etag=second.etag)
    assert (answer.deleted_count, answer.revision) == (1, 3)
    again = await api.delete("run", expected_etag=second.etag)
    assert (again.deleted_count, again.revision, again.resume_token) == (0, 0, "")


async def test_a_delete_takes_a_writer_epoch(api: Api) -> None:
    await api.save("run", snapshot(1), writer_epoch=5)
    for epoch in (None, 4):
        with refused("FENCED"):
            await api.delete("run", writer_epoch=epoch)
    assert (await api.delete("run", writer_epoch=5)).deleted_count == 1
    with refused("FENCED"):
        await api.delete("run")


async def test_a_delete_spares_descendants_unless_asked(api: Api) -> None:
    await api.save("root")
    await child(api, "child", "root")
    assert (await api.delete("root")).deleted_count == 1
    assert await names(api) == ["child"]


async def test_descendants_go_with_their_ancestor_cycles_or_not(api: Api) -> None:
    await child(api, "root", "grandchild")  # a cycle
    for number in range(30):
        await child(api, f"child-{number}", "root")
    await child(api, "grandchild", "child-7")
    await child(api, "self", "self")
    await child(api, "stranger", "other")
    answer = await api.delete("root", include_descendants=True)
    assert answer.deleted_count == 32
    assert await names(api) == ["self", "stranger"]
    assert (await api.delete("self", include_descendants=True)).deleted_count == 1


async def test_what_is_left_of_a_tree_still_leads_back_to_its_root(api: Api) -> None:
    await api.save("a")
    await child(api, "b", "a")
    await child(api, "c", "b")
    saved = await child_token(api)
    await api.delete("a", include_descendants=True)
    changes = await api.changes_after(saved, mode=EVERY_CHANGE)
    assert {change.kind for change in changes} == {DELETED}
    # Deepest first, after the root: a call that was cut off can be repeated.
    assert [change.snapshot.execution_id for change in changes] == ["a", "d", "c", "b"]


async def child_token(api: Api) -> str:
    answer = await api.save("d", snapshot(1, parent_execution_id="c"))
    return answer.resume_token


async def test_a_repeated_delete_goes_on_with_the_descendants(api: Api) -> None:
    await child(api, "b", "a")
    await child(api, "c", "b")
    answer = await api.delete("a", include_descendants=True)
    assert answer.deleted_count == 2
    assert not await names(api)


async def test_a_refused_delete_spares_the_descendants(api: Api) -> None:
    await api.save("a", writer_epoch=2)
    await child(api, "b", "a")
    with refused("FENCED"):
        await api.delete("a", writer_epoch=1, include_descendants=True)
    with refused("ETAG_MISMATCH"):
        await api.delete("a", writer_epoch=2, expected_etag="x", include_descendants=True)
    assert await names(api) == ["a", "b"]
