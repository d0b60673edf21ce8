"""Plays the scenes of several languages at a time, each language in a server of its own.

Most of what a scene does is to wait: for a driver that starts, for a server that is back.
"""

from __future__ import annotations

from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING

from tests.polyglot.harness.languages import build
from tests.polyglot.harness.playing import play
from tests.polyglot.harness.programs import program
from tests.polyglot.harness.world import live_server

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Mapping, Sequence
    from pathlib import Path

    from tests.polyglot.harness.scenes import Scene

LANGUAGES_AT_A_TIME = 2

Plays = dict[tuple[str, str], "Future[None]"]
"""What becomes of each language's scenes, by their names."""


@contextmanager
def stage(
    wanted: Mapping[str, Sequence[Scene]], new_folder: Callable[[], Path]
) -> Generator[Plays]:
    """Starts to play, and gives what will become of each scene. What has not begun when the
    block ends is not played.
    """
    plays: Plays = {
        (language, scene.name): Future() for language, scenes in wanted.items() for scene in scenes
    }
    pool = ThreadPoolExecutor(LANGUAGES_AT_A_TIME)
    try:
        for language, scenes in wanted.items():
            pool.submit(_play_all, language, scenes, plays, new_folder)
        yield plays
    finally:
        for each in plays.values():
            each.cancel()
        pool.shutdown(cancel_futures=True)


def _play_all(
    language: str, scenes: Sequence[Scene], plays: Plays, new_folder: Callable[[], Path]
) -> None:
    try:
        opened = partial(program, build(language))
        with live_server(new_folder()) as server:
            for scene in scenes:
                outcome = plays[language, scene.name]
                if outcome.set_running_or_notify_cancel():
                    _settle(outcome, lambda: play(scene, language, server, opened))  # noqa: B023
    except BaseException as failure:  # noqa: BLE001 - its tests must hear of it
        # No driver, or no server: so it is for every scene that is left.
        for scene in scenes:
            if not plays[language, scene.name].done():
                plays[language, scene.name].set_exception(failure)


def _settle(outcome: Future[None], what: Callable[[], None]) -> None:
    try:
        what()
    except Exception as failure:  # noqa: BLE001 - the test raises it
        outcome.set_exception(failure)
    else:
        outcome.set_result(None)
