"""The languages that have a driver, and how it is built."""

from __future__ import annotations

import sys
from functools import cache
from pathlib import Path

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

LANGUAGES = sorted(each.parent.name for each in DRIVERS.glob("*/build.sh"))


@cache
def build(language: str) -> Path:
    """Builds a driver, once, and gives its executable. Skips where the toolchain is missing."""
    need(*NEEDS.get(language, ()))
    run(DRIVERS / language / "build.sh", BUILDS / language, cwd=ROOT)
    return BUILDS / language / "driver"
