"""Three servers over one PostgreSQL, and what befalls them."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Self

from stillframe.testing import ServerProcess
from tests.databases import Database

if TYPE_CHECKING:
    from random import Random

SERVERS = 3


class World:
    """The servers and the database. Killed servers come back after a while."""

    def __init__(self) -> None:
        self.database = Database()
        self.servers = [ServerProcess(self.database.url) for _ in range(SERVERS)]
        self.told: list[str] = []
        """What befell whom, in the order in which it did."""

    async def __aenter__(self) -> Self:
        for server in self.servers:
            await asyncio.to_thread(server.start)
        return self

    async def __aexit__(self, *exc: object) -> None:
        for server in self.servers:
            await asyncio.to_thread(server.close)
        await asyncio.to_thread(self.database.close)

    def target(self, first: int) -> str:
        """Returns all addresses as one target, from this server's on: so clients spread."""
        order = [self.servers[(first + number) % SERVERS] for number in range(SERVERS)]
        return ",".join(server.address for server in order)

    async def befall(self, chance: Random) -> None:
        """Does the next thing that goes wrong, and puts it right after a while."""
        if chance.random() < 0.3:
            self.told.append("the database is stopped")
            await asyncio.to_thread(self.database.stop)
            await asyncio.sleep(chance.uniform(0, 3))
            await asyncio.to_thread(self.database.start)
            return
        # Two at once now and then; never all, or nobody could be asked.
        for number in chance.sample(range(SERVERS), chance.choice((1, 1, 1, 2))):
            self.told.append(f"server {number} is killed")
            await asyncio.to_thread(self.servers[number].kill)
        await asyncio.sleep(chance.uniform(0, 3))
        for server in self.servers:
            if not server.running:
                await asyncio.to_thread(server.start)
