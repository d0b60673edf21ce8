"""Stores whose working memory breaks the contract."""

from __future__ import annotations

import asyncio
import copy
import time
from dataclasses import replace
from typing import TYPE_CHECKING

from stillframe.server.stores import refusals, rules
from stillframe.server.stores.execution import digest
from stillframe.v1.working_memory_service_pb2 import (
    DeleteValueRequest,
    GetValueRequest,
    GetValueResponse,
    SetValueRequest,
)
from tests.conformance.broken.plain import PlainStore

if TYPE_CHECKING:
    from stillframe.server.stores.base import StoreConfig
    from stillframe.server.stores.memory.tenant import Tenant
    from stillframe.server.stores.memory.values import Values
    from stillframe.server.stores.records import KeyPage
    from stillframe.v1.snapshot_service_pb2 import (
        DeleteExecutionRequest,
        DeleteExecutionResponse,
        DeleteSnapshotsRequest,
        DeleteSnapshotsResponse,
        ForkExecutionRequest,
        ForkExecutionResponse,
    )
    from stillframe.v1.working_memory_service_pb2 import DeleteValueResponse, SetValueResponse


class PlainValues(PlainStore):
    """Breaks nothing."""

    def _values(self, tenant_id: str) -> Values:
        return self._open_tenant(tenant_id).values


class SetsInMemoryAlone(PlainValues):
    """Answers a set while it is in memory alone; the disk gets it with the next one."""

    def __init__(self, config: StoreConfig) -> None:
        super().__init__(config)
        self._written: dict[str, Tenant] = {}

    def on_disk(self) -> dict[str, Tenant]:
        return self._written

    async def set_value(self, request: SetValueRequest) -> SetValueResponse:
        clock, self._written = self._config.clock, {}
        # A clock is not to be copied: the store goes on by it.
        self._written = copy.deepcopy(self._tenants, {id(clock): clock})
        return await super().set_value(request)


class KeepsTheOldTtl(PlainValues):
    """Lets a value that has no ttl live as long as the one before it."""

    async def set_value(self, request: SetValueRequest) -> SetValueResponse:
        values, scope = self._values(request.tenant_id), rules.scope_of(request)
        before = values.scopes.get(scope, {}).get(request.key)
        response = await super().set_value(request)
        info, data = values.scopes[scope][request.key]
        if before is not None and info.expire_at is None:
            values.scopes[scope][request.key] = replace(info, expire_at=before[0].expire_at), data
        return response


class NamesValuesByTheirBytes(PlainValues):
    """Gives equal values equal etags."""

    async def set_value(self, request: SetValueRequest) -> SetValueResponse:
        response = await super().set_value(request)
        scope = self._values(request.tenant_id).scopes[rules.scope_of(request)]
        info, data = scope[request.key]
        scope[request.key] = replace(info, mark=digest(data).hex()), data
        response.etag = scope[request.key][0].etag
        return response


class SetsInEveryScope(PlainValues):
    """Puts a value of the tenant's own scope into those of its executions as well."""

    async def set_value(self, request: SetValueRequest) -> SetValueResponse:
        response = await super().set_value(request)
        scopes = self._values(request.tenant_id).scopes
        if None in scopes:
            for each in scopes.values():
                each.update(scopes[None])
        return response


class SetsWithARevision(PlainValues):
    """Takes a revision for a value."""

    async def set_value(self, request: SetValueRequest) -> SetValueResponse:
        response = await super().set_value(request)
        self._take_a_revision(request.tenant_id)
        return response


class SetsAgain(PlainValues):
    """Does a set again that was answered before."""

    async def set_value(self, request: SetValueRequest) -> SetValueResponse:
        fresh = SetValueRequest()
        fresh.CopyFrom(request)
        fresh.ClearField("request_id")
        return await super().set_value(fresh)


class AnswersAnyBody(PlainValues):
    """Answers a request_id again whatever comes with it."""

    async def set_value(self, request: SetValueRequest) -> SetValueResponse:
        scope = self._values(request.tenant_id).scopes.get(rules.scope_of(request), {})
        found = scope.get(request.key)
        if found and request.request_id and found[0].request == digest(request.request_id.encode()):
            return rules.set_response(found[0])
        return await super().set_value(request)


class DecidesAValueOutsideItsCommit(PlainValues):
    """Tests whether there is a value first, and sets it a moment later."""

    async def set_value(self, request: SetValueRequest) -> SetValueResponse:
        if not request.must_not_exist:
            return await super().set_value(request)
        scope = rules.scope_of(request)
        if request.key in self._values(request.tenant_id).scopes.get(scope, {}):
            raise refusals.value_exists(scope, request.key, "")
        await asyncio.sleep(0)
        unconditional = SetValueRequest()
        unconditional.CopyFrom(request)
        unconditional.ClearField("must_not_exist")
        return await super().set_value(unconditional)


class ReadsUpToANul(PlainValues):
    """Takes the bytes of a value for a text of C."""

    async def get_value(self, request: GetValueRequest) -> GetValueResponse:
        response = await super().get_value(request)
        response.value = response.value.partition(b"\0")[0]
        return response


class GivesAnEmptyValue(PlainValues):
    """Answers with an empty value where there is none."""

    async def get_value(self, request: GetValueRequest) -> GetValueResponse:
        try:
            return await super().get_value(request)
        except refusals.Refusal:
            return GetValueResponse()


class ShowsValuesUntilTheyAreFreed(PlainValues):
    """Reads a value whose ttl is over until there is housekeeping."""

    async def get_value(self, request: GetValueRequest) -> GetValueResponse:
        return self._values(request.tenant_id).get(request, 0)


