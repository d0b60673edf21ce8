"""A seed gives the same faults and the same operations again."""

from __future__ import annotations

from itertools import islice, pairwise

from stillframe.client import ExecutionState
from tests.chaos.history import EVERYTHING, RED, RUNNING, SHARED
from tests.chaos.operations import END, END_TAG, ENGINES, SAVES, Kind, row, snapshot_of
from tests.chaos.schedule import DATABASE, LONG_PAUSE, LONG_RUN, Fault, draw

SEED = 7
MANY = 500


def test_a_seed_gives_the_same_faults_again() -> None:
    first = draw(SEED, 60, servers=3, database=True)
    assert draw(SEED, 60, servers=3, database=True) == first
    assert draw(SEED + 1, 60, servers=3, database=True) != first
    assert {each.target for each in first} == {0, 1, 2, DATABASE}


def test_every_fault_comes_and_a_target_has_one_at_a_time() -> None:
    faults = [each for seed in range(20) for each in draw(seed, 60, servers=3, database=True)]
    assert {each.fault for each in faults} == set(Fault)
    assert any(each.lasts == LONG_PAUSE for each in faults)
    for seed in range(20):
        events = draw(seed, LONG_RUN - 1, servers=3, database=True)
        assert events == sorted(events, key=lambda each: each.at)
        assert all(each.lasts < LONG_PAUSE for each in events)
        for target in {each.target for each in events}:
            own = [each for each in events if each.target == target]
            assert all(a.at + a.lasts < b.at for a, b in pairwise(own))


def test_without_a_database_none_is_restarted() -> None:
    events = draw(SEED, 60, servers=1, database=False)
    assert {each.target for each in events} == {0}


def test_a_seed_gives_the_same_operations_again() -> None:
    for engine in ENGINES:
        first = list(islice(row(engine, SEED), MANY))
        assert list(islice(row(engine, SEED), MANY)) == first
        assert list(islice(row(engine, SEED + 1), MANY)) != first


def test_tags_are_used_once_and_every_kind_of_operation_comes() -> None:
    operations = [each for engine in ENGINES for each in islice(row(engine, SEED), MANY)]
    tags = [each.tag for each in operations if each.kind in SAVES]
    assert len(set(tags)) == len(tags)
    assert {each.kind for each in operations} == set(Kind)
    assert any(each.with_history for each in operations)


def test_every_watcher_sees_the_end() -> None:
    assert all(each.matches(END, END_TAG) for each in (EVERYTHING, RED, RUNNING, SHARED))
    assert snapshot_of(END_TAG).state is ExecutionState.RUNNING


def test_the_content_of_a_tag_is_its_own() -> None:
    assert snapshot_of("sender-0/7") == snapshot_of("sender-0/7")
    assert snapshot_of("sender-0/7") != snapshot_of("sender-0/8")
    assert snapshot_of("runner-0/7@1") != snapshot_of("runner-0/7@2")
