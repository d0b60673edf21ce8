"""Every client reads the corpus alike, and what every other client wrote of it."""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING

import pytest

from stillframe.testing import ServerProcess
from tests.polyglot.harness import corpus
from tests.polyglot.harness.languages import LANGUAGES, build
from tests.polyglot.harness.programs import program

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.polyglot.harness.programs import Program

CORPUS = corpus.read_corpus()
TENANT = "corpus"


class Room:
    """A server, and one driver of each language that was asked for."""

    def __init__(self, target: str, stack: ExitStack) -> None:
        self._target = target
        self._stack = stack
        self._drivers: dict[str, Program] = {}
        self._written: set[str] = set()

    def driver(self, language: str) -> Program:
        if language not in self._drivers:
            started = program(build(language), self._target, TENANT)
            self._drivers[language] = self._stack.enter_context(started)
        return self._drivers[language]

    def written_by(self, language: str) -> str:
        """The execution that has what a language wrote."""
        execution_id = f"by-{language}"
        if language not in self._written:
            corpus.write(self.driver(language), execution_id, CORPUS)
            self._written.add(language)
        return execution_id

    def stored(self) -> str:
        """The execution that has the texts of the corpus."""
        if "" not in self._written:
            corpus.store(self._target, TENANT, "stored", CORPUS)
            self._written.add("")
        return "stored"


@pytest.fixture(scope="module")
def room() -> Iterator[Room]:
    with ServerProcess() as server, ExitStack() as stack:
        yield Room(server.address, stack)


@pytest.mark.parametrize("language", LANGUAGES)
def test_reading(language: str, room: Room) -> None:
    corpus.check_reading(room.driver(language), room.stored(), CORPUS)


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_cannot_be_written(language: str, room: Room) -> None:
    corpus.check_unwritable(room.driver(language), f"refused-{language}")


@pytest.mark.parametrize("reader", LANGUAGES)
@pytest.mark.parametrize("writer", LANGUAGES)
def test_cross_reading(writer: str, reader: str, room: Room) -> None:
    corpus.check_written(room.driver(reader), room.written_by(writer), CORPUS)
