"""The Java client: its own tests and warnings by its own runner, and its README as it stands."""

from __future__ import annotations

import re
import shutil
import sys
from pathlib import Path

from stillframe.testing import ServerProcess
from tests.polyglot.building import ROOT, need, run

CLIENT = ROOT / "client" / "java"
REPORTS = CLIENT / "target" / "surefire-reports"
DRIVER = ROOT / "tests" / "polyglot" / "drivers" / "java"
OUT = Path(sys.prefix) / "polyglot" / "java"


def test_the_client_passes_its_own_tests_without_a_warning() -> None:
    """Warnings are errors to it (pom.xml)."""
    need("javac", "mvn")
    # Those of an earlier run would hide that this one ran no tests, with which Maven is content.
    if REPORTS.exists():
        shutil.rmtree(REPORTS)
    run("mvn", "--batch-mode", "--file", "workspace.xml", "test", cwd=CLIENT)
    counts = re.findall(
        r"Tests run: (\d+), ", "".join(each.read_text() for each in REPORTS.glob("*.txt"))
    )
    assert sum(map(int, counts)) > 0


def test_the_readme_runs_as_it_stands(tmp_path: Path) -> None:
    need("java", "javac", "mvn")
    run(DRIVER / "build.sh", OUT, cwd=ROOT)
    readme = (CLIENT / "README.md").read_text(encoding="utf-8")
    (program,) = re.findall(r"^```java\n(.*?)^```$", readme, re.MULTILINE | re.DOTALL)
    source = tmp_path / "Quickstart.java"
    source.write_text(program, encoding="utf-8")
    with ServerProcess("memory:", cwd=tmp_path) as server:
        printed = run("java", "-cp", OUT / "lib" / "*", source, server.address, cwd=tmp_path)
    assert printed == '{"rows":3} FRESH\n1\n'
