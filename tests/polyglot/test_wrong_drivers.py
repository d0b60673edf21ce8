"""The harness catches what is wrong: each wrong driver by the scene, entry or case that is named."""

from __future__ import annotations

import re
from functools import partial
from typing import TYPE_CHECKING

import pytest

from stillframe.testing import ServerProcess
from tests.polyglot import test_errors, test_watches, wrong
from tests.polyglot.harness import corpus
from tests.polyglot.harness.cutting import cutting_server, read_scripts
from tests.polyglot.harness.playing import SceneError, play
from tests.polyglot.harness.programs import local
from tests.polyglot.harness.refusing import refusing_server
from tests.polyglot.harness.scenes import read_scenes

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.polyglot.drivers.python.driver import Driver
    from tests.polyglot.harness.refusing import RefusingServer
    from tests.polyglot.harness.world import LiveServer

SCENES = {scene.name: scene for scene in read_scenes()}
CORPUS = corpus.read_corpus()


CAUGHT: list[tuple[type[Driver], str, str]] = [
    (wrong.LosesOmissions, "load.projection", "step 2 (call load): ok.snapshot.omission"),
    (wrong.RoundsTimes, "save.times", "step 2 (call load): ok.snapshot.timestamp"),
    (wrong.LosesUnset, "save.unset-fields", "step 2 (call load): ok.snapshot.user_id"),
    (wrong.TellsTokensTooEarly, "watch.initial-state", "events.0.resume_token"),
    (wrong.TellsErrorsApartByCode, "claim.fenced-writer", "error.reason: expected 'EXECUTION_NOT"),
    (wrong.LosesMetadata, "claim.fenced-writer", "error.metadata"),
    (wrong.Repeats, "watch.every-change", "ok.events.2.snapshot.version: expected '3', came '2'"),
    (
        wrong.LosesTheFirstAfterResuming,
        "resume.while-away",
        "step 14 (call watch_take): ok.events.0.snapshot.sequence_number: expected '101'",
    ),
    (wrong.Overwrites, "handle.conflict-delta", "step 4 (call handle_save): error"),
    (wrong.Overwrites, "handle.conflict-whole", "step 4 (call handle_save): error"),
    (wrong.NeverOverwrites, "handle.overwrite", "step 4 (call handle_save): ok"),
    (wrong.ForgetsItsEpoch, "claim.handle", "step 4 (call handle_save): ok"),
    (wrong.KeepsTheOldest, "saver.newest-wins", "ok.snapshot.sequence_number: expected '200'"),
    (wrong.UsesOneRequestId, "save.request-ids-of-its-own", "step 2 (call save): ok"),
    (wrong.ReadsOnePage, "list.pages", "step 4 (call list): ok.snapshots"),
]
"""Wrong drivers, the scene that catches each, and a part of what it says."""


@pytest.mark.parametrize(
    ("driver", "scene", "where"),
    CAUGHT,
    ids=[f"{driver.__name__}-{scene}" for driver, scene, _ in CAUGHT],
)
def test_scenes(driver: type[Driver], scene: str, where: str, live: LiveServer) -> None:
    name = f"wrong-{driver.__name__}"
    with pytest.raises(SceneError, match=re.escape(where)) as told:
        play(SCENES[scene], name, live, partial(local, kind=driver))
    assert str(told.value).startswith(f"{name}, scene {scene}, step ")


@pytest.fixture(scope="module")
def stored() -> Iterator[str]:
    with ServerProcess() as server:
        corpus.store(server.address, "acme", "stored", CORPUS)
        yield server.address


@pytest.mark.parametrize(
    ("driver", "entry"),
    [
        (wrong.ReadsIntegersAsDoubles, "2^53 + 1"),
        (wrong.ReadsIntegersAsDoubles, "u64 max"),
        (wrong.ReadsSignedIntegersAlone, "u64 max"),
        (wrong.ReadsFloats, "0.1"),
        (wrong.ReadsWhatIsNoValue, "1e400"),
        (wrong.ReadsWhatIsNoValue, "a lone high surrogate"),
    ],
)
def test_reading(driver: type[Driver], entry: str, stored: str) -> None:
    with (
        local(stored, "acme", driver) as wrong_one,
        pytest.raises(corpus.CorpusError, match=re.escape(f"\n'{entry}': ")),
    ):
        corpus.check_reading(wrong_one, "stored", CORPUS)


def test_cross_reading(stored: str) -> None:
    """What one writes rightly, the other reads wrongly."""
    with local(stored, "acme") as writer, local(stored, "acme", wrong.ReadsFloats) as reader:
        corpus.write(writer, "written", CORPUS)
        corpus.check_written(writer, "written", CORPUS)
        with pytest.raises(corpus.CorpusError, match=r"\n'doubles of small size': array\.0"):
            corpus.check_written(reader, "written", CORPUS)


def test_writing(stored: str) -> None:
    with (
        local(stored, "acme", wrong.WritesNaN) as wrong_one,
        pytest.raises(corpus.CorpusError, match="saving not a number: error"),
    ):
        corpus.check_unwritable(wrong_one, "unwritable")


@pytest.fixture(scope="module")
def refusing() -> Iterator[RefusingServer]:
    with refusing_server() as server:
        yield server


@pytest.mark.parametrize(
    ("driver", "where"),
    [
        (wrong.LosesMetadata, "ETAG_MISMATCH: error.metadata"),
        (wrong.TellsErrorsApartByCode, "FENCED: error.reason"),
        (wrong.RetriesAnything, "FENCED, tries: expected 1, came 2"),
    ],
)
def test_reasons(driver: type[Driver], where: str, refusing: RefusingServer) -> None:
    with (
        local(refusing.address, "acme", driver) as wrong_one,
        pytest.raises(AssertionError, match=re.escape(where)),
    ):
        test_errors.test_errors(test_errors.REASONS, driver.__name__, wrong_one, refusing)


def test_retries(refusing: RefusingServer) -> None:
    with (
        local(refusing.address, "acme", wrong.NeverRetries) as wrong_one,
        pytest.raises(AssertionError, match="twice-cancelled, tries: expected 3, came 1"),
    ):
        test_errors.test_retries("wrong", wrong_one, refusing)


@pytest.mark.parametrize(
    ("driver", "name", "where"),
    [
        (wrong.IgnoresTokens, "lost-and-restarted", "expected a start at r3, came one at now"),
        (wrong.TellsTokensTooEarly, "interrupted-initial-state", "ok.events.0.resume_token"),
        (wrong.KeepsWatching, "goodbye", "the call goes on although its consumer has left"),
    ],
)
def test_watches_are_followed(
    driver: type[Driver], name: str, where: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(test_watches, "PATIENCE", 1)
    script = next(each for each in read_scripts() if each.name == name)
    with (
        cutting_server(script) as server,
        local(server.address, "acme", driver) as wrong_one,
        pytest.raises(AssertionError, match=re.escape(where)),
    ):
        test_watches.follow(script, wrong_one, server)
