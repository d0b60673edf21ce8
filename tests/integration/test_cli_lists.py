"""The commands that list, compare, take over and delete, against a real server."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING

import pytest

from stillframe.testing import ServerProcess
from tests.integration.cli_support import Cli, Done

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="module")
def server() -> Iterator[ServerProcess]:
    with ServerProcess() as process:
        yield process


@pytest.fixture
def cli(server: ServerProcess) -> Cli:
    """With three executions in a tenant of the test's own."""
    cli = Cli(server.address, secrets.token_hex(4))
    cli("save", "run-1", "--state", "running", "--var", "x=1", "--label", "team=red")
    cli(
        *("save", "run-2", "--state", "waiting", "--wait-reason", "approval", "--user", "u"),
        *("--parent-execution", "run-1", "--sequence", "5", "--label", "team=red"),
        *("--label", "tier=1"),
    )
    cli("save", "sub-3", "--state", "completed", "--parent-execution", "run-2")
    return cli


def ids(done: Done) -> list[str]:
    return [each["execution_id"] for each in done.documents]


def test_list_for_people(cli: Cli) -> None:
    header, *rows = cli("list").out.splitlines()
    assert header.split() == ["EXECUTION", "STATE", "SEQUENCE", "VERSION", "SAVED", "LABELS"]
    assert [row.split()[0] for row in rows] == ["run-1", "run-2", "sub-3"]
    assert "waiting (approval)" in rows[1]
    assert rows[1].endswith("team=red, tier=1")


def test_list_for_machines(cli: Cli) -> None:
    first, *_ = cli("list", "--json").documents
    assert (first["state"], first["variables"]) == ("running", {})
    assert first["omission"]["count"] == 1
    first, *_ = cli("list", "--json", "--full").documents
    assert first["variables"] == {"x": 1}
    first, *_ = cli("list", "--json", "--var", "y").documents
    assert first["omission"]["count"] == 1


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (["--id", "run-1", "--id", "sub-3"], ["run-1", "sub-3"]),
        (["--prefix", "run-"], ["run-1", "run-2"]),
        (["--state", "running", "--state", "COMPLETED"], ["run-1", "sub-3"]),
        (["--class", "resumable"], ["run-2"]),
        (["--class", "active", "--class", "terminal"], ["run-1", "run-2", "sub-3"]),
        (["--wait-reason", "approval"], ["run-2"]),
        (["--user", "u"], ["run-2"]),
        (["--parent", "run-2"], ["sub-3"]),
        (["--label", "team=red"], ["run-1", "run-2"]),
        (["--label", "team=red", "--label", "tier=1"], ["run-2"]),
        (["--prefix", "run-", "--state", "completed"], []),
        (["--limit", "2"], ["run-1", "run-2"]),
    ],
)
def test_list_filters(cli: Cli, options: list[str], expected: list[str]) -> None:
    assert ids(cli("list", "--json", *options)) == expected


def test_list_counts(cli: Cli) -> None:
    assert cli("list", "--count").out == "3\n"
    assert cli("list", "--count", "--prefix", "run-", "--json").document == {
        "count": 2,
        "at_least": False,
    }


def test_an_empty_list_prints_nothing_but_a_remark(cli: Cli) -> None:
    done = cli("list", "--prefix", "absent")
    assert (done.out, done.err) == ("", "nothing found\n")
    assert cli("list", "--prefix", "absent", "--json") == Done(0, "", "")


def test_a_list_of_many_pages(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("stillframe.cli.lists.TABLE_ROWS", 2)
    rows = [line.split()[0] for line in cli("list").out.splitlines()]
    assert rows == ["EXECUTION", "run-1", "run-2", "EXECUTION", "sub-3"]


def test_history(cli: Cli) -> None:
    for number in (2, 3):
        cli(
            *("save", "run-1", "--state", "running", "--sequence", str(number)),
            *("--var", f"x={number}", "--label", f"n={number}"),
        )
    shown = cli("history", "run-1").out.splitlines()
    assert [line.split()[0] for line in shown] == ["VERSION", "3", "2", "1"]

    def versions(*options: str) -> list[int]:
        return [each["version"] for each in cli("history", "--json", *options).documents]

    assert versions("run-1") == [3, 2, 1]
    assert versions("run-1", "--sequence-min", "1", "--sequence-max", "2") == [2]
    assert versions("run-1", "--snapshot-label", "n=2") == [2]
    assert versions("run-1", "--limit", "1") == [3]
    assert versions("--prefix", "run-1") == [3, 2, 1]
    assert versions("run-1", "--since", "2100-01-01") == []
    assert versions("run-1", "--until", "2100-01-01", "--since", "2000-01-01") == [3, 2, 1]
    assert [
        each["variables"]["x"] for each in cli("history", "run-1", "--json", "--full").documents
    ] == [3, 2, 1]
    assert "EXECUTION" in cli("history").out
    cli("history", "absent", code=3)


def test_check_compares_and_exits_with_5_unless_all_are_fresh(cli: Cli) -> None:
    assert "fresh" in cli("check", "run-2=5").out
    shown = cli("check", "run-2=7", "run-1=0", "absent=1", code=5).out
    assert [line.split()[:3] for line in shown.splitlines()[1:]] == [
        ["run-2", "stale", "by"],
        ["run-1", "fresh", "0"],
        ["absent", "missing", "-"],
    ]
    assert cli("check", "run-2=3", "--json", code=5).document == {
        "execution_id": "run-2",
        "status": "ahead",
        "event_store_head": 3,
        "snapshot_sequence": 5,
        "distance": 2,
        "version": 1,
    }


def test_claim_prints_the_epoch_and_fences_who_wrote_before(cli: Cli) -> None:
    first = cli("claim", "run-2", "--event-store-head", "6")
    assert first.out == "1\n"
    assert first.err == "run-2: waiting (approval), version 1, sequence 5\nit is stale by 1\n"
    claimed = cli("claim", "run-1", "--json").document
    assert (claimed["writer_epoch"], claimed["snapshot"]["variables"]) == (1, {"x": 1})
    assert cli("claim", "run-1").out == "2\n"
    save = ("save", "run-1", "--state", "running", "--sequence", "1")
    assert "FENCED" in cli(*save, code=5).err
    cli(*save, "--epoch", "1", code=5)
    cli(*save, "--epoch", "2")
    cli("delete", "run-1", code=5)
    cli("delete", "run-1", "--epoch", "2")


def test_claim_an_id_without_an_execution(cli: Cli) -> None:
    cli("claim", "run-9", code=3)
    assert cli("claim", "run-9", "--allow-missing") == Done(0, "1\n", "")
    assert cli("claim", "run-9", "--allow-missing", "--json").document == {
        "execution_id": "run-9",
        "writer_epoch": 2,
    }


def test_delete(cli: Cli) -> None:
    assert cli("delete", "sub-3").out == "deleted 1 execution\n"
    assert cli("delete", "sub-3").out == "nothing to delete\n"
    assert cli("delete", "sub-3", "--json").document == {
        "execution_id": "sub-3",
        "deleted_count": 0,
        "revision": 0,
        "resume_token": "",
    }
    assert cli("delete", "run-1", "--descendants").out == "deleted 2 executions\n"
    assert cli("list", "--json").out == ""


def test_info(cli: Cli) -> None:
    shown = cli("info").out
    assert "stillframe 0.1.0" in shown
    assert "memory" in shown
    document = cli("info", "--json").document
    assert (document["server_version"], document["store_kind"]) == ("0.1.0", "memory")
    assert document["limits"]["max_request_bytes"] == 64 * 2**20
    assert "watch" in document["features"]
