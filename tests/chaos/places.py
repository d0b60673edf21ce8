"""Where a run takes place: over which store, with how many servers."""

from __future__ import annotations

import tempfile
from contextlib import closing
from typing import TYPE_CHECKING

from tests.chaos.campaign import campaign
from tests.databases import Database

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.chaos.history import History

STORES = ("postgres", "sqlite")

SERVERS = 3
"""Over one PostgreSQL. A SQLite file has one server."""


async def chaos(store: str, seed: int, seconds: float, say: Callable[[str], None]) -> History:
    """Makes a run over a store of its own."""
    if store == "sqlite":
        with tempfile.TemporaryDirectory(prefix="stillframe-") as folder:
            url = f"sqlite:///{folder}/chaos.db"
            return await campaign(
                url, seed=seed, seconds=seconds, servers=1, database=None, say=say
            )
    with closing(Database()) as database:
        return await campaign(
            database.url, seed=seed, seconds=seconds, servers=SERVERS, database=database, say=say
        )
