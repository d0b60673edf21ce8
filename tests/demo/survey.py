"""The demo's job: a survey of source files, one step for each, and a summary at the end.

Every step really reads a file and computes something, and the summary can be recomputed from
the files alone: so that whoever lost or repeated a step would come to another result.
"""

from __future__ import annotations

import hashlib
import re
import shutil
from collections import Counter
from typing import TYPE_CHECKING, Any

from stillframe.client import ExecutionState
from tests.replay.job import Result

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from tests.replay.job import RunState

SUMMARY = "summary"

_SOURCES = ("protos/**/*.proto", "server/**/*.py", "client/python/**/*.py")
_WORD = re.compile(r"[A-Za-z_]\w+")


class Survey:
    """A survey of every file in a folder, in the order of their paths."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        files = (path for path in folder.rglob("*") if path.is_file())
        self._files = sorted(path.relative_to(folder).as_posix() for path in files)

    @property
    def title(self) -> str:
        return f"a survey of {len(self._files)} source files"

    @property
    def step_ids(self) -> Sequence[str]:
        return [*self._files, SUMMARY]

    @property
    def labels(self) -> Mapping[str, str]:
        return {"job": "survey"}

    @property
    def final_state(self) -> ExecutionState:
        return ExecutionState.COMPLETED

    def perform(self, index: int, state: RunState) -> Result:
        if index == len(self._files):
            return Result(output=_summary(state))
        return self._survey(self._files[index], state)

    def _survey(self, name: str, state: RunState) -> Result:
        data = (self._folder / name).read_bytes()
        text = data.decode(errors="replace")
        lines = text.splitlines()
        words: list[str] = _WORD.findall(text)
        longest = max(enumerate(lines, 1), key=lambda line: len(line[1]), default=(0, ""))
        sizes = {"bytes": len(data), "lines": len(lines), "words": len(words)}
        totals: dict[str, int] = state.variables.get("totals", dict.fromkeys(sizes, 0))
        line = {"file": name, "line": longest[0], "length": len(longest[1])}
        champion: dict[str, Any] = state.variables.get("longest_line", line)
        counts = Counter[str](state.variables.get("word_counts", {}))
        counts.update(words)
        return Result(
            output={**sizes, "sha256": hashlib.sha256(data).hexdigest(), "longest_line": line},
            sets={
                "totals": {key: totals[key] + size for key, size in sizes.items()},
                "longest_line": line if line["length"] > champion["length"] else champion,
                "word_counts": dict(counts),
            },
        )


def _summary(state: RunState) -> dict[str, Any]:
    # Sorted, because the maps of a snapshot that was loaded have no order.
    hashes = "".join(output["sha256"] for _, output in sorted(state.step_outputs.items()))
    # By count, then by the word: equal counts must not be told apart by who came first.
    counts = sorted(state.variables["word_counts"].items(), key=lambda each: (-each[1], each[0]))
    return {
        "files": len(state.step_outputs),
        **state.variables["totals"],
        "longest_line": state.variables["longest_line"],
        "different_words": len(counts),
        "most_common_words": counts[:5],
        "sha256": hashlib.sha256(hashes.encode()).hexdigest(),
    }


def open_job(path: Path) -> Survey:
    """The survey of a folder."""
    return Survey(path)


def copy_sources(repository: Path, folder: Path, count: int) -> None:
    """Copies the largest source files of a repository. The survey reads the copies, so that
    nobody's editor can change its result while it runs.
    """
    found = {path for pattern in _SOURCES for path in repository.glob(pattern)}
    largest = sorted(found, key=lambda path: (-path.stat().st_size, path))[:count]
    for path in largest:
        copy = folder / path.relative_to(repository)
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, copy)


def describe(summary: Mapping[str, Any]) -> str:
    """The result of a survey in one line."""
    longest = summary["longest_line"]
    common = ", ".join(word for word, _ in summary["most_common_words"])
    return (
        f"{summary['files']} files, {summary['lines']:,} lines, {summary['words']:,} words;"
        f" most common: {common}; the longest line has {longest['length']} characters"
        f" ({longest['file']}:{longest['line']})"
    )
