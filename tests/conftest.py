"""In CI nothing is left out unnoticed: a skip whose reason is not on the list fails the run.

And the PostgreSQL that tests share.
"""

from __future__ import annotations

import os
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from tests import databases

if TYPE_CHECKING:
    from collections.abc import Iterator

ALLOWED_SKIPS_IN_CI: frozenset[str] = frozenset()
"""Beginnings of the reasons for which CI may skip a test. None is allowed today."""

_skipped = pytest.StashKey[dict[str, str]]()


def pytest_configure(config: pytest.Config) -> None:
    config.stash[_skipped] = {}
    if os.environ.get("CI") == "true":
        config.pluginmanager.register(_SkipGuard(config.stash[_skipped]))


@pytest.fixture(scope="session")
def postgres_url() -> Iterator[str]:
    """The URL of a PostgreSQL database that all tests share."""
    url = databases.other()
    if url is not None:
        yield url
        databases.drop_fresh(url)
        return
    with closing(databases.Database()) as database:
        yield database.url


class _SkipGuard:
    def __init__(self, skipped: dict[str, str]) -> None:
        self._skipped = skipped

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        # An expected failure is reported as skipped too; it has no reason of this form.
        if report.skipped and isinstance(report.longrepr, tuple):
            reason = report.longrepr[2].removeprefix("Skipped: ")
            if not reason.startswith(tuple(ALLOWED_SKIPS_IN_CI)):
                self._skipped[report.nodeid] = reason

    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        if self._skipped and session.exitstatus == pytest.ExitCode.OK:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        for test, reason in self._skipped.items():
            terminalreporter.write_line(f"FAILED in CI: {test} was skipped: {reason}")
