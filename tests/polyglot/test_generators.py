"""What `make generate` and `make check` say of generated/, and when they fail."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from protos.generators import tree
from protos.generators.languages import LANGUAGES
from tests.polyglot.building import ROOT, TIMEOUT

if TYPE_CHECKING:
    from pathlib import Path


def generators(*args: str, **env: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "protos.generators", *args],
        cwd=ROOT,
        env={**os.environ, **env},
        capture_output=True,
        text=True,
        timeout=TIMEOUT,
        check=False,
    )


@pytest.mark.parametrize("language", [name for name in LANGUAGES if LANGUAGES[name].needs])
@pytest.mark.parametrize(("ci", "code"), [("", 0), ("true", 1)])
def test_a_language_without_its_toolchain_is_named(language: str, ci: str, code: int) -> None:
    done = generators("--check", language, PATH="", CI=ci)
    needs = " and no ".join(LANGUAGES[language].needs)
    assert done.stdout == f"generated/{language}: SKIPPED, for there is no {needs}\n"
    assert done.returncode == code


def test_the_check_passes_what_needs_no_toolchain() -> None:
    done = generators("--check", "python", "descriptors")
    assert done.returncode == 0, done.stdout
    assert done.stdout.count("up to date") == 2


def test_every_kind_of_difference_is_found_and_taken_over(tmp_path: Path) -> None:
    fresh, kept = tmp_path / "fresh", tmp_path / "kept"
    for path, text in {"same": "1", "edited": "2", "sub/new": "3"}.items():
        (fresh / path).parent.mkdir(parents=True, exist_ok=True)
        (fresh / path).write_text(text)
    (kept / "target").mkdir(parents=True)
    for path, text in {"same": "1", "edited": "by hand", "old": "4", "target/built": "5"}.items():
        (kept / path).write_text(text)
    untouched = (kept / "same").stat().st_mtime_ns

    found = [str(path) for path in tree.differences(fresh, kept)]
    assert found == ["edited", "old", "sub/new"]
    tree.take_over(fresh, kept)
    assert tree.differences(fresh, kept) == []
    assert (kept / "sub" / "new").read_text() == "3"
    assert not (kept / "old").exists()
    assert (kept / "same").stat().st_mtime_ns == untouched
    assert (kept / "target" / "built").exists()
