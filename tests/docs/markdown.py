"""Comments of the contract as GitHub's Markdown, with links to what they name."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

_WORD = re.compile(r"`[^`]*`|\b[A-Za-z][A-Za-z0-9_]*\b")
_FIELD = re.compile(r"[a-z][a-z0-9]*(?:_[a-z0-9]+)+")
_STATUS_LINE = re.compile(r"^[A-Z]+(?:_[A-Z]+)*: ")


def anchor(heading: str) -> str:
    """The fragment that GitHub gives a heading."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


class Links:
    """Turns the names in a text into links."""

    def __init__(self, targets: Mapping[str, str]) -> None:
        self._targets = targets

    def text(self, text: str, *, but: str = "") -> str:
        """One paragraph as one line; names of fields become code. `but`: a name that is no
        link, such as that of the section which the text is in.
        """

        def link(match: re.Match[str]) -> str:
            word = match[0]
            target = self._targets.get(word)
            if target is not None and word != but:
                return f"[{word}]({target})"
            return f"`{word}`" if _FIELD.fullmatch(word) else word

        return _WORD.sub(link, " ".join(text.split()).replace("<", "&lt;"))

    def paragraphs(self, comment: str, *, but: str = "") -> Iterator[str]:
        """The paragraphs of a comment. Lines that begin with a status code become a list, and
        so do lines that are one already.
        """
        for paragraph in re.split(r"\n\s*\n", comment.strip("\n")):
            lines = paragraph.splitlines()
            if all(each.startswith((" - ", "   ")) for each in lines):
                yield "\n".join(
                    f"- {self.text(item, but=but)}"
                    for item in re.split(r"^ - ", paragraph, flags=re.MULTILINE)
                    if item
                )
            elif _STATUS_LINE.match(lines[0]):
                yield "\n".join(f"- {self.text(item, but=but)}" for item in _items(lines))
            else:
                yield self.text(paragraph, but=but)


def table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table."""
    lines = [columns, ["---"] * len(columns), *rows]
    return "\n".join(
        f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in line)} |" for line in lines
    )


def _items(lines: Sequence[str]) -> Iterator[str]:
    item = lines[0]
    for line in lines[1:]:
        if _STATUS_LINE.match(line):
            yield item
            item = line
        else:
            item += f" {line}"
    yield item
