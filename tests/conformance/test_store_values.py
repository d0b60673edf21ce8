"""What a store must do when values of the working memory are set, read and deleted."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.conformance.support import new_tenant, refused, seconds, timestamp

if TYPE_CHECKING:
    from typing import Any

    from tests.conformance.conftest import OpenStore
    from tests.conformance.direct import StoreTenant

SCOPES = ["a", None]


@pytest.mark.parametrize("scope", SCOPES)
@pytest.mark.parametrize(
    "value", [b"", b"x", bytes(range(256)), b"\x00\xff" * 2**19], ids=["none", "x", "all", "1 MiB"]
)
async def test_what_was_set_is_read_exactly(
    store: StoreTenant, scope: str | None, value: bytes
) -> None:
    answer = await store.set_value(scope, "key", value)
    read = await store.get_value(scope, "key")
    assert read.value == value
    assert (read.etag, read.commit_time) == (answer.etag, answer.commit_time)
    assert read.commit_time == timestamp(1_000_000_000)
    assert not read.HasField("expire_time")
    assert not answer.HasField("expire_time")


@pytest.mark.persistent
async def test_what_was_set_and_deleted_is_so_after_a_reopening(opened: OpenStore) -> None:
    first = await opened()
    await first.set_value("a", "gone")
    answer = await first.set_value("a", "key", b"1", ttl=seconds(60), request_id="r")
    await first.set_value(None, "key", b"2")
    assert await first.delete_value("a", "gone")
    await first.set_value("last", "key", b"3")
    await first.store.close()

    again = await opened(first.tenant_id)

    assert (await again.get_value("a", "key")).value == b"1"
    assert (await again.get_value(None, "key")).value == b"2"
    assert (await again.get_value("last", "key")).value == b"3"
    assert await again.keys("a") == ["key"]
    repeated = await again.set_value("a", "key", b"1", ttl=seconds(60), request_id="r")
    assert repeated == answer
    again.clock.advance(60)
    assert await again.keys("a") == []


async def test_a_value_takes_the_place_of_the_one_before_whole(store: StoreTenant) -> None:
    first = await store.set_value("a", "key", b"first", ttl=seconds(10), request_id="r")
    second = await store.set_value("a", "key", b"2")
    assert second.etag != first.etag
    assert not second.HasField("expire_time")
    store.clock.advance(10)
    read = await store.get_value("a", "key")
    assert (read.value, read.etag) == (b"2", second.etag)
    assert await store.keys("a") == ["key"]


async def test_the_same_value_is_another_each_time(store: StoreTenant) -> None:
    etags = {(await store.set_value("a", "key", b"same")).etag for _ in range(3)}
    await store.delete_value("a", "key")
    etags |= {(await store.set_value(scope, "key", b"same")).etag for scope in ("a", "b", None)}
    assert len(etags) == 6


async def test_keys_and_scopes_have_nothing_of_one_another(store: StoreTenant) -> None:
    places = [(scope, key) for scope in ("a", "A", "a/b", None) for key in ("k", "K", "b/k", "k ")]
    for number, (scope, key) in enumerate(places):
        await store.set_value(scope, key, b"%d" % number)
    for number, (scope, key) in enumerate(places):
        assert (await store.get_value(scope, key)).value == b"%d" % number
    assert await store.delete_value("a", "k")
    for scope, key in places[1:]:
        await store.get_value(scope, key)
    assert await store.keys("a") == ["K", "b/k", "k "]


async def test_tenants_have_nothing_of_one_another(opened: OpenStore) -> None:
    mine = await opened()
    theirs = type(mine)(mine.store, new_tenant(), mine.clock)
    for scope in SCOPES:
        await mine.set_value(scope, "key", b"mine", request_id="r")
        await theirs.set_value(scope, "key", b"theirs", request_id="r")
        assert await theirs.delete_value(scope, "key")
        assert (await mine.get_value(scope, "key")).value == b"mine"
        assert await theirs.keys(scope) == []
    await theirs.delete("a")
    assert await mine.keys("a") == ["key"]


@pytest.mark.parametrize("scope", SCOPES)
async def test_what_is_not_there_is_not_found(store: StoreTenant, scope: str | None) -> None:
    await store.set_value(scope, "other")
    named = {"execution_id": scope} if scope else {}
    with refused("VALUE_NOT_FOUND") as told:
        await store.get_value(scope, "key")
    assert told.metadata == {"key": "key", **named}
    assert not await store.delete_value(scope, "key")
    assert not await store.delete_value(scope, "key", expected_etag="m-0000000000000000")


async def test_it_takes_no_revision_and_writes_no_change(store: StoreTenant) -> None:
    await store.save("a")
    await store.set_value("a", "key")
    await store.set_value(None, "key")
    await store.set_value("a", "other", ttl=seconds(1))
    await store.delete_value("a", "key")
    store.clock.advance(1)
    await store.maintain()
    assert await store.revision() == 1
    assert len(await store.changes()) == 1
    assert (await store.save("b")).revision == 2


@pytest.mark.parametrize("scope", SCOPES)
async def test_a_value_that_is_there_must_be_the_one_that_is_named(
    store: StoreTenant, scope: str | None
) -> None:
    first = await store.set_value(scope, "key", b"1")
    second = await store.set_value(scope, "key", b"2", expected_etag=first.etag)
    named = {"key": "key", **({"execution_id": scope} if scope else {})}
    calls: list[Any] = [store.set_value, store.delete_value]
    for call in calls:
        with refused("ETAG_MISMATCH") as told:
            await call(scope, "key", expected_etag=first.etag)
        assert told.metadata == {**named, "expected_etag": first.etag, "etag": second.etag}
    assert (await store.get_value(scope, "key")).value == b"2"
    assert await store.delete_value(scope, "key", expected_etag=second.etag)
    with refused("ETAG_MISMATCH") as told:
        await store.set_value(scope, "key", b"3", expected_etag=second.etag)
    assert told.metadata == {**named, "expected_etag": second.etag}
    assert await store.keys(scope) == []


@pytest.mark.parametrize("scope", SCOPES)
async def test_what_must_not_exist_is_refused_where_it_does(
    store: StoreTenant, scope: str | None
) -> None:
    first = await store.set_value(scope, "key", b"1", must_not_exist=True)
    with refused("VALUE_EXISTS") as told:
        await store.set_value(scope, "key", b"2", must_not_exist=True)
    named = {"execution_id": scope} if scope else {}
    assert told.metadata == {"key": "key", **named, "etag": first.etag}
    assert (await store.get_value(scope, "key")).value == b"1"
    await store.delete_value(scope, "key")
    await store.set_value(scope, "key", b"3", must_not_exist=True)


@pytest.mark.parametrize("scope", SCOPES)
async def test_a_repeated_request_id_is_answered_again(
    store: StoreTenant, scope: str | None
) -> None:
    fields: dict[str, Any] = {"ttl": seconds(60), "must_not_exist": True, "request_id": "r"}
    first = await store.set_value(scope, "key", b"1", **fields)
    store.clock.advance(5)
    again = await store.set_value(scope, "key", b"1", **fields)
    assert again == first
    assert again.expire_time == timestamp(1_000_000_060)
    read = await store.get_value(scope, "key")
    assert (read.etag, read.expire_time) == (first.etag, first.expire_time)


@pytest.mark.parametrize(
    "changed",
    [{"value": b"2"}, {"ttl": seconds(60)}, {"must_not_exist": True}, {"expected_etag": "m-1"}],
    ids=str,
)
@pytest.mark.parametrize("scope", SCOPES)
async def test_a_request_id_with_another_body_is_refused(
    store: StoreTenant, changed: dict[str, Any], scope: str | None
) -> None:
    first = await store.set_value(scope, "key", b"1", request_id="r")
    with refused("REQUEST_ID_REUSED") as told:
        await store.set_value(scope, "key", **{"value": b"1", **changed}, request_id="r")
    assert told.metadata == {"request_id": "r", **({"execution_id": scope} if scope else {})}
    assert (await store.get_value(scope, "key")).etag == first.etag


async def test_a_request_id_is_known_while_its_value_is_there(store: StoreTenant) -> None:
    first = await store.set_value("a", "key", b"1", request_id="r")
    await store.set_value("a", "key", b"2")
    third = await store.set_value("a", "key", b"3", request_id="r")
    assert third.etag != first.etag
    await store.delete_value("a", "key")
    await store.set_value("a", "key", b"4", request_id="r", ttl=seconds(10))
    store.clock.advance(10)
    await store.set_value("a", "key", b"5", request_id="r")
    assert (await store.get_value("a", "key")).value == b"5"
    # It is the key's: others, also of other scopes, have their own.
    for scope, key in (("a", "other"), ("b", "key"), (None, "key")):
        await store.set_value(scope, key, b"6", request_id="r")


async def test_the_store_of_a_missing_execution_takes_values(store: StoreTenant) -> None:
    await store.set_value("a", "key", b"1")
    assert await store.head("a") is None
    assert await store.ids() == []
    assert (await store.save("a")).version == 1
    assert (await store.get_value("a", "key")).value == b"1"
