"""Stores whose saves, claims and deletes break the contract."""

from __future__ import annotations

import asyncio
import copy
from dataclasses import replace
from typing import TYPE_CHECKING

from stillframe.server.stores import refusals
from stillframe.server.stores.execution import Answers
from stillframe.server.stores.records import Claimed
from stillframe.v1 import snapshot_service_pb2 as service
from stillframe.v1.snapshot_service_pb2 import (
    DeleteExecutionRequest,
    SaveSnapshotRequest,
    SnapshotSelector,
)
from tests.conformance.broken.plain import PlainStore

if TYPE_CHECKING:
    from collections.abc import Sequence

    from stillframe.server.stores.base import StoreConfig
    from stillframe.server.stores.memory.tenant import Tenant
    from stillframe.server.stores.projection import Selection
    from stillframe.v1.snapshot_service_pb2 import DeleteExecutionResponse, SaveSnapshotResponse


class AnswersBeforeItsCommit(PlainStore):
    """Answers a save while it is in memory alone; the disk gets it with the next one."""

    def __init__(self, config: StoreConfig) -> None:
        super().__init__(config)
        self._written: dict[str, Tenant] = {}

    def on_disk(self) -> dict[str, Tenant]:
        return self._written

    def _save(self, request: SaveSnapshotRequest) -> SaveSnapshotResponse:
        clock, self._written = self._config.clock, {}
        # A clock is not to be copied: the store goes on by it.
        self._written = copy.deepcopy(self._tenants, {id(clock): clock})
        return super()._save(request)


class DecidesOutsideItsCommit(PlainStore):
    """Tests the precondition first, and commits a moment later without it."""

    async def save(self, request: SaveSnapshotRequest) -> SaveSnapshotResponse:
        if request.HasField("expected_etag"):
            [head] = await self.heads(request.tenant_id, [request.execution_id])
            if head is None or head.etag != request.expected_etag:
                raise refusals.etag_mismatch(request.execution_id, request.expected_etag, head)
            await asyncio.sleep(0)
            unconditional = SaveSnapshotRequest()
            unconditional.CopyFrom(request)
            unconditional.ClearField("expected_etag")
            request = unconditional
        return await super().save(request)


class LeavesHalfASave(PlainStore):
    """Writes the header first and the entries a moment later."""

    async def save(self, request: SaveSnapshotRequest) -> SaveSnapshotResponse:
        response = self._save(request)
        version = self._run(request.tenant_id, request.execution_id).versions[response.version]
        entries, version.entries = version.entries, {}
        await asyncio.sleep(0)
        version.entries = entries
        return response


class OverwritesHistory(PlainStore):
    """Keeps the entries of the head alone, and gives them for every version."""

    def _save(self, request: SaveSnapshotRequest) -> SaveSnapshotResponse:
        response = super()._save(request)
        run = self._run(request.tenant_id, request.execution_id)
        for version in run.versions.values():
            version.entries = run.versions[response.version].entries
        return response


class CountsWhatChangedNothing(PlainStore):
    """Takes a revision for a save that is UNCHANGED."""

    def _save(self, request: SaveSnapshotRequest) -> SaveSnapshotResponse:
        response = super()._save(request)
        if response.outcome == service.SAVE_OUTCOME_UNCHANGED:
            self._take_a_revision(request.tenant_id)
        return response


class GivesUpAtARefusal(PlainStore):
    """Of many saves, does none that comes after a refused one."""

    async def save_many(
        self, requests: Sequence[SaveSnapshotRequest]
    ) -> list[SaveSnapshotResponse | refusals.Refusal]:
        answers: list[SaveSnapshotResponse | refusals.Refusal] = []
        refused: refusals.Refusal | None = None
        for request in requests:
            try:
                answers.append(refused or self._save(request))
            except refusals.Refusal as refusal:
                refused = refusal
                answers.append(refusal)
        return answers


class SavesTheLastFirst(PlainStore):
    """Does many saves from the last to the first."""

    async def save_many(
        self, requests: Sequence[SaveSnapshotRequest]
    ) -> list[SaveSnapshotResponse | refusals.Refusal]:
        return (await super().save_many(requests[::-1]))[::-1]


class BelievesTheLastWriter(PlainStore):
    """Takes the epoch of every save for its floor, lower or not."""

    def _save(self, request: SaveSnapshotRequest) -> SaveSnapshotResponse:
        if request.HasField("writer_epoch"):
            execution = self._run(request.tenant_id, request.execution_id).execution
            execution.epoch_floor = request.writer_epoch
        return super()._save(request)


class ForgetsTheFloorOfRefusals(PlainStore):
    """Takes back the floor when a later rule refuses the save."""

    def _save(self, request: SaveSnapshotRequest) -> SaveSnapshotResponse:
        execution = self._run(request.tenant_id, request.execution_id).execution
        floor = execution.epoch_floor
        try:
            return super()._save(request)
        except refusals.Refusal:
            execution.epoch_floor = floor
            raise


class ClaimsAMomentAfterItsRead(PlainStore):
    """Reads the head first, and raises the floor a moment later."""

    async def claim(
        self, tenant_id: str, execution_id: str, *, allow_missing: bool, selection: Selection
    ) -> Claimed:
        [head] = await self.heads(tenant_id, [execution_id])
        if head is None:
            return await super().claim(
                tenant_id, execution_id, allow_missing=allow_missing, selection=selection
            )
        read = await self.load(tenant_id, execution_id, SnapshotSelector(), selection)
        for _ in range(3):
            await asyncio.sleep(0)
        claimed = await super().claim(
            tenant_id, execution_id, allow_missing=allow_missing, selection=selection
        )
        return Claimed(claimed.writer_epoch, read)


class ReusesVersions(PlainStore):
    """Numbers versions from 1 again after a delete."""

    async def delete(self, request: DeleteExecutionRequest) -> DeleteExecutionResponse:
        answer = await super().delete(request)
        self._run(request.tenant_id, request.execution_id).execution.last_version = 0
        return answer


class ForgetsTheFloorOnDelete(PlainStore):
    """Lets a fenced engine save again once the execution is deleted."""

    async def delete(self, request: DeleteExecutionRequest) -> DeleteExecutionResponse:
        answer = await super().delete(request)
        self._run(request.tenant_id, request.execution_id).execution.epoch_floor = 0
        return answer


class ForgetsItsAnswersOnDelete(PlainStore):
    """Does a save again that was answered before the execution was deleted."""

    async def delete(self, request: DeleteExecutionRequest) -> DeleteExecutionResponse:
        answer = await super().delete(request)
        self._run(request.tenant_id, request.execution_id).execution.answers = Answers()
        return answer


class KeepsNoTombstone(PlainStore):
    """Forgets all of a deleted execution as soon as there is housekeeping."""

    def __init__(self, config: StoreConfig) -> None:
        super().__init__(replace(config, tombstone_seconds=0))