class ListsValuesUntilTheyAreFreed(PlainValues):
    """Lists the key of a value whose ttl is over until there is housekeeping."""

    async def list_keys(
        self, tenant_id: str, execution_id: str | None, *, prefix: str, after: str, limit: int
    ) -> KeyPage:
        return self._values(tenant_id).list_keys(execution_id, prefix, after, limit, 0)


class GoesByAnotherClock(PlainValues):
    """Goes by the system's clock, not by the one that it was told to go by."""

    async def list_keys(
        self, tenant_id: str, execution_id: str | None, *, prefix: str, after: str, limit: int
    ) -> KeyPage:
        now = time.time_ns()
        return self._values(tenant_id).list_keys(execution_id, prefix, after, limit, now)


class DeletesInMemoryAlone(PlainValues):
    """Answers a delete of a value while it is in memory alone."""

    def __init__(self, config: StoreConfig) -> None:
        super().__init__(config)
        self._deleted: list[tuple[Values, SetValueRequest]] = []

    def on_disk(self) -> dict[str, Tenant]:
        for values, request in self._deleted:
            values.set(request, self._config.clock())
        return super().on_disk()

    async def delete_value(self, request: DeleteValueRequest) -> DeleteValueResponse:
        values, scope = self._values(request.tenant_id), rules.scope_of(request)
        found = values.scopes.get(scope, {}).get(request.key)
        if found is not None:
            again = SetValueRequest(
                tenant_id=request.tenant_id, execution_id=scope, key=request.key, value=found[1]
            )
            self._deleted.append((values, again))
        return await super().delete_value(request)


class DeletesWhateverIsThere(PlainValues):
    """Does not look at the etag that a delete names."""

    async def delete_value(self, request: DeleteValueRequest) -> DeleteValueResponse:
        unconditional = DeleteValueRequest()
        unconditional.CopyFrom(request)
        unconditional.ClearField("expected_etag")
        return await super().delete_value(unconditional)


class DeletesWhatIsNotThere(PlainValues):
    """Says of every delete that there was a value."""

    async def delete_value(self, request: DeleteValueRequest) -> DeleteValueResponse:
        response = await super().delete_value(request)
        response.deleted = True
        return response


class SortsKeysWithoutCase(PlainValues):
    """Lists keys as people sort them, and as some collations do."""

    async def list_keys(
        self, tenant_id: str, execution_id: str | None, *, prefix: str, after: str, limit: int
    ) -> KeyPage:
        page = await super().list_keys(
            tenant_id, execution_id, prefix=prefix, after=after, limit=limit
        )
        page.keys.sort(key=lambda info: info.key.lower())
        return page


class LeavesValuesBehind(PlainValues):
    """Deletes an execution, and leaves its values."""

    async def delete(self, request: DeleteExecutionRequest) -> DeleteExecutionResponse:
        scopes = self._values(request.tenant_id).scopes
        values = scopes.get(request.execution_id)
        response = await super().delete(request)
        if values is not None and response.deleted_count:
            scopes[request.execution_id] = values
        return response


class LeavesValuesWithoutAHead(PlainValues):
    """Deletes values with a snapshot alone."""

    async def delete(self, request: DeleteExecutionRequest) -> DeleteExecutionResponse:
        scopes = self._values(request.tenant_id).scopes
        values = scopes.get(request.execution_id)
        response = await super().delete(request)
        if values is not None and not response.deleted_count:
            scopes[request.execution_id] = values
        return response


class DeletesValuesAMomentLater(PlainValues):
    """Deletes the execution first, and its values a moment later."""

    async def delete(self, request: DeleteExecutionRequest) -> DeleteExecutionResponse:
        scopes = self._values(request.tenant_id).scopes
        values = scopes.get(request.execution_id)
        response = await super().delete(request)
        if values is not None:
            scopes[request.execution_id] = values
            await asyncio.sleep(0)
            del scopes[request.execution_id]
        return response


class DeletesValuesAgain(PlainValues):
    """Deletes values also where the delete is answered again."""

    async def delete(self, request: DeleteExecutionRequest) -> DeleteExecutionResponse:
        response = await super().delete(request)
        self._values(request.tenant_id).drop(request.execution_id)
        return response


class DeletesValuesAnyway(PlainValues):
    """Deletes values also where the delete is refused."""

    async def delete(self, request: DeleteExecutionRequest) -> DeleteExecutionResponse:
        try:
            return await super().delete(request)
        except refusals.Refusal:
            self._values(request.tenant_id).drop(request.execution_id)
            raise


class ExpiresWithoutItsValues(PlainValues):
    """Lets the values of an execution outlive the end of its ttl."""

    async def maintain(self, budget: int) -> bool:
        before = {name: dict(tenant.values.scopes) for name, tenant in self._tenants.items()}
        more = await super().maintain(budget)
        for name, scopes in before.items():
            self._tenants[name].values.scopes = scopes
        return more


class ForksTheValues(PlainValues):
    """Copies the values of an execution to its fork."""

    async def fork(self, request: ForkExecutionRequest) -> ForkExecutionResponse:
        response = await super().fork(request)
        scopes = self._values(request.tenant_id).scopes
        source = scopes.get(request.execution_id, {})
        scopes[request.new_execution_id] = source | scopes.get(request.new_execution_id, {})
        return response


class PrunesTheValues(PlainValues):
    """Deletes values with the history of their execution."""

    async def prune(self, request: DeleteSnapshotsRequest) -> DeleteSnapshotsResponse:
        response = await super().prune(request)
        self._values(request.tenant_id).drop(request.execution_id)
        return response
