"""Watches on one server see what is saved through another, by notification or by polling."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack, asynccontextmanager
from typing import TYPE_CHECKING, Any

import pytest

from stillframe.server.stores.postgres import PostgresStore, waking
from stillframe.server.stores.postgres.connection import connect, parse_url
from stillframe.testing import ServerProcess
from stillframe.v1 import snapshot_service_pb2 as service
from tests.conformance.calls import EVERY_CHANGE
from tests.conformance.support import new_tenant, save_request, snapshot
from tests.databases import fresh, with_options
from tests.integration.postgres_support import Replicas, ask, terminate
from tests.integration.saves import DEADLINE, Tenant, gapless

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator

    from stillframe.server.stores.postgres.connection import Connection, Options

BY_NOTIFICATION = {"poll": "off"}
BY_POLLING = {"notify": "off"}
BY_BOTH: dict[str, str] = {}
LISTENER = "stillframe listen"


class Two:
    """Two servers over one database, each seen by the same tenant."""

    def __init__(self, url: str, one: Tenant, other: Tenant) -> None:
        self.url = url
        self.one, self.other = one, other

    async def save(self, through: Tenant, execution_id: str) -> int:
        request = save_request(through.tenant_id, execution_id, snapshot())
        return (await through.save(request)).revision

    @asynccontextmanager
    async def look(self) -> AsyncGenerator[Connection]:
        async with await connect(parse_url(self.url), "test") as connection:
            yield connection


@pytest.fixture
async def two(postgres_url: str, request: pytest.FixtureRequest) -> AsyncIterator[Two]:
    url = fresh(postgres_url, **request.param)
    tenant_id = new_tenant()
    async with asyncio.timeout(DEADLINE), AsyncExitStack() as stack:
        tenants: list[Tenant] = []
        for _ in range(2):
            server = stack.enter_context(ServerProcess(url))
            tenants.append(await stack.enter_async_context(Tenant(server.address, tenant_id)))
        yield Two(url, *tenants)


def from_now() -> service.WatchSnapshotsRequest:
    return service.WatchSnapshotsRequest(now=service.WatchFromNow(), mode=EVERY_CHANGE)


both_ways = pytest.mark.parametrize(
    "two",
    [BY_NOTIFICATION, BY_POLLING, BY_BOTH],
    ids=["notification", "polling", "both"],
    indirect=True,
)


@both_ways
async def test_a_watch_sees_saves_through_every_server(two: Two) -> None:
    async with two.other.watch(from_now()) as watch:
        await watch.until("caught_up")
        # One at a time: each has to arrive by itself.
        for number, through in enumerate([two.one, two.one, two.other, two.one]):
            assert await two.save(through, f"e{number}") == number + 1
            assert (await watch.change()).snapshot.execution_id == f"e{number}"


@both_ways
async def test_changes_of_two_servers_come_in_one_order(two: Two) -> None:
    async with two.one.watch(from_now()) as first, two.other.watch(from_now()) as second:
        for watch in (first, second):
            await watch.until("caught_up")
        saves = [
            two.save(through, f"e{number}")
            for number, through in enumerate([two.one, two.other] * 50)
        ]
        assert gapless(sorted(await asyncio.gather(*saves)))
        seen = [
            [change.snapshot.revision for change in await watch.changes(100)]
            for watch in (first, second)
        ]
        assert gapless(seen[0])
        assert seen[0] == seen[1]


@pytest.mark.parametrize("two", [BY_BOTH], ids=["both"], indirect=True)
async def test_a_watch_goes_on_at_another_server_with_its_token(two: Two) -> None:
    async with two.one.watch(from_now()) as watch:
        await watch.until("caught_up")
        await two.save(two.other, "a")
        [frame] = await watch.change_frames(1)
    await two.save(two.one, "b")
    again = service.WatchSnapshotsRequest(resume_token=frame.resume_token, mode=EVERY_CHANGE)
    async with two.other.watch(again) as watch:
        assert (await watch.change()).snapshot.execution_id == "b"
        await two.save(two.one, "c")
        assert (await watch.change()).snapshot.execution_id == "c"


@pytest.mark.parametrize(
    "two", [BY_BOTH, BY_NOTIFICATION], ids=["polling", "a new connection"], indirect=True
)
async def test_a_watch_outlives_the_listeners_connection(two: Two) -> None:
    """Polling finds what nobody was told of; without it, who listens again looks first."""
    async with two.look() as look, two.other.watch(from_now()) as watch:
        await watch.until("caught_up")
        for number in range(3):
            await listens(look, 2)
            assert await terminate(look, LISTENER) == 2
            await two.save(two.one, f"e{number}")
            assert (await watch.change()).snapshot.execution_id == f"e{number}"


async def listens(look: Connection, count: int) -> None:
    """Returns once so many connections listen."""
    listening = (
        "SELECT count(*) FROM pg_stat_activity WHERE application_name = %s AND state = 'idle'"
        " AND query LIKE 'LISTEN%%'"
    )
    while (await ask(look, listening, LISTENER))[0][0] < count:
        pass


@pytest.mark.parametrize("two", [BY_BOTH], ids=["both"], indirect=True)
async def test_two_servers_migrate_one_after_another(two: Two) -> None:
    # Both started on a database without a schema; a third finds nothing to do.
    with ServerProcess(with_options(two.url, pool_size=1)) as server:
        async with Tenant(server.address, two.one.tenant_id) as third:
            assert await two.save(third, "a") == 1


async def test_polling_goes_on_after_a_fault(
    postgres_url: str, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with asyncio.timeout(DEADLINE), Replicas(fresh(postgres_url, notify="off")) as replicas:
        one, other = await replicas.open(), await replicas.open()
        assert isinstance(one.store, PostgresStore)
        runner = one.store.runner
        read, failed = runner.read, asyncio.Event()

        async def fails_once(steps: Any) -> Any:
            task = asyncio.current_task()
            if task is not None and task.get_name() == "poll" and not failed.is_set():
                failed.set()
                raise LookupError("a fault")
            return await read(steps)

        monkeypatch.setattr(runner, "read", fails_once)
        waiting = asyncio.create_task(one.store.wait(one.tenant_id, 0))
        await failed.wait()
        await other.save("a")
        await waiting
        assert "LookupError: a fault" in caplog.text


async def test_notifications_go_on_after_a_fault(
    postgres_url: str, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    failed = asyncio.Event()

    async def fails_once(options: Options, role: str) -> Connection:
        if role == "listen" and not failed.is_set():
            failed.set()
            raise LookupError("a fault")
        return await connect(options, role)

    monkeypatch.setattr(waking, "connect", fails_once)
    async with asyncio.timeout(DEADLINE), Replicas(fresh(postgres_url, poll="off")) as replicas:
        one, other = await replicas.open(), await replicas.open()
        await failed.wait()
        waiting = asyncio.create_task(one.store.wait(one.tenant_id, 0))
        await other.save("a")
        await waiting
        assert "LookupError: a fault" in caplog.text
