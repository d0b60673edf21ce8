"""Where a run takes place: over which store, with how many servers."""

from __future__ import annotations

import tempfile
from typing import TYPE_CHECKING

from tests.chaos.campaign import campaign

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.chaos.history import History

STORES = ("sqlite",)


async def chaos(store: str, seed: int, seconds: float, say: Callable[[str], None]) -> History:
    """Makes a run over a store of its own."""
    with tempfile.TemporaryDirectory(prefix="stillframe-") as folder:
        return await campaign(
            f"sqlite:///{folder}/chaos.db",
            seed=seed,
            seconds=seconds,
            servers=1,
            database=None,
            say=say,
        )
