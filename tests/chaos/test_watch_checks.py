"""What a watcher must not be given, or lack, is found."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from stillframe.client import ChangeKind
from tests.chaos import checks
from tests.chaos.history import RED
from tests.chaos.operations import Role, team_of
from tests.chaos.stories import Story, lawful
from tests.chaos.watch_checks import every_change, latest, watched_content

if TYPE_CHECKING:
    from tests.chaos.history import History, Watched

EVERY, EVERY_RED, LATEST, LATEST_RED = range(4)


@pytest.fixture
def history() -> History:
    return lawful()


def told(history: History, number: int) -> str:
    """What is wrong with a watcher; something must be."""
    watched = history.watches[number]
    check = every_change if watched.every_change else latest
    [first, *_] = [*check(watched, history.log), *watched_content(watched, history.log)]
    assert any(first in each for each in checks.wrong(history))
    return first


@pytest.mark.parametrize("number", [EVERY, EVERY_RED])
def test_a_gap(history: History, number: int) -> None:
    watched = history.watches[number]
    gone = watched.changes.pop(len(watched.changes) // 2)
    assert f"revision {gone.revision} " in " ".join(every_change(watched, history.log))
    told(history, number)


def test_a_gap_at_the_beginning(history: History) -> None:
    del history.watches[EVERY].changes[0]
    assert told(history, EVERY).startswith("revision 1 (SAVED version 1 of shared-0) is missing")


def test_a_gap_after_the_initial_state(history: History) -> None:
    del history.watches[EVERY_RED].changes[:2]
    assert "its initial state has version" in told(history, EVERY_RED)


def test_an_end_that_never_came(history: History) -> None:
    history.watches[EVERY].changes.pop()
    assert told(history, EVERY).endswith("is missing")


@pytest.mark.parametrize("number", [EVERY, EVERY_RED, LATEST, LATEST_RED])
def test_a_duplicate(history: History, number: int) -> None:
    changes = history.watches[number].changes
    changes.insert(1, changes[1])
    assert told(history, number).endswith("came twice")


@pytest.mark.parametrize("number", [EVERY, LATEST])
def test_a_change_out_of_order(history: History, number: int) -> None:
    changes = history.watches[number].changes
    changes[0], changes[1] = changes[1], changes[0]
    assert " came after " in told(history, number)


@pytest.mark.parametrize("number", [EVERY, LATEST])
def test_a_change_that_never_was(history: History, number: int) -> None:
    changes = history.watches[number].changes
    changes[-1] = replace(changes[-1], version=99)
    assert any("never was" in each for each in checks.watches_are_true(history))


@pytest.mark.parametrize("number", [LATEST, LATEST_RED])
def test_a_last_view_that_is_not_true(history: History, number: int) -> None:
    last = history.watches[number].changes.pop()
    what = told(history, number)
    assert what.startswith("its last view has version")
    assert what.endswith(f"of {last.execution_id}, and not {last.version}")


def test_a_last_view_with_what_is_deleted(history: History) -> None:
    watched = history.watches[LATEST]
    watched.changes = [each for each in watched.changes if each.kind is ChangeKind.SAVED]
    assert "(DELETED version 1 of remover-0-0) is missing" in told(history, LATEST)


def test_a_change_that_left_the_filter_may_not_be_skipped() -> None:
    story = Story()
    blue = next(f"sender-0/{n}" for n in range(1, 99) if team_of(f"sender-0/{n}") == "blue")
    red = [f"sender-0/{n}" for n in range(100, 199) if team_of(f"sender-0/{n}") == "red"]
    for tag in (red[0], blue, red[1]):
        story.save(Role.SENDER, "sender-0-0", tag)
    watched = story.watch(RED, every_change=False, after=0)
    history = story.end()
    assert [each.kind for each in watched.changes] == [ChangeKind.LEFT_FILTER, ChangeKind.SAVED]
    assert checks.wrong(history) == []
    every = story.watch(RED, every_change=True, after=0)
    assert checks.wrong(history) == []
    every.changes[1] = replace(every.changes[1], kind=ChangeKind.SAVED)
    assert "LEFT_FILTER" in told(history, 1)


def test_an_initial_state_that_is_not_true(history: History) -> None:
    for number in (EVERY_RED, LATEST_RED):
        watched = history.watches[number]
        assert watched.initial
    watched = history.watches[EVERY_RED]
    name = next(iter(watched.initial or {}))
    assert watched.initial is not None
    watched.initial[name] = replace(watched.initial[name], version=77)
    assert f"its initial state has version 77 of {name}" in told(history, EVERY_RED)


def test_an_initial_state_that_never_ended(history: History) -> None:
    for number in (EVERY_RED, LATEST_RED):
        history.watches[number].initial = None
        assert told(history, number) == "the initial state never ended"


def test_content_that_is_not_what_was_saved(history: History) -> None:
    _spoil(history.watches[EVERY], whole=False)
    assert "is not what was saved" in told(history, EVERY)


def test_content_that_is_said_to_be_gone(history: History) -> None:
    watched = history.watches[EVERY]
    _spoil(watched, gone=True)
    assert "nothing ended it" in told(history, EVERY)
    deleted = [each.kind for each in watched.changes].index(ChangeKind.DELETED)
    watched.changes[0] = replace(watched.changes[0], gone=False)
    watched.changes[deleted - 1] = replace(watched.changes[deleted - 1], gone=True, whole=None)
    assert checks.wrong(history) == []


def test_a_watch_that_failed(history: History) -> None:
    history.watches[EVERY].failure = "ended with HISTORY_COMPACTED"
    assert any("ended with HISTORY_COMPACTED" in each for each in checks.wrong(history))


def _spoil(watched: Watched, **fields: bool) -> None:
    watched.changes[0] = replace(watched.changes[0], **fields)  # type: ignore[arg-type]
