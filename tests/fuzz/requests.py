"""Requests that make sense: valid, or refused for a reason that an engine meets too."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from stillframe.v1 import snapshot_pb2
from stillframe.v1 import snapshot_service_pb2 as service
from stillframe.v1.snapshot_pb2 import (
    ExecutionFilter,
    ExecutionSnapshot,
    MapProjection,
    Payload,
    SnapshotCriteria,
    SnapshotProjection,
)
from tests.fuzz.memory_requests import MemoryRequests
from tests.fuzz.world import EXECUTIONS, KEYS, TENANTS, TEXTS

if TYPE_CHECKING:
    from collections.abc import Callable
    from random import Random

    from google.protobuf.message import Message

    from tests.fuzz.world import World

_WAITING = snapshot_pb2.EXECUTION_STATE_WAITING
_MAX_SEQUENCE = 40
_VERSIONS = 12
"""Versions that are asked for: few, so that many of them are there."""


class Requests:
    """Makes the request of one message. The same random numbers make the same request."""

    def __init__(self, random: Random, world: World) -> None:
        self._random = random
        self._world = world
        self._tenant_id = random.choice(TENANTS)
        self._memory = MemoryRequests(random, world, self._tenant_id)

    def of(self, rpc: str) -> Message:
        """Returns a request of this RPC."""
        make: dict[str, Callable[[], Message]] = {
            "SaveSnapshot": self._save,
            "SaveSnapshots": self._save_many,
            "LoadSnapshot": self._load,
            "ClaimExecution": self._claim,
            "CheckFreshness": self._check_freshness,
            "ListExecutions": self._list_executions,
            "ListSnapshots": self._list_snapshots,
            "DiffSnapshots": self._diff,
            "ForkExecution": self._fork,
            "DeleteSnapshots": self._prune,
            "DeleteExecution": self._delete,
            "WatchSnapshots": self._watch,
            "GetServerInfo": service.GetServerInfoRequest,
            "SetValue": self._memory.set,
            "GetValue": self._memory.get,
            "DeleteValue": self._memory.delete,
            "ListKeys": self._memory.list_keys,
        }
        return make[rpc]()

    def _maybe(self, chance: float = 0.3) -> bool:
        return self._random.random() < chance

    def _execution(self) -> dict[str, Any]:
        return {"tenant_id": self._tenant_id, "execution_id": self._random.choice(EXECUTIONS)}

    def _key(self) -> str:
        return self._random.choice(KEYS)

    def _text(self) -> str:
        return self._random.choice(TEXTS)

    def _number(self, maximum: int) -> int:
        return self._random.randint(0, maximum)

    def _etag(self, request: service.SaveSnapshotRequest | service.DeleteExecutionRequest) -> str:
        return self._world.etag(self._random, request.tenant_id, request.execution_id)

    def _set_epoch(
        self,
        request: service.SaveSnapshotRequest
        | service.DeleteSnapshotsRequest
        | service.DeleteExecutionRequest,
    ) -> None:
        epoch = self._world.epoch(self._random, request.tenant_id, request.execution_id)
        if epoch is not None:
            request.writer_epoch = epoch

    def _save(self) -> service.SaveSnapshotRequest:
        request = service.SaveSnapshotRequest(**self._execution())
        if self._maybe():
            request.delta.snapshot.CopyFrom(self._snapshot())
            if self._maybe():
                request.delta.base_request_id = self._world.request_id(self._random)
            else:
                request.delta.base_etag = self._etag(request)
            request.delta.removed_variables.extend(
                {self._key() for _ in range(3)} - set(request.delta.snapshot.variables)
            )
        else:
            request.snapshot.CopyFrom(self._snapshot())
        if self._maybe(0.5):
            request.request_id = self._world.request_id(self._random)
        if self._maybe(0.1):
            request.expected_etag = self._etag(request)
        elif self._maybe(0.1):
            request.must_not_exist = True
        self._set_epoch(request)
        if self._maybe(0.6):
            # Most executions go again, with what fences them, or nothing new would fit in.
            request.ttl.FromMilliseconds(self._number(3_000))
        request.allow_sequence_regression = self._maybe(0.7)
        return request

    def _save_many(self) -> service.SaveSnapshotsRequest:
        items = [
            service.SaveItem(item_id=f"i{number}", save=self._save())
            for number in range(self._number(8))
        ]
        return service.SaveSnapshotsRequest(items=items)

    def _snapshot(self) -> ExecutionSnapshot:
        snapshot = ExecutionSnapshot(
            state=self._random.randint(1, 8),  # type: ignore[arg-type]
            sequence_number=self._number(_MAX_SEQUENCE),
            step_outputs={self._key(): self._payload() for _ in range(self._number(2))},
            variables={self._key(): self._payload() for _ in range(self._number(4))},
            labels={self._key(): self._text() for _ in range(self._number(2))},
        )
        if snapshot.state == _WAITING:
            snapshot.wait_reason = self._random.randint(1, 8)  # type: ignore[assignment]
        for name in ("user_id", "current_step_id", "parent_snapshot_id", "schema_version"):
            if self._maybe(0.2):
                setattr(snapshot, name, self._text())
        if self._maybe(0.2):
            snapshot.parent_execution_id = self._random.choice(EXECUTIONS)
        if self._maybe(0.2):
            snapshot.snapshot_id = f"s{self._number(100)}"
        if self._maybe(0.2):
            snapshot.timestamp.seconds = self._number(100)
        return snapshot

    def _payload(self) -> Payload:
        size = self._number(64) if self._maybe(0.9) else self._number(4_096)
        payload = Payload(data=self._random.randbytes(size))
        if self._maybe(0.2):
            payload.encoding = self._text()
            payload.codecs.append(self._text())
        return payload

    def _selector(self) -> service.SnapshotSelector:
        match self._number(3):
            case 0:
                return service.SnapshotSelector()
            case 1:
                return service.SnapshotSelector(version=1 + self._number(_VERSIONS))
            case 2:
                return service.SnapshotSelector(snapshot_id=f"s{self._number(100)}")
            case _:
                return service.SnapshotSelector(latest_matching=self._criteria())

    def _criteria(self) -> SnapshotCriteria:
        criteria = SnapshotCriteria()
        if self._maybe():
            criteria.sequence_min = self._number(_MAX_SEQUENCE)
        if self._maybe():
            criteria.sequence_max = self._number(_MAX_SEQUENCE)
        if self._maybe(0.1):
            criteria.timestamp_min.seconds = self._number(100)
        if self._maybe(0.1):
            criteria.commit_time_min.FromSeconds(1)
        return criteria

    def _filter(self) -> ExecutionFilter:
        where = ExecutionFilter()
        if self._maybe():
            where.execution_ids.extend(self._random.choices(EXECUTIONS, k=3))
        if self._maybe(0.2):
            where.execution_id_prefix = "run"
        if self._maybe(0.2):
            where.states.append(self._random.randint(1, 8))  # type: ignore[arg-type]
        if self._maybe(0.2):
            where.state_classes.append(self._random.randint(1, 3))  # type: ignore[arg-type]
        if self._maybe(0.1):
            where.wait_reasons.append(self._random.randint(1, 8))  # type: ignore[arg-type]
        if self._maybe(0.1):
            where.user_id = self._text()
        if self._maybe(0.1):
            where.parent_execution_id = self._random.choice(EXECUTIONS)
        if self._maybe(0.1):
            where.labels[self._key()] = self._text()
        if self._maybe(0.2):
            where.criteria.CopyFrom(self._criteria())
        return where

    def _projection(self) -> SnapshotProjection | None:
        if self._maybe(0.5):
            return None
        chosen = [
            MapProjection(all=True),
            MapProjection(keys=[self._key()]),
            MapProjection(key_prefixes=["k", "z"]),
        ]
        return SnapshotProjection(step_outputs=self._random.choice(chosen), variables=chosen[1])

    def _view(self) -> dict[str, Any]:
        if self._maybe(0.5):
            return {}
        return {"view": service.SNAPSHOT_VIEW_FULL, "projection": self._projection()}

    def _load(self) -> service.LoadSnapshotRequest:
        request = service.LoadSnapshotRequest(
            **self._execution(), selector=self._selector(), projection=self._projection()
        )
        if self._maybe():
            request.event_store_head = self._number(_MAX_SEQUENCE)
            if self._maybe():
                request.require_fresh = True
            elif self._maybe():
                request.max_behind = self._number(5)
        if self._maybe():
            request.max_message_bytes = 2 ** (18 + self._number(10))
        return request

    def _claim(self) -> service.ClaimExecutionRequest:
        return service.ClaimExecutionRequest(
            **self._execution(), allow_missing=self._maybe(), projection=self._projection()
        )

    def _check_freshness(self) -> service.CheckFreshnessRequest:
        queries = [
            service.FreshnessQuery(
                execution_id=self._random.choice(EXECUTIONS),
                event_store_head=self._number(_MAX_SEQUENCE),
            )
            for _ in range(1 + self._number(4))
        ]
        return service.CheckFreshnessRequest(tenant_id=self._tenant_id, executions=queries)

    def _list_executions(self) -> service.ListExecutionsRequest:
        return service.ListExecutionsRequest(
            tenant_id=self._tenant_id,
            filter=self._filter(),
            page_size=1 + self._number(3),
            include_count=self._maybe(),
            **self._view(),
        )

    def _list_snapshots(self) -> service.ListSnapshotsRequest:
        request = service.ListSnapshotsRequest(
            tenant_id=self._tenant_id,
            filter=self._filter(),
            criteria=self._criteria(),
            page_size=1 + self._number(10),
            **self._view(),
        )
        if self._maybe(0.5):
            request.execution_id = self._random.choice(EXECUTIONS)
        return request

    def _diff(self) -> service.DiffSnapshotsRequest:
        selectors: dict[str, Any] = {"from": self._selector(), "to": self._selector()}
        return service.DiffSnapshotsRequest(
            **self._execution(), **selectors, page_size=1 + self._number(2)
        )

    def _fork(self) -> service.ForkExecutionRequest:
        request = service.ForkExecutionRequest(
            **self._execution(),
            new_execution_id=self._random.choice((*EXECUTIONS, f"fork-{self._number(20)}")),
            selector=self._selector() if self._maybe() else None,
            include_history=self._maybe(0.5),
        )
        if self._maybe():
            request.sequence_number = self._number(_MAX_SEQUENCE)
        if self._maybe():
            request.request_id = self._world.request_id(self._random)
        return request

    def _prune(self) -> service.DeleteSnapshotsRequest:
        request = service.DeleteSnapshotsRequest(**self._execution())
        self._set_epoch(request)
        if self._maybe(0.2):
            request.all_history = True
            return request
        request.versions.extend(1 + self._number(_VERSIONS) for _ in range(3))
        if self._maybe():
            request.criteria.CopyFrom(self._criteria())
        if self._maybe():
            request.request_id = self._world.request_id(self._random)
        return request

    def _delete(self) -> service.DeleteExecutionRequest:
        request = service.DeleteExecutionRequest(
            **self._execution(), include_descendants=self._maybe()
        )
        if self._maybe(0.1):
            request.expected_etag = self._etag(request)
        self._set_epoch(request)
        if self._maybe():
            request.request_id = self._world.request_id(self._random)
        return request

    def _watch(self) -> service.WatchSnapshotsRequest:
        request = service.WatchSnapshotsRequest(
            tenant_id=self._tenant_id,
            filter=self._filter(),
            mode=self._number(2),  # type: ignore[arg-type]
            **self._view(),
        )
        match self._number(3):
            case 0:
                request.now.SetInParent()
            case 1:
                request.initial_state.SetInParent()
            case 2:
                request.resume_token = self._world.resume_token(self._random)
            case _:
                pass
        return request
