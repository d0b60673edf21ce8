"""The heads that the writer has in memory, as loads see them on the event loop.

A head is shown once its commit is durable, and hidden before that: a reader of the file may
see the commit first, and nobody may see an older head after it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from stillframe.server.stores.records import EntryKey, Head

Name: TypeAlias = tuple[str, str]
"""A tenant and an execution of it."""


@dataclass(frozen=True, slots=True)
class Whole:
    """A head with its entries: a projection.Content."""

    head: Head
    entries: list[tuple[EntryKey, bytes]]
    """In the order of keys. Never changed."""

    def sizes(self) -> Iterable[tuple[EntryKey, int]]:
        return ((key, len(payload)) for key, payload in self.entries)

    def payloads(self, chosen: set[EntryKey] | None) -> list[tuple[EntryKey, bytes]]:
        if chosen is None:
            return self.entries
        return [entry for entry in self.entries if entry[0] in chosen]


class Heads:
    """Heads by name. What they have in memory, the writer bounds."""

    def __init__(self) -> None:
        self._shown: dict[Name, Whole] = {}
        self._hidden: dict[Name, int] = {}
        """The newest commit that hides a name."""

    def get(self, name: Name) -> Whole | None:
        """Returns a head as the newest commit left it; None when it is to be read."""
        return None if name in self._hidden else self._shown.get(name)

    def hide(self, commit: int, names: Iterable[Name]) -> None:
        """Hides heads that a commit is about to change, in whichever thread that is."""
        for name in names:
            self._hidden[name] = commit

    def show(self, commit: int, heads: Mapping[Name, Whole | None]) -> None:
        """Shows what a commit has made of heads, or that they are to be read."""
        for name, whole in heads.items():
            # In one step: the writer may hide it again at any moment. Loads see none between.
            hides = self._hidden.pop(name, commit)
            if hides != commit:
                self._hidden.setdefault(name, hides)
                continue  # A later one is about to change it.
            if whole is None:
                self._shown.pop(name, None)
            else:
                self._shown[name] = whole
