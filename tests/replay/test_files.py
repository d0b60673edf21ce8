"""Files that are no recorded run, and what JSON values cannot carry."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.replay.formats import open_job
from tests.replay.recorded import FormatError, step_key
from tests.replay.samples import read, refusal, states

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "not JSON"),
        ("{", "not JSON"),
        ("[]", "neither"),
        ("7", "neither"),
        ("{}", "neither"),
        ('{"workflow": []}', "neither"),
        ('{"trajectory": {}}', "neither"),
        ('{"workflow": {"tasks": []}, "schemaVersion": "1.4"}', "schemaVersion here: 1.4"),
        ("[" * 100_000, "nested too deeply"),
        ('{"trajectory": [{"a": ' + "[" * 160 + "]" * 160 + "}]}", "nested deeper than"),
        ("1" * 5000, "not readable as JSON"),
    ],
)
def test_other_files_are_refused_in_one_line(tmp_path: Path, text: str, words: str) -> None:
    assert words in refusal(tmp_path, text)


def test_bytes_that_are_no_text_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "image.png"
    path.write_bytes(b"\x89PNG\r\n")
    with pytest.raises(FormatError, match="not UTF-8"):
        open_job(path)


def test_a_file_that_cannot_be_read_is_refused(tmp_path: Path) -> None:
    for path in (tmp_path / "absent", tmp_path):
        with pytest.raises(FormatError, match=str(path)):
            open_job(path)


def test_a_byte_order_mark_is_passed_over(tmp_path: Path) -> None:
    path = tmp_path / "file.traj"
    path.write_text('{"trajectory": []}', encoding="utf-8-sig")
    assert open_job(path).kind == "agent"


def test_what_json_values_cannot_carry_is_replaced_with_a_note(tmp_path: Path) -> None:
    text = r'{"trajectory": [{"observation": "a\u0000b\ud800", "state": [NaN, 1e999, %d]}]}'
    run = read(tmp_path, text % 2**64)
    (state,) = states(run)
    assert state.step_outputs == {"step-1": "a\ufffdb\ufffd"}
    assert state.variables["step"] == {"state": [None, None, str(2**64)]}
    assert len(run.notes) == 3


def test_exact_numbers_stay(tmp_path: Path) -> None:
    numbers = [2**64 - 1, -(2**63), 1.0, 0.1, -0.0]
    (state,) = states(read(tmp_path, {"trajectory": [{"observation": numbers}]}))
    assert repr(state.step_outputs["step-1"]) == repr(numbers)


def test_step_keys_are_valid_and_different() -> None:
    assert step_key("a task (sample 1)") == "a task (sample 1)"
    names = ["a\nb", "a\tb", "é" * 257, "é" * 258]
    keys = [step_key(name) for name in names]
    assert len({*keys, "ab"}) == 5
    assert all(len(key.encode()) <= 512 and key.isprintable() for key in keys)
