"""`stillframe watch` against a real server: what it prints, and how it ends."""

from __future__ import annotations

import json
import secrets
import signal
import subprocess
from typing import TYPE_CHECKING, Any

import pytest

from stillframe.testing import ServerProcess
from tests.integration.cli_support import DEADLINE, Cli, Process, process

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture(scope="module")
def server() -> Iterator[ServerProcess]:
    with ServerProcess() as running:
        yield running


@pytest.fixture
def cli(server: ServerProcess) -> Cli:
    """With a tenant of the test's own."""
    return Cli(server.address, secrets.token_hex(4))


def save(cli: Cli, execution: str, state: str = "running", *options: str) -> Any:
    return cli("save", execution, "--state", state, *options, "--json").document


def kinds(events: list[Any]) -> list[tuple[str, str, int]]:
    return [
        (each["kind"], each["snapshot"]["execution_id"], each["snapshot"]["version"])
        for each in events
    ]


def opened(running: Process) -> None:
    """Waits until a watch in words, or in events, is open."""
    assert running.remark() == "watching; Ctrl-C ends it\n"


def test_the_initial_state_in_words(cli: Cli) -> None:
    save(cli, "run-1", "running", "--step", "step_1")
    save(cli, "run-2")
    done = cli("watch", "--initial-state", "--until-caught-up")
    first, second = done.out.splitlines()
    assert first.split("  ")[1:] == [
        *("is", "run-1", "version=1", "state=running", "sequence=0", "step=step_1")
    ]
    assert second.split("  ")[1:3] == ["is", "run-2"]
    remarks = done.err.splitlines()
    assert remarks[0] == "watching; Ctrl-C ends it"
    assert "(2)" in remarks[1]
    assert remarks[-1].startswith("to go on from here: --resume ")


def test_changes_in_json_from_a_resume_token(cli: Cli) -> None:
    start = save(cli, "run-1")["resume_token"]
    save(cli, "run-1", "paused", "--var", "x=1")
    end = save(cli, "run-2")["resume_token"]
    cli("delete", "run-1")
    options = ("watch", "--json", "--every-change", "--resume")
    events = cli(*options, start, "--count", "2").documents
    assert kinds(events) == [("saved", "run-1", 2), ("saved", "run-2", 1)]
    assert events[0]["snapshot"]["variables"] == {}
    assert (events[0]["initial"], events[1]["resume_token"]) == (False, end)
    [deleted] = cli(*options, events[1]["resume_token"], "--until-caught-up").documents
    assert kinds([deleted]) == [("deleted", "run-1", 2)]


def test_full_changes_and_projections(cli: Cli) -> None:
    save(cli, "run-1", "running", "--var", "x=1", "--var", "y=2")
    options = ("watch", "--json", "--initial-state", "--count", "1")
    assert cli(*options, "--full").document["snapshot"]["variables"] == {"x": 1, "y": 2}
    assert cli(*options, "--var", "x").document["snapshot"]["variables"] == {"x": 1}


def test_filtered_changes(cli: Cli) -> None:
    start = save(cli, "run-1")["resume_token"]
    save(cli, "other")
    save(cli, "run-1", "paused")
    save(cli, "run-1", "running", "--var", "x=1")
    events = cli(
        *("watch", "--json", "--every-change", "--resume", start, "--until-caught-up"),
        *("--prefix", "run-", "--state", "running"),
    ).documents
    assert kinds(events) == [("left_filter", "run-1", 2), ("saved", "run-1", 3)]


def test_all_events(cli: Cli) -> None:
    save(cli, "run-1")
    events = cli("watch", "--json", "--initial-state", "--events", "--until-caught-up").documents
    assert [each["event"] for each in events] == [
        *("opened", "change", "initial_state_end", "caught_up")
    ]
    assert events[0]["mode"] == "latest"
    assert events[2]["execution_count"] == 1
    assert events[3]["resume_token"]


def test_an_expiry_is_a_change(cli: Cli) -> None:
    start = save(cli, "run-1", "running", "--ttl", "1ms")["resume_token"]
    event = cli("watch", "--json", "--resume", start, "--count", "1").document
    assert kinds([event]) == [("expired", "run-1", 1)]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_cleanly(cli: Cli, number: signal.Signals) -> None:
    with process(cli.command("watch")) as running:
        opened(running)
        save(cli, "run-1")
        assert "run-1" in running.line()
        running.popen.send_signal(number)
        assert running.wait() == 0
        [remark] = running.remarks()
        assert remark.startswith("to go on from here")


def test_a_closed_pipe_ends_a_quiet_watch(cli: Cli) -> None:
    save(cli, "run-1")
    # As in `stillframe watch | head -1`, and nothing changes any more.
    with subprocess.Popen(["head", "-1"], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as head:
        assert head.stdin is not None
        with process(cli.command("watch", "--initial-state"), stdout=head.stdin) as running:
            head.stdin.close()
            assert head.stdout is not None
            assert b"run-1" in head.stdout.read()
            head.wait(DEADLINE)
            assert running.wait() == 0
            assert not any("Traceback" in remark for remark in running.remarks())


def test_a_list_into_a_closed_pipe_ends_quietly(cli: Cli) -> None:
    save(cli, "run-1")
    with subprocess.Popen(["true"], stdin=subprocess.PIPE) as reader:
        assert reader.stdin is not None
        reader.wait(DEADLINE)
        with process(cli.command("list"), stdout=reader.stdin) as running:
            assert running.wait() == 0
            assert running.remarks() == []


def test_it_goes_on_over_a_restart_of_the_server(tmp_path: Path) -> None:
    with ServerProcess(f"sqlite:///{tmp_path / 'store.db'}") as server:
        cli = Cli(server.address, "default")
        with process(cli.command("watch", "--every-change")) as running:
            opened(running)
            save(cli, "run-1")
            server.kill()
            server.restart()
            save(cli, "run-2")
            assert [running.line().split("  ")[2] for _ in range(2)] == ["run-1", "run-2"]
            assert running.remark() == "connected again\n"
            running.popen.terminate()
            assert running.wait() == 0


def test_a_token_that_the_server_does_not_know_exits_with_9() -> None:
    with ServerProcess("memory:") as server:
        cli = Cli(server.address, "default")
        token = save(cli, "run-1")["resume_token"]
        server.restart()
        save(cli, "run-2")
        watch = ("watch", "--json", "--resume", token, "--until-caught-up")
        assert json.loads(cli(*watch, code=9).err)["error"]["reason"] == "STORE_REPLACED"
        restarted, change = cli(*watch, "--restart-if-lost").documents
        assert restarted == {"event": "restarted", "reason": "STORE_REPLACED"}
        assert kinds([change]) == [("saved", "run-2", 1)]
