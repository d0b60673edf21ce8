"""Prints: tables for people, one JSON object per line for machines.

Nothing that came from a server can steer the terminal: control characters are printed as
escapes.
"""

from __future__ import annotations

import io
import json
import re
import shutil
import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from rich.console import RenderableType

    from stillframe.client import Freshness, Snapshot, StoredSnapshot

_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f]")

STYLES = {
    "completed": "green",
    "failed": "red",
    "cancelled": "yellow",
    "running": "cyan",
    "waiting": "magenta",
    "paused": "yellow",
    "added": "green",
    "removed": "red",
    "changed": "yellow",
}
"""How a word is coloured, by the column that `table` styles."""


def to_json(document: Any) -> str:
    """One line of JSON."""
    # json.dumps escapes the first 32 only, and some terminals obey the others too.
    return printable(json.dumps(document, ensure_ascii=False))


def printable(text: str) -> str:
    """The text with its control characters as the escapes that JSON has for them."""
    return _CONTROL.sub(lambda match: f"\\u{ord(match[0]):04x}", text)


def write(line: str) -> None:
    """One line on stdout, at once: whoever reads a pipe must not wait for a buffer."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def write_json(document: Any) -> None:
    write(to_json(document))


def note(line: str) -> None:
    """A remark for people, beside the output."""
    sys.stderr.write(printable(line) + "\n")
    sys.stderr.flush()


def table(columns: Sequence[str], rows: Sequence[Sequence[object]], *, styled: str = "") -> None:
    """A table, without the columns that are empty in every row.

    `styled` names the column whose first word is coloured (STYLES). A row is one line
    however narrow the terminal is, so that ids can be copied.
    """
    from rich.table import Table  # noqa: PLC0415 - rich costs a tenth of a second
    from rich.text import Text  # noqa: PLC0415

    result = Table(box=None, pad_edge=False, padding=(0, 3, 0, 0))
    filled = [i for i in range(len(columns)) if any(not _is_empty(row[i]) for row in rows)]
    for i in filled:
        result.add_column(columns[i].upper(), no_wrap=True)
    for row in rows:
        cells = [(columns[i] == styled, _cell(row[i])) for i in filled]
        result.add_row(
            *(
                Text(cell, STYLES.get(cell.split(" ")[0], "") if is_styled else "")
                for is_styled, cell in cells
            )
        )
    _render(result)


def fields(rows: Iterable[tuple[str, object]]) -> None:
    """Names and values, one a line; what is None is left out."""
    from rich.table import Table  # noqa: PLC0415
    from rich.text import Text  # noqa: PLC0415

    result = Table.grid(padding=(0, 2))
    result.add_column(style="bold")
    result.add_column(no_wrap=True)
    for name, value in rows:
        if value is not None:
            result.add_row(name, Text(_cell(value)))
    _render(result)


def shortened(text: str, width: int) -> str:
    """The text, cut with an ellipsis."""
    return text if len(text) <= width else f"{text[: width - 1]}…"


def size(count: int) -> str:
    """`912 B`, `4.5 KiB`, `1.2 MiB`."""
    if count < 1024:
        return f"{count} B"
    if count < 1024**2:
        return f"{count / 1024:.1f} KiB"
    return f"{count / 1024**2:.1f} MiB"


def state_of(snapshot: Snapshot) -> str:
    """`running`, `waiting (approval)`."""
    state = snapshot.state.name.lower()
    return f"{state} ({snapshot.wait_reason.name.lower()})" if snapshot.wait_reason else state


def labels_of(snapshot: Snapshot) -> str:
    """`team=red, tier=1`."""
    return ", ".join(f"{key}={value}" for key, value in sorted(snapshot.labels.items()))


def origin_of(snapshot: StoredSnapshot) -> str | None:
    """`run-1 version 3`; None unless the snapshot came with a fork."""
    origin = snapshot.origin
    return None if origin is None else f"{origin.execution_id} version {origin.version}"


def freshness_text(freshness: Freshness) -> str:
    """`fresh`, `stale by 3`, `ahead by 1`, `missing`."""
    status = freshness.status.name.lower()
    return f"{status} by {freshness.distance}" if freshness.distance else status


def preview_width() -> int:
    """How much of a value fits beside its name."""
    return max(30, shutil.get_terminal_size((145, 24)).columns - 45)


def _is_empty(value: object) -> bool:
    return value is None or value == ""


def _cell(value: object) -> str:
    return "-" if _is_empty(value) else printable(str(value))


def _render(renderable: RenderableType) -> None:
    from rich.console import Console  # noqa: PLC0415

    # Rendered aside and written in one go, because rich answers a closed pipe by exiting.
    console = Console(
        file=io.StringIO(), force_terminal=sys.stdout.isatty(), width=10_000, highlight=False
    )
    console.print(renderable)
    assert isinstance(console.file, io.StringIO)  # noqa: S101 - for the type checkers
    lines = (line.rstrip() for line in console.file.getvalue().splitlines())
    write("\n".join(lines))
