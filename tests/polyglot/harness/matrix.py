"""What every language did, as a table at the end of a run of pytest."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import pytest

MARKS = {"passed": "ok", "failed": "FAIL", "skipped": "skip"}

Cell = tuple[str, str]


class _Writer(Protocol):
    def write_line(self, line: str) -> None: ...


class Matrix:
    """A plugin of pytest. Tests with a `language` are rows by their name; tests with a `writer`
    and a `reader` are a table of their own.
    """

    def __init__(self, languages: Sequence[str]) -> None:
        self._languages = languages
        self._cells: dict[str, Cell] = {}
        self._pairs: dict[str, Cell] = {}
        self._outcomes: dict[str, str] = {}

    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        for item in items:
            # Only functions with parameters have it.
            callspec: Any = getattr(item, "callspec", None)
            parameters: dict[str, Any] = callspec.params if callspec else {}
            if "writer" in parameters:
                self._pairs[item.nodeid] = (parameters["writer"], parameters["reader"])
            elif "language" in parameters:
                language = parameters["language"]
                self._cells[item.nodeid] = (_row(item, callspec.id, language), language)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        # What fails in its setup or its end has failed.
        if report.outcome != "passed" or report.when == "call":
            worse = self._outcomes.get(report.nodeid) == "failed"
            self._outcomes[report.nodeid] = "failed" if worse else report.outcome

    def pytest_terminal_summary(self, terminalreporter: _Writer) -> None:
        for title, cells in (("", self._cells), ("writer \\ reader", self._pairs)):
            # Not those that -k left out.
            ran = {test: cell for test, cell in cells.items() if test in self._outcomes}
            if ran:
                self._print(terminalreporter, title, ran)

    def _print(self, writer: _Writer, title: str, cells: Mapping[str, Cell]) -> None:
        marks = {cell: MARKS.get(self._outcomes.get(test, ""), "-") for test, cell in cells.items()}
        rows = list(dict.fromkeys(row for row, _ in cells.values()))
        width = max(len(each) for each in [*rows, title])
        columns = [max(len(language), 4) for language in self._languages]

        def line(first: str, others: Sequence[str]) -> str:
            parts = [f"{each:^{size}}" for each, size in zip(others, columns, strict=True)]
            return f"{first:<{width}}  {'  '.join(parts)}".rstrip()

        writer.write_line("")
        writer.write_line(line(title, self._languages))
        for row in rows:
            found = [marks.get((row, language), "-") for language in self._languages]
            writer.write_line(line(row, found))


def _row(item: pytest.Item, identity: str, language: str) -> str:
    """The name of a test without its language: `scenes: save.created`, `tls: without the roots`."""
    group = item.path.stem.removeprefix("test_")
    parameters = [each for each in identity.split("-") if each != language]
    function = item.name.partition("[")[0].removeprefix("test_").replace("_", " ")
    return f"{group}: {'-'.join(parameters) or function}"
