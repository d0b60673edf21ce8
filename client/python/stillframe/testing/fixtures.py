"""A pytest plugin with the fixture `stillframe_server`.

Name it in a conftest.py: `pytest_plugins = ["stillframe.testing.fixtures"]`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from stillframe.testing import ServerProcess

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def stillframe_server(tmp_path: Path) -> Iterator[ServerProcess]:
    """A server of the test's own, over an empty SQLite store in the test's folder.

    What was saved is still there after `kill()` and `restart()`, so a test can
    crash the server under an engine.
    """
    with ServerProcess(f"sqlite:///{tmp_path / 'stillframe.db'}", cwd=tmp_path) as server:
        yield server
