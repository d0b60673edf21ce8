from collections.abc import Iterator

import pytest

from tests.unit.client.support import Stage, stage


@pytest.fixture(name="stage")
def _stage() -> Iterator[Stage]:
    with stage() as made:
        yield made
