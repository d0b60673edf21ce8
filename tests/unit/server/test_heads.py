"""Heads in memory: when loads see them."""

from __future__ import annotations

from typing import Any

from stillframe.server.stores.records import EntryKey, Head
from stillframe.server.stores.sqlite.heads import Heads, Name, Whole
from stillframe.v1.snapshot_pb2 import SNAPSHOT_MAP_VARIABLES, ExecutionSnapshot

NAME = ("acme", "run-1")


def whole(version: int) -> Whole:
    head = Head(ExecutionSnapshot(version=version), "0" * 16, 1, 13)
    return Whole(head, [(EntryKey(SNAPSHOT_MAP_VARIABLES, "v"), b"")])


def version_of(heads: Heads) -> int | None:
    shown = heads.get(NAME)
    return shown.head.version if shown else None


def test_a_head_is_shown_once_its_commit_is_over() -> None:
    heads = Heads()
    heads.hide(1, [NAME])
    assert version_of(heads) is None
    heads.show(1, {NAME: whole(1)})
    assert version_of(heads) == 1


def test_an_older_head_is_hidden_from_before_its_commit_on() -> None:
    heads = Heads()
    heads.show(1, {NAME: whole(1)})
    heads.hide(2, [NAME])
    assert version_of(heads) is None
    heads.show(2, {NAME: whole(2)})
    assert version_of(heads) == 2


def test_news_of_an_older_commit_does_not_show_what_the_next_one_hides() -> None:
    heads = Heads()
    heads.hide(1, [NAME])
    heads.hide(2, [NAME])
    heads.show(1, {NAME: whole(1)})
    assert version_of(heads) is None
    heads.show(2, {NAME: whole(2)})
    assert version_of(heads) == 2


class HiddenMeanwhile(dict[Name, int]):
    """What hides names; the writer comes in after the first look at it."""

    is_over = False

    def _come_in(self, found: Any) -> Any:
        if not self.is_over:
            self.is_over = True
            self[NAME] = 2
        return found

    def pop(self, *args: Any) -> Any:
        return self._come_in(super().pop(*args))

    def get(self, *args: Any) -> Any:
        return self._come_in(super().get(*args))


class Interrupted(Heads):
    def interrupt(self) -> None:
        self._hidden = HiddenMeanwhile(self._hidden)


def test_what_the_writer_hides_while_news_arrive_stays_hidden() -> None:
    heads = Interrupted()
    heads.hide(1, [NAME])
    heads.interrupt()
    heads.show(1, {NAME: whole(1)})
    assert version_of(heads) is None


def test_what_is_to_be_read_is_not_shown() -> None:
    heads = Heads()
    heads.show(1, {NAME: whole(1)})
    heads.hide(2, [NAME])
    heads.show(2, {NAME: None})
    assert version_of(heads) is None
    heads.show(3, {NAME: whole(3)})
    assert version_of(heads) == 3
