"""The engine process, and what comes to light when it misbehaves."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from stillframe.client import ExecutionState, Snapshot
from tests.replay import checks
from tests.replay.engine import AFTER_CLAIM, EXIT_FAILED, EXIT_FENCED, after_save, before_save
from tests.replay.event_log import EventLog, LogMovedError, read_events
from tests.replay.job import Result
from tests.replay.processes import ChildError
from tests.replay.run import Run

if TYPE_CHECKING:
    from pathlib import Path

    from stillframe.client import Client
    from stillframe.testing import ServerProcess


@pytest.fixture
def run(server: ServerProcess, workflow: Path, tmp_path: Path) -> Run:
    return Run(
        target=server.address,
        execution_id=f"engine-{os.urandom(4).hex()}",
        module="tests.replay.formats",
        input=workflow,
        folder=tmp_path / "run",
    )


class TestEngine:
    def test_killed_after_a_save_it_replays_nothing(self, client: Client, run: Run) -> None:
        with run.engine("first", after_save(3)) as engine:
            engine.expect("holding")
            engine.kill()
        with run.engine("second") as engine:
            claimed = engine.expect("claimed")
            assert (claimed["status"], claimed["sequence"]) == ("FRESH", 3)
            assert engine.wait() == 0
        assert checks.replayed_once(run, []) == []
        assert checks.ran_once(run) == []
        assert checks.acknowledged_once(run) == []
        assert checks.reads_back(client, run) == []

    @pytest.mark.parametrize("delta", [False, True], ids=["whole", "delta"])
    def test_a_late_save_is_fenced(self, client: Client, run: Run, delta: bool) -> None:
        run.delta = delta
        with run.engine("late", before_save(3)) as late:
            late.expect("holding")
            late.freeze()
            with run.engine("next") as other:
                assert other.wait() == 0
            head = client.load(run.execution_id)
            late.thaw()
            late.go()
            assert late.wait() == EXIT_FENCED
            assert late.reports[-1]["by"] == "FencedError"
        assert client.load(run.execution_id).etag == head.etag

    def test_an_engine_that_was_left_behind_adds_no_event(self, run: Run) -> None:
        with run.engine("late", after_save(3)) as late:
            late.expect("holding")
            with run.engine("next") as other:
                assert other.wait() == 0
            late.go()
            assert late.wait() == EXIT_FENCED
            assert late.reports[-1]["by"] == "LogMovedError"
        assert len(read_events(run.folder / "events.log")) == 5

    def test_it_never_resumes_from_a_snapshot_that_is_ahead(self, client: Client, run: Run) -> None:
        client.save(run.execution_id, Snapshot(state=ExecutionState.RUNNING, sequence_number=2))
        with run.engine("engine") as engine:
            assert engine.wait() == EXIT_FAILED
            assert engine.told() == "the snapshot knows 2 events that the event log has lost"

    def test_it_ends_when_nobody_is_there_to_let_it_go(self, run: Run) -> None:
        with run.engine("engine", AFTER_CLAIM) as engine:
            engine.expect("holding")
            engine.abandon()
            assert engine.wait() == EXIT_FAILED

    def test_an_end_that_nobody_expected_is_told(self, run: Run) -> None:
        run.input = run.folder / "absent"
        with (
            run.engine("engine") as engine,
            pytest.raises(ChildError, match="ended before it reported finished"),
        ):
            engine.expect("finished")


class TestEventLog:
    def test_events_come_back_as_they_were_appended(self, tmp_path: Path) -> None:
        path = tmp_path / "events.log"
        with EventLog(path) as log:
            results = [Result(output=[1.0, "\n"]), Result(output=None, appends={"m": [{}]})]
            events = [log.append(f"step {n}", result) for n, result in enumerate(results)]
            assert log.head == 2
        with EventLog(path) as log:
            assert log.after(0) == events
            assert log.after(1) == events[1:]
        assert read_events(path) == events

    def test_half_a_line_never_was_an_event(self, tmp_path: Path) -> None:
        path = tmp_path / "events.log"
        with EventLog(path) as log:
            log.append("a", Result(output=1))
        whole = path.read_bytes()
        path.write_bytes(whole + whole[:-1])
        with EventLog(path) as log:
            assert log.head == 1
            log.append("b", Result(output=2))
        assert [event.step_id for event in read_events(path)] == ["a", "b"]

    def test_two_engines_cannot_both_append(self, tmp_path: Path) -> None:
        path = tmp_path / "events.log"
        with EventLog(path) as first, EventLog(path) as second:
            first.append("a", Result(output=1))
            with pytest.raises(LogMovedError):
                second.append("a", Result(output=2))
        assert len(read_events(path)) == 1
