"""Recorded runs in files, as jobs: which format a file has is seen from its content.

A file that cannot be replayed ends in a FormatError, whose text is one line for the user. What
can be replayed with a small loss is, and `notes` says what was lost: other people's files have
NUL characters in the output of a command and NaN among their numbers, which JSON values cannot
carry.
"""

from __future__ import annotations

import json
import math
from collections import Counter
from typing import TYPE_CHECKING, Any

from tests.replay.recorded import FormatError, is_list, is_object
from tests.replay.trajectory import trajectory_run
from tests.replay.workflow import workflow_run

if TYPE_CHECKING:
    from pathlib import Path

    from tests.replay.recorded import RecordedRun

MAX_DEPTH = 150
"""How deep a file may nest. Values go down to 200, and snapshots wrap what a file has."""

_INT_RANGE = range(-(2**63), 2**64)


def open_job(path: Path) -> RecordedRun:
    """Reads a WfFormat 1.5 workflow or an agent trajectory."""
    document, notes = _read_json(path)
    if is_object(document):
        if is_object(document.get("workflow")):
            return workflow_run(document, path.name, notes)
        if is_list(document.get("trajectory")):
            return trajectory_run(document, path.name, notes)
    raise FormatError(
        f"{path}: neither a WfFormat 1.5 workflow (no `workflow` object)"
        " nor an agent trajectory (no `trajectory` list)"
    )


def _read_json(path: Path) -> tuple[Any, list[str]]:
    """The document in a file, with what JSON values cannot carry replaced, and notes that say
    what that was.
    """
    try:
        text = path.read_bytes().decode("utf-8-sig")
        document = json.loads(text)
    except OSError as error:
        raise FormatError(f"{path}: {error.strerror or error}") from None
    except UnicodeDecodeError as error:
        raise FormatError(f"{path}: not UTF-8 text: {error.reason}") from None
    except json.JSONDecodeError as error:
        raise FormatError(f"{path}: not JSON: {error}") from None
    except (RecursionError, ValueError) as error:
        # ValueError: an integer of more digits than Python converts.
        reason = "nested too deeply" if isinstance(error, RecursionError) else str(error)
        raise FormatError(f"{path}: not readable as JSON: {reason}") from None
    replaced: Counter[str] = Counter()
    try:
        document = _savable(document, 0, replaced)
    except FormatError as error:
        raise FormatError(f"{path}: {error}") from None
    return document, [f"{count} {what}" for what, count in sorted(replaced.items())]


def _savable(value: Any, depth: int, replaced: Counter[str]) -> Any:
    if isinstance(value, str):
        return _savable_text(value, replaced)
    if isinstance(value, float) and not math.isfinite(value):
        replaced["numbers outside JSON replaced by null"] += 1
        return None
    if isinstance(value, int) and not isinstance(value, bool) and value not in _INT_RANGE:
        replaced["integers outside 64 bits replaced by text"] += 1
        return str(value)
    if depth == MAX_DEPTH and (is_list(value) or is_object(value)):
        raise FormatError(f"nested deeper than {MAX_DEPTH}")
    if is_list(value):
        return [_savable(each, depth + 1, replaced) for each in value]
    if is_object(value):
        return {
            _savable_text(key, replaced): _savable(each, depth + 1, replaced)
            for key, each in value.items()
        }
    return value


def _savable_text(text: str, replaced: Counter[str]) -> str:
    if "\0" not in text and text.isascii():
        return text
    clean = "".join("\ufffd" if c == "\0" or "\ud800" <= c <= "\udfff" else c for c in text)
    if clean != text:
        replaced["texts with NUL or half a surrogate pair, replaced by U+FFFD"] += 1
    return clean
