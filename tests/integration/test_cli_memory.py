"""The commands of the working memory, against a real server."""

from __future__ import annotations

import base64
import secrets
import subprocess
from typing import TYPE_CHECKING

import pytest

from stillframe.cli.exits import ExitCode
from stillframe.testing import ServerProcess
from tests.integration.cli_support import DEADLINE, Cli

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture(scope="module")
def server() -> Iterator[ServerProcess]:
    with ServerProcess("memory:") as process:
        yield process


@pytest.fixture
def cli(server: ServerProcess) -> Cli:
    """In a tenant of the test's own."""
    return Cli(server.address, secrets.token_hex(4))


def test_a_value_is_set_read_and_deleted(cli: Cli) -> None:
    for scope in ((), ("--execution", "run-1")):
        done = cli("memory", "set", "note", "all is well", *scope)
        assert done.out.startswith("note set: etag m-")
        assert cli("memory", "get", "note", *scope).out == "all is well"
        assert cli("memory", "delete", "note", *scope).out == "deleted 1 value\n"
        assert cli("memory", "delete", "note", *scope).out == "nothing to delete\n"
        missing = cli("memory", "get", "note", *scope, code=ExitCode.NOT_FOUND)
        assert missing.err == "stillframe: VALUE_NOT_FOUND: there is no such value\n"


def test_the_scopes_are_apart(cli: Cli) -> None:
    cli("memory", "set", "note", "the tenant's")
    cli("memory", "set", "note", "the run's", "--execution", "run-1")
    assert cli("memory", "get", "note").out == "the tenant's"
    assert cli("memory", "get", "note", "--execution", "run-1").out == "the run's"
    cli("delete", "run-1")
    cli("memory", "get", "note", "--execution", "run-1", code=ExitCode.NOT_FOUND)
    assert cli("memory", "get", "note").out == "the tenant's"


def test_any_bytes_go_in_and_come_out(cli: Cli, tmp_path: Path) -> None:
    data = bytes(range(256))
    file = tmp_path / "data"
    file.write_bytes(data)
    cli("memory", "set", "file", f"@{file}")
    command = cli.command("memory", "get", "file")
    read = subprocess.run(command, capture_output=True, timeout=DEADLINE, check=True)
    assert read.stdout == data
    piped = cli.command("memory", "set", "piped", "-")
    subprocess.run(piped, input=data, capture_output=True, timeout=DEADLINE, check=True)
    document = cli("memory", "get", "piped", "--json").document
    assert base64.b64decode(document["value_base64"]) == data
    cli("memory", "set", "empty", "")
    assert cli("memory", "get", "empty").out == ""


def test_a_file_that_is_not_there_is_wrong_usage(cli: Cli, tmp_path: Path) -> None:
    done = cli("memory", "set", "k", f"@{tmp_path}/missing", code=ExitCode.USAGE)
    assert "VALUE" in done.err


def test_conditions_are_kept(cli: Cli) -> None:
    first = cli("memory", "set", "k", "1", "--must-not-exist", "--json").document
    again = cli("memory", "set", "k", "2", "--must-not-exist", code=ExitCode.CONFLICT)
    assert "VALUE_EXISTS" in again.err
    second = cli("memory", "set", "k", "2", "--expected-etag", first["etag"], "--json").document
    for arguments in (("set", "k", "3"), ("delete", "k")):
        done = cli(
            *("memory", *arguments, "--expected-etag", first["etag"], "--json"),
            code=ExitCode.CONFLICT,
        )
        assert '"ETAG_MISMATCH"' in done.err
        assert second["etag"] in done.err
    assert cli("memory", "get", "k").out == "2"
    assert cli("memory", "delete", "k", "--expected-etag", second["etag"], "--json").document == {
        "key": "k",
        "deleted": True,
    }


def test_a_repeat_with_its_request_id_is_safe(cli: Cli) -> None:
    arguments = ("memory", "set", "k", "1", "--must-not-exist", "--request-id", "r", "--json")
    assert cli(*arguments).document == cli(*arguments).document


def test_a_ttl_says_until_when(cli: Cli) -> None:
    done = cli("memory", "set", "k", "1", "--ttl", "2h")
    assert ", until 2" in done.out
    [row] = cli("memory", "list", "--json").documents
    assert row["expire_time"] > row["commit_time"]
    refused = cli("memory", "set", "k", "1", "--ttl", "0", code=ExitCode.USAGE)
    assert "ttl: must be more than zero" in refused.err


def test_keys_are_listed(cli: Cli) -> None:
    for key in ("b", "a/2", "a/1"):
        cli("memory", "set", key, "12345", "--execution", "run-1")
    columns, *rows = cli("memory", "list", "--execution", "run-1").out.splitlines()
    assert columns.split() == ["KEY", "SIZE", "SET", "ETAG"]
    assert [row.split()[:3] for row in rows] == [
        ["a/1", "5", "B"],
        ["a/2", "5", "B"],
        ["b", "5", "B"],
    ]
    some = cli("memory", "list", "--execution", "run-1", "--prefix", "a/", "--json").documents
    assert [(each["key"], each["execution_id"], each["size_bytes"]) for each in some] == [
        ("a/1", "run-1", 5),
        ("a/2", "run-1", 5),
    ]
    few = cli("memory", "list", "--execution", "run-1", "--limit", "1", "--json").documents
    assert [each["key"] for each in few] == ["a/1"]
    none = cli("memory", "list")
    assert (none.out, none.err) == ("", "nothing found\n")
