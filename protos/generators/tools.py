"""Where generators come from: each is fetched by its own language's client, at the
version that versions.toml names, into a folder of the environment.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Mapping, Sequence

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
PROTOS = ROOT / "protos"
BIN = Path(sys.prefix) / "bin"

CACHE = Path(sys.prefix) / "generators"
"""Beside the environment's own programs, so that nothing is installed globally and a fresh
environment starts from nothing.
"""


def _toml(path: Path) -> dict[str, Any]:
    return tomllib.loads(path.read_text(encoding="utf-8"))


VERSIONS: Mapping[str, Mapping[str, str]] = _toml(HERE / "versions.toml")

VERSION: str = _toml(ROOT / "pyproject.toml")["project"]["version"]
"""Ours, which every stub package has."""


class ToolError(Exception):
    """A program failed. The text is what it said."""


def missing(programs: Sequence[str]) -> list[str]:
    """Those of the programs that are not on the PATH."""
    return [program for program in programs if shutil.which(program) is None]


def run(*command: str | Path, cwd: Path = ROOT, env: Mapping[str, str] | None = None) -> None:
    """Runs a program, which says something only if it fails."""
    done = subprocess.run(  # noqa: S603 - programs that versions.toml names
        [str(part) for part in command],
        cwd=cwd,
        env={**os.environ, **(env or {})},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    if done.returncode:
        raise ToolError(f"{command[0]} ended with {done.returncode}:\n{done.stdout.strip()}")


def cached(name: str, fetch: Callable[[Path], None]) -> Path:
    """The folder `name` of the cache. The name has all that decides what is in the folder, so
    one that is there is right; one whose making was cut off is never there.
    """
    folder = CACHE / name
    if not folder.exists():
        CACHE.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=CACHE, prefix=".making-") as making:
            fetch(Path(making))
            Path(making).rename(folder)
            Path(making).mkdir()  # for the context to remove
    return folder


@contextlib.contextmanager
def scratch() -> Generator[Path]:
    """A folder for a while."""
    with tempfile.TemporaryDirectory() as folder:
        yield Path(folder)


def sources() -> list[str]:
    """The files of the contract, as protoc names them."""
    return sorted(str(path.relative_to(PROTOS)) for path in PROTOS.rglob("*.proto"))


def protoc(*options: str) -> None:
    """Runs protoc over the contract."""
    run(BIN / "protoc", f"-I{PROTOS}", *options, *sources())


def digest(*texts: str) -> str:
    """A short name for texts, to tell cached folders apart."""
    return hashlib.sha256("\0".join(texts).encode()).hexdigest()[:12]


def render(template: str, values: Mapping[str, str], to: Path) -> None:
    """Writes the template to a file, with each `{{name}}` replaced."""
    text = (HERE / "templates" / template).read_text(encoding="utf-8")
    for name, value in values.items():
        text = text.replace("{{" + name + "}}", value)
    if "{{" in text:
        raise ToolError(f"{template} names a value that it was not given")
    to.parent.mkdir(parents=True, exist_ok=True)
    to.write_text(text, encoding="utf-8")
