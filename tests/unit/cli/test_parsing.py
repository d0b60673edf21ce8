"""What stands on the command line, read."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import pytest
import typer

from stillframe.cli import parsing

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


def refused(read: Callable[..., object], text: object) -> str:
    """The message for what cannot be read; it names the option."""
    with pytest.raises(typer.BadParameter) as caught:
        read(text, "--option")
    assert caught.value.param_hint == "--option"
    return str(caught.value)


@pytest.mark.parametrize(
    ("text", "expected"),
    [("a=b", ("a", "b")), ("a=", ("a", "")), ("a=b=c", ("a", "b=c")), ("a b= c", ("a b", " c"))],
)
def test_a_pair_is_cut_at_the_first_equals_sign(text: str, expected: tuple[str, str]) -> None:
    assert parsing.pair(text, "--option") == expected


@pytest.mark.parametrize("text", ["", "a", "=b"])
def test_what_is_not_a_pair_is_refused(text: str) -> None:
    assert "is not KEY=VALUE" in refused(parsing.pair, text)


def test_a_key_given_twice_is_refused() -> None:
    assert refused(parsing.pairs, ["a=1", "b=2", "a=1"]) == "'a' is given twice"


def test_an_option_that_was_not_given_is_empty() -> None:
    assert parsing.pairs(None, "--option") == {}
    assert parsing.values(None, "--option") == {}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1", 1),
        ("1.5", 1.5),
        ("18446744073709551615", 2**64 - 1),
        ("true", True),
        ("null", None),
        ('{"a": [1, "x"]}', {"a": [1, "x"]}),
        ('"@file"', "@file"),
        ("text", "text"),
        ("", ""),
        ("{broken", "{broken"),
        ("NaN", "NaN"),
        ("naïve", "naïve"),
    ],
)
def test_a_value_is_json_if_it_parses_and_text_otherwise(text: str, expected: Any) -> None:
    value = parsing.value(text, "--option")
    assert (value, type(value)) == (expected, type(expected))


@pytest.mark.parametrize("text", ["1e400", '"\\u0000"', "[" * 201 + "]" * 201, "[" * 100_000])
def test_json_that_clients_could_not_read_is_refused(text: str) -> None:
    assert refused(parsing.value, text)


def test_a_value_can_come_from_a_file(tmp_path: Path) -> None:
    file = tmp_path / "plan.json"
    file.write_text('{"steps": ["a"]}\n', encoding="utf-8")
    assert parsing.values([f"plan=@{file}"], "--option") == {"plan": {"steps": ["a"]}}
    file.write_text("not json\n", encoding="utf-8")
    assert parsing.values([f"plan=@{file}"], "--option") == {"plan": "not json\n"}


def test_a_file_that_cannot_be_read_is_refused(tmp_path: Path) -> None:
    assert "absent" in refused(parsing.value, f"@{tmp_path / 'absent'}")
    (tmp_path / "binary").write_bytes(b"\xff\xfe")
    assert "binary" in refused(parsing.value, f"@{tmp_path / 'binary'}")


def test_an_execution_may_hold_equals_signs_before_its_number() -> None:
    assert parsing.sequence_pair("run=1=7", "N") == ("run=1", 7)


@pytest.mark.parametrize("text", ["run", "run=", "=7", "run=-1", "run=x", "run=٣"])
def test_what_is_not_a_sequence_is_refused(text: str) -> None:
    assert "is not EXECUTION=NUMBER" in refused(parsing.sequence_pair, text)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("30s", 30),
        ("10m", 600),
        ("2h", 7200),
        ("7d", 604_800),
        ("1h30m", 5400),
        ("250ms", 0.25),
        ("1.5s", 1.5),
        ("0", 0),
        ("0s", 0),
    ],
)
def test_durations(text: str, seconds: float) -> None:
    assert parsing.duration_ns(text, "--option") == int(seconds * parsing.SECOND)


@pytest.mark.parametrize("text", ["", "30", "s", "-1s", "1s ", "1y", "1h 30m"])
def test_what_is_not_a_duration_is_refused(text: str) -> None:
    assert "is not a duration" in refused(parsing.duration_ns, text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1970-01-01T00:00:00Z", 0),
        ("2026-07-01T12:00:00Z", 1_782_907_200 * parsing.SECOND),
        ("2026-07-01t12:00z", 1_782_907_200 * parsing.SECOND),
        ("2026-07-01 12:00:00", 1_782_907_200 * parsing.SECOND),
        ("2026-07-01T14:00:00+02:00", 1_782_907_200 * parsing.SECOND),
        ("2026-07-01T06:30:00-05:30", 1_782_907_200 * parsing.SECOND),
        ("2026-07-01", 1_782_864_000 * parsing.SECOND),
        ("2026-07-01T12:00:00.1Z", 1_782_907_200_100_000_000),
        ("2026-07-01T12:00:00.123456789Z", 1_782_907_200_123_456_789),
        ("1969-12-31T23:59:59.5Z", -500_000_000),
    ],
)
def test_times(text: str, expected: int) -> None:
    assert parsing.parse_time(text) == expected
    assert parsing.time_ns(text, "--option") == expected


@pytest.mark.parametrize(
    "text",
    [
        "",
        "yesterday",
        "2026-13-01",
        "2026-02-30T00:00:00Z",
        "2026-07-01T24:00:00Z",
        "12:00",
        "2026-07-01T12:00:00.1234567890Z",
        "2026-07-01T12:00:00+25:00",
        "0001-01-01T00:00+01:00",
    ],
)
def test_what_is_not_a_time_is_refused(text: str) -> None:
    assert "is not a time" in refused(parsing.time_ns, text)


def test_a_time_can_be_now_or_ago(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(time, "time_ns", lambda: 1_000 * parsing.SECOND)
    assert parsing.time_ns("now", "--option") == 1_000 * parsing.SECOND
    assert parsing.time_ns("10m", "--option") == 400 * parsing.SECOND


@pytest.mark.parametrize(
    ("moment", "expected"),
    [
        (0, "1970-01-01T00:00:00Z"),
        (1_782_907_200_123_456_789, "2026-07-01T12:00:00.123456789Z"),
        (1_782_907_200_100_000_000, "2026-07-01T12:00:00.1Z"),
        (-1, "1969-12-31T23:59:59.999999999Z"),
        (-62_135_596_800 * parsing.SECOND, "0001-01-01T00:00:00Z"),
        (253_402_300_799_999_999_999, "9999-12-31T23:59:59.999999999Z"),
    ],
)
def test_a_printed_time_reads_back_exactly(moment: int, expected: str) -> None:
    assert parsing.format_time(moment) == expected
    assert parsing.parse_time(expected) == moment


def test_a_brief_time_is_cut_not_rounded() -> None:
    assert parsing.brief_time(1_782_907_200_999_999_999) == "2026-07-01T12:00:00.999Z"
