"""Agent trajectories (`.traj`): what an agent did, step by step.

`trajectory` lists the steps, `history` the messages as they stood at the end. One step is one
snapshot: its observation is the step's output, and the messages so far are the variable
`messages`, which grows.

No field says which messages came with which step. In order of trust: the assistant's messages
in `history`, one for each step; those of them that say what the steps say; the messages that a
step brings along itself (`messages`, later `query`: what the model was asked, with older
observations shortened, so that they replace the list instead of adding to it); and last,
messages made from the steps' own words.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

from stillframe.client import ExecutionState
from tests.replay.job import Result
from tests.replay.recorded import RecordedRun, is_list, is_object, objects, text_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    Message: TypeAlias = dict[str, Any]
    Step: TypeAlias = dict[str, Any]

_CARRIED = {"action", "observation", "response", "thought", "messages", "query"}
"""What a step's other fields are not: these stand in the output and in the messages."""


def trajectory_run(document: Mapping[str, Any], file: str, notes: Sequence[str]) -> RecordedRun:
    """The run that a trajectory records."""
    steps = objects(document["trajectory"], f"{file}: trajectory")
    history = (
        [] if document.get("history") is None else objects(document["history"], f"{file}: history")
    )
    source, messages = _messages(steps, history)
    info = document.get("info")
    exit_status = info.get("exit_status") if is_object(info) else None
    width = len(str(len(steps)))
    recorded: list[tuple[str, Result]] = []
    for number, (step, said) in enumerate(zip(steps, messages, strict=True), 1):
        sets: dict[str, Any] = {
            "action": step.get("action"),
            # The state of the agent's environment, how long the step took …
            "step": {name: value for name, value in step.items() if name not in _CARRIED},
        }
        if number == len(steps) and info is not None:
            sets["info"] = info
        recorded.append((f"step-{number:0{width}}", _result(step, sets, said)))
    return RecordedRun(
        kind="agent",
        title=f"agent run {file}, {len(steps)} steps, messages from {source}",
        steps=recorded,
        final_state=_final_state(exit_status),
        notes=notes,
    )


def _result(step: Step, sets: dict[str, Any], said: tuple[bool, list[Message]]) -> Result:
    whole, messages = said
    if whole:
        return Result(output=step.get("observation"), sets=sets | {"messages": messages})
    return Result(output=step.get("observation"), sets=sets, appends={"messages": messages})


def _messages(
    steps: Sequence[Step], history: Sequence[Message]
) -> tuple[str, list[tuple[bool, list[Message]]]]:
    """Where the messages are taken from, and for each step whether its messages are the whole
    list, and the messages.
    """
    turns = [
        number
        for number, message in enumerate(history)
        if message.get("role") == "assistant" and not message.get("is_demo")
    ]
    if len(turns) != len(steps):
        turns = _turns_that_say(steps, history, turns)
    if steps and turns:
        return "history", [(False, part) for part in _cut(history, turns)]
    for field in ("messages", "query"):
        if steps and all(_is_messages(step.get(field)) for step in steps):
            return f"the steps' {field}", [
                (True, [*step[field], *_exchange(step)]) for step in steps
            ]
    preface = history[: _first_turn(history)]
    said = [(False, _exchange(step)) for step in steps]
    if said:
        said[0] = (False, [*preface, *said[0][1]])
    return "the steps' own words", said


def _turns_that_say(
    steps: Sequence[Step], history: Sequence[Message], turns: Sequence[int]
) -> list[int]:
    """For each step the next of the assistant's messages that says what the step says; empty
    if one has none, because a list that fits in part would put messages at wrong steps.
    """
    found: list[int] = []
    rest = iter(turns)
    for step in steps:
        match = next((turn for turn in rest if _says(history[turn], step)), None)
        if match is None:
            return []
        found.append(match)
    return found


def _says(message: Message, step: Step) -> bool:
    response = step.get("response")
    if response and message.get("content") == response:
        return True
    action = step.get("action")
    return bool(action) and (message.get("action"), message.get("thought")) == (
        action,
        step.get("thought"),
    )


def _cut(history: Sequence[Message], turns: Sequence[int]) -> list[list[Message]]:
    """The history in parts, one for each step: from its turn up to the next one's. The first
    has what was said before, the last what was said after.
    """
    starts = [0, *turns[1:]]
    ends = [*turns[1:], len(history)]
    return [list(history[start:end]) for start, end in zip(starts, ends, strict=True)]


def _first_turn(history: Sequence[Message]) -> int:
    """Where the messages end that stood before the agent said anything of its own."""
    for number, message in enumerate(history):
        if message.get("role") not in ("system", "user") and not message.get("is_demo"):
            return number
    return len(history)


def _exchange(step: Step) -> list[Message]:
    """A step told as messages."""
    said = text_of(step.get("response")) or "\n".join(
        filter(None, (text_of(step.get("thought")), text_of(step.get("action"))))
    )
    return [
        {"role": "assistant", "content": said},
        {"role": "user", "content": step.get("observation")},
    ]


def _is_messages(value: object) -> bool:
    return is_list(value) and all(is_object(message) for message in value)


def _final_state(exit_status: object) -> ExecutionState:
    """COMPLETED when the agent handed something in, or when the file does not say."""
    if not isinstance(exit_status, str) or exit_status.startswith("submitted"):
        return ExecutionState.COMPLETED
    return ExecutionState.FAILED
