"""The generated pages."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from tests.docs import errors, reference

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tests.docs.contract import File

ROOT = Path(__file__).parents[2]


def generated(files: Sequence[File]) -> dict[Path, str]:
    """Returns the text of each page that is written from the contract."""
    return {
        ROOT / "docs" / "reference.md": reference.page(files),
        ROOT / "docs" / "errors.md": errors.page(files),
    }
