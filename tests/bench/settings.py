"""How much one run of the benchmark does, and the order that it measures in."""

from __future__ import annotations

import tempfile
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Mapping

    from tests.bench.results import Sample


@dataclass(frozen=True)
class Bench:
    """Sizes of a run. `folder` is on a disk, and is gone afterwards."""

    folder: Path
    quick: bool
    rounds: int
    seconds: float
    runs: int
    """Agent runs that are saved."""

    @contextmanager
    def scratch(self) -> Generator[Path]:
        with tempfile.TemporaryDirectory(dir=self.folder) as folder:
            yield Path(folder)

    def interleaved(self, samplers: Mapping[str, Callable[[], Sample]]) -> dict[str, list[Sample]]:
        """Measures all in turn, round after round, so that what else the machine does falls
        on each of them; every second round in the other order.
        """
        found: dict[str, list[Sample]] = {name: [] for name in samplers}
        for number in range(self.rounds):
            names = list(samplers)
            for name in reversed(names) if number % 2 else names:
                found[name].append(samplers[name]())
        return found
