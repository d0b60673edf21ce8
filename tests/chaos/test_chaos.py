"""A short run, and what the judge would say of what must not be."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from stillframe.client import Change, ChangeKind
from tests.chaos.__main__ import chaos
from tests.chaos.judging import judge
from tests.chaos.traffic import Acknowledged


async def test_nothing_is_lost_while_servers_and_database_come_and_go() -> None:
    assert await chaos(seed=4, seconds=8) == []


class Told:
    """What a sound run tells: three saves of two executions, and a delete."""

    def __init__(self) -> None:
        self.log = [saved(1, "a", 1), saved(2, "b", 1), saved(3, "a", 2), deleted(4, "b")]
        self.acknowledged = [
            Acknowledged(ChangeKind.SAVED, "a", 1, 1, "e1", "t1"),
            Acknowledged(ChangeKind.SAVED, "a", 3, 2, "e3", "t3"),
            Acknowledged(ChangeKind.DELETED, "b", 4),
        ]
        self.followed = [list(self.log), list(self.log)]
        self.heads = {"a": "e3"}
        self.views = [dict(self.heads)]

    def wrong(self) -> str:
        return "; ".join(judge(self.log, self.acknowledged, self.followed, self.views, self.heads))


class Fake:
    """A snapshot of a change."""

    def __init__(self, revision: int, name: str, version: int, tag: str) -> None:
        self.revision, self.execution_id, self.version = revision, name, version
        self.etag = f"e{revision}"
        self.labels = {"tag": tag}


def change(kind: ChangeKind, snapshot: Any) -> Change:
    token = f"r{snapshot.revision}"
    return Change(
        kind=kind, snapshot=snapshot, initial=False, content_gone=False, resume_token=token
    )


def saved(revision: int, name: str, version: int, tag: str = "") -> Change:
    return change(ChangeKind.SAVED, Fake(revision, name, version, tag or f"t{revision}"))


def deleted(revision: int, name: str) -> Change:
    return change(ChangeKind.DELETED, Fake(revision, name, 0, ""))


def test_a_sound_run_is_sound() -> None:
    assert Told().wrong() == ""


def test_what_was_acknowledged_must_be_there() -> None:
    told = Told()
    told.acknowledged.append(Acknowledged(ChangeKind.SAVED, "a", 5, 3, "e5", "t5"))
    assert "is not in the log" in told.wrong()
    told = Told()
    told.acknowledged[0] = replace(told.acknowledged[0], etag="other")
    assert "is in the log as" in told.wrong()


def test_no_revision_version_or_save_comes_twice() -> None:
    told = Told()
    told.acknowledged.append(told.acknowledged[0])
    assert "revision 1 was given out 2 times" in told.wrong()
    told = Told()
    told.log[2] = saved(3, "a", 1, "t3")
    assert "was made 2 times" in told.wrong()
    told = Told()
    told.log[2] = saved(3, "a", 2, "t1")
    assert "the save t1 was done 2 times" in told.wrong()


@pytest.mark.parametrize("number", range(4))
def test_no_watcher_misses_a_change(number: int) -> None:
    told = Told()
    del told.followed[1][number]
    assert "watcher 1 saw" in told.wrong()
    told = Told()
    told.followed[0].insert(number, told.followed[0][number])
    assert "watcher 0 saw" in told.wrong()


def test_a_gap_in_the_log_and_a_wrong_view_are_found() -> None:
    told = Told()
    del told.log[1]
    assert "are not 1, 2, 3" in told.wrong()
    told = Told()
    told.views[0]["b"] = "e2"
    assert "the view of watcher 0 differs" in told.wrong()
    told = Told()
    told.heads = {}
    assert "the heads are not what the log leads to" in told.wrong()
