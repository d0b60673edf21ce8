"""Python, by grpcio-tools and mypy-protobuf."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

from protos.generators import tools

if TYPE_CHECKING:
    from pathlib import Path


def write(out: Path) -> None:
    tools.run(
        sys.executable,
        "-m",
        "grpc_tools.protoc",
        f"-I{tools.PROTOS}",
        f"--python_out={out}",
        f"--grpc_python_out={out}",
        f"--mypy_out=quiet:{out}",
        f"--mypy_grpc_out=quiet:{out}",
        *tools.sources(),
        env={"PATH": f"{tools.BIN}{os.pathsep}{os.environ['PATH']}"},
    )
    package = out / "stillframe" / "v1"
    (package / "__init__.py").touch()
    (package / "py.typed").touch()
