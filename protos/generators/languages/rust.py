"""Rust, by a small program around tonic-prost-build (../rust/main.rs) that reads the contract
as a descriptor set.
"""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

from protos.generators import tools
from protos.generators.languages import descriptors

if TYPE_CHECKING:
    from pathlib import Path

VERSIONS = tools.VERSIONS["rust"]
MAIN = tools.HERE / "rust" / "main.rs"
LOCK = tools.HERE / "rust" / "Cargo.lock"
NAME = "generate-stubs"

TARGET = tools.CACHE / "cargo"
"""One folder for all that cargo builds here, so that nothing is built twice."""


def write(out: Path) -> None:
    (out / "src").mkdir()
    program = generator()
    with tools.scratch() as folder:
        descriptors.write(folder)
        tools.run(program, folder / descriptors.NAME, out / "src")
    tools.render("Cargo.toml", {**VERSIONS, "version": tools.VERSION}, out / "Cargo.toml")
    tools.render("lib.rs", {}, out / "src" / "lib.rs")


def generator() -> Path:
    texts = (MAIN.read_text(encoding="utf-8"), LOCK.read_text(encoding="utf-8"))

    def fetch(folder: Path) -> None:
        with tools.scratch() as package:
            _package(package)
            shutil.copyfile(LOCK, package / LOCK.name)
            tools.run("cargo", "build", "--locked", "--target-dir", TARGET, cwd=package)
        shutil.copy(TARGET / "debug" / NAME, folder / NAME)

    return tools.cached(f"{NAME}-{tools.digest(*texts, *VERSIONS.values())}", fetch) / NAME


def lock() -> None:
    with tools.scratch() as package:
        _package(package)
        tools.run("cargo", "generate-lockfile", cwd=package)
        shutil.copyfile(package / LOCK.name, LOCK)


def _package(folder: Path) -> None:
    tools.render("tools.Cargo.toml", {**VERSIONS, "name": NAME}, folder / "Cargo.toml")
    shutil.copyfile(MAIN, folder / MAIN.name)
