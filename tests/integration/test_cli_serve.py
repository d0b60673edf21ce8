"""`stillframe serve`: what it says, what it refuses, how it ends."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from stillframe.testing import ServerProcess
from tests.integration.cli_support import DEADLINE, Cli

if TYPE_CHECKING:
    from pathlib import Path


def serve(
    *arguments: str, cwd: Path, env: dict[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Runs a server that is expected to end by itself."""
    return subprocess.run(
        [sys.executable, "-m", "stillframe.cli", "serve", *arguments],
        cwd=cwd,
        env=os.environ | (env or {}),
        capture_output=True,
        text=True,
        timeout=DEADLINE,
        check=False,
    )


def refusal(done: subprocess.CompletedProcess[str], code: int) -> str:
    """The one line on stderr of a server that refused to start."""
    assert (done.returncode, done.stdout) == (code, ""), done.stderr
    [line] = done.stderr.splitlines()
    assert line.startswith("stillframe: ")
    return line


def test_without_arguments_it_serves_a_file_of_the_current_folder(tmp_path: Path) -> None:
    # The environment moves it off the default port, which the machine may have in use.
    with ServerProcess(
        None, listen=None, env={"STILLFRAME_LISTEN": "127.0.0.1:0"}, cwd=tmp_path
    ) as server:
        Cli(server.address, "default")("save", "run-1", "--state", "running")
        assert (tmp_path / "stillframe.db").exists()
        assert server.terminate() == 0
        assert server.stdout == (
            f"stillframe 0.1.0 serves sqlite:///stillframe.db on {server.address}"
            " (health, reflection)\n"
        )


def test_its_defaults_are_the_ones_that_the_help_names(tmp_path: Path) -> None:
    shown = serve("--help", cwd=tmp_path, env={"COLUMNS": "200"}).stdout
    assert "default sqlite:///stillframe.db" in shown
    assert "default 127.0.0.1:50051" in shown


def test_an_option_goes_before_the_environment(tmp_path: Path) -> None:
    with ServerProcess(
        "memory:",
        args=["--no-reflection", "--max-watches", "7", "--max-value-bytes", "2000"],
        env={"STILLFRAME_STORE": "sqlite:///x.db", "STILLFRAME_MAX_EXECUTIONS": "3"},
        cwd=tmp_path,
    ) as server:
        assert re.fullmatch(r"stillframe \S+ serves memory: on \S+ \(health\)\n", server.stdout)
        info = Cli(server.address, "default")("info", "--json").document
        assert info["store_kind"] == "memory"
        assert (info["limits"]["max_watches"], info["limits"]["max_executions"]) == (7, 3)
        assert info["limits"]["max_value_bytes"] == 2000
    assert not (tmp_path / "x.db").exists()


def test_ctrl_c_ends_it_with_0() -> None:
    with ServerProcess() as server:
        os.kill(server.pid, signal.SIGINT)
        assert server.wait() == 0
        assert "Traceback" not in server.stderr


def test_a_port_in_use_is_refused(tmp_path: Path) -> None:
    with ServerProcess() as server:
        done = serve("--store", "memory:", "--listen", server.address, cwd=tmp_path)
        assert f"{server.address}: Address already in use" in refusal(done, 1)


def test_a_store_in_use_is_refused(tmp_path: Path) -> None:
    with ServerProcess("sqlite:///store.db", cwd=tmp_path):
        done = serve("--store", "sqlite:///store.db", "--listen", "127.0.0.1:0", cwd=tmp_path)
        assert "store.db" in refusal(done, 1)


@pytest.mark.parametrize(
    ("store", "code"),
    [("nosuch://x", 2), ("", 2), ("sqlite:///absent/folder/x.db", 1), ("sqlite:///text.db", 1)],
)
def test_a_store_that_cannot_be_opened_is_refused(tmp_path: Path, store: str, code: int) -> None:
    (tmp_path / "text.db").write_text("not a database " * 100, encoding="utf-8")
    refusal(serve("--store", store, "--listen", "127.0.0.1:0", cwd=tmp_path), code)


@pytest.mark.parametrize(
    ("arguments", "env", "name"),
    [
        (["--max-watches", "0"], {}, "max_watches"),
        ([], {"STILLFRAME_CHANGE_LOG_SIZE": "many"}, "change_log_size"),
        (["--retention", "some"], {}, "retention: 'some' is not all, last:N"),
        ([], {"STILLFRAME_RETENTION": "last:0"}, "retention: 'last:0' is not all"),
        (["--tenant-retention", "a=for:1w"], {}, "tenant_retention.a: 'for:1w' is not all"),
        (["--tenant-retention", "all"], {}, "--tenant-retention: 'all' is not TENANT=RETENTION"),
        (["--tenant-retention", "a=all"] * 2, {}, "--tenant-retention: 'a' is given twice"),
        ([], {"STILLFRAME_TENANT_RETENTION": "{"}, "tenant_retention: must be a JSON object"),
    ],
)
def test_a_setting_out_of_bounds_is_refused(
    tmp_path: Path, arguments: list[str], env: dict[str, str], name: str
) -> None:
    assert name in refusal(serve(*arguments, cwd=tmp_path, env=env), 2)


def test_without_the_extra_it_says_how_to_install_it(tmp_path: Path) -> None:
    code = (
        "import sys; sys.modules['pydantic_settings'] = None;"
        "sys.argv[1:] = ['serve']; from stillframe.cli import main; main()"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=DEADLINE,
        check=False,
    )
    assert 'pip install "stillframe[server]"' in refusal(done, 1)
