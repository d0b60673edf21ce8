"""The contract of a store.

A store keeps executions, their snapshots and the tenant's change log, and beside them
the values of the working memory. The sentences with "must" below are the contract; each
has its test in `tests/conformance`, which runs against any store: `pytest
tests/conformance --store=URL`.

For every store:

- A commit must be atomic with its change record.
- Versions must be linearizable per execution.
- Where a revision is visible, all below it must be visible.
- A revision that was returned must eventually be seen by every tail.
- The writer epoch floor must only rise.
- The rules of `rules` must be decided inside the commit, against committed state.
- A cancelled call must have happened or not, never half.
- Keys must compare by the bytes of their UTF-8.
- A load of several rows must see one snapshot of the store.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, ClassVar, Protocol

from stillframe.server.stores.retention import KEEP_ALL, Retention

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from stillframe.server.stores.marks import Position
    from stillframe.server.stores.projection import Selection
    from stillframe.server.stores.records import (
        Change,
        Claimed,
        Head,
        HeadPage,
        HistoryKey,
        KeyPage,
        Outline,
        Page,
        SnapshotFilter,
        Stored,
    )
    from stillframe.server.stores.refusals import Refusal
    from stillframe.v1.snapshot_pb2 import ExecutionFilter
    from stillframe.v1.snapshot_service_pb2 import (
        DeleteExecutionRequest,
        DeleteExecutionResponse,
        DeleteSnapshotsRequest,
        DeleteSnapshotsResponse,
        ForkExecutionRequest,
        ForkExecutionResponse,
        SaveSnapshotRequest,
        SaveSnapshotResponse,
        SnapshotSelector,
    )
    from stillframe.v1.working_memory_service_pb2 import (
        DeleteValueRequest,
        DeleteValueResponse,
        GetValueRequest,
        GetValueResponse,
        SetValueRequest,
        SetValueResponse,
    )

MIB = 2**20


class UnknownStoreError(Exception):
    """No store has the URL's scheme, or the URL is not one that its store reads."""


class StoreOpenError(Exception):
    """The store cannot be opened: locked by another server, damaged, or newer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StoreConfig:
    """What a store is told when it is opened. Sizes are in bytes."""

    max_snapshot_bytes: int = 60 * MIB
    max_entries: int = 100_000
    max_executions: int = 0
    """Executions of a tenant; 0 is no limit."""
    max_inflight_bytes: int = 256 * MIB
    """Saves and values that wait for their commit; beyond it the store answers SERVER_BUSY."""
    head_cache_bytes: int = 64 * MIB
    """What a store may keep in memory of heads that were saved."""
    change_log_size: int = 1_000_000
    """Changes of a tenant that `changes` reaches back; more may be kept."""
    tombstone_seconds: float = 30 * 86_400.0
    """How long a deleted execution's last version, floor and answers are kept."""
    retention: Retention = KEEP_ALL
    """Which history tenants keep that `tenant_retention` does not name."""
    tenant_retention: Mapping[str, Retention] = field(default_factory=dict[str, Retention])
    clock: Callable[[], int] = time.time_ns
    """Nanoseconds since 1970. What `commit_time`, a ttl and retention go by."""

    def retention_of(self, tenant_id: str) -> Retention:
        """Returns which history a tenant keeps."""
        return self.tenant_retention.get(tenant_id, self.retention)


