"""A row of the table of broken stores."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from tests.conformance.broken.plain import PlainStore

COMMITTED_STATE = "The rules of `rules` must be decided inside the commit, against committed state."


class Row(NamedTuple):
    """A broken store."""

    store: type[PlainStore]
    sentence: str
    """As it stands in `stores/base.py`, or a part of it."""
    test: Callable[..., Awaitable[None]]
    given: dict[str, Any] = {}  # noqa: RUF012 - never changed
    """The parameters of the test, where it has some."""

    @property
    def test_name(self) -> str:
        return f"{inspect.getmodulename(inspect.getfile(self.test))}.{self.test.__name__}"
