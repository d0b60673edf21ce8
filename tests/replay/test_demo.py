"""The demo, told to nobody."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.demo.__main__ import main
from tests.demo.story import Story

if TYPE_CHECKING:
    from pathlib import Path

    import pytest


def test_the_survey_survives(capfd: pytest.CaptureFixture[str]) -> None:
    assert main([]) == 0
    told = capfd.readouterr().out
    assert "WRONG" not in told
    assert "    saved │ 21 versions, one for each step; no step ran twice\n" in told
    assert " replayed │ 1 event, number 7, " in told
    assert "  skipped │ 6 steps by engine C, 14 by D" in told
    assert "   fenced │ 1 late save, of engine B; it changed nothing\n" in told
    assert "     seen │ 21 changes by the watcher: every one, once, in order\n" in told
    assert told.count("  watcher │     SAVED version") == 21
    assert "STALE by 1" in told
    assert "FRESH" in told
    assert "FENCED" in told


def test_a_recorded_run_survives(trajectory: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert main([str(trajectory)]) == 0
    assert "4 versions, one for each step" in capfd.readouterr().out


def test_what_is_wrong_ends_in_a_failure(
    trajectory: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    def tell(_: Story) -> None:
        pass

    def findings(_: Story) -> dict[str, tuple[str, list[str]]]:
        return {"seen": ("it", ["twice"])}

    monkeypatch.setattr(Story, "tell", tell)
    monkeypatch.setattr(Story, "findings", findings)
    assert main([str(trajectory)]) == 1
    assert "    WRONG │ twice\n" in capfd.readouterr().out


def test_a_path_that_is_no_run_is_refused(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    short = tmp_path / "short.traj"
    short.write_text('{"trajectory": [{}, {}, {}]}')
    for path in (tmp_path / "absent", tmp_path, short):
        assert main([str(path)]) == 2
        assert capfd.readouterr().err.count("\n") == 1
