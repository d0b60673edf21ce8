"""Runs what builds and runs code of other languages."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Mapping

ROOT = Path(__file__).parents[2]
GENERATED = ROOT / "generated"
TIMEOUT = 900
"""Seconds. The first build of a language fetches and compiles all that it stands on."""


def need(*programs: str) -> None:
    """Skips the test where a language's toolchain is missing."""
    if lacking := [program for program in programs if shutil.which(program) is None]:
        pytest.skip(f"there is no {' and no '.join(lacking)}")


def need_openssl() -> None:
    """Skips the test where OpenSSL cannot be linked, which enact-core does."""
    need("pkg-config")
    asked = subprocess.run(["pkg-config", "--exists", "openssl"], check=False)
    if asked.returncode != 0:
        pytest.skip("there are no headers of OpenSSL")


def run(*command: str | Path, cwd: Path, env: Mapping[str, str] | None = None) -> str:
    """Runs a program to its end, and gives what it printed."""
    done = subprocess.run(
        [str(part) for part in command],
        cwd=cwd,
        env={**os.environ, **(env or {})},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=TIMEOUT,
        check=False,
    )
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
    return done.stdout


def copy(language: str, to: Path) -> Path:
    """A copy of a stub package, for tools that build inside of the package."""
    ignore = shutil.ignore_patterns("target", "node_modules")
    return Path(shutil.copytree(GENERATED / language, to / language, ignore=ignore))
