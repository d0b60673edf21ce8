"""Whatever breaks, and whenever: every save takes effect once or fails, in its order."""

from concurrent.futures import Future
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from stillframe.client import RetryPolicy, Saved, StillframeError, UnavailableError
from stillframe.client._encoding import encode_snapshot
from stillframe.client._pipelining import PipelineCore, keep
from stillframe.client._requests import Requests, SaveOptions
from stillframe.client._retry import Clock
from stillframe.v1 import snapshot_service_pb2 as rpc
from tests.unit.client.fake_head import BIG, CODEC, Server, running

REFUSED = rpc.SaveError(code=9, message="refused")  # FAILED_PRECONDITION
UNAVAILABLE = rpc.SaveError(code=14, message="the store is away")

ABORTED = rpc.SaveError(code=10, message="the base is not the head")


class Store:
    """Executions, and a server that loses calls, answers, and its store."""

    def __init__(self) -> None:
        self.servers: dict[str, Server] = {}
        self.applied: dict[str, list[int]] = {}

    def decide(self, item: rpc.SaveItem, fate: str) -> rpc.SaveItemResult:
        result = rpc.SaveItemResult(item_id=item.item_id)
        name, number = item.save.execution_id, number_of(item.save)
        server = self.servers.setdefault(name, Server())
        replay = item.save.request_id in server.answers
        if fate == "away":
            result.error.CopyFrom(UNAVAILABLE)
        elif number % 7 == 3:
            # What is refused once is refused whenever it comes.
            result.error.CopyFrom(REFUSED)
        else:
            try:
                saved = server.save(item.save)
            except StillframeError:
                result.error.CopyFrom(ABORTED)
            else:
                result.saved.version, result.saved.etag = saved.version, saved.etag
                if not replay:
                    self.applied.setdefault(name, []).append(number)
        return result


def state(number: int) -> dict[str, Any]:
    """Of some the whole is less to send than what changed."""
    return {"n": number, "big": BIG} if number % 3 else {"n": number}


def number_of(save: rpc.SaveSnapshotRequest) -> int:
    snapshot = save.snapshot if save.HasField("snapshot") else save.delta.snapshot
    return int(snapshot.variables["n"].data)


class Engine:
    """A pipeline, and what became of its saves."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.futures: dict[str, list[tuple[int, Future[Saved]]]] = {"a": [], "b": []}
        self.core: PipelineCore[Future[Saved]] = PipelineCore(
            Requests("acme", CODEC, 1 << 20),
            RetryPolicy(),
            Clock(monotonic=lambda: 0.0, random=lambda: 0.0),
            max_unanswered=8,
            max_absence=1.0,
        )
        self.core.begin()

    def save(self, execution_id: str, number: int) -> None:
        if not self.core.has_room(execution_id):
            return
        future: Future[Saved] = Future()
        snapshot = encode_snapshot(running(**state(number)), CODEC)
        self.core.submit(execution_id, snapshot, SaveOptions(), future)
        self.futures[execution_id].append((number, future))

    def exchange(self, fate: str) -> None:
        """Sends a message, and takes the answers that come."""
        if not self.core.has_unsent:
            return
        items = list(self.core.next_message().items)
        if fate == "cut":  # Before the server had read everything.
            items = items[: len(items) // 2]
        results = [
            self.store.decide(item, fate if number % 3 == 1 else "")
            for number, item in enumerate(items)
        ]
        error: StillframeError | None = UnavailableError() if fate in {"cut", "lost"} else None
        if fate != "lost":  # Not even the answers of what took effect come.
            settled, passing = self.core.receive(rpc.SaveSnapshotsResponse(results=results))
            keep(settled)
            error = passing or error
        if error is not None:
            assert self.core.ended(error) == ([], 0.0)
            self.core.begin()


step = st.one_of(
    st.tuples(st.just("save"), st.sampled_from("ab")),
    st.tuples(st.just("exchange"), st.sampled_from(["fine", "away", "lost", "cut"])),
)


@settings(max_examples=300, deadline=None)
@given(st.lists(step, max_size=60))
def test_every_save_takes_effect_once_and_in_order(steps: list[tuple[str, str]]) -> None:
    store = Store()
    engine = Engine(store)
    for number, (kind, choice) in enumerate(steps):
        if kind == "exchange":
            engine.exchange(choice)
        else:
            engine.save(choice, number)
    while engine.core.has_work:
        assert engine.core.has_unsent
        engine.exchange("fine")

    for name, futures in engine.futures.items():
        accepted = [number for number, future in futures if future.exception() is None]
        applied = store.applied.get(name, [])
        assert applied == accepted
        assert applied == sorted(set(applied))
        head = store.servers[name].head if applied else None
        if head is not None:
            assert {key: each.data for key, each in head.variables.items()} == {
                key: CODEC.encode(each).data for key, each in state(applied[-1]).items()
            }
