"""The Go client: its own tests and linters, its driver, and the program of its README."""

from __future__ import annotations

import re
import shutil
import sys
from pathlib import Path

import pytest

from stillframe.testing import ServerProcess
from tests.polyglot.building import GENERATED, ROOT, need, run

CLIENT = ROOT / "client" / "go"
DRIVER = ROOT / "tests" / "polyglot" / "drivers" / "go"
OUT = Path(sys.prefix) / "polyglot" / "go"


@pytest.mark.parametrize("module", [CLIENT, DRIVER], ids=["client", "driver"])
def test_it_is_formatted_and_vetted(module: Path) -> None:
    need("go", "gofmt")
    assert not run("gofmt", "-l", ".", cwd=module)
    run("go", "vet", "./...", cwd=module)
    run("go", "mod", "tidy", "-diff", cwd=module)


def test_its_own_tests() -> None:
    need("go")
    run("go", "test", "./...", cwd=CLIENT)


def test_the_driver_builds_and_runs(tmp_path: Path) -> None:
    need("go", "bash")
    run(DRIVER / "build.sh", OUT, cwd=tmp_path)
    assert not run(OUT / "driver", "127.0.0.1:1", "acme", cwd=tmp_path)


def test_the_program_of_the_readme(tmp_path: Path) -> None:
    need("go")
    (program,) = re.findall(
        r"^```go\n(.*?)^```$", (CLIENT / "README.md").read_text(), re.MULTILINE | re.DOTALL
    )
    (printed,) = re.findall(r"prints\n\n((?:    .*\n)+)", (CLIENT / "README.md").read_text())
    (tmp_path / "main.go").write_text(program, encoding="utf-8")
    # The versions that the client pins, and not the newest there are.
    shutil.copyfile(CLIENT / "go.sum", tmp_path / "go.sum")
    name = "github.com/stillframe/stillframe"
    (tmp_path / "go.mod").write_text(
        f"module example.com/engine\n\ngo 1.24.0\n\nrequire {name}/client/go v0.0.0\n\n"
        f"replace {name}/client/go => {CLIENT}\n\nreplace {name}/generated/go => {GENERATED / 'go'}\n",
        encoding="utf-8",
    )
    assert not run("gofmt", "-l", "main.go", cwd=tmp_path)
    run("go", "build", "-mod=mod", "-o", "engine", ".", cwd=tmp_path)
    with ServerProcess() as server:
        told = run(tmp_path / "engine", server.address, cwd=tmp_path)
    assert told == re.sub("^    ", "", printed, flags=re.MULTILINE)
