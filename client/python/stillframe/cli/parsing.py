"""Reads what stands on the command line: pairs, durations, times, values.

What cannot be read is a typer.BadParameter that names the option, and so exit code 2.
"""

from __future__ import annotations

import json
import re
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import typer

if TYPE_CHECKING:
    from collections.abc import Iterable

SECOND = 1_000_000_000
"""Nanoseconds."""

_UNITS = {
    "ms": SECOND // 1000,
    "s": SECOND,
    "m": 60 * SECOND,
    "h": 3600 * SECOND,
    "d": 86_400 * SECOND,
}
_DURATION = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|h|d)")
_TIME = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)"
    r"(?:[Tt ](\d\d):(\d\d)(?::(\d\d)(?:\.(\d{1,9}))?)?([Zz]|[+-]\d\d:\d\d)?)?"
)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def pair(text: str, option: str) -> tuple[str, str]:
    """`KEY=VALUE`; the value may hold further equals signs."""
    key, equals, value = text.partition("=")
    if not equals or not key:
        raise typer.BadParameter(f"{text!r} is not KEY=VALUE", param_hint=option)
    return key, value


def pairs(texts: Iterable[str] | None, option: str) -> dict[str, str]:
    """Many `KEY=VALUE`; the same key twice is a mistake."""
    result: dict[str, str] = {}
    for text in texts or ():
        key, value = pair(text, option)
        if key in result:
            raise typer.BadParameter(f"{key!r} is given twice", param_hint=option)
        result[key] = value
    return result


def values(texts: Iterable[str] | None, option: str) -> dict[str, Any]:
    """Many `KEY=VALUE` or `KEY=@FILE`, each value JSON if it parses as such, else text."""
    return {key: value(text, option) for key, text in pairs(texts, option).items()}


def value(text: str, option: str) -> Any:
    """One value: JSON if it parses as such, else the text itself; `@FILE` reads a file."""
    from stillframe.client import JsonCodec, ValueDecodeError  # noqa: PLC0415
    from stillframe.v1.snapshot_pb2 import Payload  # noqa: PLC0415

    if text.startswith("@"):
        try:
            text = Path(text[1:]).read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise typer.BadParameter(f"{text[1:]}: {error}", param_hint=option) from None
    try:
        return JsonCodec().decode(Payload(data=text.encode()))
    except UnicodeEncodeError:
        raise typer.BadParameter(f"{text!r} is not UTF-8", param_hint=option) from None
    except ValueDecodeError as error:
        # What is JSON, but not of the kind that every client can read, was not meant as text.
        if _is_json(text):
            raise typer.BadParameter(error.message, param_hint=option) from None
        return text


def read_json(text: str) -> Any:
    """JSON without the NaN and Infinity that Python adds. Raises ValueError, RecursionError."""
    return json.loads(text, parse_constant=_refuse)


def sequence_pair(text: str, option: str) -> tuple[str, int]:
    """`EXECUTION=NUMBER`; the execution's id may hold equals signs."""
    key, equals, number = text.rpartition("=")
    if not equals or not key or not is_number(number):
        raise typer.BadParameter(f"{text!r} is not EXECUTION=NUMBER", param_hint=option)
    return key, int(number)


def is_number(text: str) -> bool:
    """Whether the text is digits alone: no sign, no space, none of another script."""
    return text.isascii() and text.isdigit()


def duration_ns(text: str, option: str) -> int:
    """`30s`, `10m`, `2h`, `7d`, `1h30m`, `0`; in nanoseconds."""
    if text == "0":
        return 0
    total, end = 0, 0
    while match := _DURATION.match(text, end):
        whole, _, fraction = match[1].partition(".")
        unit = _UNITS[match[2]]
        total += int(whole) * unit + int(fraction or 0) * unit // 10 ** len(fraction)
        end = match.end()
    if end == 0 or end != len(text):
        raise typer.BadParameter(
            f"{text!r} is not a duration such as 30s, 10m, 2h or 7d", param_hint=option
        )
    return total


def time_ns(text: str, option: str) -> int:
    """An RFC 3339 time, `now`, or a duration: how long ago. In nanoseconds since 1970."""
    if text == "now":
        return time.time_ns()
    if _DURATION.match(text):
        return time.time_ns() - duration_ns(text, option)
    try:
        return parse_time(text)
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint=option) from None


def parse_time(text: str) -> int:
    """`2026-07-01T12:00:00.123456789Z` in nanoseconds since 1970, exactly.

    A date alone is its midnight, and a time without an offset is UTC.
    """
    match = _TIME.fullmatch(text)
    if not match:
        raise ValueError(f"{text!r} is not a time such as 2026-07-01T12:00:00Z")
    year, month, day, hour, minute, second, fraction, offset = match.groups()
    try:
        date = datetime(int(year), int(month), int(day), tzinfo=UTC)
        moment = date.replace(hour=int(hour or 0), minute=int(minute or 0), second=int(second or 0))
        if offset and offset not in "Zz":
            moment -= _offset(offset)
    except (ValueError, OverflowError) as error:
        raise ValueError(f"{text!r} is not a time: {error}") from None
    seconds = (moment - _EPOCH) // timedelta(seconds=1)
    return seconds * SECOND + int((fraction or "").ljust(9, "0"))


def format_time(moment_ns: int) -> str:
    """RFC 3339 in UTC, with as many digits as it takes to be exact."""
    seconds, fraction = divmod(moment_ns, SECOND)
    text = (_EPOCH + timedelta(seconds=seconds)).strftime("%Y-%m-%dT%H:%M:%S").rjust(19, "0")
    digits = f".{fraction:09}".rstrip("0").rstrip(".")
    return f"{text}{digits}Z"


def brief_time(moment_ns: int) -> str:
    """As `format_time`, to the millisecond, for people."""
    return format_time(moment_ns - moment_ns % (SECOND // 1000))


def _is_json(text: str) -> bool:
    try:
        read_json(text)
    except ValueError:
        return False
    except RecursionError:
        return True
    return True


def _refuse(literal: str) -> NoReturn:
    raise ValueError(f"{literal} is not a JSON number")


def _offset(text: str) -> timedelta:
    hours, minutes = int(text[1:3]), int(text[4:6])
    if hours > 23 or minutes > 59:
        raise ValueError(f"the offset {text} is out of range")
    return timedelta(hours=hours, minutes=minutes) * (-1 if text[0] == "-" else 1)
