"""Fills in what scenes and the corpus leave open: "Marks" in the README."""

from __future__ import annotations

import json
import re
from typing import Any, Final, cast

JSON = dict[str, Any]


class Mark:
    """Something that is expected of an answer, and is no JSON."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __repr__(self) -> str:
        return self._name


ANY: Final = Mark("$any")
ABSENT: Final = Mark("$absent")


class Not:
    """Whatever is not this."""

    def __init__(self, other: Any) -> None:
        self.other = other

    def __repr__(self) -> str:
        return f"not {self.other!r}"


def fill(template: Any, names: JSON) -> Any:  # noqa: C901, PLR0911 - one for each mark
    """A template with the names in place of their marks."""
    match template:
        case str():
            return _text(template, names)
        case list():
            return _row(template, names)  # pyright: ignore[reportUnknownArgumentType]
        case {"$not": other}:
            return Not(fill(other, names))
        case {"$entries": entries, "$from": first, "$to": last}:
            filled = [fill(entries, each) for each in _counted(names, first, last)]
            return {key: value for each in filled for key, value in each.items()}
        case {"$repeat": text, "$times": times}:
            return str(text) * int(times)
        case {"$concat": parts}:
            return "".join(fill(parts, names))
        case {"$nested": kind, "$times": times, "$in": value}:
            return _nested(kind, times, fill(value, names))
        case {"$characters": which, "$as": form}:
            return _characters(which, form)
        case {"$characters": which}:
            return _characters(which, "text")
        case dict():
            items = cast("JSON", template).items()
            return {fill(key, names): fill(each, names) for key, each in items}
        case _:
            return template


def _text(text: str, names: JSON) -> Any:
    if text == "$any":
        return ANY
    if text == "$absent":
        return ABSENT
    if text.startswith("$$"):
        return text[1:]
    if match := re.fullmatch(r"\$(\w+)", text):
        return names[match[1]]
    return re.sub(r"\$\{(\w+)\}", lambda match: str(names[match[1]]), text)


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


def _nested(kind: str, times: int, value: JSON) -> JSON:
    for _ in range(times):
        value = {"array": [value]} if kind == "array" else {"object": {"a": value}}
    return value


def _characters(which: str, form: str) -> str:
    """Characters of plane 0 (`BMP`), all but NUL and surrogates; or of the other planes
    (`ASTRAL`), the first and the last of each. As `text`, or as they stand in JSON: `json`
    escapes what must be, `escaped` everything.
    """
    if which == "BMP":
        numbers = [*range(1, 0xD800), *range(0xE000, 0x10000)]
    else:
        planes = range(0x10000, 0x110000, 0x10000)
        numbers = [
            plane + offset for plane in planes for offset in (*range(16), *range(0xFFF0, 0x10000))
        ]
    text = "".join(map(chr, numbers))
    if form == "text":
        return text
    if form == "json":
        return json.dumps(text, ensure_ascii=False)[1:-1]
    utf_16 = text.encode("utf-16-be").hex()
    return "".join(f"\\u{utf_16[at : at + 4]}" for at in range(0, len(utf_16), 4))
