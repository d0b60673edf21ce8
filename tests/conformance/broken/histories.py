"""Stores whose forks, prunes and housekeeping break the contract."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import TYPE_CHECKING

from stillframe.server.stores import refusals, rules
from stillframe.v1 import snapshot_service_pb2 as service
from tests.conformance.broken.plain import PlainStore

if TYPE_CHECKING:
    from stillframe.server.stores.base import StoreConfig
    from stillframe.server.stores.memory.tenant import Run, Tenant, Version
    from stillframe.v1.snapshot_service_pb2 import (
        DeleteSnapshotsRequest,
        DeleteSnapshotsResponse,
        ForkExecutionRequest,
        ForkExecutionResponse,
        SaveSnapshotRequest,
        SaveSnapshotResponse,
    )


class ForksTheFloor(PlainStore):
    """Copies the writer epoch floor to a fork."""

    async def fork(self, request: ForkExecutionRequest) -> ForkExecutionResponse:
        response = await super().fork(request)
        source = self._run(request.tenant_id, request.execution_id).execution
        fork = self._run(request.tenant_id, request.new_execution_id).execution
        fork.epoch_floor = source.epoch_floor
        return response


class ForksTheTtl(PlainStore):
    """Lets a fork expire with its source."""

    async def fork(self, request: ForkExecutionRequest) -> ForkExecutionResponse:
        response = await super().fork(request)
        source = self._run(request.tenant_id, request.execution_id).execution.head
        fork = self._run(request.tenant_id, request.new_execution_id).execution
        if source is not None and fork.head is not None:
            fork.head = replace(fork.head, expire_at=source.expire_at)
        return response


class ForksFromVersionOne(PlainStore):
    """Numbers the versions of a fork from 1, whatever the name's tombstone says."""

    async def fork(self, request: ForkExecutionRequest) -> ForkExecutionResponse:
        execution = self._run(request.tenant_id, request.new_execution_id).execution
        if execution.head is None:
            execution.last_version = 0
        return await super().fork(request)


class ForgetsWhereAForkCameFrom(PlainStore):
    """Gives the snapshots of a fork no origin."""

    async def fork(self, request: ForkExecutionRequest) -> ForkExecutionResponse:
        response = await super().fork(request)
        run = self._run(request.tenant_id, request.new_execution_id)
        for version in run.versions.values():
            version.head.header.ClearField("origin")
        return response


class ForksWithoutSnapshotIds(PlainStore):
    """Leaves the snapshot ids with the source."""

    async def fork(self, request: ForkExecutionRequest) -> ForkExecutionResponse:
        response = await super().fork(request)
        run = self._run(request.tenant_id, request.new_execution_id)
        for version in run.versions.values():
            version.head.header.ClearField("snapshot_id")
        return response


class ForksInTwoCommits(PlainStore):
    """Takes a revision for the fork's history, and one for its head."""

    async def fork(self, request: ForkExecutionRequest) -> ForkExecutionResponse:
        response = await super().fork(request)
        self._take_a_revision(request.tenant_id)
        return response


class PrunesTheHead(PlainStore):
    """Deletes the head too when its version is named; the one before becomes the head."""

    async def prune(self, request: DeleteSnapshotsRequest) -> DeleteSnapshotsResponse:
        run = self._run(request.tenant_id, request.execution_id)
        head = run.execution.head
        if head is not None and head.version in request.versions:
            *_, before, last = run.versions
            run.execution.head = run.versions[before].head
            del run.versions[last]
        return await super().prune(request)


class BreaksTheChainAtAPrune(PlainStore):
    """Takes a link out and leaves the one before it as a patch against what is gone."""

    async def prune(self, request: DeleteSnapshotsRequest) -> DeleteSnapshotsResponse:
        run = self._run(request.tenant_id, request.execution_id)
        before: Version | None = None
        for version in run.versions.values():
            if before is not None and version.head.version in request.versions:
                before.entries = version.entries
            before = version
        return await super().prune(request)


