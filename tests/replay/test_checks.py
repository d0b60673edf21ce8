"""Each check finds what it is there to find."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import pytest

from tests.replay import checks, samples
from tests.replay.run import Run

if TYPE_CHECKING:
    from stillframe.client import Client
    from stillframe.testing import ServerProcess

Watched = list[dict[str, Any]]


@pytest.fixture(scope="module")
def finished(
    server: ServerProcess, client: Client, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Run, Watched]:
    """A run that went well, and what its watcher saw. Whoever changes it puts it right."""
    folder = tmp_path_factory.mktemp("finished")
    run = Run(
        target=server.address,
        execution_id=f"finished-{os.urandom(4).hex()}",
        module="tests.replay.formats",
        input=samples.workflow(folder),
        folder=folder / "run",
    )
    with run.watcher() as watcher:
        watcher.expect("opened")
        with run.engine("engine") as engine:
            assert engine.wait() == 0
        return run, run.end_watch(client, watcher)


@pytest.fixture
def run(finished: tuple[Run, Watched]) -> Run:
    return finished[0]


@pytest.fixture
def watched(finished: tuple[Run, Watched]) -> Watched:
    return finished[1]


def test_a_run_that_went_well(client: Client, run: Run, watched: Watched) -> None:
    assert checks.acknowledged_once(run) == []
    assert checks.ran_once(run) == []
    assert checks.replayed_once(run, []) == []
    assert checks.reads_back(client, run) == []
    assert checks.ends_alike(client, run, run) == []
    assert checks.ends_as_computed(client, run) == []
    assert checks.watched_once(run, watched) == []


def test_changes_that_are_missing_twice_or_out_of_order(run: Run, watched: Watched) -> None:
    first, second, *rest = watched
    assert checks.watched_once(run, watched[:-1]) == ["4 times change seen, not 5"]
    for wrong in (
        [first, first, second, *rest],
        [second, first, *rest],
        [first | {"digest": "of something else"}, second, *rest],
        [first | {"content_gone": True}, second, *rest],
        [first | {"omitted": 1}, second, *rest],
        [first | {"kind": "DELETED"}, second, *rest],
    ):
        assert checks.watched_once(run, wrong)


def test_a_version_that_is_not_what_was_saved(
    client: Client, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(run.acknowledged()[1], "digest", "of something else")
    assert checks.reads_back(client, run) == ["version 2 is not what was saved"]


def test_a_version_that_another_save_made(
    client: Client, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(run.acknowledged()[1], "etag", "another")
    assert checks.reads_back(client, run) == [
        "version 2 has another etag or revision than its save got"
    ]


def test_a_version_that_is_not_there(
    client: Client, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(run.acknowledged()[1], "version", 7)
    first, second, *rest = checks.reads_back(client, run)
    assert first == "version in the history 4 is 2, not 7"
    assert second.startswith("version 7 cannot be loaded: SNAPSHOT_NOT_FOUND")
    assert rest == []
    assert checks.acknowledged_once(run)


def test_steps_that_ran_twice(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    ran = run.effects()
    monkeypatch.setattr(run, "effects", lambda: [*ran, "a"])
    assert checks.ran_once(run) == ["step 'a' ran 2 times"]
    monkeypatch.setattr(run, "effects", lambda: ran[:-1])
    assert checks.ran_once(run) == ["4 times step that ran, not 5"]


def test_events_that_were_not_replayed(run: Run) -> None:
    assert checks.replayed_once(run, [3]) == ["0 times replayed event, not 1"]


def test_a_head_that_nobody_should_have_saved(client: Client, run: Run) -> None:
    """The last test here, for what it saves stays."""
    changed = client.load(run.execution_id)
    changed.variables["tasks_done"] = 4
    changed.snapshot_id = None
    client.save(run.execution_id, changed, writer_epoch=2)
    assert checks.reads_back(client, run) == ["version in the history 1 is 6, not 5"]
    assert checks.ends_as_computed(client, run) == [
        'snapshot_id is null, not "after-5"',
        "variables['tasks_done'] is 4, not 5",
    ]
