"""What the tests of replays share: one server for all of them, and small recorded runs."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from stillframe.client import Client
from stillframe.testing import ServerProcess
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
    """Five tasks, of which the last has no record."""
    graph = {"e": ["d"], "a": [], "b": ["a"], "c": ["a"], "d": ["b", "c"]}
    tasks = [{"id": name, "name": "task", "parents": parents} for name, parents in graph.items()]
    records = [{"id": name, "runtimeInSeconds": 0.1, "huge": 2**64 - 1} for name in "abcd"]
    document = {
        "schemaVersion": "1.5",
        "workflow": {"specification": {"tasks": tasks}, "execution": {"tasks": records}},
    }
    return written(tmp_path / "workflow.json", document)


@pytest.fixture
def trajectory(tmp_path: Path) -> Path:
    """Four steps of an agent that failed, without a history."""
    steps = [{"action": f"run {n}", "observation": "saw\0" * n} for n in range(4)]
    info = {"exit_status": "exit_cost"}
    return written(tmp_path / "agent.traj", {"trajectory": steps, "info": info})


def written(path: Path, document: object) -> Path:
    """The path, after the document was written there as JSON."""
    path.write_text(json.dumps(document))
    return path
