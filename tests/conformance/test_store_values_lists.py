"""What a store must do when the keys of a working memory are listed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.conformance.support import seconds

if TYPE_CHECKING:
    from tests.conformance.direct import StoreTenant

IN_ORDER = ["A", "Z", "a", "a ", "a/1", "a/10", "a/2", "b", "\u00e9", "\uffff", "\U0001f600"]
"""By the bytes of UTF-8; UTF-16 and collations of languages have other orders."""


@pytest.mark.parametrize("scope", ["run", None])
@pytest.mark.parametrize("limit", [1, 3, 11, 100])
async def test_keys_are_listed_by_their_bytes(
    store: StoreTenant, scope: str | None, limit: int
) -> None:
    for key in reversed(IN_ORDER):
        await store.set_value(scope, key)
    assert [info.key for info in await store.key_infos(scope, limit=limit)] == IN_ORDER


@pytest.mark.parametrize(
    ("prefix", "found"),
    [
        ("a", ["a", "a ", "a/1", "a/10", "a/2"]),
        ("a/1", ["a/1", "a/10"]),
        ("b", ["b"]),
        ("c", []),
        ("\u00e9", ["\u00e9"]),
        ("\U0001f600", ["\U0001f600"]),
        ("%", []),
        ("_", []),
        ("\U0010ffff", []),
    ],
)
@pytest.mark.parametrize("limit", [1, 2, 100])
async def test_a_prefix_chooses_the_keys_that_start_with_it(
    store: StoreTenant, prefix: str, found: list[str], limit: int
) -> None:
    for key in IN_ORDER:
        await store.set_value("run", key)
    assert [info.key for info in await store.key_infos("run", prefix, limit=limit)] == found


async def test_a_list_says_what_is_known_of_each_value(store: StoreTenant) -> None:
    first = await store.set_value("run", "a", b"12345", ttl=seconds(9))
    store.clock.advance(1)
    second = await store.set_value("run", "b", b"")
    [a, b] = await store.key_infos("run")
    assert (a.key, a.etag, a.size_bytes) == ("a", first.etag, 5)
    assert (a.commit_time, a.expire_time) == (first.commit_time, first.expire_time)
    assert (b.key, b.etag, b.size_bytes) == ("b", second.etag, 0)
    assert (b.commit_time, b.HasField("expire_time")) == (second.commit_time, False)


async def test_a_scope_that_nobody_has_set_is_empty(store: StoreTenant) -> None:
    await store.set_value("run", "key")
    assert (await store.keys(None), await store.keys("other"), await store.keys("ru")) == (
        [],
        [],
        [],
    )


async def test_a_key_that_is_there_all_the_while_is_listed_once(store: StoreTenant) -> None:
    for key in ("b", "d", "f", "h"):
        await store.set_value("run", key)
    listed: list[str] = []
    after: str | None = ""
    for key in ("a", "e", "g", "h", "i", "j"):
        if after is None:
            break
        page = await store.store.list_keys(store.tenant_id, "run", prefix="", after=after, limit=1)
        listed += [info.key for info in page.keys]
        after = page.next
        await store.set_value("run", key, b"new")
        await store.delete_value("run", listed[-1])
    assert [key for key in listed if key in "bdfh"] == ["b", "d", "f", "h"]
    assert len(set(listed)) == len(listed)


async def test_values_whose_ttl_is_over_make_no_list_longer(store: StoreTenant) -> None:
    for number in range(30):
        await store.set_value("run", f"k{number:02}", ttl=seconds(10) if number % 3 else None)
    store.clock.advance(10)
    for limit in (1, 4, 100):
        found = [info.key for info in await store.key_infos("run", "k", limit=limit)]
        assert found == [f"k{number:02}" for number in range(0, 30, 3)]
