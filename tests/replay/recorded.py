"""What both formats of recorded runs share: the run that they become, and the words in which
a file is refused.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeGuard

from stillframe.client import ExecutionState

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from tests.replay.job import Result, RunState


class FormatError(Exception):
    """A file is no recorded run; the text says why, in one line."""


@dataclass(frozen=True, kw_only=True, slots=True)
class RecordedRun:
    """A job whose steps have all run before: each gives the result that was recorded."""

    kind: str
    title: str
    steps: Sequence[tuple[str, Result]]
    final_state: ExecutionState = ExecutionState.COMPLETED
    notes: Sequence[str] = ()

    @property
    def step_ids(self) -> Sequence[str]:
        return [step_id for step_id, _ in self.steps]

    @property
    def labels(self) -> Mapping[str, str]:
        return {"recorded": self.kind}

    def perform(self, index: int, state: RunState) -> Result:  # noqa: ARG002 - a Job's
        return self.steps[index][1]


def step_key(name: str) -> str:
    """A name as the key of a step: 1 to 512 bytes without control characters. What has to be
    changed keeps its identity by a hash.
    """
    clean = "".join(c for c in name if not _is_control(c))
    if clean == name and len(clean.encode()) <= 512:
        return name
    mark = hashlib.sha256(name.encode()).hexdigest()[:16]
    return clean.encode()[:480].decode(errors="ignore") + "~" + mark


def is_list(value: object) -> TypeGuard[list[Any]]:
    """Whether the value is a JSON array."""
    return isinstance(value, list)


def is_object(value: object) -> TypeGuard[dict[str, Any]]:
    """Whether the value is a JSON object."""
    return isinstance(value, dict)


def objects(value: object, what: str) -> list[dict[str, Any]]:
    """The value, if it is a list of JSON objects."""
    if not is_list(value):
        raise FormatError(f"{what} is not a list")
    for number, item in enumerate(value):
        if not is_object(item):
            raise FormatError(f"{what}[{number}] is not an object")
    return value


def text_of(value: object) -> str:
    """The value, if it is text; empty otherwise."""
    return value if isinstance(value, str) else ""


def _is_control(character: str) -> bool:
    return character < " " or "\x7f" <= character <= "\x9f"
