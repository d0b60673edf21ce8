"""The harness itself: what it compares, what it reads, and drivers that break the protocol."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import pytest

from tests.polyglot.harness import programs
from tests.polyglot.harness.data import DataError
from tests.polyglot.harness.matching import mismatch
from tests.polyglot.harness.programs import DriverError, program
from tests.polyglot.harness.scenes import read_scenes
from tests.polyglot.harness.templates import fill

if TYPE_CHECKING:
    from pathlib import Path

ONE = "3ff0000000000000"


@pytest.mark.parametrize(
    ("expected", "came"),
    [
        ({}, {"more": 1}),
        ({"a": "$any"}, {"a": None}),
        ({"a": "$absent"}, {}),
        ({"a": {"$not": "b"}}, {"a": "c"}),
        ({"a": 3600}, {"a": 3600.0}),
        ({"int": "1"}, {"double": ONE}),
        ({"double": "8000000000000000"}, {"int": "0"}),
        ({"labels": {"a": "b"}}, {"labels": {"a": "b"}}),
        ([{"$each": {"n": "$i"}, "$from": 1, "$to": 2}], [{"n": "1"}, {"n": "2"}]),
        ({"$entries": {"k${i}": "$i"}, "$from": 1, "$to": 2}, {"k1": "1", "k2": "2"}),
        ("$$name", "$name"),
        ("$kept", "there"),
    ],
)
def test_what_is_as_expected(expected: Any, came: Any) -> None:
    assert mismatch(fill(expected, {"kept": "there"}), came) is None


@pytest.mark.parametrize(
    ("expected", "came", "told"),
    [
        ({"a": 1}, {}, "a: expected 1, and it is missing"),
        ({"a": "$absent"}, {"a": 1}, "a: expected nothing, came 1"),
        ({"a": {"b": ["x"]}}, {"a": {"b": ["y"]}}, "a.b.0: expected 'x', came 'y'"),
        ({"a": {"$not": "b"}}, {"a": "b"}, "a: expected another than 'b'"),
        ({"a": True}, {"a": 1}, "a: expected True, came 1"),
        ({"a": "1"}, {"a": 1}, "a: expected '1', came 1"),
        ({"a": []}, {"a": [1]}, "a: expected 0 elements, came 1; came too much: [1]"),
        ([1, 2], [1], "the answer: expected 2 elements, came 1; missing [2]"),
        (
            {"labels": {}},
            {"labels": {"a": "b"}},
            "labels: came with 'a', which is not expected: 'b'",
        ),
        (
            {"object": {"a": {"int": "1"}}},
            {"object": {}},
            "object.a: expected {'int': '1'}, and it",
        ),
        (
            {"int": "9007199254740993"},
            {"double": "4340000000000000"},
            "the answer: expected {'int'",
        ),
        ({"int": "1"}, {"string": "1"}, "int: expected '1', and it is missing"),
        ({"double": "7ff0000000000000"}, {"double": "7fefffffffffffff"}, "the answer: expected"),
        ({"null": None}, {"bool": False}, "null: expected None, and it is missing"),
        ({"bool": True}, {"bool": False}, "bool: expected True, came False"),
    ],
)
def test_what_is_not_as_expected(expected: Any, came: Any, told: str) -> None:
    difference = mismatch(fill(expected, {}), came)
    assert difference is not None
    assert difference.startswith(told)


@pytest.mark.parametrize(
    ("steps", "told"),
    [
        ("- {call: load, expected: {}}", "does not take expected"),
        ("- {load: {}}", "a step is one of"),
        ("- {call: load, rival: load}", "a step is one of"),
        ("- {call: load, expect: {}, refuse: {reason: FENCED}}", "two answers at once"),
        ("- {call: load, refuse: {code: ABORTED}}", "a refusal has a reason"),
        ("- {server: explode}", "the server does not know explode"),
        ("- {server: compacted}", "the server does not know compacted"),
        ("- {call: load, call: load}", "a key is given twice"),
        ("", "a scene has"),
    ],
)
def test_slips_in_a_scene(steps: str, told: str, tmp_path: Path) -> None:
    written = f"slip:\n  about: A slip.\n  steps:\n    {steps}\n"
    (tmp_path / "scenes.yaml").write_text(written, encoding="utf-8")
    with pytest.raises(DataError, match=told):
        read_scenes(tmp_path)


def ask_once(path: Path) -> None:
    with program(path, "target", "tenant") as started:
        started.send("load", {})
        started.receive()


def driver(folder: Path, body: str) -> Path:
    """A program that takes one command, and then does this."""
    path = folder / "driver"
    path.write_text(f"#!{sys.executable}\nimport sys\nsys.stdin.readline()\n{body}\n")
    path.chmod(0o755)
    return path


@pytest.mark.parametrize(
    ("body", "told"),
    [
        ("", "it ended without an answer"),
        ("sys.exit('a reason')", r"it ended without an answer; on stderr:\na reason"),
        ("print('hello')", "it answered 'hello"),
        ("print('[]')", "it answered"),
        ('print(\'{"ok": {}, "error": {}}\')', "it answered"),
        ("print('{\"ok\": {}}'); sys.exit(3)", "it ended with 3"),
        ("print('{\"ok\": {}}'); print('and more')", "it said more than it was asked: 'and more"),
    ],
)
def test_drivers_that_break_the_protocol(body: str, told: str, tmp_path: Path) -> None:
    with pytest.raises(DriverError, match=told):
        ask_once(driver(tmp_path, body))


@pytest.mark.parametrize(
    ("body", "told"),
    [
        ("sys.stdin.read()", "it did not answer within"),
        ("print('{\"ok\": {}}', flush=True)\nwhile True: pass", "it did not end with its input"),
    ],
)
def test_drivers_that_hang(
    body: str, told: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(programs, "PATIENCE", 1)
    with pytest.raises(DriverError, match=told):
        ask_once(driver(tmp_path, body))
