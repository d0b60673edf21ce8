"""The server that `stillframe.testing` gives to tests."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from stillframe.client import Client, ExecutionState, Snapshot
from stillframe.testing import ServerProcess, ServerStartError

if TYPE_CHECKING:
    from pathlib import Path

pytest_plugins = ["stillframe.testing.fixtures"]

RUNNING = Snapshot(state=ExecutionState.RUNNING)


def is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def test_it_serves_until_the_block_ends() -> None:
    with ServerProcess() as server:
        with Client(server.address, tenant="acme") as client:
            assert client.save("run-1", RUNNING).version == 1
        with pytest.raises(RuntimeError, match="is running"):
            server.start()
        pid = server.pid
        assert server.running
    assert not is_alive(pid)


def test_what_was_saved_outlives_a_kill(stillframe_server: ServerProcess) -> None:
    address, pid = stillframe_server.address, stillframe_server.pid
    with Client(address, tenant="acme") as client:
        client.save("run-1", RUNNING)
        stillframe_server.kill()
        assert not stillframe_server.running
        assert not is_alive(pid)
        stillframe_server.restart()
        assert (stillframe_server.address, stillframe_server.pid != pid) == (address, True)
        assert client.load("run-1").version == 1


def test_the_fixture_is_a_server_of_the_tests_own(
    stillframe_server: ServerProcess, tmp_path: Path
) -> None:
    with Client(stillframe_server.address, tenant="acme") as client:
        assert client.info().store_kind == "sqlite"
        assert list(client.list()) == []
    assert (tmp_path / "stillframe.db").exists()


def test_terminate_drains_and_gives_the_exit_code() -> None:
    with ServerProcess() as server:
        assert server.address in server.stdout
        assert server.terminate() == 0
        assert not server.running
        assert server.terminate() == 0
        server.kill()
        assert server.stderr.count("stopping") == 1


def test_a_restart_of_a_running_server_ends_it_first() -> None:
    with ServerProcess() as server:
        pid, address = server.pid, server.address
        server.restart()
        assert not is_alive(pid)
        assert server.address == address
        # The log of both starts.
        server.terminate()
        assert server.stderr.count("stopping") == 2


def test_a_server_that_cannot_start_says_why(tmp_path: Path) -> None:
    with pytest.raises(ServerStartError, match=r"ended before it was ready .*(?s:.)*nosuch"):
        ServerProcess("nosuch://x", cwd=tmp_path).start()
    with (
        pytest.raises(ServerStartError, match="No such option"),
        ServerProcess(args=["--no-such-option"]),
    ):
        pass


def test_a_server_that_is_not_ready_in_time_is_killed() -> None:
    server = ServerProcess(start_timeout=0)
    with pytest.raises(ServerStartError, match="not ready within 0 s"):
        server.start()
    assert not is_alive(server.pid)
    server.close()


def test_before_the_start_there_is_nothing_to_ask_for() -> None:
    server = ServerProcess()
    for ask in (lambda: server.address, lambda: server.pid, server.terminate, server.wait):
        with pytest.raises(RuntimeError, match="was not started"):
            ask()
    server.kill()
    server.close()


def test_the_settings_of_the_surroundings_do_not_reach_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("STILLFRAME_MAX_WATCHES", "3")
    with (
        ServerProcess(env={"STILLFRAME_MAX_ENTRIES": "5"}) as server,
        Client(server.address, tenant="acme") as client,
    ):
        limits = client.info().limits
        assert (limits.max_watches, limits.max_entries) == (10_000, 5)


def test_it_does_not_outlive_a_process_that_forgets_it() -> None:
    code = (
        "from stillframe.testing import ServerProcess\n"
        "server = ServerProcess().start()\n"
        "print(server.pid)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True
    )
    assert not is_alive(int(done.stdout))


def test_who_does_not_use_the_fixture_needs_no_pytest() -> None:
    code = "import sys, stillframe.testing; print('pytest' in sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True
    )
    assert done.stdout == "False\n"
