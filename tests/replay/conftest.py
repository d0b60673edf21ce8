"""What the tests of replays share: one server for all of them, and small recorded runs."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from stillframe.client import Client
from stillframe.testing import ServerProcess
from tests.replay import samples
from tests.replay.run import TENANT

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    folder = tmp_path_factory.mktemp("server")
    with ServerProcess(f"sqlite:///{folder / 'stillframe.db'}", cwd=folder) as process:
        yield process


@pytest.fixture(scope="session")
def client(server: ServerProcess) -> Iterator[Client]:
    with Client(server.address, tenant=TENANT) as made:
        yield made


@pytest.fixture
def workflow(tmp_path: Path) -> Path:
    return samples.workflow(tmp_path)


@pytest.fixture
def trajectory(tmp_path: Path) -> Path:
    return samples.trajectory(tmp_path)