class Store(Protocol):
    """Keeps snapshots. Every method may raise Refusal, STORE_UNAVAILABLE above all.

    Requests are valid when they get here: `stillframe.server.validation` has seen
    them.
    """

    kind: ClassVar[str]
    """The URL scheme."""

    @classmethod
    async def open(cls, url: str, config: StoreConfig) -> Store:
        """Opens the store, and brings its schema forward.

        Must refuse, with StoreOpenError, a schema that is newer than it knows, and a
        store that must not be shared and that another server has open.
        """
        ...

    async def save(self, request: SaveSnapshotRequest) -> SaveSnapshotResponse:
        """Commits a save by the rules of DESIGN section 3, in their order.

        Must return only when the commit, or the committed state that the answer
        depends on, is durable. Must keep every earlier version as it was. Must take
        a new revision and write one change record for an outcome CREATED or UPDATED,
        and neither for any other. Must give a version above every earlier one of the
        execution's name, deletes notwithstanding. Must not let a refused save fail
        another.
        """
        ...

    async def save_many(
        self, requests: Sequence[SaveSnapshotRequest]
    ) -> list[SaveSnapshotResponse | Refusal]:
        """Commits saves as `save` does; returns an answer or a refusal for each.

        Must apply those of one execution in the order given, and must not let a refused
        one fail another. May commit them together or apart. Raises, SERVER_BUSY above
        all, only when it has decided none of them. If it has decided some, it refuses
        the others with SERVER_BUSY, STORE_UNAVAILABLE or SHUTTING_DOWN, and after one of
        a tenant has decided none of the same tenant.
        """
        ...

    async def claim(
        self, tenant_id: str, execution_id: str, *, allow_missing: bool, selection: Selection
    ) -> Claimed:
        """Raises the writer epoch floor by one and returns it with the head.

        Must be atomic with the read of the head. Must refuse a missing execution with
        EXECUTION_NOT_FOUND unless allow_missing. Must take no revision.
        """
        ...

    async def delete(self, request: DeleteExecutionRequest) -> DeleteExecutionResponse:
        """Deletes the one execution that the request names, not its descendants.

        Must keep the last version, the floor and the answers for tombstone_seconds.
        Must take a revision and write a DELETED record where there was a head, and
        answer a count of 0 where there was none. Must delete the execution's values in the
        same commit, also where there was no head, and none when it answers again or refuses.
        """
        ...

    async def fork(self, request: ForkExecutionRequest) -> ForkExecutionResponse:
        """Creates an execution from a snapshot of another (DESIGN section 4).

        Must commit the new head, its history if that is asked for, and one SAVED record
        at once, under one revision. Must number versions in the old order from the one
        above the last version of the new name. Must keep snapshot ids, and say in the
        origin where each snapshot came from. Must not copy the writer epoch floor or the
        ttl. Must not copy values. Must refuse with EXECUTION_NOT_FOUND, SNAPSHOT_NOT_FOUND,
        EXECUTION_EXISTS.
        """
        ...

    async def prune(self, request: DeleteSnapshotsRequest) -> DeleteSnapshotsResponse:
        """Deletes history of one execution, never its head (DESIGN section 4).

        Must take no revision. Must not change what a kept snapshot reads as. Must free
        the snapshot_id of what it deletes. Must leave values alone. What does not exist is
        passed over, and the head too.
        """
        ...

    async def load(
        self, tenant_id: str, execution_id: str, selector: SnapshotSelector, selection: Selection
    ) -> Stored:
        """Reads one snapshot.

        Must give exactly what was saved. Must refuse with EXECUTION_NOT_FOUND or
        SNAPSHOT_NOT_FOUND. Must name in the omission every entry that the selection
        leaves out.
        """
        ...

    async def outlines(
        self, tenant_id: str, execution_id: str, selectors: Sequence[SnapshotSelector]
    ) -> list[Outline]:
        """Reads snapshots of one execution without payloads, in the order asked.

        Must read all of them in one snapshot of the store. Must refuse as `load` does.
        """
        ...

    async def heads(self, tenant_id: str, execution_ids: Sequence[str]) -> list[Head | None]:
        """Reads heads without payloads, in the order asked; None where there is none."""
        ...

    async def list_executions(
        self,
        tenant_id: str,
        where: ExecutionFilter,
        *,
        after: str,
        limit: int,
        selection: Selection,
    ) -> HeadPage:
        """Reads the heads that a filter matches, by execution_id, from the one after `after`.

        Must read page and position in one snapshot of the store. May return fewer
        than `limit`, even none, with a `next` to go on from, so that no call scans
        without bound.
        """
        ...

    async def count_executions(self, tenant_id: str, where: ExecutionFilter, limit: int) -> int:
        """Counts the executions that a filter matches, and stops at `limit`."""
        ...

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
        """Reads snapshots by revision and version, newest first, from the one below `before`.

        Must refuse an execution_id that does not exist with EXECUTION_NOT_FOUND. May
        return fewer than `limit`, as list_executions may.
        """
        ...

    async def changes(self, tenant_id: str, after: int, limit: int) -> list[Change]:
        """Reads the change records after a revision, in order.

        Must return them without a gap, the first one being `after` + 1, and none when
        there is none. Must refuse with HISTORY_COMPACTED when the log no longer has
        that one. Must not return more than `limit`.
        """
        ...

    async def position(self, tenant_id: str, revision: int | None = None) -> Position:
        """Reads the tenant's newest revision and its mark, or the mark of `revision`.

        Revision 0 has a mark of the store's own. Must refuse with HISTORY_COMPACTED
        below the log's floor and with REVISION_IN_FUTURE above the newest.
        """
        ...

    async def wait(self, tenant_id: str, after: int) -> None:
        """Returns soon after the tenant's revision is above `after`. May return early."""
        ...

    async def set_value(self, request: SetValueRequest) -> SetValueResponse:
        """Commits a value by the rules of working_memory_service.proto, in their order.

        Must return only when the commit, or the committed state that the answer depends
        on, is durable. Must replace what has the key in the scope, and nothing else, by a
        value with an etag that no value had before. Must take no revision. Must answer
        again where the request_id set the value that is there, and refuse it with
        REQUEST_ID_REUSED where it came with another body.
        """
        ...

    async def get_value(self, request: GetValueRequest) -> GetValueResponse:
        """Reads a value.

        Must give exactly what was set. Must refuse with VALUE_NOT_FOUND. Of `set_value`,
        `delete_value` and `list_keys` too: a value must not be there any more from the
        moment that its ttl is over by the store's clock.
        """
        ...

    async def delete_value(self, request: DeleteValueRequest) -> DeleteValueResponse:
        """Deletes a value.

        Must return only when that is durable. Must refuse with ETAG_MISMATCH where there
        is a value with another etag, and answer that it deleted nothing where there is
        none. Must take no revision.
        """
        ...

    async def list_keys(
        self, tenant_id: str, execution_id: str | None, *, prefix: str, after: str, limit: int
    ) -> KeyPage:
        """Reads the keys of one scope that start with `prefix`, from the one after `after`.

        Must list them by the bytes of their UTF-8. May return fewer than `limit`, as
        list_executions may.
        """
        ...

    async def check(self) -> None:
        """Returns if the store can be read and written.

        Must refuse with STORE_UNAVAILABLE while it cannot be reached.
        """
        ...

    async def maintain(self, budget: int) -> bool:
        """Does at most about `budget` rows of housekeeping and says whether more is due.

        May do nothing and say False while another server of the same store is at it.
        Must commit an EXPIRED change for every execution whose time has come by the
        store's clock. Must delete its values in the same commit. Must delete the history
        that the tenant's retention does not keep, and never a head. Trims the change log,
        forgets tombstones, frees what deletes left behind and values whose ttl is over;
        must never change what a kept snapshot reads as.
        """
        ...

    async def close(self) -> None:
        """Ends the store once what was accepted is committed. May be called twice."""
        ...
