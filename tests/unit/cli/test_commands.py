"""How the commands are put together, without a server."""

from __future__ import annotations

import dataclasses
import subprocess
import sys

import pytest
import typer
from typer.testing import CliRunner

from stillframe import client
from stillframe.cli import choices, exits, output
from stillframe.cli.app import app
from stillframe.cli.connection import Connection
from stillframe.cli.selection import (
    BoundOptions,
    EntryOptions,
    FilterOptions,
    SelectorOptions,
    snapshot_argument,
)
from stillframe.cli.serve import LimitOptions, ServerOptions
from stillframe.server import app as server_app
from stillframe.server.config import Settings
from stillframe.server.stores.retention import Retention

COMMANDS = (
    *("serve", "save", "load", "list", "history", "watch"),
    *("claim", "delete", "check", "info", "diff", "fork", "prune", "memory"),
)


@pytest.mark.parametrize(
    ("names", "numbers"),
    [
        (choices.State, client.ExecutionState),
        (choices.Wait, client.WaitReason),
        (choices.Group, client.StateClass),
    ],
)
def test_the_choices_are_the_clients_enums(
    names: type[choices.State | choices.Wait | choices.Group],
    numbers: type[client.ExecutionState | client.WaitReason | client.StateClass],
) -> None:
    assert [each.name for each in names] == [each.name for each in numbers]
    assert [each.value for each in names] == [each.name.lower() for each in numbers]


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help(command: str) -> None:
    result = CliRunner().invoke(app, [command, "--help"])
    assert result.exit_code == 0
    assert command in result.stdout


@pytest.mark.parametrize("command", ["set", "get", "delete", "list"])
def test_every_command_of_the_memory_has_help(command: str) -> None:
    result = CliRunner().invoke(app, ["memory", command, "--help"])
    assert result.exit_code == 0
    assert f"memory {command}" in result.stdout
    assert "--execution" in result.stdout


def test_the_help_lists_the_commands_and_the_exit_codes() -> None:
    result = CliRunner().invoke(app, ["--help"])
    assert all(command in result.stdout for command in COMMANDS)
    for code in exits.ExitCode:
        assert f"· {code.value} " in result.stdout


def test_the_version() -> None:
    result = CliRunner().invoke(app, ["--version"])
    assert (result.exit_code, result.stdout) == (0, "stillframe 0.1.0\n")


def test_completion_for_shells(monkeypatch: pytest.MonkeyPatch) -> None:
    # Typer looks for the shell among the parents, and there is none under a supervisor.
    monkeypatch.setattr("shellingham.detect_shell", lambda: ("bash", "/bin/bash"))
    result = CliRunner().invoke(app, ["--show-completion"], prog_name="stillframe")
    assert result.exit_code == 0
    assert "_STILLFRAME_COMPLETE" in result.stdout


def test_neither_the_server_nor_a_table_is_loaded_before_it_is_needed() -> None:
    code = (
        "import sys, stillframe.cli.app;"
        "print([m for m in ('grpc', 'stillframe.server', 'stillframe.client', 'rich.console')"
        " if m in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True
    )
    assert done.stdout == "[]\n"


def test_the_options_of_serve_are_settings() -> None:
    fields = {
        field.name for each in (ServerOptions, LimitOptions) for field in dataclasses.fields(each)
    }
    assert fields <= set(Settings.model_fields)


def test_serve_hands_the_server_what_tenants_keep(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[Settings] = []

    def run(settings: Settings, _: object) -> int:
        seen.append(settings)
        return 0

    monkeypatch.setattr(server_app, "serve", run)
    given = ["--retention", "last:9", "--tenant-retention", "a=b=for:1h"]
    given += ["--tenant-retention", "c=all", "--listen", "127.0.0.1:0"]
    assert CliRunner().invoke(app, ["serve", *given]).exit_code == 0

    [settings] = seen
    assert settings.retention == Retention(versions=9)
    assert settings.tenant_retention == {"a=b": Retention(seconds=3600), "c": Retention()}


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (client.InvalidFieldError(), exits.ExitCode.USAGE),
        (client.ExecutionNotFoundError(), exits.ExitCode.NOT_FOUND),
        (client.ExecutionExistsError(), exits.ExitCode.CONFLICT),
        (client.EtagMismatchError(), exits.ExitCode.CONFLICT),
        (client.FencedError(), exits.ExitCode.PRECONDITION),
        (client.SnapshotAheadError(), exits.ExitCode.PRECONDITION),
        (client.UnavailableError(), exits.ExitCode.UNAVAILABLE),
        (client.DeadlineExceededError(), exits.ExitCode.UNAVAILABLE),
        (client.ServerBusyError(), exits.ExitCode.EXHAUSTED),
        (client.TenantDeniedError(), exits.ExitCode.DENIED),
        (client.CredentialsRequiredError(), exits.ExitCode.DENIED),
        (client.StoreReplacedError(), exits.ExitCode.TOKEN_LOST),
        (client.InternalError(), exits.ExitCode.UNEXPECTED),
    ],
)
def test_exit_codes(error: client.StillframeError, code: exits.ExitCode) -> None:
    assert exits.exit_code(error) is code


