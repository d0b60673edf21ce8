"""The Rust client: its own tests and linters, and the program in its README."""

from __future__ import annotations

import os
import re
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from stillframe.testing import ServerProcess
from tests.polyglot.building import ROOT, need, run

if TYPE_CHECKING:
    from collections.abc import Mapping

WORKSPACE = ROOT / "client" / "rust"
TARGET = Path(sys.prefix) / "polyglot" / "rust" / "target"
"""Where the harness builds the driver too, so that what both stand on is compiled once."""

# With the features and the profile of the driver, so that nothing is compiled again.
MANIFEST = f"""\
[package]
name = "readme"
edition = "2024"

[dependencies]
stillframe = {{ path = '{WORKSPACE / "stillframe"}' }}
tokio = {{ version = "1", features = ["io-std", "macros", "rt-multi-thread"] }}

[workspace]

[profile.dev]
debug = "line-tables-only"
"""


def cargo(*arguments: str, cwd: Path = WORKSPACE, env: Mapping[str, str] | None = None) -> str:
    target = {"CARGO_TARGET_DIR": str(TARGET), "CARGO_BUILD_JOBS": str(min(2, os.cpu_count() or 1))}
    return run("cargo", *arguments, cwd=cwd, env={**target, **(env or {})})


def lint(*packages: str) -> None:
    chosen = [part for package in packages for part in ("--package", package)]
    cargo("clippy", "--quiet", "--locked", *chosen, "--all-targets", "--", "-D", "warnings")
    strict = {"RUSTDOCFLAGS": "-D warnings"}
    cargo("doc", "--quiet", "--locked", *chosen, "--no-deps", env=strict)


def test_the_linters_are_content() -> None:
    need("cargo", "rustfmt", "cargo-clippy")
    cargo("fmt", "--all", "--check")
    # Not the whole workspace: stillframe-enact needs OpenSSL too, and has a test of its own.
    lint("stillframe", "stillframe-driver")


def test_the_client() -> None:
    need("cargo")
    printed = cargo("test", "--quiet", "--locked", "--package", "stillframe")
    assert "test result: ok." in printed


def test_the_readme(tmp_path: Path) -> None:
    need("cargo")
    text = (WORKSPACE / "stillframe" / "README.md").read_text(encoding="utf-8")
    [program] = re.findall(r"```rust\n(.*?)```", text, re.DOTALL)
    (tmp_path / "src").mkdir()
    (tmp_path / "src" / "main.rs").write_text(program, encoding="utf-8")
    (tmp_path / "Cargo.toml").write_text(MANIFEST, encoding="utf-8")
    # Cargo leaves out of it what the program does not use, and changes no version.
    shutil.copyfile(WORKSPACE / "Cargo.lock", tmp_path / "Cargo.lock")
    with ServerProcess() as server:
        printed = cargo("run", "--quiet", "--", server.address, cwd=tmp_path)
    assert printed == '1 Some(Object {"rows": Number(3)})\nrun-1\n'


def test_the_lock_file_names_the_registry_alone() -> None:
    lock = (WORKSPACE / "Cargo.lock").read_text(encoding="utf-8")
    sources = set(re.findall(r'^source = "(.*)"$', lock, re.MULTILINE))
    assert sources == {"registry+https://github.com/rust-lang/crates.io-index"}
