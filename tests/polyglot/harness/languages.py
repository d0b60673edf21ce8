"""The languages that have a driver, and how it is built."""

from __future__ import annotations

import sys
from functools import cache
from pathlib import Path

import pytest

from tests.polyglot.building import ROOT, need, run

DRIVERS = ROOT / "tests" / "polyglot" / "drivers"
BUILDS = Path(sys.prefix) / "polyglot"
NEEDS = {
    "go": ("go",),
    "java": ("javac", "mvn"),
    "python": (),
    "rust": ("cargo",),
    "typescript": ("node", "npm"),
}
"""The programs without which a language is skipped."""

LANGUAGES = sorted(NEEDS)


def build(language: str) -> Path:
    """Builds a driver, once, and gives its executable. Skips where the toolchain is missing."""
    outcome = _outcome(language)
    if isinstance(outcome, Path):
        return outcome
    raise outcome


@cache
def _outcome(language: str) -> Path | BaseException:
    # What failed fails every test of its language, and is not tried again for each.
    try:
        need(*NEEDS[language])
        run(DRIVERS / language / "build.sh", BUILDS / language, cwd=ROOT)
    except (AssertionError, OSError, pytest.skip.Exception) as failure:
        return failure
    return BUILDS / language / "driver"
