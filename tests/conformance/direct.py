"""A store seen by one tenant, so that tests of the store name only what they are about."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from stillframe.server.stores.projection import EVERYTHING, Selection
from stillframe.server.stores.records import HistoryKey, SnapshotFilter
from stillframe.server.stores.refusals import Refusal
from stillframe.v1 import error_pb2
from stillframe.v1.snapshot_pb2 import (
    ExecutionFilter,
    ExecutionSnapshot,
    Payload,
    SnapshotCriteria,
)
from stillframe.v1.snapshot_service_pb2 import (
    DeleteExecutionRequest,
    DeleteExecutionResponse,
    DeleteSnapshotsRequest,
    ForkExecutionRequest,
    ForkExecutionResponse,
    SaveSnapshotRequest,
    SaveSnapshotResponse,
    SnapshotDelta,
    SnapshotSelector,
)
from stillframe.v1.working_memory_service_pb2 import (
    DeleteValueRequest,
    GetValueRequest,
    GetValueResponse,
    KeyInfo,
    SetValueRequest,
    SetValueResponse,
)
from tests.conformance.support import STEP_OUTPUTS, Clock, save_request, snapshot, take_selector

if TYPE_CHECKING:
    from stillframe.server.stores.base import Store
    from stillframe.server.stores.records import Change, Claimed, Head, Outline, Stored


def whole(stored: Stored) -> ExecutionSnapshot:
    """Returns what was read as one message."""
    message = ExecutionSnapshot()
    message.CopyFrom(stored.header)
    for entry, payload in stored.entries:
        entries = message.step_outputs if entry.map == STEP_OUTPUTS else message.variables
        entries[entry.key].CopyFrom(Payload.FromString(payload))
    return message


@dataclass(frozen=True)
class StoreTenant:
    """A store and a tenant that no other test knows."""

    store: Store
    tenant_id: str
    clock: Clock

    async def save(
        self,
        execution_id: str,
        content: ExecutionSnapshot | SnapshotDelta | None = None,
        **fields: Any,
    ) -> SaveSnapshotResponse:
        return await self.store.save(save_request(self.tenant_id, execution_id, content, **fields))

    async def save_many(self, *saves: SaveSnapshotRequest) -> list[SaveSnapshotResponse | Refusal]:
        return await self.store.save_many(saves)

    def request(
        self,
        execution_id: str,
        content: ExecutionSnapshot | SnapshotDelta | None = None,
        **fields: Any,
    ) -> SaveSnapshotRequest:
        return save_request(self.tenant_id, execution_id, content, **fields)

    async def claim(
        self, execution_id: str, *, allow_missing: bool = False, selection: Selection = EVERYTHING
    ) -> Claimed:
        return await self.store.claim(
            self.tenant_id, execution_id, allow_missing=allow_missing, selection=selection
        )

    async def delete(self, execution_id: str, **fields: Any) -> DeleteExecutionResponse:
        return await self.store.delete(
            DeleteExecutionRequest(tenant_id=self.tenant_id, execution_id=execution_id, **fields)
        )

    async def fork(self, source: str, new: str, **fields: Any) -> ForkExecutionResponse:
        """Forks an execution; the fields of a selector may stand beside the request's."""
        return await self.store.fork(
            ForkExecutionRequest(
                tenant_id=self.tenant_id,
                execution_id=source,
                new_execution_id=new,
                selector=take_selector(fields),
                **fields,
            )
        )

    async def prune(self, execution_id: str, *versions: int, **fields: Any) -> int:
        """Deletes history, and returns how many snapshots went."""
        if versions:
            fields["versions"] = versions
        response = await self.store.prune(
            DeleteSnapshotsRequest(tenant_id=self.tenant_id, execution_id=execution_id, **fields)
        )
        return response.deleted_count

    async def outlines(self, execution_id: str, *versions: int) -> list[Outline]:
        """Reads the outlines of versions; 0 is the head."""
        selectors = [
            SnapshotSelector(version=number) if number else SnapshotSelector()
            for number in versions
        ]
        return await self.store.outlines(self.tenant_id, execution_id, selectors)

    async def load(
        self, execution_id: str, selection: Selection = EVERYTHING, **selector: Any
    ) -> ExecutionSnapshot:
        """Loads the head, or what the selector's field names."""
        return whole(
            await self.store.load(
                self.tenant_id, execution_id, SnapshotSelector(**selector), selection
            )
        )

    async def head(self, execution_id: str) -> Head | None:
        return (await self.store.heads(self.tenant_id, [execution_id]))[0]

    async def executions(
        self,
        where: ExecutionFilter | None = None,
        *,
        limit: int = 100,
        selection: Selection = EVERYTHING,
    ) -> list[ExecutionSnapshot]:
        """Lists heads to the end, page after page."""
        found: list[ExecutionSnapshot] = []
        after: str | None = ""
        while after is not None:
            listed = await self.store.list_executions(
                self.tenant_id,
                where or ExecutionFilter(),
                after=after,
                limit=limit,
                selection=selection,
            )
            assert len(listed.page.items) <= limit
            found += map(whole, listed.page.items)
            assert listed.page.next is None or isinstance(listed.page.next, str)
            after = listed.page.next
        return found

    async def ids(self, where: ExecutionFilter | None = None) -> list[str]:
        return [head.execution_id for head in await self.executions(where)]

    async def history(
        self,
        execution_id: str | None = None,
        *,
        executions: ExecutionFilter | None = None,
        criteria: SnapshotCriteria | None = None,
        labels: dict[str, str] | None = None,
        limit: int = 100,
        selection: Selection = EVERYTHING,
    ) -> list[ExecutionSnapshot]:
        """Lists snapshots to the end, page after page."""
        where = SnapshotFilter(
            executions or ExecutionFilter(), criteria or SnapshotCriteria(), labels or {}
        )
        found: list[ExecutionSnapshot] = []
        before: HistoryKey | None = None
        while True:
            page = await self.store.list_snapshots(
                self.tenant_id, execution_id, where, before=before, limit=limit, selection=selection
            )
            assert len(page.items) <= limit
            found += map(whole, page.items)
            if page.next is None:
                return found
            assert isinstance(page.next, HistoryKey)
            before = page.next

    async def versions(self, execution_id: str) -> dict[int, ExecutionSnapshot]:
        """Returns the execution's history, oldest first, by version."""
        return {each.version: each for each in reversed(await self.history(execution_id))}

    async def reads_as(self, execution_id: str, expected: dict[int, ExecutionSnapshot]) -> None:
        """Checks that the history is this one, whole, whichever way it is read."""
        assert await self.versions(execution_id) == expected
        for version, content in expected.items():
            assert await self.load(execution_id, version=version) == content, version
        assert await self.load(execution_id) == expected[max(expected)]

    async def changes(self, after: int = 0, limit: int = 1000) -> list[Change]:
        """Reads the change log to its end, and checks that it has no gap."""
        found: list[Change] = []
        while True:
            read = await self.store.changes(self.tenant_id, after, limit)
            assert len(read) <= limit
            assert [change.revision for change in read] == [
                after + 1 + number for number in range(len(read))
            ]
            if not read:
                return found
            found += read
            after = read[-1].revision

    async def revision(self) -> int:
        return (await self.store.position(self.tenant_id)).revision

    async def set_value(
        self, execution_id: str | None, key: str, value: bytes = b"v", **fields: Any
    ) -> SetValueResponse:
        return await self.store.set_value(
            SetValueRequest(
                tenant_id=self.tenant_id, execution_id=execution_id, key=key, value=value, **fields
            )
        )

    async def get_value(self, execution_id: str | None, key: str) -> GetValueResponse:
        return await self.store.get_value(
            GetValueRequest(tenant_id=self.tenant_id, execution_id=execution_id, key=key)
        )

    async def delete_value(self, execution_id: str | None, key: str, **fields: Any) -> bool:
        response = await self.store.delete_value(
            DeleteValueRequest(
                tenant_id=self.tenant_id, execution_id=execution_id, key=key, **fields
            )
        )
        return response.deleted

    async def key_infos(
        self, execution_id: str | None, prefix: str = "", *, limit: int = 100
    ) -> list[KeyInfo]:
        """Lists keys to the end, page after page."""
        found: list[KeyInfo] = []
        after: str | None = ""
        while after is not None:
            page = await self.store.list_keys(
                self.tenant_id, execution_id, prefix=prefix, after=after, limit=limit
            )
            assert len(page.keys) <= limit
            found += page.keys
            after = page.next
        return found

    async def keys(self, execution_id: str | None, prefix: str = "") -> list[str]:
        return [info.key for info in await self.key_infos(execution_id, prefix)]

    async def maintain(self) -> None:
        """Does all the housekeeping that is due."""
        while await self.store.maintain(1000):
            pass

    async def compact(self) -> None:
        """Makes changes until the store has forgotten revision 1.

        A store may keep more changes than it was told to, but not all of them.
        """
        for number in range(1, 2000):
            await self.save("changing", snapshot(number))
            if number % 50 == 0:
                await self.maintain()
                if await self._has_forgotten(1):
                    return
        raise AssertionError("the change log is never trimmed")

    async def _has_forgotten(self, revision: int) -> bool:
        try:
            await self.store.position(self.tenant_id, revision)
        except Refusal as error:
            return error.reason == error_pb2.ERROR_REASON_HISTORY_COMPACTED
        return False
