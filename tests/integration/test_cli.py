"""The commands that answer and end, against a real server."""

from __future__ import annotations

import json
import secrets
import socket
from typing import TYPE_CHECKING

import pytest

from stillframe.client import Client, ExecutionState, Snapshot
from stillframe.testing import ServerProcess
from stillframe.v1.snapshot_pb2 import Payload
from tests.integration.cli_support import Cli

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture(scope="module")
def server() -> Iterator[ServerProcess]:
    with ServerProcess() as process:
        yield process


@pytest.fixture
def cli(server: ServerProcess) -> Cli:
    """With a tenant of the test's own."""
    return Cli(server.address, secrets.token_hex(4))


def test_save_says_what_it_did(cli: Cli) -> None:
    assert cli("save", "run-1", "--state", "running").out.startswith("run-1 created: version 1, ")
    assert cli("save", "run-1", "--state", "Paused").out.startswith("run-1 updated: version 2, ")
    assert cli("save", "run-1", "--state", "paused").out.startswith("run-1 unchanged: version 2, ")


def test_save_for_machines(cli: Cli) -> None:
    saved = cli("save", "run-1", "--state", "running", "--json").document
    assert saved.pop("etag").startswith("v1-")
    assert saved.pop("resume_token")
    assert saved == {
        "execution_id": "run-1",
        "outcome": "created",
        "version": 1,
        "revision": 1,
    }


def test_load_gives_what_was_saved(cli: Cli, tmp_path: Path) -> None:
    plan = tmp_path / "plan.json"
    plan.write_text('{"steps": [1, 2]}', encoding="utf-8")
    cli(
        *("save", "run-1", "--state", "waiting", "--wait-reason", "user_input"),
        *("--sequence", "7", "--step", "step_1", "--output", 'step_0={"ok": true}'),
        *("--var", "n=18446744073709551615", "--var", "name=Zoë", "--var", f"plan=@{plan}"),
        *("--label", "team=red", "--user", "u-1", "--timestamp", "2026-07-01T12:00:00.000000001Z"),
        *("--snapshot-id", "s-1", "--parent-snapshot", "s-0", "--parent-execution", "run-0"),
        *("--schema-version", "3", "--ttl", "7d"),
    )
    loaded = cli("load", "run-1", "--json").document
    for output_only in ("etag", "commit_time"):
        assert loaded.pop(output_only)
    assert loaded == {
        "tenant_id": cli.tenant,
        "execution_id": "run-1",
        "version": 1,
        "revision": 1,
        "state": "waiting",
        "wait_reason": "user_input",
        "sequence_number": 7,
        "current_step_id": "step_1",
        "step_outputs": {"step_0": {"ok": True}},
        "variables": {"n": 2**64 - 1, "name": "Zoë", "plan": {"steps": [1, 2]}},
        "labels": {"team": "red"},
        "user_id": "u-1",
        "timestamp": "2026-07-01T12:00:00.000000001Z",
        "snapshot_id": "s-1",
        "parent_snapshot_id": "s-0",
        "parent_execution_id": "run-0",
        "schema_version": "3",
    }


def test_load_for_people(cli: Cli) -> None:
    cli(
        *("save", "run-1", "--state", "waiting", "--wait-reason", "approval", "--sequence", "7"),
        *("--var", "name=Zoë", "--output", f"step_0={'x' * 500}", "--label", "team=red"),
    )
    shown = cli("load", "run-1", "--event-store-head", "9").out
    for text in ("waiting (approval)", "team=red", "stale by 2", '"Zoë"', "step_0", "502 B", "…"):
        assert text in shown
    assert "x" * 101 not in shown


def test_a_table_has_a_line_for_a_row_and_no_empty_column(
    cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "40")
    cli("save", "e" * 100, "--state", "waiting", "--wait-reason", "cost_threshold")
    header, row = cli("list").out.splitlines()
    assert header.split() == ["EXECUTION", "STATE", "SEQUENCE", "VERSION", "SAVED"]
    assert row.startswith("e" * 100)


