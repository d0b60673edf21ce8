"""The recent changes of the tenants that are watched, under one bound of bytes."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from stillframe.server.stores.marks import Position
from stillframe.server.stores.refusals import Refusal
from stillframe.server.watch.following import REPLACED, changes_after
from stillframe.v1 import error_pb2

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from stillframe.server.stores.base import Store
    from stillframe.server.stores.records import Change

MIN_CHANGES = 64
"""Changes that every ring keeps, whatever the others need."""

READ_LIMIT = 512
"""Changes read at once: what bounds a watcher's memory."""

RETRY_SECONDS = 0.5
"""How long a tail waits after the store failed to answer."""

_OVERHEAD = 640
"""Bytes that a change has in memory beside its messages, about."""

_PARSED = 1_200
"""Bytes that a parsed message has in memory beside those of its fields, about."""

_log = logging.getLogger(__name__)


@dataclass(slots=True, eq=False)
class Recent:
    """A change in a ring, with the frames of it that watchers share."""

    change: Change
    size: int
    frames: dict[tuple[int, bool], bytes] = field(default_factory=dict[tuple[int, bool], bytes])
    """By the kind of the change, and whether it carries the whole content."""
    loading: asyncio.Task[bytes] | None = None

    async def once(self, load: Callable[[], Coroutine[None, None, bytes]]) -> bytes:
        """Returns what is loaded once for all who ask meanwhile."""
        if self.loading is None:
            self.loading = asyncio.create_task(self._load(load))
        # A watcher that is cancelled must not cancel the load of the others.
        return await asyncio.shield(self.loading)

    async def _load(self, load: Callable[[], Coroutine[None, None, bytes]]) -> bytes:
        try:
            return await load()
        finally:
            self.loading = None


