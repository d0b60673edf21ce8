"""WfFormat 1.5: the recorded execution of a scientific workflow.

`workflow.specification.tasks` has the graph, `workflow.execution.tasks` what each task really
ran and used. One task is one step, and its execution record is the step's output.
"""

from __future__ import annotations

import heapq
from collections import defaultdict
from typing import TYPE_CHECKING, Any

from tests.replay.job import Result
from tests.replay.recorded import (
    FormatError,
    RecordedRun,
    is_list,
    is_object,
    objects,
    step_key,
    text_of,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


def workflow_run(document: Mapping[str, Any], file: str, notes: Sequence[str]) -> RecordedRun:
    """The run that a WfFormat document records."""
    workflow = document["workflow"]
    specification = workflow.get("specification")
    if not is_object(specification):
        version = document.get("schemaVersion", "unknown")
        raise FormatError(
            f"{file}: no `workflow.specification` object, which WfFormat 1.5 has"
            f" (schemaVersion here: {version})"
        )
    tasks = objects(specification.get("tasks"), f"{file}: specification.tasks")
    order, strangers = _order(tasks, file)
    records = _records(workflow.get("execution"), file)
    ids = {_id(task) for task in tasks}
    orphans = sum(len(found) for task_id, found in records.items() if task_id not in ids)
    lost = sum(1 for task in tasks if _id(task) not in records)
    return RecordedRun(
        kind="workflow",
        title=f'workflow "{text_of(document.get("name")) or file}", {len(order)} tasks',
        steps=_steps(order, records),
        notes=[
            *notes,
            *_counted(strangers, "parents or children that are no task, ignored"),
            *_counted(lost, "tasks without an execution record, whose output is null"),
            *_counted(orphans, "execution records of no task, ignored"),
        ],
    )


def _steps(
    order: Sequence[Mapping[str, Any]], records: Mapping[str, list[dict[str, Any]]]
) -> list[tuple[str, Result]]:
    steps: list[tuple[str, Result]] = []
    runtime = 0.0
    for number, task in enumerate(order, 1):
        found = records.get(_id(task), [])
        for record in found:
            seconds = record.get("runtimeInSeconds")
            runtime += seconds if isinstance(seconds, int | float) else 0
        result = Result(
            # A task that was tried more than once has more than one record.
            output=found[0] if len(found) == 1 else found or None,
            sets={
                "tasks_done": number,
                "tasks_in_all": len(order),
                "runtime_in_seconds": runtime,
                "last_task": {"id": _id(task), "name": task.get("name")},
            },
        )
        steps.append((step_key(_id(task)), result))
    return steps


def _order(tasks: Sequence[dict[str, Any]], file: str) -> tuple[list[Mapping[str, Any]], int]:
    """The tasks in an order in which they could have run: parents first, otherwise as in the
    file. And how many parents and children are named that are no task.

    An edge counts when either of its ends names it, since writers of the format do not all
    write both. Ends are named by id; by name too, as before version 1.5, if that is clear.
    """
    numbers: dict[str, int] = {}
    named: defaultdict[str, list[int]] = defaultdict(list)
    for number, task in enumerate(tasks):
        if not _id(task):
            raise FormatError(f"{file}: specification.tasks[{number}] has no id")
        if _id(task) in numbers:
            raise FormatError(f"{file}: two tasks have the id {_id(task)!r}")
        numbers[_id(task)] = number
        named[text_of(task.get("name"))].append(number)

    children: list[set[int]] = [set() for _ in tasks]
    strangers = 0
    for number, task in enumerate(tasks):
        for field in ("parents", "children"):
            for end in _names(task, field, file):
                same_name = named.get(end, [])
                other = numbers.get(end, same_name[0] if len(same_name) == 1 else None)
                if other is None:
                    strangers += 1
                elif field == "parents":
                    children[other].add(number)
                else:
                    children[number].add(other)
    return [tasks[number] for number in _topological(children, tasks, file)], strangers


def _topological(
    children: Sequence[set[int]], tasks: Sequence[Mapping[str, Any]], file: str
) -> list[int]:
    waits_for = [0] * len(children)
    for ends in children:
        for child in ends:
            waits_for[child] += 1
    ready = [number for number, parents in enumerate(waits_for) if parents == 0]
    order: list[int] = []
    while ready:
        number = heapq.heappop(ready)
        order.append(number)
        for child in children[number]:
            waits_for[child] -= 1
            if waits_for[child] == 0:
                heapq.heappush(ready, child)
    if len(order) < len(children):
        stuck = next(number for number, parents in enumerate(waits_for) if parents)
        raise FormatError(
            f"{file}: no order in which the tasks could run:"
            f" {_id(tasks[stuck])!r} is part of a cycle or comes after one"
        )
    return order


def _names(task: Mapping[str, Any], field: str, file: str) -> list[str]:
    names = task.get(field)
    if names is None:
        return []
    if not is_list(names) or not all(isinstance(name, str) for name in names):
        raise FormatError(f"{file}: {field} of task {_id(task)!r} is not a list of ids")
    return names


def _records(execution: object, file: str) -> dict[str, list[dict[str, Any]]]:
    """The execution records by the id of their task. A workflow that was only specified has
    none.
    """
    records: dict[str, list[dict[str, Any]]] = {}
    if is_object(execution):
        listed = execution.get("tasks")
        if listed is not None:
            for record in objects(listed, f"{file}: execution.tasks"):
                records.setdefault(_id(record), []).append(record)
    return records


def _id(task: Mapping[str, Any]) -> str:
    return text_of(task.get("id"))


def _counted(count: int, what: str) -> list[str]:
    return [f"{count} {what}"] if count else []
