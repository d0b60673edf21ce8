"""Stores whose loads and lists break the contract."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from stillframe.server.stores.records import HeadPage, HistoryKey, Page, Stored
from stillframe.v1.snapshot_pb2 import ExecutionSnapshot
from tests.conformance.broken.plain import PlainStore

if TYPE_CHECKING:
    from collections.abc import Sequence

    from stillframe.server.stores.base import StoreConfig
    from stillframe.server.stores.projection import Selection
    from stillframe.server.stores.records import Outline, SnapshotFilter
    from stillframe.v1.snapshot_pb2 import ExecutionFilter
    from stillframe.v1.snapshot_service_pb2 import SnapshotSelector


class TearsARead(PlainStore):
    """Reads a header and its entries at two moments."""

    async def load(
        self, tenant_id: str, execution_id: str, selector: SnapshotSelector, selection: Selection
    ) -> Stored:
        first = await super().load(tenant_id, execution_id, selector, selection)
        for _ in range(3):
            await asyncio.sleep(0)
        second = await super().load(tenant_id, execution_id, selector, selection)
        return Stored(first.header, second.entries)


class LoadsOneByOne(PlainStore):
    """Is not broken, but slow: each load waits until the test lets one go on."""

    def __init__(self, config: StoreConfig) -> None:
        super().__init__(config)
        self.loads = asyncio.Semaphore(0)
        self.waiting = asyncio.Event()
        """Set once a load waits."""

    async def load(
        self, tenant_id: str, execution_id: str, selector: SnapshotSelector, selection: Selection
    ) -> Stored:
        self.waiting.set()
        await self.loads.acquire()
        return await super().load(tenant_id, execution_id, selector, selection)


class OutlinesOneByOne(PlainStore):
    """Reads each of several outlines at a moment of its own."""

    async def outlines(
        self, tenant_id: str, execution_id: str, selectors: Sequence[SnapshotSelector]
    ) -> list[Outline]:
        found: list[Outline] = []
        for selector in selectors:
            found += await super().outlines(tenant_id, execution_id, [selector])
            await asyncio.sleep(0)
        return found


class LeavesOutUnsaid(PlainStore):
    """Does not say which entries a load leaves out."""

    async def load(
        self, tenant_id: str, execution_id: str, selector: SnapshotSelector, selection: Selection
    ) -> Stored:
        stored = await super().load(tenant_id, execution_id, selector, selection)
        header = ExecutionSnapshot()
        header.CopyFrom(stored.header)
        header.ClearField("omission")
        return Stored(header, stored.entries)


class PagesBesideItsPosition(PlainStore):
    """Reads a page a moment after the revision that it names."""

    async def list_executions(
        self,
        tenant_id: str,
        where: ExecutionFilter,
        *,
        after: str,
        limit: int,
        selection: Selection,
    ) -> HeadPage:
        position = await self.position(tenant_id)
        await asyncio.sleep(0)
        listed = await super().list_executions(
            tenant_id, where, after=after, limit=limit, selection=selection
        )
        return HeadPage(listed.page, position)


class SortsWithoutCase(PlainStore):
    """Lists ids as people sort them, and as some collations do."""

    async def list_executions(
        self,
        tenant_id: str,
        where: ExecutionFilter,
        *,
        after: str,
        limit: int,
        selection: Selection,
    ) -> HeadPage:
        listed = await super().list_executions(
            tenant_id, where, after=after, limit=limit, selection=selection
        )
        items = sorted(listed.page.items, key=lambda each: each.header.execution_id.casefold())
        return HeadPage(Page(items, listed.page.next), listed.position)


class PagesByRevisionAlone(PlainStore):
    """Begins a page of history below the whole revision that the page before ended in."""

    async def list_snapshots(
        self,
        tenant_id: str,
        execution_id: str | None,
        where: SnapshotFilter,
        *,
        before: HistoryKey | None,
        limit: int,
        selection: Selection,
    ) -> Page:
        below = HistoryKey(before.revision, 0) if before else None
        return await super().list_snapshots(
            tenant_id, execution_id, where, before=below, limit=limit, selection=selection
        )
