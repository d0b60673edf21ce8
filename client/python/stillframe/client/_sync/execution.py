"""`Execution`: a handle on one execution that works out deltas."""

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from functools import partial
from typing import Protocol, TypeVar

from stillframe.client import _types as t
from stillframe.client._encoding import EncodedSnapshot, encode_snapshot
from stillframe.client._errors import StillframeError
from stillframe.client._queries import Criteria, Projection
from stillframe.client._requests import Call, Requests, SaveOptions
from stillframe.client._sync.calls import Calls
from stillframe.client._tracking import Tracker

T = TypeVar("T")


class Unary(Protocol):
    """Makes a call, with retries."""

    def __call__(self, call: Call[T], timeout: float | None = None) -> T: ...


class Execution:
    """One execution, as one engine sees it.

    A save sends what changed since the last save, load or claim of this handle, if that is
    less than the whole. If somebody else has written in between, it raises
    DeltaBaseMismatchError or EtagMismatchError (ExecutionNotFoundError after a delete), until
    a load or claim; with `overwrite` it saves the whole snapshot over it instead. Before
    anything is known of the execution, a save replaces whatever is there.

    After an error that leaves open whether a save took effect (UnavailableError,
    DeadlineExceededError), the next save first repeats it under its own request_id.

    Usable from many threads; saves go one at a time.
    """

    def __init__(
        self,
        calls: Calls,
        unary: Unary,
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
        self._lock = threading.Lock()
        self.execution_id = execution_id
        """The execution."""
        self.writer_epoch = writer_epoch
        """What goes with every save; a claim sets it."""

    def save(
        self,
        snapshot: t.Snapshot,
        *,
        expected_etag: str | None = None,
        must_not_exist: bool = False,
        ttl: timedelta | float | None = None,
        allow_sequence_regression: bool = False,
        request_id: str | None = None,
    ) -> t.Saved:
        """Saves a snapshot, as a delta if that is smaller. The options as in `Client.save`."""
        options = SaveOptions(
            expected_etag=expected_etag,
            must_not_exist=must_not_exist,
            ttl=ttl,
            allow_sequence_regression=allow_sequence_regression,
            request_id=request_id,
        )
        return self.save_encoded(self.encode(snapshot), options)

    def encode(self, snapshot: t.Snapshot) -> EncodedSnapshot:
        """A copy of the snapshot, ready to be sent. For savers."""
        return encode_snapshot(snapshot, self._codec)

    def save_encoded(
        self, snapshot: EncodedSnapshot, options: SaveOptions, timeout: float | None = None
    ) -> t.Saved:
        """Saves what `encode` gave. For savers."""
        with self._lock:
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
                    answer = self._unary(call, timeout)
                except StillframeError as error:
                    step = partial(saving.throw, error)
                else:
                    step = partial(saving.send, answer)

    def load(
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
        """Loads a snapshot, as `Client.load`. The head, loaded whole, is what the next save
        is worked out against.
        """
        with self._lock:
            snapshot = self._calls.load(
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

    def claim(
        self,
        *,
        allow_missing: bool = False,
        projection: Projection | None = None,
        event_store_head: int | None = None,
    ) -> t.Claim:
        """Takes over the execution, as `Client.claim`. The epoch goes with every save from
        now on; the head, if it came whole, is what the next save is worked out against.
        """
        with self._lock:
            claim = self._calls.claim(
                self.execution_id,
                allow_missing=allow_missing,
                projection=projection,
                event_store_head=event_store_head,
            )
            self.writer_epoch = claim.writer_epoch
            self._tracker.know(claim.snapshot)
            return claim

    def delete(
        self,
        *,
        expected_etag: str | None = None,
        include_descendants: bool = False,
        request_id: str | None = None,
    ) -> t.Deleted:
        """Deletes the execution, as `Client.delete`. The next save makes it anew."""
        with self._lock:
            deleted = self._calls.delete(
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
    ) -> Iterator[t.StoredSnapshot]:
        """Iterates over the execution's snapshots, newest first, as `Client.history`."""
        return self._calls.history(
            self.execution_id,
            criteria=criteria,
            labels=labels,
            full=full,
            projection=projection,
            page_size=page_size,
        )

    def diff(
        self,
        *,
        from_version: int | None = None,
        from_snapshot_id: str | None = None,
        from_criteria: Criteria | None = None,
        to_version: int | None = None,
        to_snapshot_id: str | None = None,
        to_criteria: Criteria | None = None,
    ) -> t.Diff:
        """Compares two snapshots of the execution, as `Client.diff`."""
        return self._calls.diff(
            self.execution_id,
            from_version=from_version,
            from_snapshot_id=from_snapshot_id,
            from_criteria=from_criteria,
            to_version=to_version,
            to_snapshot_id=to_snapshot_id,
            to_criteria=to_criteria,
        )

    def fork(
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
        """Creates another execution from a snapshot of this one, as `Client.fork`. This handle
        stays with this one.
        """
        return self._calls.fork(
            self.execution_id,
            new_execution_id,
            version=version,
            snapshot_id=snapshot_id,
            criteria=criteria,
            include_history=include_history,
            sequence_number=sequence_number,
            request_id=request_id,
        )

    def prune(
        self,
        *,
        versions: Sequence[int] | None = None,
        snapshot_ids: Sequence[str] | None = None,
        criteria: Criteria | None = None,
        labels: Mapping[str, str] | None = None,
        all_history: bool = False,
        request_id: str | None = None,
    ) -> int:
        """Deletes history of the execution, never its head, as `Client.prune`. The next save is
        worked out as if nothing had happened.
        """
        return self._calls.prune(
            self.execution_id,
            versions=versions,
            snapshot_ids=snapshot_ids,
            criteria=criteria,
            labels=labels,
            all_history=all_history,
            writer_epoch=self.writer_epoch,
            request_id=request_id,
        )
