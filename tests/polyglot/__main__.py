"""make polyglot: builds every driver, runs what all of them must do, and prints the matrix."""

from __future__ import annotations

import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from time import monotonic

import pytest

from tests.polyglot.harness.languages import LANGUAGES, build
from tests.polyglot.harness.matrix import Matrix

HERE = Path(__file__).parent
TESTS = ("scenes", "watches", "errors", "corpus", "tls")
BUILDS_AT_A_TIME = 2


def main(arguments: list[str]) -> int:
    """`arguments` go to pytest: `-k go` runs one language."""
    with ThreadPoolExecutor(BUILDS_AT_A_TIME) as pool:
        for told in pool.map(_built, LANGUAGES):
            print(told, flush=True)
    files = [str(HERE / f"test_{name}.py") for name in TESTS]
    return pytest.main([*files, "-q", *arguments], plugins=[Matrix(LANGUAGES)])


def _built(language: str) -> str:
    start = monotonic()
    try:
        build(language)
    except pytest.skip.Exception as skipped:
        return f"{language}: skipped, {skipped.msg}"
    except (AssertionError, OSError) as failure:
        return f"{language}: NOT BUILT\n{failure}"
    return f"{language}: built in {monotonic() - start:.0f} s"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