def test_what_load_prints_save_reads(cli: Cli, server: ServerProcess, tmp_path: Path) -> None:
    with Client(server.address, tenant=cli.tenant) as client:
        client.save(
            "run-1",
            Snapshot(
                state=ExecutionState.RUNNING,
                sequence_number=3,
                variables={
                    "packed": Payload(data=b"\x81\xff", encoding="msgpack", codecs=["zstd"]),
                    "odd": {"$payload": 1},
                    "n": [1, 2.5, None, "\u2028\x7f\x9b"],
                },
                labels={"team": "red"},
            ),
        )
        printed = cli("load", "run-1", "--json").out
        assert cli("save", "run-1", "--file", "-", "--json", stdin=printed).document["outcome"] == (
            "unchanged"
        )
        file = tmp_path / "snapshot.json"
        file.write_text(printed, encoding="utf-8")
        cli("save", "run-2", "--file", str(file))
        first, second = client.load("run-1"), client.load("run-2")
    assert second.variables.payloads() == first.variables.payloads()
    assert (second.state, second.sequence_number) == (first.state, first.sequence_number)
    assert second.labels == first.labels


def test_raw_values_go_back_byte_for_byte(cli: Cli, server: ServerProcess) -> None:
    payload = Payload(data=b'{ "n" : 1.0 }', encoding="json/utf8")
    with Client(server.address, tenant=cli.tenant) as client:
        client.save("run-1", Snapshot(state=ExecutionState.RUNNING, variables={"x": payload}))
        printed = cli("load", "run-1", "--json", "--raw").out
        cli("save", "run-2", "--file", "-", stdin=printed)
        assert client.load("run-2").variables.payload("x") == payload


def test_options_go_over_the_file(cli: Cli) -> None:
    cli("save", "run-1", "--state", "waiting", "--wait-reason", "approval", "--var", "a=1")
    printed = cli("load", "run-1", "--json").out
    cli("save", "run-1", "--file", "-", "--state", "running", "--var", "b=2", stdin=printed)
    loaded = cli("load", "run-1", "--json").document
    assert (loaded["state"], loaded["variables"]) == ("running", {"a": 1, "b": 2})
    assert "wait_reason" not in loaded


@pytest.mark.parametrize(
    ("stdin", "message"),
    [
        ("{", "not JSON"),
        ('{"state": "running", "variables": {"x": NaN}}', "not JSON"),
        ("[]", "is not a JSON object"),
        ('{"state": "asleep"}', "asleep"),
        ('{"state": "running", "omission": {"count": 1}}', "not whole"),
        ("[" * 100_000, "not JSON"),
    ],
)
def test_a_file_that_is_no_snapshot_is_refused(cli: Cli, stdin: str, message: str) -> None:
    assert message in cli("save", "run-1", "--file", "-", stdin=stdin, code=2).err


@pytest.mark.parametrize(
    "arguments",
    [
        ["save", "run-1"],
        ["save", "run-1", "--file", "absent.json"],
        ["save", "run-1", "--state", "running", "--var", "x"],
        ["save", "run-1", "--state", "running", "--ttl", "soon"],
        ["save", "run-1", "--state", "running", "--epoch", "0"],
        ["save", "run-1", "--state", "waiting"],
        ["save", "run-1", "--state", "running", "--must-not-exist", "--expected-etag", "v1-a"],
        ["save", "run-1", "--state", "running", "--var", 'x="\\u0000"'],
        ["save", "", "--state", "running"],
        ["load", "run-1", "--require-fresh"],
        ["load", "run-1", "--as-of", "noon"],
        ["load", "run-1", "--version", "1", "--snapshot-id", "s"],
        ["check", "run-1"],
        ["check", "run-1=1", "run-1=2"],
        ["list", "--label", "x"],
        ["history", "run-1", "--since", "noon"],
        ["watch", "--resume", "t", "--initial-state"],
        ["watch", "--resume", "no token"],
        ["list", "--tenant", ""],
        ["list", "--address", "a,b"],
        ["unknown"],
    ],
)
def test_wrong_usage_exits_with_2(cli: Cli, arguments: list[str]) -> None:
    done = cli(*arguments, code=2)
    assert done.err
    assert not done.out


