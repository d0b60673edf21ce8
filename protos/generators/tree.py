"""Compares what was generated with what is checked in, and takes it over."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

BUILT = frozenset({"__pycache__", "node_modules", "target"})
"""Folders that users of a stub package make in it."""


def files(root: Path) -> dict[Path, bytes]:
    return {
        path.relative_to(root): path.read_bytes()
        for path in root.rglob("*")
        if path.is_file() and not BUILT.intersection(path.relative_to(root).parts)
    }


def differences(fresh: Path, kept: Path) -> list[Path]:
    """The files that are only in one of the two folders, or differ."""
    new, old = files(fresh), files(kept)
    return sorted(path for path in new | old if new.get(path) != old.get(path))


def take_over(fresh: Path, kept: Path) -> list[Path]:
    """Makes `kept` hold what `fresh` does, and touches no file that is right already: build
    tools look at times.
    """
    changed = differences(fresh, kept)
    for path in changed:
        if (fresh / path).exists():
            (kept / path).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(fresh / path, kept / path)
        else:
            (kept / path).unlink()
    return changed
