"""A short run; `make chaos` is the long one."""

from __future__ import annotations

from collections import Counter

import pytest

from tests.chaos.checks import wrong
from tests.chaos.operations import ENGINES, Kind
from tests.chaos.places import STORES, chaos

SEED = 5
SECONDS = 10.0


@pytest.mark.parametrize("store", STORES)
async def test_nothing_is_lost_whatever_happens_to_the_servers(store: str) -> None:
    said: list[str] = []
    history = await chaos(store, SEED, SECONDS, said.append)
    problems = wrong(history)
    assert problems == [], "\n".join(
        [f"python -m tests.chaos --store {store} --seed {SEED} --seconds {SECONDS:g}", *problems]
    )
    # Something was done, to the servers and by everybody.
    assert len(said) > 2
    answered = Counter(each.engine for each in history.attempts if each.answered)
    assert all(answered[engine.name] for engine in ENGINES)
    assert {each.operation.kind for each in history.attempts} == set(Kind)
    assert all(watched.connections > 1 for watched in history.watches)