class Rings:
    """The rings of all tenants. They share one bound of bytes."""

    def __init__(self, max_bytes: int) -> None:
        self._max_bytes = max_bytes
        self._bytes = 0
        self._rings: set[Ring] = set()

    def open(self) -> Ring:
        ring = Ring(self)
        self._rings.add(ring)
        return ring

    def close(self, ring: Ring) -> None:
        self._rings.discard(ring)
        self._bytes -= ring.bytes
        # A content that is loaded after this finds nothing that it could be charged to.
        ring.changes, ring.bytes = {}, 0

    def charge(self, ring: Ring, size: int) -> None:
        """Counts bytes, and drops the oldest changes of the largest rings beyond the bound."""
        ring.bytes += size
        self._bytes += size
        while self._bytes > self._max_bytes:
            droppable = [each for each in self._rings if len(each.changes) > MIN_CHANGES]
            if not droppable:
                break
            largest = max(droppable, key=lambda each: each.bytes)
            # Half at once, so that a full house is not searched for every change.
            for _ in range((len(largest.changes) - MIN_CHANGES + 1) // 2):
                dropped = largest.changes.pop(largest.first)
                largest.first += 1
                largest.bytes -= dropped.size
                self._bytes -= dropped.size


@dataclass(slots=True, eq=False)
class Ring:
    """The newest changes of one tenant, without a gap."""

    rings: Rings
    first: int = 1
    changes: dict[int, Recent] = field(default_factory=dict[int, "Recent"])
    bytes: int = 0

    def add(self, change: Change) -> None:
        if not self.changes:
            self.first = change.revision
        headers = (change.header, change.before)
        size = _OVERHEAD + sum(_PARSED + each.ByteSize() for each in headers if each is not None)
        self.changes[change.revision] = Recent(change, size)
        self.rings.charge(self, size)

    def restart(self, first: int) -> None:
        """Drops every change; the next one added is this revision."""
        self.rings.charge(self, -self.bytes)
        self.changes = {}
        self.first = first

    def recent(self, change: Change) -> Recent | None:
        """Returns what the ring has of a change, while it is there."""
        found = self.changes.get(change.revision)
        # A ring that was restarted may have another one of the number.
        return found if found is not None and found.change is change else None

    def charge(self, recent: Recent, size: int) -> None:
        """Counts a frame that was made, if its change is still in the ring."""
        if self.changes.get(recent.change.revision) is recent:
            recent.size += size
            self.rings.charge(self, size)

    def last_after(self, revision: int, limit: int) -> Change | None:
        """Returns the last change of `after`; None when the ring does not reach back."""
        if revision + 1 not in self.changes:
            return None
        return self.changes[min(revision + limit, self.first + len(self.changes) - 1)].change

    def after(self, revision: int, limit: int) -> list[Recent] | None:
        """Returns the changes after a revision; None when the ring does not reach back."""
        if revision + 1 not in self.changes:
            return None
        end = min(revision + 1 + limit, self.first + len(self.changes))
        return [self.changes[each] for each in range(revision + 1, end)]


def behind_gap(changes: list[Change], after: int) -> int | None:
    """Returns the first revision that comes behind a gap in what should follow `after`."""
    for expected, change in enumerate(changes, after + 1):
        if change.revision != expected:
            return change.revision
    return None


class Tail:
    """Follows one tenant's change log while anybody watches it."""

    def __init__(self, store: Store, rings: Rings, tenant_id: str) -> None:
        self._store = store
        self._rings = rings
        self._tenant_id = tenant_id
        self._advanced = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._position = Position(0, "")
        self.ring = rings.open()
        self.watchers = 0
        self.replaced = 0
        """How often the store was found to be another one. What a watcher has seen may then
        be no part of it.
        """

    @property
    def revision(self) -> int:
        """The newest revision seen."""
        return self._position.revision

    def start(self, position: Position) -> None:
        self._position = position
        self.ring.first = position.revision + 1
        self._task = asyncio.create_task(self._follow(), name=f"tail {self._tenant_id}")

    def stop(self) -> None:
        if self._task is not None:
            self._task.cancel()
        self._rings.close(self.ring)

    def wake(self) -> None:
        """Wakes every watcher of the tenant."""
        self._advanced.set()
        self._advanced = asyncio.Event()

    @property
    def advanced(self) -> asyncio.Event:
        """Set once the tail has moved on from where it is now."""
        return self._advanced

    async def _follow(self) -> None:
        while True:
            try:
                await self._step()
            except Refusal as refusal:
                # The watches stay open and say nothing until the store is back.
                _log.warning("the tail of a tenant waits: %s", refusal.message)
                await asyncio.sleep(RETRY_SECONDS)
            except Exception:  # noqa: BLE001 - logged, and tried again
                _log.exception("the tail of a tenant failed and goes on")
                await asyncio.sleep(RETRY_SECONDS)

    async def _step(self) -> None:
        try:
            changes = await changes_after(self._store, self._tenant_id, self._position, READ_LIMIT)
        except Refusal as refusal:
            is_replaced = refusal.reason in REPLACED
            if not is_replaced and refusal.reason != error_pb2.ERROR_REASON_HISTORY_COMPACTED:
                raise
            if is_replaced:
                _log.warning("the store was replaced: %s", refusal.message)
            await self._catch_up(is_replaced=is_replaced)
            return
        if behind_gap(changes, self.revision) is not None:
            await self._catch_up(is_replaced=False)
            return
        if not changes:
            await self._store.wait(self._tenant_id, self.revision)
            return
        for change in changes:
            self.ring.add(change)
        self._position = Position(changes[-1].revision, changes[-1].mark)
        self.wake()

    async def _catch_up(self, *, is_replaced: bool) -> None:
        """Goes on from the present: the log no longer has what follows. Watchers that have
        not seen it find that out in the store.
        """
        self._position = await self._store.position(self._tenant_id)
        self.replaced += is_replaced
        self.ring.restart(self.revision + 1)
        self.wake()
