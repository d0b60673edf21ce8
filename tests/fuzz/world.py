"""What the fuzzer knows of the server: few names, so that requests meet, and what was answered."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

from stillframe.v1 import snapshot_service_pb2 as service
from stillframe.v1 import working_memory_service_pb2 as memory

if TYPE_CHECKING:
    from random import Random

    from google.protobuf.message import Message

TENANTS = ("acme", "übung", "t" * 512)
EXECUTIONS = ("a", "A", "b", "run-1", "run-2", "run%", "日本", "x" * 512)
KEYS = ("k", "k1", "k2", "step", "Step", "é", "z" * 512)
TEXTS = ("ann", "bob", "v1", "v2", "a'b\"c", "%s{0}", "../..", "😀", "w" * 512)

_KEPT = 64
"""How many of each kind of token are remembered; the newest are the likeliest to hold."""

_MAX_EPOCH = 1_000_000


class World:
    """What the server gave away, for the requests that come after."""

    def __init__(self) -> None:
        self._etags: deque[str] = deque(maxlen=_KEPT)
        self._value_etags: deque[str] = deque(maxlen=_KEPT)
        self._resume_tokens: deque[str] = deque(maxlen=_KEPT)
        self._next_pages: deque[tuple[str, bytes]] = deque(maxlen=_KEPT)
        self._request_ids: deque[str] = deque(maxlen=_KEPT)
        self._saves: deque[bytes] = deque(maxlen=_KEPT)
        self._heads: dict[tuple[str, str], str] = {}
        self._floors: dict[tuple[str, str], int] = {}

    def etag(self, random: Random, tenant_id: str, execution_id: str) -> str:
        """Returns the etag of the execution's head, for all that is known, or another."""
        head = self._heads.get((tenant_id, execution_id))
        if head is not None and random.random() < 0.8:
            return head
        return random.choice(self._etags) if self._etags else "v1-0123456789abcdef"

    def value_etag(self, random: Random) -> str:
        """Returns the etag of a value that was set not long ago."""
        return random.choice(self._value_etags) if self._value_etags else "m-0123456789abcdef"

    def epoch(self, random: Random, tenant_id: str, execution_id: str) -> int | None:
        """Returns a writer epoch that is not fenced, for all that is known, or another."""
        floor = self._floors.get((tenant_id, execution_id))
        if random.random() < 0.1:
            return random.randint(1, 5)
        return floor if random.random() < 0.9 else None

    def resume_token(self, random: Random) -> str:
        return random.choice(self._resume_tokens) if self._resume_tokens else "r0-0123456789abcdef"

    def request_id(self, random: Random) -> str:
        """Returns a request_id that is new, or one that a save carried not long ago."""
        if self._request_ids and random.random() < 0.3:
            return random.choice(self._request_ids)
        return f"request-{random.getrandbits(32)}"

    def next_page(self, random: Random) -> tuple[str, bytes] | None:
        """Returns the RPC and the bytes of a request for the page after one that was given."""
        return random.choice(self._next_pages) if self._next_pages else None

    def repeated_save(self, random: Random) -> bytes | None:
        """Returns the bytes of a save that was accepted, to be sent again."""
        return random.choice(self._saves) if self._saves else None

    def learn(self, request: Message, answer: Message) -> None:
        """Remembers what an OK answer gives away."""
        match request, answer:
            case service.SaveSnapshotRequest(), service.SaveSnapshotResponse():
                self._learn_head(request.tenant_id, request.execution_id, answer.etag)
                self._resume_tokens.append(answer.resume_token)
                if request.request_id:
                    self._request_ids.append(request.request_id)
                    self._saves.append(request.SerializeToString())
            case service.ForkExecutionRequest(), service.ForkExecutionResponse():
                self._learn_head(request.tenant_id, request.new_execution_id, answer.etag)
                self._resume_tokens.append(answer.resume_token)
            case service.LoadSnapshotRequest(), service.LoadSnapshotResponse():
                self._etags.append(answer.snapshot.etag)
            case memory.SetValueRequest(), memory.SetValueResponse():
                self._value_etags.append(answer.etag)
                if request.request_id:
                    self._request_ids.append(request.request_id)
            case service.ClaimExecutionRequest(), service.ClaimExecutionResponse():
                self.learn_floor(request, answer.writer_epoch)
            case (
                service.ListExecutionsRequest()
                | service.ListSnapshotsRequest()
                | service.DiffSnapshotsRequest()
                | memory.ListKeysRequest(),
                service.ListExecutionsResponse()
                | service.ListSnapshotsResponse()
                | service.DiffSnapshotsResponse()
                | memory.ListKeysResponse(),
            ) if answer.next_page_token:
                request.page_token = answer.next_page_token
                rpc = request.DESCRIPTOR.name.removesuffix("Request")
                self._next_pages.append((rpc, request.SerializeToString()))
            case _:
                pass

    def learn_floor(self, request: Message, floor: int) -> None:
        """Remembers the writer epoch below which calls for an execution are fenced, unless no
        engine would ever come to it.
        """
        if floor <= _MAX_EPOCH and isinstance(
            request,
            service.SaveSnapshotRequest
            | service.ClaimExecutionRequest
            | service.DeleteSnapshotsRequest
            | service.DeleteExecutionRequest,
        ):
            self._floors[request.tenant_id, request.execution_id] = floor

    def _learn_head(self, tenant_id: str, execution_id: str, etag: str) -> None:
        self._etags.append(etag)
        self._heads[tenant_id, execution_id] = etag
