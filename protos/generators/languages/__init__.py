"""One module for each folder of generated/."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from protos.generators.languages import descriptors, go, java, python, rust, typescript

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


class Language(NamedTuple):
    """How a folder of generated/ is written."""

    needs: tuple[str, ...]
    """The programs that must be on the PATH."""
    write: Callable[[Path], None]
    """Writes all of the folder's files into an empty one."""
    lock: Callable[[], None] | None = None
    """Writes the lock file of the generator itself anew, where it has one."""


LANGUAGES = {
    "python": Language((), python.write),
    "descriptors": Language((), descriptors.write),
    "go": Language(("go",), go.write),
    "typescript": Language(("node", "npm"), typescript.write, typescript.lock),
    "java": Language(("java", "mvn"), java.write),
    "rust": Language(("cargo",), rust.write, rust.lock),
}
