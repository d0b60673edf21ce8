"""Every scene, by the client of every language."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any

import pytest

from tests.polyglot.harness.languages import LANGUAGES
from tests.polyglot.harness.scenes import read_scenes
from tests.polyglot.harness.stage import stage

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.polyglot.harness.scenes import Scene
    from tests.polyglot.harness.stage import Plays


@pytest.fixture(scope="module")
def plays(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Plays]:
    """The scenes that were collected, which are played from the first test on."""
    wanted: defaultdict[str, list[Scene]] = defaultdict(list)
    for item in request.session.items:
        callspec: Any = getattr(item, "callspec", None)
        if item.path == request.path and callspec is not None:
            wanted[callspec.params["language"]].append(callspec.params["scene"])
    with stage(wanted, lambda: tmp_path_factory.mktemp("live")) as plays:
        yield plays


@pytest.mark.parametrize("scene", read_scenes(), ids=str)
@pytest.mark.parametrize("language", LANGUAGES)
def test_scene(language: str, scene: Scene, plays: Plays) -> None:
    plays[language, scene.name].result()
