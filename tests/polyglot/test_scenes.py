"""Every scene, by the client of every language."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import pytest

from tests.polyglot.harness.languages import LANGUAGES, build
from tests.polyglot.harness.playing import play
from tests.polyglot.harness.programs import program
from tests.polyglot.harness.scenes import read_scenes

if TYPE_CHECKING:
    from tests.polyglot.harness.scenes import Scene
    from tests.polyglot.harness.world import LiveServer


@pytest.mark.parametrize("scene", read_scenes(), ids=str)
@pytest.mark.parametrize("language", LANGUAGES)
def test_scene(language: str, scene: Scene, live: LiveServer) -> None:
    play(scene, language, live, partial(program, build(language)))
