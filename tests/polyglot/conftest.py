"""What the tests of every language share: the drivers, built once, and one live server."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.polyglot.harness.world import LiveServer, live_server

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="session")
def live(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveServer]:
    with live_server(tmp_path_factory.mktemp("live")) as server:
        yield server
