"""A wheel built from the tree, installed in a new environment, serves and loads."""

from __future__ import annotations

import subprocess
import sys
import venv
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
ROOTS = ("server", "client/python", "generated/python")

SCENARIO = """
from stillframe.client import Client, ExecutionState, Snapshot
from stillframe.testing import ServerProcess

with ServerProcess("sqlite:///installed.db") as server, Client(server.address, tenant="t") as client:
    client.save("run", Snapshot(state=ExecutionState.RUNNING, variables={"v": [1, 2]}))
    print(client.load("run").variables["v"], client.info().store_kind)
"""


def run(*command: str | Path, cwd: Path, check: bool = True) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(
        [str(part) for part in command],
        cwd=cwd,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert not check or done.returncode == 0, done.stdout + done.stderr
    return done


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    run(sys.executable, "-m", "build", "--wheel", "--outdir", folder, cwd=ROOT)
    [built] = folder.glob("*.whl")
    return built


def test_no_root_claims_the_namespace() -> None:
    assert [root for root in ROOTS if (ROOT / root / "stillframe" / "__init__.py").exists()] == []


def test_the_wheel_has_the_types_and_the_schema_and_nothing_else_at_its_top(wheel: Path) -> None:
    names = set(zipfile.ZipFile(wheel).namelist())
    assert {name.split("/")[0] for name in names if ".dist-info/" not in name} == {"stillframe"}
    assert "stillframe/__init__.py" not in names
    assert "stillframe/server/stores/sqlite/schema/0001.sql" in names
    assert "stillframe/server/stores/postgres/schema/0001.sql" in names
    for package in ("server", "client", "cli", "testing", "v1"):
        assert f"stillframe/{package}/py.typed" in names


def test_an_installed_wheel_serves_and_loads(wheel: Path, tmp_path: Path) -> None:
    venv.create(tmp_path / "env", with_pip=True)
    python = tmp_path / "env" / "bin" / "python"
    run(python, "-m", "pip", "install", "--quiet", f"{wheel}[server]", cwd=tmp_path)
    assert run(python, "-c", SCENARIO, cwd=tmp_path).stdout == "[1, 2] sqlite\n"
    version = run(tmp_path / "env" / "bin" / "stillframe", "--version", cwd=tmp_path).stdout
    assert version.split()[-1] == wheel.name.split("-")[1]
    for stray in ("server", "client", "generated", "tests"):
        failed = run(python, "-c", f"import {stray}", cwd=tmp_path, check=False)
        assert "ModuleNotFoundError" in failed.stderr
