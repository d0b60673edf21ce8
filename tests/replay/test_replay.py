"""Whole replays: real engines, killed at several places, against a real server.

The recorded runs are those under ../shared/data, seen from the repository's root, or in the
folder that STILLFRAME_TEST_DATA names; small files written here stand in where there are none.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.replay import checks
from tests.replay.__main__ import main
from tests.replay.formats import open_job
from tests.replay.samples import written

if TYPE_CHECKING:
    from stillframe.testing import ServerProcess

DATA = Path(os.environ.get("STILLFRAME_TEST_DATA") or Path(__file__).parents[3] / "shared" / "data")
RECORDED = sorted([*DATA.glob("workflows/*.json"), *DATA.glob("agents/*.traj")])
NO_DATA = pytest.mark.skip(reason=f"no recorded runs under {DATA}")


def _crashes(*steps: int) -> list[str]:
    return [part for step in steps for part in ("--crash-at", str(step))]


@pytest.mark.parametrize(
    "path",
    RECORDED or [pytest.param(None, marks=NO_DATA)],
    ids=lambda path: path.name if path else "none",
)
@pytest.mark.parametrize("delta", [False, True], ids=["whole", "delta"])
def test_a_recorded_run_survives_crashes(server: ServerProcess, path: Path, delta: bool) -> None:
    steps = len(open_job(path).steps)
    # The first step, one in the middle and the last are where resuming differs.
    places = _crashes(steps) if delta else _crashes(1, 1 + steps // 2)
    mode = ["--delta"] if delta else []
    assert main([str(path), "--target", server.address, *places, *mode]) == 0


@pytest.mark.parametrize(
    ("mode", "places"),
    [([], []), (["--delta"], []), ([], [3, 2]), (["--delta"], [1, 4, 4])],
    ids=str,
)
def test_a_trajectory_survives_crashes(
    server: ServerProcess,
    trajectory: Path,
    mode: list[str],
    places: list[int],
    capfd: pytest.CaptureFixture[str],
) -> None:
    code = main([str(trajectory), "--target", server.address, *_crashes(*places), *mode])
    told = capfd.readouterr().out
    assert (code, "WRONG" in told) == (0, False)
    assert told.count("\nresume") == len(places)
    assert "saved  4 versions" in told
    assert "note   3 texts with NUL" in told


def test_without_a_target_it_starts_a_server(workflow: Path) -> None:
    assert main([str(workflow), *_crashes(5)]) == 0


@pytest.mark.parametrize(
    "document",
    [{"trajectory": []}, {"workflow": {"specification": {"tasks": []}}}],
    ids=["trajectory", "workflow"],
)
def test_a_run_without_steps_is_saved_once(
    server: ServerProcess, tmp_path: Path, document: object, capfd: pytest.CaptureFixture[str]
) -> None:
    path = written(tmp_path / "empty.json", document)
    assert main([str(path), "--target", server.address]) == 0
    assert "saved  1 versions" in capfd.readouterr().out


@pytest.mark.parametrize("options", [["--crash-at", "0"], ["--crash-at", "6"]])
def test_a_crash_outside_the_run_is_refused(
    workflow: Path, options: list[str], capfd: pytest.CaptureFixture[str]
) -> None:
    assert main([str(workflow), *options]) == 2
    assert capfd.readouterr().err == f"replay: --crash-at {options[1]}: the run has 5 steps\n"


def test_another_file_is_refused_in_one_line(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    assert main([str(written(tmp_path / "other.json", {"a": 1}))]) == 2
    assert capfd.readouterr().err.count("\n") == 1


def test_a_server_that_is_not_there_is_a_failure(
    workflow: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    assert main([str(workflow), "--target", "unix:/nowhere"]) == 1
    assert "failed" in capfd.readouterr().out


def test_what_is_wrong_is_said_and_ends_in_a_failure(
    server: ServerProcess,
    workflow: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    def wrong(*_: object) -> list[str]:
        return ["version 2 is not what was saved"]

    monkeypatch.setattr(checks, "reads_back", wrong)
    assert main([str(workflow), "--target", server.address]) == 1
    told = capfd.readouterr().out
    assert "WRONG  every version reads back as it was saved\n" in told
    assert "       version 2 is not what was saved\n" in told
    assert told.endswith("failed 1 of the checks above\n")
