"""Each check finds what it is there to find."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from stillframe.client import ChangeKind
from tests.chaos import checks, kept_checks
from tests.chaos.history import UNKNOWN, Record
from tests.chaos.operations import Kind
from tests.chaos.stories import lawful

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from tests.chaos.history import Attempt, History


@pytest.fixture
def history() -> History:
    return lawful()


def spoil_log(history: History, log: list[Record]) -> None:
    history.logs = {name: list(log) for name in history.logs}


def saves_of(history: History, name: str) -> list[Attempt]:
    return [
        each
        for each in history.attempts
        if each.operation.kind is Kind.SAVE
        and each.operation.execution_id == name
        and each.answered
    ]


def found(check: Callable[[History], Iterable[str]], history: History) -> str:
    """What one check finds; it must find something."""
    [first, *_] = list(check(history))
    assert f"{check.__name__}: {first}" in checks.wrong(history)
    return first


def test_nothing_is_found_where_all_is_well(history: History) -> None:
    assert checks.wrong(history) == []
    assert len(history.log) > 10
    assert {each.kind for each in history.log} == {ChangeKind.SAVED, ChangeKind.DELETED}


def test_a_save_that_is_lost(history: History) -> None:
    lost = saves_of(history, "sender-0-0")[-1]
    spoil_log(history, [each for each in history.log if each.revision != lost.revision])
    assert "which is not there" in found(checks.nothing_lost, history)
    assert "record" in found(checks.no_gap, history)


def test_a_save_whose_place_another_took(history: History) -> None:
    lost = saves_of(history, "sender-0-0")[2]
    log = [
        replace(each, tag="sender-0/99") if each.revision == lost.revision else each
        for each in history.log
    ]
    spoil_log(history, log)
    assert lost.tag in found(checks.nothing_lost, history)
    assert "sender-0/99" in found(checks.nothing_invented, history)


def test_a_delete_that_is_lost(history: History) -> None:
    [delete] = [each for each in history.attempts if each.operation.kind is Kind.DELETE]
    spoil_log(history, [each for each in history.log if each.revision != delete.revision])
    assert "delete remover-0-0" in found(checks.nothing_lost, history)


def test_a_save_that_took_effect_twice(history: History) -> None:
    last = history.log[-1]
    again = replace(last, revision=last.revision + 1, version=last.version + 1)
    spoil_log(history, [*history.log, again])
    assert found(checks.nothing_twice, history).endswith("was committed 2 times")


@pytest.mark.parametrize("what", ["version", "etag", "revision"])
def test_a_number_that_was_given_twice(history: History, what: str) -> None:
    first, second, *_ = saves_of(history, "sender-0-0")
    setattr(second, what, getattr(first, what))
    assert f"both given {what}" in found(checks.nothing_twice, history)


def test_an_epoch_that_was_given_twice(history: History) -> None:
    first, second = (each for each in history.attempts if each.operation.kind is Kind.CLAIM)
    second.epoch = first.epoch
    assert "both given epoch" in found(checks.epochs_once, history)


def test_a_revision_that_is_missing(history: History) -> None:
    spoil_log(history, [each for each in history.log if each.revision != 3])
    assert found(checks.no_gap, history) == "record 3 of the log has revision 4"


def test_servers_that_tell_different_logs(history: History) -> None:
    history.logs["server 1"].pop()
    assert found(checks.one_log, history).startswith("server 1 tells another log")


def test_versions_that_do_not_follow(history: History) -> None:
    for version in (1, 9):
        log = [*history.log]
        log[4] = replace(log[4], version=version)
        spoil_log(history, log)
        assert f"version {version} of sender-0-0 follows" in found(checks.versions_rise, history)


def test_an_end_of_what_was_not_there(history: History) -> None:
    [delete] = [each for each in history.log if each.kind is ChangeKind.DELETED]
    again = replace(delete, revision=len(history.log) + 1)
    spoil_log(history, [*history.log, again])
    assert "DELETED of version 1 of remover-0-0" in found(checks.versions_rise, history)


def test_a_change_that_nobody_asked_for(history: History) -> None:
    last = history.log[-1]
    invented = replace(last, revision=last.revision + 1, kind=ChangeKind.EXPIRED)
    spoil_log(history, [*history.log, invented])
    assert "nobody asked for" in found(checks.nothing_invented, history)


def test_a_fenced_save_that_took_effect(history: History) -> None:
    """Its engine was told nothing; only the log shows it."""
    [fenced] = [each for each in history.attempts if each.refusal == "FENCED"]
    fenced.refusal = UNKNOWN
    late = Record(
        revision=len(history.log) + 1,
        execution_id="shared-0",
        kind=ChangeKind.SAVED,
        version=3,
        tag=fenced.tag,
    )
    spoil_log(history, [*history.log, late])
    assert "follows a save of epoch 2" in found(checks.floor_obeyed, history)


def test_a_fenced_save_that_follows_its_claim_alone(history: History) -> None:
    """No save of the higher epoch gives it away: only that the claim was answered before."""
    [record] = [each for each in history.log if each.tag == "runner-1/1@2"]
    [fenced] = [each for each in history.attempts if each.refusal == "FENCED"]
    log = [replace(each, tag=fenced.tag) if each is record else each for each in history.log]
    spoil_log(history, log)
    assert "follows the claim of epoch 2, at version 1" in found(checks.floor_obeyed, history)


def test_a_save_that_came_before_what_was_over(history: History) -> None:
    first, *_, last = saves_of(history, "sender-0-0")
    first.revision, last.revision = last.revision, first.revision
    assert "was acknowledged before" in found(checks.time_is_kept, history)


def test_a_load_that_is_stale(history: History) -> None:
    [load] = [each for each in history.attempts if each.operation.kind is Kind.LOAD]
    load.version -= 1
    assert "was acknowledged before" in found(checks.reads_are_current, history)


def test_a_load_that_finds_nothing(history: History) -> None:
    [load] = [each for each in history.attempts if each.operation.kind is Kind.LOAD]
    load.version, load.refusal = 0, "EXECUTION_NOT_FOUND"
    assert "version 0, though 8" in found(checks.reads_are_current, history)


def test_a_load_of_something_else(history: History) -> None:
    [load] = [each for each in history.attempts if each.operation.kind is Kind.LOAD]
    load.whole = False
    assert "is not what was saved" in found(checks.reads_are_current, history)


def test_a_refusal_that_nothing_called_for(history: History) -> None:
    saves_of(history, "sender-0-0")[0].refusal = "ETAG_MISMATCH"
    assert "refused with ETAG_MISMATCH" in found(checks.refusals_are_lawful, history)


def test_an_operation_without_an_answer_proves_nothing(history: History) -> None:
    """It may have taken effect, or not."""
    unknown = saves_of(history, "sender-0-0")[-1]
    unknown.refusal = UNKNOWN
    assert checks.wrong(history) == []


def test_a_version_that_does_not_read_back(history: History) -> None:
    kept = history.kept[1]
    for spoiled, what in (
        (replace(kept, whole=False), "is not what was saved"),
        (replace(kept, etag="another"), "another etag"),
        (replace(kept, tag="sender-0/7"), "and not"),
        (replace(kept, revision=9), "and not"),
    ):
        history.kept[1] = spoiled
        assert what in found(kept_checks.reads_back, history)
    history.kept[1] = kept
    assert checks.wrong(history) == []


def test_a_version_that_is_gone(history: History) -> None:
    gone = history.kept.pop(3)
    what = f"version {gone.version} of {gone.execution_id} is gone"
    assert found(kept_checks.reads_back, history) == what


def test_a_version_of_what_was_deleted(history: History) -> None:
    kept = next(each for each in history.kept if each.execution_id == "remover-0-0")
    history.kept.append(replace(kept, version=1, etag="old"))
    assert "is not in the log" in found(kept_checks.reads_back, history)


def test_a_fork_of_something_else(history: History) -> None:
    number, kept = next(
        (number, each) for number, each in enumerate(history.kept) if each.forked_from is not None
    )
    history.kept[number] = replace(kept, forked_from=("sender-0-0", 2))
    assert "which it was forked from" in found(kept_checks.reads_back, history)


def test_a_fork_that_lacks_history(history: History) -> None:
    [fork] = [each for each in history.attempts if each.operation.kind is Kind.FORK]
    fork.snapshot_count = 2
    assert "2 snapshots were acknowledged, 1 are there" in found(
        kept_checks.forks_are_whole, history
    )


def test_a_head_that_is_not_the_last(history: History) -> None:
    head = next(each for each in history.heads if each.execution_id == "sender-0-0")
    history.heads[history.heads.index(head)] = replace(head, version=7, tag="sender-0/7")
    assert found(kept_checks.heads_are_true, history).startswith("the head of sender-0-0 is (7")


def test_what_was_not_read_is_not_well() -> None:
    history = lawful()
    history.logs = {}
    assert checks.wrong(history) == ["nothing was read in the end"]
    history.faults.append("engine x did not come to rest")
    assert checks.wrong(history) == ["engine x did not come to rest"]
