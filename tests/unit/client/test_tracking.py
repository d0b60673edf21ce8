"""Deltas: what is sent, and that nothing is lost or overwritten by accident, whatever answers
are lost on the way.
"""

import random
from typing import Any

import pytest

from stillframe.client import (
    CallCancelledError,
    DeltaBaseMismatchError,
    EtagMismatchError,
    ExecutionNotFoundError,
    FencedError,
    Payload,
    Snapshot,
    StillframeError,
    UnavailableError,
)
from stillframe.client._decoding import stored_snapshot
from stillframe.v1 import snapshot_pb2 as pb
from tests.unit.client.fake_head import BIG, CODEC, Engine, Server, running


@pytest.fixture(name="server")
def _server() -> Server:
    return Server()


@pytest.fixture(name="engine")
def _engine(server: Server) -> Engine:
    return Engine(server)


def lose() -> None:
    raise UnavailableError


def values(server: Server) -> dict[str, Any]:
    assert server.head is not None
    return dict(stored_snapshot(server.head, CODEC).variables)


def test_the_first_save_is_whole_and_expects_nothing(engine: Engine, server: Server) -> None:
    engine.save(running(a=1))

    assert server.last.HasField("snapshot")
    assert not server.last.HasField("expected_etag")


def test_later_saves_are_what_changed(engine: Engine, server: Server) -> None:
    engine.save(running({"s1": BIG, "s2": 1}, a=BIG, b=1, c=2))
    engine.save(running({"s1": BIG, "s3": 3}, a=BIG, b=2))

    delta = server.last.delta
    assert delta.base_etag == "e1"
    assert delta.snapshot == pb.ExecutionSnapshot(
        state=pb.EXECUTION_STATE_RUNNING,
        labels={"a": "b"},
        variables={"b": Payload(data=b"2")},
        step_outputs={"s3": Payload(data=b"3")},
    )
    assert list(delta.removed_variables) == ["c"]
    assert list(delta.removed_step_outputs) == ["s2"]
    assert values(server) == {"a": BIG, "b": 2}


def test_a_payload_of_other_codecs_is_another_payload(engine: Engine, server: Server) -> None:
    engine.save(running(a=Payload(data=b"1"), big=BIG))
    engine.save(running(a=Payload(data=b"1", codecs=["zstd"]), big=BIG))

    assert set(server.last.delta.snapshot.variables) == {"a"}


def test_a_delta_that_is_no_smaller_is_not_made(engine: Engine, server: Server) -> None:
    engine.save(running(a=BIG))
    engine.save(running(a=BIG + "y"))

    assert server.last.HasField("snapshot")
    assert server.last.expected_etag == "e1"


def test_a_load_is_a_base(engine: Engine, server: Server) -> None:
    Engine(server).save(running(a=BIG, b=1))
    head = engine.load()
    head.variables["b"] = 2
    engine.save(head)

    assert set(server.last.delta.snapshot.variables) == {"b"}


def test_a_head_that_is_not_whole_is_no_base(engine: Engine, server: Server) -> None:
    Engine(server).save(running(a=BIG))
    assert server.head is not None
    partial = pb.ExecutionSnapshot(etag="e1", omission=pb.Omission(count=1))
    engine.tracker.know(stored_snapshot(partial, CODEC))
    engine.save(running(a=BIG))

    assert server.last.HasField("snapshot")


@pytest.mark.parametrize(
    ("mine", "kind"),
    [(running(a=BIG, b=2), DeltaBaseMismatchError), (running(b=2), EtagMismatchError)],
    ids=["delta", "whole"],
)
def test_what_somebody_else_wrote_is_not_overwritten(
    engine: Engine, server: Server, mine: Snapshot, kind: type[StillframeError]
) -> None:
    engine.save(running(a=BIG))
    Engine(server).save(running(other=BIG))

    for _ in range(2):
        with pytest.raises(kind):
            engine.save(mine)
    assert values(server) == {"other": BIG}
    engine.load()
    engine.save(mine)
    assert values(server) == mine.variables


def test_overwrite_saves_the_whole_over_it(server: Server) -> None:
    engine = Engine(server, overwrite=True)
    engine.save(running(a=BIG))
    Engine(server).save(running(other=BIG))

    engine.save(running(a=BIG, b=2), request_id="mine")

    assert [each.HasField("delta") for each in server.requests[-2:]] == [True, False]
    assert server.requests[-2].request_id == "mine"
    assert server.last.request_id != "mine"
    assert not server.last.HasField("expected_etag")
    assert values(server) == {"a": BIG, "b": 2}
    engine.save(running(a=BIG, b=3))
    assert server.last.HasField("delta")


