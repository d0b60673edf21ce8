"""`AsyncExecution`: a handle on one execution that works out deltas."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from functools import partial
from typing import Protocol, TypeVar

from stillframe.client import _types as t
from stillframe.client._aio.calls import AsyncCalls
from stillframe.client._encoding import EncodedSnapshot, encode_snapshot
from stillframe.client._errors import StillframeError
from stillframe.client._queries import Criteria, Projection
from stillframe.client._requests import Call, Requests, SaveOptions
from stillframe.client._tracking import Tracker

T = TypeVar("T")


class AsyncUnary(Protocol):
    """Makes a call, with retries."""

    async def __call__(self, call: Call[T], timeout: float | None = None) -> T: ...  # noqa: ASYNC109


class AsyncExecution:
    """As `Execution`: one execution, as one engine sees it. Saves go one at a time.

    A save that is cancelled may or may not have taken effect; the next one first repeats it.
    """

    def __init__(
        self,
        calls: AsyncCalls,
        unary: AsyncUnary,
        requests: Requests,
        execution_id: str,
        *,
        writer_epoch: int | None,
        overwrite: bool,
    ) -> None:
        self._calls = calls
        self._unary = unary
        self._codec = requests.codec
        self._tracker = Tracker(requests, execution_id, overwrite=overwrite)
        self._lock = asyncio.Lock()
        self.execution_id = execution_id
        """The execution."""
        self.writer_epoch = writer_epoch
        """What goes with every save; a claim sets it."""

    async def save(
        self,
        snapshot: t.Snapshot,
        *,
        expected_etag: str | None = None,
        must_not_exist: bool = False,
        ttl: timedelta | float | None = None,
        allow_sequence_regression: bool = False,
        request_id: str | None = None,
    ) -> t.Saved:
        """As `Execution.save`."""
        options = SaveOptions(
            expected_etag=expected_etag,
            must_not_exist=must_not_exist,
            ttl=ttl,
            allow_sequence_regression=allow_sequence_regression,
            request_id=request_id,
        )
        return await self.save_encoded(self.encode(snapshot), options)

    def encode(self, snapshot: t.Snapshot) -> EncodedSnapshot:
        """A copy of the snapshot, ready to be sent. For savers."""
        return encode_snapshot(snapshot, self._codec)

    async def save_encoded(
        self,
        snapshot: EncodedSnapshot,
        options: SaveOptions,
        timeout: float | None = None,  # noqa: ASYNC109 - bounds each call, not the waiting
    ) -> t.Saved:
        """Saves what `encode` gave. For savers."""
        async with self._lock:
            options = replace(options, writer_epoch=self.writer_epoch)
            saving = self._tracker.save(snapshot, options)
            step: Callable[[], Call[t.Saved]] = partial(next, saving)
            while True:
                try:
                    call = step()
                except StopIteration as done:
                    saved: t.Saved = done.value
                    return saved
                try:
                    answer = await self._unary(call, timeout)
                except StillframeError as error:
                    step = partial(saving.throw, error)
                else:
                    step = partial(saving.send, answer)

    async def load(
        self,
        *,
        version: int | None = None,
        snapshot_id: str | None = None,
        criteria: Criteria | None = None,
        projection: Projection | None = None,
        event_store_head: int | None = None,
        require_fresh: bool = False,
        max_behind: int | None = None,
        max_message_bytes: int | None = None,
    ) -> t.StoredSnapshot:
        """As `Execution.load`."""
        async with self._lock:
            snapshot = await self._calls.load(
                self.execution_id,
                version=version,
                snapshot_id=snapshot_id,
                criteria=criteria,
                projection=projection,
                event_store_head=event_store_head,
                require_fresh=require_fresh,
                max_behind=max_behind,
                max_message_bytes=max_message_bytes,
            )
            if version is None and snapshot_id is None and criteria is None:
                self._tracker.know(snapshot)
            return snapshot

    async def claim(
        self,
        *,
        allow_missing: bool = False,
        projection: Projection | None = None,
        event_store_head: int | None = None,
    ) -> t.Claim:
        """As `Execution.claim`."""
        async with self._lock:
            claim = await self._calls.claim(
                self.execution_id,
                allow_missing=allow_missing,
                projection=projection,
                event_store_head=event_store_head,
            )
            self.writer_epoch = claim.writer_epoch
            self._tracker.know(claim.snapshot)
            return claim

    async def delete(
        self,
        *,
        expected_etag: str | None = None,
        include_descendants: bool = False,
        request_id: str | None = None,
    ) -> t.Deleted:
        """As `Execution.delete`."""
        async with self._lock:
            deleted = await self._calls.delete(
                self.execution_id,
                expected_etag=expected_etag,
                writer_epoch=self.writer_epoch,
                include_descendants=include_descendants,
                request_id=request_id,
            )
            self._tracker.forget()
            return deleted

    def history(
        self,
        *,
        criteria: Criteria | None = None,
        labels: Mapping[str, str] | None = None,
        full: bool = False,
        projection: Projection | None = None,
        page_size: int = 0,
    ) -> AsyncIterator[t.StoredSnapshot]:
        """As `Execution.history`."""
        return self._calls.history(
            self.execution_id,
            criteria=criteria,
            labels=labels,
            full=full,
            projection=projection,
            page_size=page_size,
        )

    async def diff(
        self,
        *,
        from_version: int | None = None,
        from_snapshot_id: str | None = None,
        from_criteria: Criteria | None = None,
        to_version: int | None = None,
        to_snapshot_id: str | None = None,
        to_criteria: Criteria | None = None,
    ) -> t.Diff:
        """As `Execution.diff`."""
        return await self._calls.diff(
            self.execution_id,
            from_version=from_version,
            from_snapshot_id=from_snapshot_id,
            from_criteria=from_criteria,
            to_version=to_version,
            to_snapshot_id=to_snapshot_id,
            to_criteria=to_criteria,
        )

    async def fork(
        self,
        new_execution_id: str,
        *,
        version: int | None = None,
        snapshot_id: str | None = None,
        criteria: Criteria | None = None,
        include_history: bool = False,
        sequence_number: int | None = None,
        request_id: str | None = None,
    ) -> t.Forked:
        """As `Execution.fork`."""
        return await self._calls.fork(
            self.execution_id,
            new_execution_id,
            version=version,
            snapshot_id=snapshot_id,
            criteria=criteria,
            include_history=include_history,
            sequence_number=sequence_number,
            request_id=request_id,
        )

    async def prune(
        self,
        *,
        versions: Sequence[int] | None = None,
        snapshot_ids: Sequence[str] | None = None,
        criteria: Criteria | None = None,
        labels: Mapping[str, str] | None = None,
        all_history: bool = False,
        request_id: str | None = None,
    ) -> int:
        """As `Execution.prune`."""
        return await self._calls.prune(
            self.execution_id,
            versions=versions,
            snapshot_ids=snapshot_ids,
            criteria=criteria,
            labels=labels,
            all_history=all_history,
            writer_epoch=self.writer_epoch,
            request_id=request_id,
        )
