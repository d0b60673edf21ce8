"""Both formats of recorded runs: what is read, what is refused, and with which words."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from stillframe.client import ExecutionState
from tests.replay.samples import read, refusal, states

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path


def workflow(
    tasks: Sequence[object], records: Sequence[dict[str, Any]] | None = ()
) -> dict[str, Any]:
    document: dict[str, Any] = {"schemaVersion": "1.5", "workflow": {}}
    document["workflow"]["specification"] = {"tasks": list(tasks)}
    if records is not None:
        document["workflow"]["execution"] = {"tasks": list(records)}
    return document


def task(task_id: str, *parents: str, **fields: Any) -> dict[str, Any]:
    return {"name": "same", "id": task_id, "parents": list(parents), "children": []} | fields


class TestWorkflow:
    def test_tasks_come_after_their_parents_otherwise_as_in_the_file(self, tmp_path: Path) -> None:
        tasks = [task("d", "b", "c"), task("b", "a"), task("x"), task("c", "a"), task("a")]
        assert read(tmp_path, workflow(tasks)).step_ids == ["x", "a", "b", "c", "d"]

    def test_an_edge_that_only_the_parent_names_counts(self, tmp_path: Path) -> None:
        tasks = [task("b"), {"id": "a", "children": ["b"]}]
        assert read(tmp_path, workflow(tasks)).step_ids == ["a", "b"]

    def test_the_record_is_the_output(self, tmp_path: Path) -> None:
        record = {"id": "a", "runtimeInSeconds": 1.5, "command": {"program": "p"}}
        run = read(tmp_path, workflow([task("a")], [record]))
        (state,) = states(run)
        assert state.step_outputs == {"a": record}
        assert state.variables["runtime_in_seconds"] == 1.5
        assert run.final_state is ExecutionState.COMPLETED
        assert run.notes == []

    def test_a_task_without_a_record_has_no_output(self, tmp_path: Path) -> None:
        run = read(tmp_path, workflow([task("a"), task("b")], [{"id": "a"}]))
        assert states(run)[-1].step_outputs == {"a": {"id": "a"}, "b": None}
        assert run.notes == ["1 tasks without an execution record, whose output is null"]

    def test_a_workflow_that_never_ran_has_no_outputs(self, tmp_path: Path) -> None:
        run = read(tmp_path, workflow([task("a")], None))
        assert states(run)[-1].step_outputs == {"a": None}

    def test_a_task_that_was_tried_again_has_every_record(self, tmp_path: Path) -> None:
        records = [{"id": "a", "runtimeInSeconds": 1}, {"id": "a", "runtimeInSeconds": 2}]
        (state,) = states(read(tmp_path, workflow([task("a")], records)))
        assert state.step_outputs == {"a": records}
        assert state.variables["runtime_in_seconds"] == 3

    def test_tasks_with_equal_names_are_different_steps(self, tmp_path: Path) -> None:
        assert len(read(tmp_path, workflow([task("a"), task("b", "a")])).steps) == 2

    def test_parents_may_be_named_by_name(self, tmp_path: Path) -> None:
        tasks = [{"id": "2", "parents": ["first"]}, {"id": "1", "name": "first"}]
        assert read(tmp_path, workflow(tasks)).step_ids == ["1", "2"]

    def test_parents_that_are_no_task_are_ignored_with_a_note(self, tmp_path: Path) -> None:
        run = read(tmp_path, workflow([task("a", "gone")], [{"id": "a"}, {"id": "z"}]))
        assert run.step_ids == ["a"]
        assert run.notes == [
            "1 parents or children that are no task, ignored",
            "1 execution records of no task, ignored",
        ]

    def test_a_workflow_without_tasks_has_no_steps(self, tmp_path: Path) -> None:
        assert read(tmp_path, workflow([])).steps == []

    @pytest.mark.parametrize(
        ("tasks", "words"),
        [
            ([task("a", "b"), task("b", "a")], "cycle"),
            ([task("a", "a")], "cycle"),
            ([task("x"), task("c", "b"), task("a", "b"), task("b", "a")], "cycle"),
            ([task("a"), task("a")], "two tasks have the id 'a'"),
            ([{"name": "n"}], "tasks[0] has no id"),
            ([7], "tasks[0] is not an object"),
            ([{"id": "a", "parents": "b"}], "parents of task 'a' is not a list of ids"),
            ([{"id": "a", "children": [1]}], "children of task 'a' is not a list of ids"),
        ],
    )
    def test_a_graph_that_cannot_run_is_refused(
        self, tmp_path: Path, tasks: list[Any], words: str
    ) -> None:
        assert words in refusal(tmp_path, workflow(tasks))


def step(number: int, **fields: Any) -> dict[str, Any]:
    return {
        "action": f"run {number}",
        "observation": f"saw {number}",
        "response": f"say {number}",
        "thought": f"think {number}",
    } | fields


def said(role: str, content: str, **fields: Any) -> dict[str, Any]:
    return {"role": role, "content": content} | fields


HISTORY = [
    said("system", "you are"),
    said("assistant", "a demonstration", is_demo=True),
    said("user", "do it"),
    said("assistant", "say 1"),
    said("user", "saw 1"),
    said("assistant", "say 2"),
    said("tool", "saw 2"),
]


class TestTrajectory:
    def test_history_gives_the_messages_so_far(self, tmp_path: Path) -> None:
        run = read(tmp_path, {"trajectory": [step(1), step(2)], "history": HISTORY})
        first, second = states(run)
        assert first.step_outputs == {"step-1": "saw 1"}
        assert first.variables["messages"] == HISTORY[:5]
        assert second.variables["messages"] == HISTORY
        assert second.variables["action"] == "run 2"

    def test_turns_that_are_no_step_stay_with_the_step_before(self, tmp_path: Path) -> None:
        history = [
            *HISTORY[:5],
            said("assistant", "malformed"),
            said("user", "again"),
            *HISTORY[5:],
        ]
        run = read(tmp_path, {"trajectory": [step(1), step(2)], "history": history})
        assert states(run)[0].variables["messages"] == history[:7]

    def test_turns_are_found_by_action_and_thought_too(self, tmp_path: Path) -> None:
        turn = said("assistant", "worded differently", action="run 1", thought="think 1")
        history = [said("assistant", "other"), turn, said("user", "saw 1")]
        run = read(tmp_path, {"trajectory": [step(1)], "history": history})
        assert states(run)[0].variables["messages"] == history

    @pytest.mark.parametrize("name", ["messages", "query"])
    def test_without_history_the_steps_bring_their_messages(
        self, tmp_path: Path, name: str
    ) -> None:
        asked = [[said("user", "do it")], [said("user", "do it (shortened)")]]
        steps = [step(number, **{name: asked[number - 1]}) for number in (1, 2)]
        messages = [s.variables["messages"] for s in states(read(tmp_path, {"trajectory": steps}))]
        assert messages == [
            [*asked[0], said("assistant", "say 1"), said("user", "saw 1")],
            [*asked[1], said("assistant", "say 2"), said("user", "saw 2")],
        ]

    @pytest.mark.parametrize("history", [{}, {"history": None}, {"history": []}])
    def test_without_any_messages_they_are_made_of_the_steps(
        self, tmp_path: Path, history: dict[str, Any]
    ) -> None:
        steps = [step(1), step(2, response=None)]
        run = read(tmp_path, {"trajectory": steps} | history)
        assert states(run)[-1].variables["messages"] == [
            said("assistant", "say 1"),
            said("user", "saw 1"),
            said("assistant", "think 2\nrun 2"),
            said("user", "saw 2"),
        ]

    def test_a_history_that_fits_no_step_gives_its_beginning(self, tmp_path: Path) -> None:
        history = [said("system", "you are"), said("user", "do it"), said("assistant", "?")] * 2
        run = read(tmp_path, {"trajectory": [step(1)], "history": history})
        assert states(run)[0].variables["messages"] == [
            *history[:2],
            said("assistant", "say 1"),
            said("user", "saw 1"),
        ]

    def test_every_field_of_a_step_is_optional(self, tmp_path: Path) -> None:
        run = read(tmp_path, {"trajectory": [{}, {"state": {"cwd": "/"}}]})
        state = states(run)[-1]
        assert state.step_outputs == {"step-1": None, "step-2": None}
        assert state.variables["step"] == {"state": {"cwd": "/"}}

    def test_an_empty_trajectory_has_no_steps(self, tmp_path: Path) -> None:
        assert read(tmp_path, {"trajectory": [], "history": HISTORY}).steps == []

    @pytest.mark.parametrize(
        ("info", "state"),
        [
            ({"exit_status": "submitted"}, ExecutionState.COMPLETED),
            ({"exit_status": "submitted (exit_cost)"}, ExecutionState.COMPLETED),
            ({"exit_status": "exit_cost"}, ExecutionState.FAILED),
            ({}, ExecutionState.COMPLETED),
            (None, ExecutionState.COMPLETED),
        ],
    )
    def test_the_exit_status_says_how_the_run_ended(
        self, tmp_path: Path, info: object, state: ExecutionState
    ) -> None:
        run = read(tmp_path, {"trajectory": [step(1)], "info": info})
        assert run.final_state is state

    def test_the_last_step_brings_the_info(self, tmp_path: Path) -> None:
        info = {"exit_status": "submitted", "submission": "patch"}
        run = read(tmp_path, {"trajectory": [step(1), step(2)], "info": info})
        assert ["info" in state.variables for state in states(run)] == [False, True]

    @pytest.mark.parametrize(
        ("document", "words"),
        [
            ({"trajectory": ["x"]}, "trajectory[0] is not an object"),
            ({"trajectory": [], "history": {}}, "history is not a list"),
            ({"trajectory": [], "history": [1]}, "history[0] is not an object"),
        ],
    )
    def test_what_is_no_trajectory_is_refused(
        self, tmp_path: Path, document: object, words: str
    ) -> None:
        assert words in refusal(tmp_path, document)
