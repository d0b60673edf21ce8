"""The steps of a schema, which stand as files in the folder `schema` of a store."""

from __future__ import annotations

from importlib import resources
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


def migrations(package: str) -> Iterator[tuple[int, str]]:
    """Yields the steps in order: what version each leads to, and its SQL."""
    folder = resources.files(package).joinpath("schema")
    for file in sorted(folder.iterdir(), key=lambda each: each.name):
        if file.name.endswith(".sql"):
            yield int(file.name.removesuffix(".sql")), file.read_text(encoding="utf-8")
