"""A server of the tests whose watches end as they are told to (watches.yaml)."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import grpc

from stillframe.v1 import snapshot_pb2, snapshot_service_pb2
from stillframe.v1.snapshot_service_pb2 import (
    WatchFrame,
    WatchSnapshotsRequest,
    WatchSnapshotsResponse,
)
from tests.polyglot.building import ROOT
from tests.polyglot.harness.data import read_yaml
from tests.polyglot.harness.programs import PATIENCE
from tests.polyglot.harness.refusing import Case
from tests.polyglot.harness.templates import fill

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator

JSON = dict[str, Any]

FILE = ROOT / "tests" / "polyglot" / "watches.yaml"


@dataclass(frozen=True, kw_only=True, slots=True)
class Call:
    """How one call of a watch must start, and what becomes of it."""

    start: str
    send: list[list[list[str]]] = field(default_factory=list[list[list[str]]])
    end: str
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Script:
    """One watch, over all its calls."""

    name: str
    open: JSON
    calls: list[Call]
    take: JSON
    expect: list[JSON]

    def __str__(self) -> str:
        return self.name


def read_scripts() -> list[Script]:
    return [
        Script(
            name,
            written["open"],
            [Call(**each) for each in written["calls"]],
            written["take"],
            fill(written["expect"], {}),
        )
        for name, written in read_yaml(FILE).items()
    ]


class CuttingServer:
    """Follows one script."""

    def __init__(self, script: Script) -> None:
        self._calls = iter(script.calls)
        self._lock = threading.Lock()
        self.address = ""
        self.complaint = ""
        """What a call did that the script does not have."""
        self.left = threading.Event()
        """The call that was held open is gone."""

    def handlers(self) -> grpc.GenericRpcHandler:
        watch = grpc.unary_stream_rpc_method_handler(
            self._watch,
            request_deserializer=WatchSnapshotsRequest.FromString,
            response_serializer=WatchSnapshotsResponse.SerializeToString,
        )
        service = "stillframe.v1.SnapshotService"
        return grpc.method_handlers_generic_handler(service, {"WatchSnapshots": watch})

    def _watch(
        self, request: WatchSnapshotsRequest, context: grpc.ServicerContext
    ) -> Iterator[WatchSnapshotsResponse]:
        start = request.WhichOneof("start") or "now"
        came = request.resume_token if start == "resume_token" else start
        with self._lock:
            call = next(self._calls, None)
        if call is None or call.start != came:
            expected = "no more calls" if call is None else f"a start at {call.start}"
            self.complaint = self.complaint or f"expected {expected}, came one at {came}"
            context.abort(grpc.StatusCode.INVALID_ARGUMENT, self.complaint)
            return
        # Before the first message: of a call that is gone nothing more is asked, and one that is
        # gone already takes no callback.
        if call.end == "hold" and not context.add_callback(self.left.set):
            self.left.set()
        for message in call.send:
            yield WatchSnapshotsResponse(frames=[_frame(*each) for each in message])
        if call.end == "hold":
            # The end of the test, or of its patience, sets it as well.
            self.left.wait(PATIENCE)
        elif call.end != "OK":
            case = Case(name="cut", code=call.end, reason=call.reason)
            if (trailer := case.trailer()) is not None:
                context.set_trailing_metadata((("grpc-status-details-bin", trailer),))
            context.abort(grpc.StatusCode[call.end], case.message)


def _frame(kind: str, token: str, more: str = "0") -> WatchFrame:
    frame = WatchFrame(resume_token=token)
    match kind:
        case "change":
            frame.change.kind = snapshot_service_pb2.CHANGE_KIND_SAVED
            frame.change.snapshot.execution_id = more
            frame.change.snapshot.state = snapshot_pb2.EXECUTION_STATE_RUNNING
            frame.change.snapshot.etag = f"v1-{token}"
            frame.change.snapshot.version = 1
            frame.change.snapshot.revision = 1
            frame.change.snapshot.commit_time.seconds = 1
        case "initial_state_end":
            frame.initial_state_end.execution_count = int(more)
        case "unheard_of":
            # A later server's kind of frame: a field that this contract does not have.
            frame.MergeFromString(bytes([0xFA, 0x01, 0x00]))
        case _:
            getattr(frame, kind).SetInParent()
    return frame


@contextmanager
def cutting_server(script: Script) -> Generator[CuttingServer]:
    cutting = CuttingServer(script)
    with ThreadPoolExecutor(max_workers=4) as pool:
        options = [("grpc.so_reuseport", 0)]
        server = grpc.server(pool, handlers=[cutting.handlers()], options=options)
        cutting.address = f"127.0.0.1:{server.add_insecure_port('127.0.0.1:0')}"
        server.start()
        try:
            yield cutting
        finally:
            cutting.left.set()
            server.stop(None).wait()
