"""What the README shows runs as it stands there."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from stillframe.testing import ServerProcess

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
DEFAULT_ADDRESS = "127.0.0.1:50051"


@pytest.fixture
def address() -> Iterator[str]:
    with ServerProcess("memory:") as server:
        yield server.address


def run(command: list[str]) -> str:
    done = subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def python_block() -> str:
    blocks: list[str] = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
    assert len(blocks) == 1
    return blocks[0]


def shell_lines() -> list[str]:
    text = README.replace("\\\n", " ")
    return re.findall(r"^    (stillframe (?:save|load) .*|buf curl .*)$", text, re.MULTILINE)


def test_ten_lines_of_python_save_load_and_watch(address: str) -> None:
    code = python_block()
    assert len(code.splitlines()) <= 12
    printed = run([sys.executable, "-c", code.replace(DEFAULT_ADDRESS, address)])
    assert printed == "{'rows': 3} 1\nrun-1 1\n"


def test_the_shell_lines_and_a_tool_without_code_of_ours(address: str) -> None:
    save, load, curl = shell_lines()
    bin_ = Path(sys.executable).parent
    options = f"--address {address} --tenant acme"
    run([str(bin_ / "stillframe"), *shlex.split(f"{options} {save.removeprefix('stillframe ')}")])
    shown = run(
        [str(bin_ / "stillframe"), *shlex.split(f"{options} {load.removeprefix('stillframe ')}")]
    )
    assert "run-1" in shown
    answer = run([str(bin_ / "buf"), *shlex.split(curl.replace(DEFAULT_ADDRESS, address))[1:]])
    assert '"executionId": "run-1"' in answer
