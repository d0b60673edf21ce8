"""The contract as one file, with its comments and all that it imports: for tools that read
descriptors, and for generators that do.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from protos.generators import tools

if TYPE_CHECKING:
    from pathlib import Path

NAME = "stillframe.binpb"


def write(out: Path) -> None:
    tools.protoc(f"--descriptor_set_out={out / NAME}", "--include_imports", "--include_source_info")
