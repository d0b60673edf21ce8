"""Each broken store is caught by the test of the sentence that it breaks."""

from __future__ import annotations

import inspect
import traceback
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from stillframe.server.stores import base
from stillframe.server.stores.base import StoreConfig
from stillframe.server.stores.refusals import Refusal
from tests.conformance import test_store_changes
from tests.conformance.broken.plain import PlainStore
from tests.conformance.broken.table import TABLE
from tests.conformance.direct import StoreTenant
from tests.conformance.runs import save_five
from tests.conformance.support import Clock, new_tenant

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.conformance.broken.row import Row

README = Path(__file__).with_name("README.md")


class Opener:
    """The fixture `opened` over a store of this kind, which keeps what it has on its disk."""

    def __init__(self, kind: type[PlainStore]) -> None:
        self._kind = kind
        self._clock = Clock()
        self._last: PlainStore | None = None

    async def __call__(self, tenant_id: str | None = None, **changed: Any) -> StoreTenant:
        config = StoreConfig(clock=self._clock, **changed)
        self._last = self._last.reopened(config) if self._last else self._kind(config)
        return StoreTenant(self._last, tenant_id or new_tenant(), self._clock)


async def run(row: Row, kind: type[PlainStore]) -> None:
    """Runs the row's test over a store, with the fixtures that it asks for."""
    opened = Opener(kind)
    fixtures: dict[str, Any] = {"opened": opened}
    for name in inspect.signature(row.test).parameters:
        if name in {"store", "source", "five"}:
            fixtures[name] = await opened()
            if name != "store":
                await save_five(fixtures[name])
    parameters = fixtures | row.given
    await row.test(**{name: parameters[name] for name in inspect.signature(row.test).parameters})


def failures(error: BaseException) -> Iterator[BaseException]:
    """Yields an error, or those that a group holds."""
    if isinstance(error, BaseExceptionGroup):
        for each in error.exceptions:  # pyright: ignore[reportUnknownVariableType, reportUnknownMemberType]
            yield from failures(each)  # pyright: ignore[reportUnknownArgumentType]
    else:
        yield error


def is_caught(error: BaseException) -> bool:
    """Tells whether a test says that something is wrong, rather than the broken store."""
    if isinstance(error, AssertionError | TimeoutError | Refusal):
        return True
    *_, last = traceback.extract_tb(error.__traceback__)
    return Path(last.filename).name.startswith("test_store_")


@pytest.mark.parametrize("row", TABLE, ids=lambda row: row.store.__name__)
async def test_a_broken_store_is_caught(row: Row, monkeypatch: pytest.MonkeyPatch) -> None:
    # What never comes is not waited for long.
    monkeypatch.setattr(test_store_changes, "TIMEOUT", 0.5)
    await run(row, PlainStore)
    with pytest.raises(Exception) as failed:  # noqa: PT011 - looked at below
        await run(row, row.store)

    assert [each for each in failures(failed.value) if not is_caught(each)] == []


def test_each_sentence_is_one_of_the_contract() -> None:
    contract = " ".join(inspect.getsource(base).split())
    assert [row.sentence for row in TABLE if row.sentence not in contract] == []
    assert len({row.store for row in TABLE}) == len(TABLE)


def test_the_table_that_people_read_is_this_one() -> None:
    """README.md of this folder; where it differs, it must be written as asserted here."""
    rows = [
        f"| {row.store.__name__} | {inspect.getdoc(row.store)} | {row.sentence} | "
        f"`{row.test_name}` |"
        for row in TABLE
    ]
    _, table = README.read_text(encoding="utf-8").split("| --- | --- | --- | --- |\n")
    assert table.split("\n\n", 1)[0].splitlines() == rows
