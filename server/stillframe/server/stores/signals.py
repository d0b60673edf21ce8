"""Wakes the tails of tenants. A wake-up is a hint: who wakes reads the store."""

from __future__ import annotations

import asyncio


class Signals:
    """One event loop's waiting tails, by tenant."""

    def __init__(self) -> None:
        self._events: dict[str, asyncio.Event] = {}

    def notify(self, tenant_id: str) -> None:
        """Wakes every tail of the tenant."""
        event = self._events.pop(tenant_id, None)
        if event is not None:
            event.set()

    async def wait(self, tenant_id: str) -> None:
        """Returns at the next notify of the tenant."""
        await self._events.setdefault(tenant_id, asyncio.Event()).wait()
