"""One execution by the rules of DESIGN section 3, as far as deltas go, and an engine on it."""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from stillframe.client import (
    DeltaBaseMismatchError,
    EtagMismatchError,
    ExecutionNotFoundError,
    ExecutionState,
    JsonCodec,
    Saved,
    SaveOutcome,
    Snapshot,
    StillframeError,
    StoredSnapshot,
)
from stillframe.client._decoding import stored_snapshot
from stillframe.client._encoding import encode_snapshot
from stillframe.client._requests import Call, Requests, SaveOptions
from stillframe.client._tracking import Tracker
from stillframe.v1 import snapshot_pb2 as pb
from stillframe.v1 import snapshot_service_pb2 as rpc

if TYPE_CHECKING:
    from collections.abc import Callable

CODEC = JsonCodec()
BIG = "x" * 1_000


@dataclass
class Server:
    """One execution by the rules of DESIGN section 3, as far as deltas go."""

    head: pb.ExecutionSnapshot | None = None
    version: int = 0
    answers: dict[str, tuple[bytes, Saved]] = field(default_factory=dict[str, tuple[bytes, Saved]])
    requests: list[rpc.SaveSnapshotRequest] = field(default_factory=list[rpc.SaveSnapshotRequest])

    def save(self, request: rpc.SaveSnapshotRequest) -> Saved:
        self.requests.append(request)
        body = request.SerializeToString(deterministic=True)
        if request.request_id in self.answers:
            before, saved = self.answers[request.request_id]
            assert before == body, "a request_id was used for another body"
            return saved
        etag = self.head.etag if self.head is not None else None
        if request.HasField("expected_etag") and request.expected_etag != etag:
            raise EtagMismatchError
        head = self._apply(request, etag)
        self.version += 1
        head.version, head.etag = self.version, f"e{self.version}"
        self.head = head
        saved = Saved(
            version=head.version,
            etag=head.etag,
            revision=head.version,
            resume_token="",
            outcome=SaveOutcome.UPDATED,
        )
        self.answers[request.request_id] = body, saved
        return saved

    def _apply(self, request: rpc.SaveSnapshotRequest, etag: str | None) -> pb.ExecutionSnapshot:
        head = pb.ExecutionSnapshot()
        if request.HasField("snapshot"):
            head.CopyFrom(request.snapshot)
            return head
        if self.head is None:
            raise ExecutionNotFoundError
        base = request.delta.base_etag
        if request.delta.HasField("base_request_id"):
            answered = self.answers.get(request.delta.base_request_id)
            base = answered[1].etag if answered else ""
        if base != etag:
            raise DeltaBaseMismatchError
        head.CopyFrom(request.delta.snapshot)
        for old, new, removed in (
            (self.head.variables, head.variables, request.delta.removed_variables),
            (self.head.step_outputs, head.step_outputs, request.delta.removed_step_outputs),
        ):
            assert not set(new) & set(removed)
            for key, payload in old.items():
                if key not in new and key not in removed:
                    new[key].CopyFrom(payload)
        return head

    @property
    def last(self) -> rpc.SaveSnapshotRequest:
        return self.requests[-1]


class Engine:
    """A tracker, and the carrying of its calls to the server."""

    def __init__(self, server: Server, *, overwrite: bool = False) -> None:
        requests = Requests("acme", CODEC, 1 << 20)
        self.tracker = Tracker(requests, "run", overwrite=overwrite)
        self.server = server
        self.before: Callable[[], None] = lambda: None
        self.after: Callable[[], None] = lambda: None

    def save(self, snapshot: Snapshot, **options: Any) -> Saved:
        saving = self.tracker.save(encode_snapshot(snapshot, CODEC), SaveOptions(**options))
        try:
            call = next(saving)
            while True:
                try:
                    answer = self._carry(call)
                except StillframeError as error:
                    call = saving.throw(error)
                else:
                    call = saving.send(answer)
        except StopIteration as done:
            saved: Saved = done.value
            return saved

    def load(self) -> StoredSnapshot:
        assert self.server.head is not None
        head = stored_snapshot(self.server.head, CODEC)
        self.tracker.know(head)
        return head

    def _carry(self, call: Call[Saved]) -> Saved:
        assert isinstance(call.request, rpc.SaveSnapshotRequest)
        self.before()
        saved = self.server.save(call.request)
        self.after()
        return saved


def running(step_outputs: dict[str, Any] | None = None, **variables: Any) -> Snapshot:
    return Snapshot(
        state=ExecutionState.RUNNING,
        variables=variables,
        step_outputs=step_outputs or {},
        labels={"a": "b"},
    )
