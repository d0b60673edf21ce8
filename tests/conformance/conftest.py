"""Which stores the kit runs against, and what its tests are given.

`pytest tests/conformance --store=URL`: any URL that a registered store reads, or memory,
sqlite or postgres, for which the tests find one; several by commas or by repeating the
option. The default is memory and sqlite. The store may hold other things: every test has
a tenant of its own.
"""

from __future__ import annotations

from contextlib import AsyncExitStack
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Protocol
from urllib.parse import urlsplit

import pytest

from stillframe.server.config import Settings
from stillframe.server.stores import open_store
from stillframe.server.stores.base import StoreConfig
from tests.conformance.calls import Api, start_server
from tests.conformance.direct import StoreTenant
from tests.conformance.support import Clock, new_tenant
from tests.databases import fresh

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

DEFAULT_STORES = ["memory", "sqlite"]


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--store",
        action="append",
        help="memory, sqlite, postgres or a store's URL; several by commas (default:"
        " memory,sqlite)",
    )


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "persistent: needs a store that outlives its closing")
    config.addinivalue_line("markers", "any_store: asks the server alone, so one store will do")
    config.addinivalue_line("markers", "scheme(name): looks inside the store with this scheme")
    config.addinivalue_line("markers", "fresh: counts what a store does for all of its tenants")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "chosen_store" in metafunc.fixturenames:
        stores = _chosen(metafunc.config)
        # The scheme alone names the test: a URL may hold a password.
        metafunc.parametrize("chosen_store", stores, ids=[_scheme(store) for store in stores])


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leaves out, rather than skips, what a store cannot be asked."""
    left_out = [item for item in items if isinstance(item, pytest.Function) and not _suits(item)]
    if left_out:
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if item not in left_out]


def _chosen(config: pytest.Config) -> list[str]:
    given: list[str] = config.getoption("--store", default=None) or []
    return [name for option in given for name in option.split(",") if name] or DEFAULT_STORES


def _scheme(store: str) -> str:
    return urlsplit(store).scheme or store


def _suits(test: pytest.Function) -> bool:
    params: dict[str, Any] = test.callspec.params if hasattr(test, "callspec") else {}
    store = params.get("chosen_store", "")
    scheme = _scheme(store)
    if test.get_closest_marker("any_store") and store != _chosen(test.config)[0]:
        return False
    marker = test.get_closest_marker("scheme")
    if marker and scheme != marker.args[0]:
        return False
    return not (test.get_closest_marker("persistent") and scheme == "memory")


@pytest.fixture
def store_url(chosen_store: str, tmp_path: Path, request: pytest.FixtureRequest) -> str:
    if chosen_store == "memory":
        return "memory:"
    if chosen_store == "sqlite":
        return f"sqlite:///{tmp_path}/stillframe.db"
    url: str = chosen_store
    if chosen_store == "postgres":
        url = request.getfixturevalue("postgres_url")
    is_shared = _scheme(url) == "postgresql"
    return fresh(url) if is_shared and request.node.get_closest_marker("fresh") else url


@pytest.fixture
def clock() -> Clock:
    """The clock of every store that the test opens."""
    return Clock()


class OpenStore(Protocol):
    async def __call__(self, tenant_id: str | None = None, **config: Any) -> StoreTenant: ...


@pytest.fixture
async def opened(store_url: str, clock: Clock) -> AsyncIterator[OpenStore]:
    """Opens the store with settings of the test's own."""
    async with AsyncExitStack() as stack:

        async def open_(tenant_id: str | None = None, **config: Any) -> StoreTenant:
            store = await open_store(store_url, StoreConfig(clock=clock, **config))
            stack.push_async_callback(store.close)
            return StoreTenant(store, tenant_id or new_tenant(), clock)

        yield open_


@pytest.fixture
async def store(opened: OpenStore) -> StoreTenant:
    """The store with the default settings, seen by a tenant that nobody else uses."""
    return await opened()


class Serve(Protocol):
    async def __call__(self, tenant_id: str | None = None, **settings: Any) -> Api: ...


@pytest.fixture
async def serve(store_url: str, clock: Clock) -> AsyncIterator[Serve]:
    """Starts a server over the store with settings of the test's own."""
    async with AsyncExitStack() as stack:

        async def start(tenant_id: str | None = None, **changed: Any) -> Api:
            # Housekeeping happens when a test asks for it.
            chosen: dict[str, Any] = {"listen": "127.0.0.1:0", "maintenance_interval": 3600.0}
            settings = Settings(**chosen | changed)
            store = await open_store(store_url, replace(settings.store_config(), clock=clock))
            stack.push_async_callback(store.close)
            api = await start_server(settings, store, clock, tenant_id or new_tenant())
            stack.push_async_callback(api.stop)
            return api

        yield start


@pytest.fixture
async def api(serve: Serve) -> Api:
    """A running server with the default settings, called by a tenant that nobody else uses."""
    return await serve()
