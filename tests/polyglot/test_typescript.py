"""The TypeScript client: its own tests, and the program of its README."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest

from stillframe.testing import ServerProcess
from tests.polyglot.building import ROOT, need, run

DRIVER = ROOT / "tests" / "polyglot" / "drivers" / "typescript"
README = ROOT / "client" / "typescript" / "README.md"


@pytest.fixture(scope="module")
def out() -> Path:
    """The folder of the driver, in which the client is built as well."""
    need("node", "npm")
    folder = Path(sys.prefix) / "polyglot" / "typescript"
    run(DRIVER / "build.sh", folder, cwd=ROOT)
    return folder


def test_its_own_tests_pass(out: Path) -> None:
    printed = run("npm", "test", cwd=out / "client" / "typescript")
    assert re.search(r"^. pass [1-9]", printed, re.MULTILINE), printed
    assert re.search(r"^. fail 0$", printed, re.MULTILINE), printed


def test_it_is_formatted(out: Path) -> None:
    client = out / "client" / "typescript"
    run("npm", "run", "lint", cwd=client)
    prettier = client / "node_modules" / ".bin" / "prettier"
    run(prettier, "--config", client / "package.json", "--check", *DRIVER.glob("*.ts"), cwd=client)


def test_the_program_of_the_readme_runs(out: Path) -> None:
    programs = re.findall(
        r"^```ts\n(.*?)^```$", README.read_text("utf-8"), re.DOTALL | re.MULTILINE
    )
    assert len(programs) == 1
    # Beside the driver, whose packages and compiler options are those of a user.
    folder = out / DRIVER.relative_to(ROOT)
    (folder / "readme.ts").write_text(programs[0], encoding="utf-8")
    run(out / "client" / "typescript" / "node_modules" / ".bin" / "tsc", "-p", folder, cwd=folder)
    with ServerProcess("memory:") as server:
        printed = run("node", folder / "dist" / "readme.js", server.address, cwd=folder)
    assert printed == "{ rows: 3 } 1n\nrun-1 1n\n"
