"""Small recorded runs for tests, so that something runs where no real ones are at hand."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from tests.replay.formats import open_job
from tests.replay.job import RunState
from tests.replay.recorded import FormatError

if TYPE_CHECKING:
    from pathlib import Path

    from tests.replay.recorded import RecordedRun


def written(path: Path, document: object) -> Path:
    """The path, after the document was written there as JSON."""
    path.write_text(json.dumps(document))
    return path


def workflow(folder: Path) -> Path:
    """A workflow of five tasks, of which the last has no record."""
    graph = {"e": ["d"], "a": [], "b": ["a"], "c": ["a"], "d": ["b", "c"]}
    tasks = [{"id": name, "name": "task", "parents": parents} for name, parents in graph.items()]
    records = [{"id": name, "runtimeInSeconds": 0.1, "huge": 2**64 - 1} for name in "abcd"]
    document = {
        "schemaVersion": "1.5",
        "workflow": {"specification": {"tasks": tasks}, "execution": {"tasks": records}},
    }
    return written(folder / "workflow.json", document)


def trajectory(folder: Path) -> Path:
    """Four steps of an agent that failed, without a history."""
    steps = [{"action": f"run {n}", "observation": "saw\0" * n} for n in range(4)]
    info = {"exit_status": "exit_cost"}
    return written(folder / "agent.traj", {"trajectory": steps, "info": info})


def read(folder: Path, document: object) -> RecordedRun:
    """The run that a document is read as: JSON, or text that is written as it is."""
    path = folder / "file.json"
    path.write_text(document if isinstance(document, str) else json.dumps(document))
    return open_job(path)


def refusal(folder: Path, document: object) -> str:
    """The line with which a document is refused."""
    with pytest.raises(FormatError) as refused:
        read(folder, document)
    assert "\n" not in str(refused.value)
    return str(refused.value)


def states(run: RecordedRun) -> list[RunState]:
    """The state after each step."""
    after: list[RunState] = []
    state = RunState()
    for index, step_id in enumerate(run.step_ids):
        state.apply(step_id, run.perform(index, state))
        after.append(RunState(state.sequence, dict(state.step_outputs), dict(state.variables)))
    return after
