import pytest

from tests.unit.client.support import Stage


@pytest.fixture(name="stage")
def _stage() -> Stage:
    return Stage()
