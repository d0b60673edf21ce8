"""The unary calls of `Client`: each builds its request, and hands it on."""

from collections.abc import Iterator, Mapping
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING

from stillframe.client import _types as t
from stillframe.client._encoding import encode_snapshot
from stillframe.client._queries import Criteria, Filter, Projection
from stillframe.client._requests import SaveOptions
from stillframe.client._sync.history import HistoryCalls
from stillframe.client._sync.memory import MemoryCalls
from stillframe.client._sync.paging import pages

if TYPE_CHECKING:
    import builtins


class Calls(HistoryCalls, MemoryCalls):
    """The methods of a client that are one call, or a row of them."""

    def save(
        self,
        execution_id: str,
        snapshot: t.Snapshot,
        *,
        expected_etag: str | None = None,
        must_not_exist: bool = False,
        writer_epoch: int | None = None,
        ttl: timedelta | float | None = None,
        allow_sequence_regression: bool = False,
        request_id: str | None = None,
    ) -> t.Saved:
        """Saves the whole snapshot, and returns once it is durable (DESIGN section 3).

        `expected_etag`: refuse with EtagMismatchError unless the head has it.
        `must_not_exist`: refuse with ExecutionExistsError if there is a head; contradicts
        expected_etag. `writer_epoch`: what a claim gave, at least 1; a lower one than the
        highest seen, or none when there is one, is refused with FencedError. `ttl`: how long
        the execution lives from this commit, as a timedelta or in seconds; None keeps what
        was set before, 0 clears it. `allow_sequence_regression`: accept a sequence_number
        below the head's, which is otherwise refused with SequenceRegressionError.
        `request_id`: makes a repeat by the caller safe; one is made for each call, and kept
        over its retries, when None.

        Raises ValueEncodeError for a value that the codec refuses, IncompleteSnapshotError
        for a loaded snapshot that leaves something out, SnapshotTooLargeError,
        SnapshotIdExistsError, QuotaExceededError.
        """
        content = encode_snapshot(snapshot, self._requests.codec).message()
        options = SaveOptions(
            expected_etag=expected_etag,
            must_not_exist=must_not_exist,
            writer_epoch=writer_epoch,
            ttl=ttl,
            allow_sequence_regression=allow_sequence_regression,
            request_id=request_id,
        )
        return self._unary(self._requests.save(execution_id, content, options))

    def load(
        self,
        execution_id: str,
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
        """Loads one snapshot: the head, or the one with this `version` or `snapshot_id`, or
        the latest that meets the `criteria`; at most one of the three.

        `projection`: which entries; None is all. `event_store_head`: the sequence number of
        the last event in the caller's event store; the answer has the `freshness` then.
        `require_fresh` refuses what is not FRESH, `max_behind` what is behind by more events
        than that, or ahead, with SnapshotStaleError or SnapshotAheadError; both need
        event_store_head, and contradict each other. `max_message_bytes`: the most bytes of
        the answer, at least 262,144; what does not fit stands in the `omission`.

        Raises ExecutionNotFoundError, SnapshotNotFoundError.
        """
        return self._unary(
            self._requests.load(
                execution_id,
                version=version,
                snapshot_id=snapshot_id,
                criteria=criteria,
                projection=projection,
                event_store_head=event_store_head,
                require_fresh=require_fresh,
                max_behind=max_behind,
                max_message_bytes=max_message_bytes,
            )
        )

    def claim(
        self,
        execution_id: str,
        *,
        allow_missing: bool = False,
        projection: Projection | None = None,
        event_store_head: int | None = None,
    ) -> t.Claim:
        """Takes over an execution: raises its writer epoch, and gives it with the head. From
        then on saves with a lower epoch, or none, are refused with FencedError.

        `allow_missing`: claim an id without an execution (AIP-135). The others as in `load`.
        Raises ExecutionNotFoundError.
        """
        return self._unary(
            self._requests.claim(
                execution_id,
                allow_missing=allow_missing,
                projection=projection,
                event_store_head=event_store_head,
            )
        )

    def check_freshness(self, heads: Mapping[str, int]) -> "builtins.list[t.Freshness]":
        """Compares executions with the heads of their event stores, by execution id, without
        loading anything; the results are in the order of `heads`. An execution that does not
        exist is MISSING. More than 1,000 are asked for in several calls.
        """
        return [
            freshness
            for call in self._requests.check_freshness(heads)
            for freshness in self._unary(call)
        ]

    def list(
        self,
        filter: Filter | None = None,  # noqa: A002 - the contract's word
        *,
        full: bool = False,
        projection: Projection | None = None,
        page_size: int = 0,
    ) -> Iterator[t.StoredSnapshot]:
        """Iterates over the heads that the filter matches, in order of the bytes of the
        execution id. An execution that changes meanwhile is neither skipped nor given twice.

        `full`: with entries, those that the `projection` selects; otherwise the header, and
        an `omission` that counts the entries. `page_size`: executions per call; 0 is 100, at
        most 1,000.
        """
        fetch = partial(self.list_page, filter, full=full, projection=projection)
        return pages(partial(fetch, page_size=page_size))

    def list_page(
        self,
        filter: Filter | None = None,  # noqa: A002
        *,
        full: bool = False,
        projection: Projection | None = None,
        page_size: int = 0,
        page_token: str = "",
        include_count: bool = False,
    ) -> t.Page[t.StoredSnapshot]:
        """One page of `list`. `page_token`: the next_page_token of the page before, which
        must have been asked for in the same way (PageTokenMismatchError). `include_count`:
        count what the filter matches, exactly up to 10,000.
        """
        return self._unary(
            self._requests.list_page(
                filter,
                full=full,
                projection=projection,
                page_size=page_size,
                page_token=page_token,
                include_count=include_count,
            )
        )

    def history(
        self,
        execution_id: str | None = None,
        *,
        filter: Filter | None = None,  # noqa: A002
        criteria: Criteria | None = None,
        labels: Mapping[str, str] | None = None,
        full: bool = False,
        projection: Projection | None = None,
        page_size: int = 0,
    ) -> Iterator[t.StoredSnapshot]:
        """Iterates over the snapshots of one execution, or of every execution whose head the
        filter matches, by revision, newest first.

        `criteria` and `labels` are tested on the snapshots; the others as in `list`. Raises
        ExecutionNotFoundError when an execution_id is given.
        """
        fetch = partial(
            self.history_page,
            execution_id,
            filter=filter,
            criteria=criteria,
            labels=labels,
            full=full,
            projection=projection,
            page_size=page_size,
        )
        return pages(fetch)

    def history_page(
        self,
        execution_id: str | None = None,
        *,
        filter: Filter | None = None,  # noqa: A002
        criteria: Criteria | None = None,
        labels: Mapping[str, str] | None = None,
        full: bool = False,
        projection: Projection | None = None,
        page_size: int = 0,
        page_token: str = "",
    ) -> t.Page[t.StoredSnapshot]:
        """One page of `history`; `page_token` as in `list_page`."""
        return self._unary(
            self._requests.history_page(
                execution_id,
                filter=filter,
                criteria=criteria,
                labels=labels,
                full=full,
                projection=projection,
                page_size=page_size,
                page_token=page_token,
            )
        )

    def delete(
        self,
        execution_id: str,
        *,
        expected_etag: str | None = None,
        writer_epoch: int | None = None,
        include_descendants: bool = False,
        request_id: str | None = None,
    ) -> t.Deleted:
        """Deletes an execution with its history. Where there is none, counts 0.

        `include_descendants`: as well every execution whose head names this one as its
        parent, and theirs; the other options, as in `save`, are for this execution alone.
        """
        return self._unary(
            self._requests.delete(
                execution_id,
                expected_etag=expected_etag,
                writer_epoch=writer_epoch,
                include_descendants=include_descendants,
                request_id=request_id,
            )
        )

    def info(self) -> t.ServerInfo:
        """Gets what the server is, and its limits."""
        return self._unary(self._requests.info())