def test_conflicts_exit_with_4(cli: Cli) -> None:
    etag = cli("save", "run-1", "--state", "created", "--snapshot-id", "s", "--json").document[
        "etag"
    ]
    exists = cli("save", "run-1", "--state", "running", "--must-not-exist", code=4)
    assert "EXECUTION_EXISTS" in exists.err
    cli("save", "run-1", "--state", "running", "--expected-etag", etag)
    cli("save", "run-1", "--state", "paused", "--expected-etag", etag, code=4)
    cli("save", "run-1", "--state", "paused", "--snapshot-id", "s", code=4)
    cli("delete", "run-1", "--expected-etag", etag, code=4)


def test_preconditions_exit_with_5(cli: Cli) -> None:
    cli("save", "run-1", "--state", "running", "--sequence", "7")
    cli("save", "run-1", "--state", "running", "--sequence", "6", code=5)
    cli("save", "run-1", "--state", "running", "--sequence", "6", "--allow-sequence-regression")
    cli("load", "run-1", "--event-store-head", "7", "--require-fresh", code=5)
    cli("load", "run-1", "--event-store-head", "7", "--max-behind", "1")
    cli("load", "run-1", "--event-store-head", "5", "--max-behind", "1", code=5)


def test_an_error_for_machines_is_one_json_object_on_stderr(cli: Cli) -> None:
    done = cli("load", "run-1", "--json", code=3)
    assert not done.out
    assert json.loads(done.err) == {
        "error": {
            "code": "NOT_FOUND",
            "reason": "EXECUTION_NOT_FOUND",
            "message": "there is no such execution",
            "metadata": {"execution_id": "run-1"},
            "violations": [],
        }
    }


def test_a_repeated_save_is_replayed(cli: Cli) -> None:
    arguments = ("save", "run-1", "--state", "running", "--request-id", "r", "--json")
    first = cli(*arguments).document
    assert cli(*arguments).document == {**first, "outcome": "replayed"}


def test_load_selects_by_version_id_sequence_and_time(cli: Cli) -> None:
    for number in (1, 2, 3):
        cli(
            *("save", "run-1", "--state", "running", "--sequence", str(number * 10)),
            *("--snapshot-id", f"s-{number}"),
        )
    second = cli("load", "run-1", "--version", "2", "--json").document
    assert second["sequence_number"] == 20
    for selector in (
        ["--snapshot-id", "s-2"],
        ["--at-sequence", "29"],
        ["--as-of", second["commit_time"]],
    ):
        assert cli("load", "run-1", *selector, "--json").document == second
    assert cli("load", "run-1", "--as-of", "0s", "--json").document["version"] == 3
    for selector in (["--version", "9"], ["--snapshot-id", "x"], ["--at-sequence", "9"]):
        assert "SNAPSHOT_NOT_FOUND" in cli("load", "run-1", *selector, code=3).err


def test_load_carries_the_entries_that_were_asked_for(cli: Cli) -> None:
    cli(
        *("save", "run-1", "--state", "running", "--var", "ab=1", "--var", "ac=2"),
        *("--var", "b=3", "--output", "ab=4"),
    )

    def entries(*options: str) -> tuple[object, object]:
        loaded = cli("load", "run-1", *options, "--json").document
        assert "omission" in loaded
        return loaded["step_outputs"], loaded["variables"]

    assert entries("--header") == ({}, {})
    assert entries("--var", "a*", "--var", "zz") == ({}, {"ab": 1, "ac": 2})
    assert entries("--output", "*") == ({"ab": 4}, {})
    assert "left out" in cli("load", "run-1", "--header").out


def test_no_server_exits_with_6(cli: Cli) -> None:
    with socket.socket() as taken:
        # Bound, and nobody listens: no other process can be there either.
        taken.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        assert "stillframe serve" in cli("info", "--address", address, code=6).err


def test_the_environment_says_where_the_server_is(
    cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STILLFRAME_TENANT", "nobody")
    cli("save", "run-1", "--state", "running")
    assert cli("load", "run-1", "--json").document["tenant_id"] == cli.tenant
    cli("load", "run-1", "--tenant", "nobody", code=3)
