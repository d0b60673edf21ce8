"""The commands that compare, fork and prune, against a real server."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING

import pytest

from stillframe.testing import ServerProcess
from tests.integration.cli_support import Cli

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="module")
def server() -> Iterator[ServerProcess]:
    with ServerProcess("memory:") as process:
        yield process


@pytest.fixture
def cli(server: ServerProcess) -> Cli:
    """With an execution of four versions in a tenant of the test's own."""
    cli = Cli(server.address, secrets.token_hex(4))
    plan = ("--var", "same=1", "--var", "plan=[1, 2]", "--output", 'fetch={"rows": 3}')
    cli(
        *("save", "run-1", "--state", "running", "--sequence", "1"),
        *("--var", "same=1", "--var", "plan=[1]", "--var", "old=0"),
    )
    cli("save", "run-1", "--state", "running", "--sequence", "2", "--snapshot-id", "s-2", *plan)
    for number in ("3", "4"):
        label = f"n={number}"
        cli("save", "run-1", "--state", "paused", "--sequence", number, "--label", label, *plan)
    return cli


def versions(cli: Cli, execution: str = "run-1") -> list[int]:
    return [each["version"] for each in cli("history", execution, "--json").documents]


def test_diff_for_people(cli: Cli) -> None:
    first, header, empty, columns, *rows = cli("diff", "run-1", "1", "2").out.splitlines()
    assert (first, header, empty) == (
        "run-1: version 1 to 2",
        "header: sequence_number, snapshot_id",
        "",
    )
    assert columns.split() == ["MAP", "KEY", "CHANGE", "FROM", "TO"]
    assert [row.split() for row in rows] == [
        ["step", "output", "fetch", "added", "-", "12", "B"],
        ["variable", "old", "removed", "3", "B", "-"],
        ["variable", "plan", "changed", "5", "B", "7", "B"],
    ]


def test_diff_of_what_is_the_same(cli: Cli) -> None:
    assert cli("diff", "run-1", "3").out == (
        "run-1: version 3 to 4\nheader: sequence_number, labels\n"
    )
    assert cli("diff", "run-1", "4").out == "run-1: version 4 to 4\nno difference\n"


def test_diff_for_machines(cli: Cli) -> None:
    assert cli("diff", "run-1", "snapshot-id=s-2", "at-sequence=1", "--json").document == {
        "execution_id": "run-1",
        "from_version": 2,
        "to_version": 1,
        "header_fields": ["sequence_number", "snapshot_id"],
        "entries": [
            {
                "map": "step_outputs",
                "key": "fetch",
                "kind": "removed",
                "from_size_bytes": 12,
                "to_size_bytes": 0,
            },
            {
                "map": "variables",
                "key": "old",
                "kind": "added",
                "from_size_bytes": 0,
                "to_size_bytes": 3,
            },
            {
                "map": "variables",
                "key": "plan",
                "kind": "changed",
                "from_size_bytes": 7,
                "to_size_bytes": 5,
            },
        ],
    }


def test_diff_as_of_a_time(cli: Cli) -> None:
    saved = cli("load", "run-1", "--version", "2", "--json").document["commit_time"]
    answer = cli("diff", "run-1", f"as-of={saved}", "as-of=2100-01-01", "--json").document
    assert (answer["from_version"], answer["to_version"]) == (2, 4)


def test_diff_of_what_does_not_exist(cli: Cli) -> None:
    assert "EXECUTION_NOT_FOUND" in cli("diff", "absent", "1", code=3).err
    assert "SNAPSHOT_NOT_FOUND" in cli("diff", "run-1", "1", "9", code=3).err
    assert "is not a version" in cli("diff", "run-1", "first", code=2).err
    cli("diff", "run-1", code=2)