class PrunesWhatForksShare(PlainStore):
    """Frees the entries of a deleted snapshot although a fork has them too."""

    async def prune(self, request: DeleteSnapshotsRequest) -> DeleteSnapshotsResponse:
        run = self._run(request.tenant_id, request.execution_id)
        there = dict(run.versions)
        response = await super().prune(request)
        for number in there.keys() - run.versions.keys():
            there[number].entries.clear()
        return response


class PrunesWithARevision(PlainStore):
    """Takes a revision for a delete of history."""

    async def prune(self, request: DeleteSnapshotsRequest) -> DeleteSnapshotsResponse:
        response = await super().prune(request)
        self._take_a_revision(request.tenant_id)
        return response


class KeepsTheIdsOfWhatIsGone(PlainStore):
    """Refuses a snapshot_id whose snapshot was deleted."""

    def __init__(self, config: StoreConfig) -> None:
        super().__init__(config)
        self._taken: dict[tuple[str, str, str], int] = {}

    def _save(self, request: SaveSnapshotRequest) -> SaveSnapshotResponse:
        snapshot_id = request.snapshot.snapshot_id
        key = (request.tenant_id, request.execution_id, snapshot_id)
        if key in self._taken:
            raise refusals.snapshot_id_exists(request.execution_id, snapshot_id, self._taken[key])
        response = super()._save(request)
        if snapshot_id:
            self._taken[key] = response.version
        return response


class _Housekeeping(PlainStore):
    """Does something of its own before the housekeeping."""

    async def maintain(self, budget: int) -> bool:
        for tenant in self._tenants.values():
            for run in tenant.runs.values():
                if run.execution.head is not None:
                    self._keep(tenant, run)
        return await super().maintain(budget)

    def _keep(self, tenant: Tenant, run: Run) -> None:
        raise NotImplementedError


class RetainsTheFirst(_Housekeeping):
    """Keeps the first versions, and the head, where the last are to be kept."""

    def _keep(self, tenant: Tenant, run: Run) -> None:
        if tenant.retention.versions is not None:
            for number in list(run.versions)[tenant.retention.versions - 1 : -1]:
                del run.versions[number]


class RetainsByAge(_Housekeeping):
    """Counts the time that a version is kept for from its own commit."""

    def _keep(self, tenant: Tenant, run: Run) -> None:
        if tenant.retention.seconds is None:
            return
        kept_from = self._config.clock() - tenant.retention.seconds * rules.NANOS
        for number, version in list(run.versions.items())[:-1]:
            if version.head.header.commit_time.ToNanoseconds() <= kept_from:
                del run.versions[number]


class RetainsNoOldHead(_Housekeeping):
    """Deletes an execution whose head is older than history is kept for."""

    def _keep(self, tenant: Tenant, run: Run) -> None:
        head = run.execution.head
        if head is None or tenant.retention.seconds is None:
            return
        kept_from = self._config.clock() - tenant.retention.seconds * rules.NANOS
        if head.header.commit_time.ToNanoseconds() <= kept_from:
            tenant.bury(run, head, service.CHANGE_KIND_DELETED)


class ExpiresUnsaid(_Housekeeping):
    """Deletes an execution whose time has come without a change."""

    def _keep(self, tenant: Tenant, run: Run) -> None:
        head = run.execution.head
        if head and head.expire_at is not None and head.expire_at <= tenant.config.clock():
            run.execution.head = None
            run.versions = {}


class ExpiresByAnotherClock(PlainStore):
    """Goes by the system's clock, not by the one that it was told to go by."""

    async def maintain(self, budget: int) -> bool:
        for tenant in self._tenants.values():
            tenant.config = replace(tenant.config, clock=time.time_ns)
        try:
            return await super().maintain(budget)
        finally:
            for tenant in self._tenants.values():
                tenant.config = self._config