@pytest.mark.parametrize("overwrite", [False, True])
def test_a_deleted_execution_comes_back_only_by_overwrite(
    server: Server, *, overwrite: bool
) -> None:
    engine = Engine(server, overwrite=overwrite)
    engine.save(running(a=BIG))
    server.head = None

    if overwrite:
        engine.save(running(a=BIG, b=1))
        assert values(server) == {"a": BIG, "b": 1}
    else:
        with pytest.raises(ExecutionNotFoundError):
            engine.save(running(a=BIG, b=1))


def test_the_callers_own_precondition_is_not_overridden(server: Server) -> None:
    engine = Engine(server, overwrite=True)
    engine.save(running(a=BIG))

    with pytest.raises(EtagMismatchError):
        engine.save(running(a=BIG, b=1), expected_etag="e7")
    assert len(server.requests) == 2
    engine.save(running(a=BIG), must_not_exist=True)
    assert server.last.HasField("snapshot")


@pytest.mark.parametrize("arrived", [False, True])
def test_a_save_without_an_answer_is_settled_by_the_next(
    engine: Engine, server: Server, *, arrived: bool
) -> None:
    engine.save(running(a=BIG))
    if arrived:
        engine.after = lose
    else:
        engine.before = lose
    with pytest.raises(UnavailableError):
        engine.save(running(a=BIG, b=1))
    engine.before = engine.after = lambda: None

    engine.save(running(a=BIG, b=1, c=2))

    assert server.version == 3
    assert values(server) == {"a": BIG, "b": 1, "c": 2}
    repeat, last = server.requests[-2:]
    assert repeat.delta.base_etag == "e1"
    assert last.delta.base_etag == "e2"
    assert set(last.delta.snapshot.variables) == {"c"}


def test_a_save_stays_owed_until_it_is_answered(engine: Engine, server: Server) -> None:
    engine.save(running(a=BIG))
    engine.after = lose
    for n in range(3):
        with pytest.raises(UnavailableError):
            engine.save(running(a=BIG, b=n))
    engine.after = lambda: None

    engine.save(running(a=BIG, b=9))

    # The first was owed; the two after it never got their turn.
    assert server.version == 3
    assert values(server) == {"a": BIG, "b": 9}


def test_an_owed_save_that_is_refused_never_was(engine: Engine, server: Server) -> None:
    engine.save(running(a=BIG))
    engine.before = lose
    with pytest.raises(UnavailableError):
        engine.save(running(a=BIG, b=1))
    engine.before = lambda: None
    Engine(server).save(running(other=1))

    with pytest.raises(DeltaBaseMismatchError):
        engine.save(running(a=BIG, b=2))
    assert values(server) == {"other": 1}


def test_a_refusal_is_not_owed(engine: Engine, server: Server) -> None:
    engine.save(running(a=BIG))

    def fence() -> None:
        raise FencedError

    engine.before = fence
    with pytest.raises(FencedError):
        engine.save(running(a=BIG, b=1))
    engine.before = lambda: None

    engine.save(running(a=BIG, b=2))

    assert server.version == 2


def test_an_abandoned_save_is_owed(engine: Engine, server: Server) -> None:
    engine.save(running(a=BIG))

    def interrupt() -> None:
        raise KeyboardInterrupt

    engine.after = interrupt
    with pytest.raises(KeyboardInterrupt):
        engine.save(running(a=BIG, b=1))
    engine.after = lambda: None

    engine.save(running(a=BIG, b=2))

    assert server.version == 3
    assert values(server) == {"a": BIG, "b": 2}


def test_a_load_clears_what_was_owed(engine: Engine, server: Server) -> None:
    engine.save(running(a=BIG))
    engine.after = lose
    with pytest.raises(UnavailableError):
        engine.save(running(a=BIG, b=1))
    engine.after = lambda: None
    assert engine.load().variables["b"] == 1

    engine.save(running(a=BIG, b=2))

    assert server.version == 3
    assert len(server.requests) == 3


@pytest.mark.parametrize("seed", range(60))
def test_whatever_gets_lost_the_head_is_the_last_save_that_succeeded(seed: int) -> None:
    chance = random.Random(seed)
    server = Server()
    engine = Engine(server)

    def maybe() -> None:
        if chance.random() < 0.3:
            raise chance.choice([UnavailableError(), CallCancelledError()])

    engine.before = engine.after = maybe
    state: dict[str, Any] = {}
    accepted: list[dict[str, Any]] = []
    for n in range(40):
        state[f"k{chance.randrange(6)}"] = chance.choice([n, BIG, None])
        state.pop(f"k{chance.randrange(6)}", None)
        try:
            saved = engine.save(running(**state))
        except (UnavailableError, CallCancelledError):
            continue
        accepted.append(dict(state))
        assert server.head is not None
        assert saved.etag == server.head.etag
        assert values(server) == state
    assert accepted
