"""The Python client against a real server: the working memory."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from stillframe.client import (
    AsyncClient,
    Client,
    EtagMismatchError,
    InvalidFieldError,
    RequestIdReusedError,
    ValueExistsError,
    ValueNotFoundError,
    ValueTooLargeError,
)
from tests.integration.saves import DEADLINE
from tests.integration.states import RIDES_OUT, running

if TYPE_CHECKING:
    from collections.abc import Iterator

    from stillframe.testing import ServerProcess

pytest_plugins = ["stillframe.testing.fixtures"]


@pytest.fixture
def client(stillframe_server: ServerProcess) -> Iterator[Client]:
    address = stillframe_server.address
    with Client(address, tenant="acme", timeout=DEADLINE, retry=RIDES_OUT) as opened:
        yield opened


def test_values_are_set_read_listed_and_deleted(client: Client) -> None:
    for scope in ("run-1", None):
        answer = client.set_value("a", bytes(range(256)), execution_id=scope, ttl=3_600)
        read = client.get_value("a", execution_id=scope)
        assert (read.value, read.etag) == (bytes(range(256)), answer.etag)
        assert (read.commit_time_ns, read.expire_time_ns) == (
            answer.commit_time_ns,
            answer.expire_time_ns,
        )
        assert answer.expire_time_ns == answer.commit_time_ns + 3_600 * 10**9
        client.set_value("b", b"", execution_id=scope)
        keys = list(client.list_keys(execution_id=scope, page_size=1))
        assert [(each.key, each.size_bytes) for each in keys] == [("a", 256), ("b", 0)]
        assert client.delete_value("b", execution_id=scope)
        assert not client.delete_value("b", execution_id=scope)
        with pytest.raises(ValueNotFoundError):
            client.get_value("b", execution_id=scope)


def test_what_is_refused_is_typed(client: Client) -> None:
    first = client.set_value("k", b"1", request_id="r")
    with pytest.raises(RequestIdReusedError):
        client.set_value("k", b"2", request_id="r")
    with pytest.raises(ValueExistsError) as exists:
        client.set_value("k", b"2", must_not_exist=True)
    assert exists.value.metadata["etag"] == first.etag
    second = client.set_value("k", b"2", expected_etag=first.etag)
    with pytest.raises(EtagMismatchError) as mismatch:
        client.delete_value("k", expected_etag=first.etag)
    assert mismatch.value.metadata["etag"] == second.etag
    limit = client.info().limits.max_value_bytes
    client.set_value("k", bytes(limit))
    with pytest.raises(ValueTooLargeError):
        client.set_value("k", bytes(limit + 1))
    with pytest.raises(InvalidFieldError) as invalid:
        client.set_value("", b"1", ttl=0)
    assert [each.field for each in invalid.value.violations] == ["key", "ttl"]


def test_an_execution_takes_its_values_along(client: Client) -> None:
    client.save("run-1", running(1))
    client.set_value("k", b"1", execution_id="run-1")
    client.set_value("k", b"2")
    client.delete("run-1")
    assert list(client.list_keys(execution_id="run-1")) == []
    assert client.get_value("k").value == b"2"


async def test_many_count_together(stillframe_server: ServerProcess) -> None:
    """Read, add one, set on the etag, and again where somebody was faster."""
    async with AsyncClient(
        stillframe_server.address, tenant="acme", timeout=DEADLINE, retry=RIDES_OUT
    ) as client:
        await client.set_value("n", b"0")

        async def add() -> None:
            while True:
                read = await client.get_value("n")
                try:
                    await client.set_value(
                        "n", b"%d" % (int(read.value) + 1), expected_etag=read.etag
                    )
                except EtagMismatchError:
                    continue
                return

        await asyncio.gather(*(add() for _ in range(8)))
        assert (await client.get_value("n")).value == b"8"
        assert [each.key async for each in client.list_keys()] == ["n"]