def test_an_option_goes_before_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STILLFRAME_TENANT", "from-environment")
    monkeypatch.setenv("STILLFRAME_ADDRESS", "")
    plain, ahead = Connection(), Connection(tenant="ahead", timeout=2)
    Connection.before.set(plain)
    assert plain.resolved() == Connection(
        address="127.0.0.1:50051", tenant="from-environment", timeout=30
    )
    Connection.before.set(ahead)
    assert plain.resolved().tenant == "ahead"
    assert Connection(tenant="after").resolved().tenant == "after"
    assert Connection(tenant="after").resolved().timeout == 2
    Connection.before.set(plain)


def test_an_empty_tenant_is_not_the_default_one() -> None:
    assert Connection(tenant="").resolved().tenant == ""


def test_options_that_were_not_given_select_nothing() -> None:
    assert FilterOptions().build() is None
    assert EntryOptions().build() is None
    assert BoundOptions().build() is None
    assert SelectorOptions().criteria() is None


def test_entries_by_key_prefix_and_all() -> None:
    assert EntryOptions(output=["a", "b*"], var=["*"]).build() == client.Projection(
        step_outputs=client.MapProjection(keys=("a",), key_prefixes=("b",)),
        variables=client.MapProjection(all=True),
    )


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("3", {"version": 3}),
        ("snapshot-id=a=b", {"snapshot_id": "a=b"}),
        ("snapshot-id=3", {"snapshot_id": "3"}),
        ("at-sequence=0", {"criteria": client.Criteria(sequence_max=0)}),
        (
            "as-of=1970-01-01T00:00:01Z",
            {"criteria": client.Criteria(commit_time_max_ns=1_000_000_000)},
        ),
    ],
)
def test_a_snapshot_as_one_word(text: str, expected: dict[str, object]) -> None:
    assert snapshot_argument(text, "FROM") == expected


@pytest.mark.parametrize(
    "text", ["", "x", "-1", "+3", "٣", "3=", "snapshot-id=", "at-sequence=x", "version=3"]
)
def test_what_names_no_snapshot_is_refused(text: str) -> None:
    with pytest.raises(typer.BadParameter, match="is not a version") as caught:
        snapshot_argument(text, "FROM")
    assert caught.value.param_hint == "FROM"


def test_a_time_in_one_word_must_be_one() -> None:
    with pytest.raises(typer.BadParameter, match="is not a time"):
        snapshot_argument("as-of=yesterday", "FROM")


def test_a_prune_without_a_selection_is_a_mistake() -> None:
    # Nothing listens there: the mistake is found before anybody is asked.
    result = CliRunner().invoke(app, ["--address", "127.0.0.1:9", "prune", "run-1"])
    assert result.exit_code == exits.ExitCode.USAGE
    assert "say which snapshots" in result.stderr


def test_nothing_that_is_printed_steers_the_terminal() -> None:
    assert output.to_json("a\x1b[2J\x9b\x7f\n") == '"a\\u001b[2J\\u009b\\u007f\\n"'
    assert output.printable("a\x1b\x9b") == "a\\u001b\\u009b"


@pytest.mark.parametrize(
    ("count", "text"), [(0, "0 B"), (1023, "1023 B"), (1024, "1.0 KiB"), (2**20, "1.0 MiB")]
)
def test_sizes(count: int, text: str) -> None:
    assert output.size(count) == text


def test_long_text_is_cut() -> None:
    assert output.shortened("abc", 3) == "abc"
    assert output.shortened("abcd", 3) == "ab…"
