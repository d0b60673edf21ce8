"""Whose turn it is to clean up. That another server is passed over, a real database shows."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, cast

from stillframe.server.stores.base import StoreConfig
from stillframe.server.stores.postgres.housekeeping import Housekeeping

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    import pytest

    from stillframe.server.stores.postgres.running import Runner


class Database:
    """The lock of housekeeping, and connections that know no more than that."""

    def __init__(self) -> None:
        self.is_held = False

    @asynccontextmanager
    async def connection(self) -> AsyncGenerator[Database]:
        yield self

    async def execute(self, statement: bytes, _: object = ()) -> Database:
        if b"pg_advisory_unlock" in statement:
            self.is_held = False
        return self

    async def fetchone(self) -> tuple[str | None]:
        if self.is_held:
            return (None,)
        self.is_held = True
        return ("10s",)


async def test_calls_of_one_server_take_turns(monkeypatch: pytest.MonkeyPatch) -> None:
    slices: list[int] = []

    async def one_slice(_: Housekeeping, connection: object, budget: int) -> bool:
        slices.append(budget)
        await asyncio.sleep(0)  # The other call gets as far as it can.
        return bool(connection)

    monkeypatch.setattr(Housekeeping, "_slice", one_slice)
    runner = cast("Runner", cast("Any", Database()))
    housekeeping = Housekeeping(runner, StoreConfig(), 1, lambda _: None)
    first, second = await asyncio.gather(housekeeping.run(1), housekeeping.run(2))
    assert first
    assert second
    assert slices == [1, 2]
