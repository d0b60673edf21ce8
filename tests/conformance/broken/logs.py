"""Stores whose change log breaks the contract."""

from __future__ import annotations

import asyncio
import copy
from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING

from stillframe.server.stores.filters import filter_fields
from stillframe.server.stores.marks import Position
from tests.conformance.broken.plain import PlainStore

if TYPE_CHECKING:
    from collections.abc import Sequence

    from stillframe.server.stores.base import StoreConfig
    from stillframe.server.stores.memory.tenant import Tenant
    from stillframe.server.stores.records import Change
    from stillframe.v1.snapshot_service_pb2 import SaveSnapshotRequest


class WritesTheRecordLater(PlainStore):
    """Shows a change record when the log is read for the second time after its commit."""

    def __init__(self, config: StoreConfig) -> None:
        super().__init__(config)
        self._written: Counter[str] = Counter()

    async def changes(self, tenant_id: str, after: int, limit: int) -> list[Change]:
        written = self._written[tenant_id]
        self._written[tenant_id] = self._tenant(tenant_id).revision
        read = await super().changes(tenant_id, after, limit)
        return [change for change in read if change.revision <= written]


class ShowsALateRevision(PlainStore):
    """Shows the newest change before the one below it, as a sequence in SQL does."""

    async def changes(self, tenant_id: str, after: int, limit: int) -> list[Change]:
        newest = (await self.position(tenant_id)).revision
        read = await super().changes(tenant_id, after, limit)
        return [change for change in read if change.revision != newest - 1]


class LosesARecord(PlainStore):
    """Has no record of every third change."""

    async def changes(self, tenant_id: str, after: int, limit: int) -> list[Change]:
        read = await super().changes(tenant_id, after, limit)
        return [change for change in read if change.revision % 3]


class BeginsWhereItCan(PlainStore):
    """Reads on from the oldest change that is left where the one asked for is gone."""

    async def changes(self, tenant_id: str, after: int, limit: int) -> list[Change]:
        oldest = self._tenant(tenant_id).floor
        return await super().changes(tenant_id, max(after, oldest - 1), limit)


class TakesTheHeadForTheOneBefore(PlainStore):
    """Records what filters test of the new head where that of the head before belongs."""

    async def changes(self, tenant_id: str, after: int, limit: int) -> list[Change]:
        return [
            replace(change, before=filter_fields(change.header)) if change.before else change
            for change in await super().changes(tenant_id, after, limit)
        ]


class MarksTheNewest(PlainStore):
    """Gives the mark of the newest revision for every revision."""

    async def position(self, tenant_id: str, revision: int | None = None) -> Position:
        newest = await super().position(tenant_id)
        found = await super().position(tenant_id, revision)
        return Position(found.revision, newest.mark)


class ReadsItsLogLate(PlainStore):
    """Names a revision whose record cannot be read yet: not until the test lets it."""

    def __init__(self, config: StoreConfig) -> None:
        super().__init__(config)
        self.readable = asyncio.Event()
        self.readable.set()

    async def changes(self, tenant_id: str, after: int, limit: int) -> list[Change]:
        await self.readable.wait()
        return await super().changes(tenant_id, after, limit)


class IsReplaced(PlainStore):
    """Becomes, under a running server, what it was before: as a database does that fails over
    to a standby which lacks the last commits.
    """

    _before: dict[str, Tenant]

    def remember(self) -> None:
        self._before = copy.deepcopy(self._tenants)

    def fall_back(self, and_save: Sequence[SaveSnapshotRequest] = ()) -> None:
        """Falls back, and saves before anybody has a turn to see it."""
        self._tenants = self._before
        for request in and_save:
            self._save(request)
        for tenant_id in self._before:
            self._signals.notify(tenant_id)


class WakesNobody(PlainStore):
    """Never tells those who wait that something was committed."""

    async def wait(self, tenant_id: str, after: int) -> None:
        del tenant_id, after
        await asyncio.Event().wait()