def test_fork_of_the_latest(cli: Cli) -> None:
    forked = cli("fork", "run-1", "run-2").out
    assert forked.startswith("run-2 forked from run-1: version 1, etag v1-")
    assert forked.endswith(", 1 snapshot\n")
    assert "EXECUTION_EXISTS" in cli("fork", "run-1", "run-2", code=4).err
    assert "forked from  run-1 version 4" in cli("load", "run-2").out
    source, copy = (cli("load", each, "--json").document for each in ("run-1", "run-2"))
    assert copy["origin"] == {
        "execution_id": "run-1",
        "version": 4,
        "etag": source["etag"],
        "commit_time": source["commit_time"],
    }
    for own in ("execution_id", "version", "etag", "revision", "commit_time", "origin"):
        source.pop(own, None)
        copy.pop(own)
    assert copy == source


def test_fork_from_the_past_with_its_history(cli: Cli) -> None:
    forked = cli(
        *("fork", "run-1", "run-2", "--at-sequence", "3", "--include-history"),
        *("--sequence", "0", "--json"),
    ).document
    assert forked.pop("etag").startswith("v3-")
    assert forked.pop("resume_token")
    assert forked == {
        "execution_id": "run-1",
        "new_execution_id": "run-2",
        "version": 3,
        "revision": 5,
        "snapshot_count": 3,
    }
    assert [
        (each["version"], each["sequence_number"], each["origin"]["version"])
        for each in cli("history", "run-2", "--json").documents
    ] == [(3, 0, 3), (2, 2, 2), (1, 1, 1)]
    header, *rows = cli("history", "run-2").out.splitlines()
    assert header.endswith("FORKED FROM")
    assert rows[1].endswith("run-1 version 2")


def test_a_fork_is_repeated_safely(cli: Cli) -> None:
    fork = ("fork", "run-1", "run-2", "--version", "1", "--request-id", "mine", "--json")
    assert cli(*fork).document == cli(*fork).document
    assert cli("list", "--count").out == "2\n"


def test_fork_of_what_does_not_exist(cli: Cli) -> None:
    cli("fork", "absent", "run-2", code=3)
    cli("fork", "run-1", "run-2", "--version", "9", code=3)
    cli("fork", "run-1", "run-2", "--version", "1", "--snapshot-id", "s-2", code=2)
    assert cli("list", "--count").out == "1\n"


def test_prune_says_how_many_are_gone(cli: Cli) -> None:
    done = cli("prune", "run-1", "--version", "1", "--version", "4", "--version", "9")
    assert done.out == "deleted 1 snapshot\n"
    assert versions(cli) == [4, 3, 2]
    assert cli("prune", "run-1", "--version", "1").out == "nothing to delete\n"
    assert cli("prune", "run-1", "--all-history").out == "deleted 2 snapshots\n"
    assert versions(cli) == [4]


@pytest.mark.parametrize(
    ("options", "left"),
    [
        (["--snapshot-id", "s-2"], [4, 3, 1]),
        (["--sequence-max", "2"], [4, 3]),
        (["--sequence-min", "2"], [4, 1]),
        (["--until", "2100-01-01"], [4]),
        (["--since", "2100-01-01"], [4, 3, 2, 1]),
        (["--snapshot-label", "n=3"], [4, 2, 1]),
        (["--sequence-max", "2", "--version", "2", "--version", "3"], [4, 3, 1]),
    ],
)
def test_what_is_pruned_is_what_history_shows(
    cli: Cli, options: list[str], left: list[int]
) -> None:
    assert cli("prune", "run-1", *options, "--json").document == {
        "execution_id": "run-1",
        "deleted_count": 4 - len(left),
    }
    assert versions(cli) == left


def test_nothing_is_pruned_by_mistake(cli: Cli) -> None:
    assert "say which snapshots" in cli("prune", "run-1", code=2).err
    cli("prune", "run-1", "--all-history", "--version", "1", code=2)
    cli("prune", "absent", "--all-history", code=3)
    cli("claim", "run-1")
    assert "FENCED" in cli("prune", "run-1", "--all-history", code=5).err
    assert versions(cli) == [4, 3, 2, 1]
    cli("prune", "run-1", "--all-history", "--epoch", "1")
    assert versions(cli) == [4]
