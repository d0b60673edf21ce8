"""Whether an answer is what was expected, and where it is not."""

from __future__ import annotations

import re
import struct
from fractions import Fraction
from typing import Any, Final, cast

JSON = dict[str, Any]

WHOLE = frozenset({"step_outputs", "variables", "labels", "object"})
"""Objects whose keys are data: they have the keys that are expected, and no others."""


class _Mark:
    """Something that is expected of an answer, and is no JSON."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __repr__(self) -> str:
        return self._name


ANY: Final = _Mark("$any")
ABSENT: Final = _Mark("$absent")


class Not:
    """Whatever is not this."""

    def __init__(self, other: Any) -> None:
        self.other = other

    def __repr__(self) -> str:
        return f"not {self.other!r}"


def fill(template: Any, names: JSON) -> Any:
    """A template of a scene with its names in place: see "Scenes" in the README."""
    match template:
        case str():
            return _text(template, names)
        case list():
            return _row(cast("list[Any]", template), names)
        case {"$repeat": text, "$times": times}:
            return str(text) * int(times)
        case {"$not": other}:
            return Not(fill(other, names))
        case {"$entries": entries, "$from": first, "$to": last}:
            filled = [fill(entries, each) for each in _counted(names, first, last)]
            return {key: value for each in filled for key, value in each.items()}
        case dict():
            items = cast("JSON", template).items()
            return {fill(key, names): fill(each, names) for key, each in items}
        case _:
            return template


def _row(template: list[Any], names: JSON) -> list[Any]:
    row: list[Any] = []
    for element in template:
        match element:
            case {"$each": each, "$from": first, "$to": last}:
                row += [fill(each, counted) for counted in _counted(names, first, last)]
            case _:
                row.append(fill(element, names))
    return row


def _counted(names: JSON, first: int, last: int) -> list[JSON]:
    return [names | {"i": str(number)} for number in range(first, last + 1)]


def _text(text: str, names: JSON) -> Any:
    if text == "$any":
        return ANY
    if text == "$absent":
        return ABSENT
    if match := re.fullmatch(r"\$(\w+)", text):
        return names[match[1]]
    return re.sub(r"\$\{(\w+)\}", lambda match: str(names[match[1]]), text)


def mismatch(expected: Any, came: Any, where: str = "") -> str | None:
    """The first place where an answer is not as expected, None if there is none.

    Of an object the expected keys are compared, of one whose keys are data all of them; a list
    has as many elements as expected; numbers in values are compared by value.
    """
    if expected is ANY:
        return None
    if isinstance(expected, Not):
        same = mismatch(expected.other, came, where) is None
        return f"{_at(where)}: expected another than {_short(came)}" if same else None
    if isinstance(expected, dict) and isinstance(came, dict):
        return _objects(cast("JSON", expected), cast("JSON", came), where)
    if isinstance(expected, list) and isinstance(came, list):
        return _lists(cast("list[Any]", expected), cast("list[Any]", came), where)
    # True equals 1 in Python.
    if type(expected) is not type(came) or expected != came:
        return _differ(where, expected, came)
    return None


def _objects(expected: JSON, came: JSON, where: str) -> str | None:
    if _is_number(expected) and _is_number(came):
        same = _number(expected) == _number(came)
        return None if same else _differ(where, expected, came)
    for key, each in expected.items():
        there = f"{where}.{key}" if where else key
        if each is ABSENT:
            if key in came:
                return f"{there}: expected nothing, came {_short(came[key])}"
        elif key not in came:
            return f"{there}: expected {_short(each)}, and it is missing"
        elif found := mismatch(each, came[key], there):
            return found
    more = came.keys() - expected.keys()
    if more and where.rpartition(".")[2] in WHOLE:
        key = min(more)
        return f"{where}: came with {key!r}, which is not expected: {_short(came[key])}"
    return None


def _lists(expected: list[Any], came: list[Any], where: str) -> str | None:
    for index, (each, other) in enumerate(zip(expected, came, strict=False)):
        if found := mismatch(each, other, f"{where}.{index}"):
            return found
    if len(expected) != len(came):
        shorter = min(len(expected), len(came))
        rest = f"missing {_short(expected[shorter:])}" if len(came) == shorter else ""
        rest = rest or f"came too much: {_short(came[shorter:])}"
        return f"{_at(where)}: expected {len(expected)} elements, came {len(came)}; {rest}"
    return None


def _is_number(value: JSON) -> bool:
    return len(value) == 1 and isinstance(value.get("int", value.get("double")), str)


def _number(value: JSON) -> Fraction | float | str:
    text: str = value.get("int", value.get("double"))
    if "int" in value:
        return Fraction(int(text)) if re.fullmatch(r"-?\d+", text) else text
    double: float = struct.unpack(">d", bytes.fromhex(text))[0]
    # Not a number and the infinities are fractions of nothing.
    return Fraction(double) if abs(double) < float("inf") else repr(double)


def _differ(where: str, expected: Any, came: Any) -> str:
    return f"{_at(where)}: expected {_short(expected)}, came {_short(came)}"


def _at(where: str) -> str:
    return where or "the answer"


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 400 else f"{text[:300]} … ({len(text)} characters)"


def find(answer: Any, path: str) -> Any:
    """What stands in an answer at a path such as `snapshots.0.etag`."""
    for part in path.split("."):
        answer = answer[int(part)] if isinstance(answer, list) else answer[part]
    return answer
