"""Whether an answer is what was expected, and where it is not."""

from __future__ import annotations

import re
import struct
import sys
from fractions import Fraction
from typing import Any, cast

from tests.polyglot.harness.templates import ABSENT, ANY, Not

JSON = dict[str, Any]

# Values of the corpus are 200 deep, and comparing one level takes several calls.
sys.setrecursionlimit(max(sys.getrecursionlimit(), 10_000))

WHOLE = frozenset({"step_outputs", "variables", "labels", "object"})
"""Objects whose keys are data: they have the keys that are expected, and no others."""


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
        return _lists(expected, came, where)  # pyright: ignore[reportUnknownArgumentType]
    same = _same(expected, came)  # pyright: ignore[reportUnknownArgumentType]
    return None if same else _differ(where, expected, came)


def _same(expected: object, came: object) -> bool:
    # True equals 1 in Python, and 1 is as good a number of seconds as 1.0.
    alike = type(expected) is type(came) or {type(expected), type(came)} == {int, float}
    return alike and expected == came


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
    text: str = next(iter(value.values()))
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
    found: Any = answer
    for part in path.split("."):
        key: Any = int(part) if part.isdigit() else part
        found = found[key]
    return found
