"""The sync client against a server that the test plays: answers, retries, deadlines, errors,
under a clock that only waits move.
"""

import threading
from collections.abc import Callable
from typing import Any

import grpc
import pytest

from stillframe.client import (
    Client,
    Clock,
    ClosedError,
    DeadlineExceededError,
    ExecutionNotFoundError,
    FencedError,
    Freshness,
    FreshnessStatus,
    InvalidArgumentError,
    MatchCount,
    QuotaExceededError,
    RetryPolicy,
    Saved,
    SaveOutcome,
    ServerBusyError,
    StillframeError,
    UnavailableError,
)
from stillframe.v1 import snapshot_pb2 as pb
from stillframe.v1 import snapshot_service_pb2 as rpc
from tests.unit.client.support import PATIENCE, Stage, snapshot

UNAVAILABLE = grpc.StatusCode.UNAVAILABLE
SAVED = rpc.SaveSnapshotResponse(
    version=3, etag="e3", revision=9, resume_token="r9", outcome=rpc.SAVE_OUTCOME_UPDATED
)


def test_a_save(stage: Stage) -> None:
    client = stage.client(metadata=[("authorization", "Bearer x")])
    saving = stage.start(
        lambda: client.save("run", snapshot(a=1), expected_etag="e2", writer_epoch=4, ttl=0)
    )

    call = stage.take("SaveSnapshot")
    call.reply(SAVED)

    assert saving.result(PATIENCE) == Saved(
        version=3, etag="e3", revision=9, resume_token="r9", outcome=SaveOutcome.UPDATED
    )
    assert call.metadata == {"authorization": "Bearer x"}
    assert call.timeout == 30.0
    assert call.request.tenant_id == "acme"
    assert call.request.execution_id == "run"
    assert call.request.snapshot.variables["a"].data == b"1"
    assert call.request.expected_etag == "e2"
    assert call.request.writer_epoch == 4
    assert call.request.HasField("ttl")
    assert stage.waits == []


def test_a_retried_save_is_the_same_save(stage: Stage) -> None:
    client = stage.client(timeout=30.0, jitter=0.5)
    saving = stage.start(lambda: client.save("run", snapshot()))

    first = stage.take("SaveSnapshot")
    first.fail(UNAVAILABLE)
    second = stage.take("SaveSnapshot")
    second.fail(grpc.StatusCode.RESOURCE_EXHAUSTED, "SERVER_BUSY")
    third = stage.take("SaveSnapshot")
    third.reply(SAVED)

    assert saving.result(PATIENCE).version == 3
    assert first.request.request_id
    assert first.request == second.request == third.request
    # Half of 1 s, then of 2 s; and each try has what is left.
    assert stage.waits == [0.5, 1.0]
    assert [first.timeout, second.timeout, third.timeout] == [30.0, 29.5, 28.5]


def test_a_call_that_the_server_cancels_is_made_again(stage: Stage) -> None:
    client = stage.client(jitter=0.5)
    saving = stage.start(lambda: client.save("run", snapshot()))

    stage.take("SaveSnapshot").fail(grpc.StatusCode.CANCELLED)
    stage.take("SaveSnapshot").reply(SAVED)

    assert saving.result(PATIENCE).version == 3


def test_backoff_grows_to_its_bound_and_attempts_end(stage: Stage) -> None:
    policy = RetryPolicy(max_attempts=6, initial_backoff=1.0, max_backoff=4.0)
    client = stage.client(timeout=None, jitter=1.0, retry=policy)
    loading = stage.start(lambda: client.load("run"))

    for _ in range(6):
        call = stage.take("LoadSnapshot")
        assert call.timeout is None
        call.fail(UNAVAILABLE)

    assert isinstance(loading.exception(PATIENCE), UnavailableError)
    assert stage.waits == [1.0, 2.0, 4.0, 4.0, 4.0]


def test_the_time_that_the_server_names_is_waited(stage: Stage) -> None:
    client = stage.client(jitter=0.5)
    loading = stage.start(lambda: client.load("run"))

    stage.take("LoadSnapshot").fail(UNAVAILABLE, "SHUTTING_DOWN", retry_after=2.25)
    stage.take("LoadSnapshot").reply(rpc.LoadSnapshotResponse())

    loading.result(PATIENCE)
    assert stage.waits == [2.75]


def test_a_wait_that_the_timeout_does_not_allow_is_not_begun(stage: Stage) -> None:
    client = stage.client(timeout=10.0)
    loading = stage.start(lambda: client.load("run"))

    busy = grpc.StatusCode.RESOURCE_EXHAUSTED
    stage.take("LoadSnapshot").fail(busy, "SERVER_BUSY", retry_after=10.0)

    error = loading.exception(PATIENCE)
    assert isinstance(error, ServerBusyError)
    assert error.retry_after == 10.0
    assert stage.waits == []


def test_retries_share_the_timeout(stage: Stage) -> None:
    client = stage.client(timeout=4.0, jitter=1.0, retry=RetryPolicy(initial_backoff=1.0))
    loading = stage.start(lambda: client.load("run"))

    timeouts: list[float | None] = []
    for _ in range(3):
        call = stage.take("LoadSnapshot")
        timeouts.append(call.timeout)
        call.fail(UNAVAILABLE)

    assert isinstance(loading.exception(PATIENCE), UnavailableError)
    assert timeouts == [4.0, 3.0, 1.0]


@pytest.mark.parametrize(
    ("code", "reason", "kind"),
    [
        (grpc.StatusCode.FAILED_PRECONDITION, "FENCED", FencedError),
        (grpc.StatusCode.NOT_FOUND, "EXECUTION_NOT_FOUND", ExecutionNotFoundError),
        (grpc.StatusCode.RESOURCE_EXHAUSTED, "QUOTA_EXCEEDED", QuotaExceededError),
        (grpc.StatusCode.DEADLINE_EXCEEDED, "", DeadlineExceededError),
        (grpc.StatusCode.INVALID_ARGUMENT, "", InvalidArgumentError),
    ],
)
def test_what_another_try_cannot_help_is_not_retried(
    stage: Stage, code: grpc.StatusCode, reason: str, kind: type[StillframeError]
) -> None:
    client = stage.client()
    loading = stage.start(lambda: client.load("run"))

    stage.take("LoadSnapshot").fail(code, reason, metadata={"execution_id": "run"})

    error = loading.exception(PATIENCE)
    assert isinstance(error, StillframeError)
    assert type(error) is kind
    assert error.code is code
    assert error.message == "as it happened"
    assert error.metadata == ({"execution_id": "run"} if reason else {})
    assert isinstance(error.__cause__, grpc.RpcError)
    assert stage.waits == []


def test_a_load_has_its_freshness(stage: Stage) -> None:
    client = stage.client()
    loading = stage.start(lambda: client.load("run", event_store_head=5, max_behind=9))

    call = stage.take("LoadSnapshot")
    freshness = pb.Freshness(
        execution_id="run", status=pb.FRESHNESS_STATUS_STALE, event_store_head=5, distance=2
    )
    call.reply(
        rpc.LoadSnapshotResponse(
            snapshot=pb.ExecutionSnapshot(state=pb.EXECUTION_STATE_PAUSED), freshness=freshness
        )
    )

    loaded = loading.result(PATIENCE)
    assert loaded.freshness == Freshness(
        execution_id="run",
        status=FreshnessStatus.STALE,
        event_store_head=5,
        snapshot_sequence=0,
        distance=2,
        version=0,
    )
    assert call.request.event_store_head == 5
    assert call.request.max_behind == 9
    assert call.request.max_message_bytes == 64 * 1024 * 1024


def test_a_claim_of_nothing(stage: Stage) -> None:
    client = stage.client()
    claiming = stage.start(lambda: client.claim("run", allow_missing=True))

    call = stage.take("ClaimExecution")
    call.reply(rpc.ClaimExecutionResponse(writer_epoch=1))

    assert claiming.result(PATIENCE).snapshot is None
    assert claiming.result().writer_epoch == 1
    assert call.request.allow_missing


def test_lists_follow_their_pages(stage: Stage) -> None:
    client = stage.client()
    listing = stage.start(lambda: [each.execution_id for each in client.list(page_size=2)])

    pages: list[tuple[list[str], str]] = [(["a", "b"], "t1"), ([], "t2"), (["c"], "")]
    for asked, (ids, token) in zip(["", "t1", "t2"], pages, strict=True):
        call = stage.take("ListExecutions")
        assert call.request.page_token == asked
        assert call.request.page_size == 2
        assert call.request.view == rpc.SNAPSHOT_VIEW_METADATA
        heads = [pb.ExecutionSnapshot(execution_id=each) for each in ids]
        call.reply(rpc.ListExecutionsResponse(executions=heads, next_page_token=token))

    assert listing.result(PATIENCE) == ["a", "b", "c"]


def test_a_page_has_its_count(stage: Stage) -> None:
    client = stage.client()
    listing = stage.start(lambda: client.list_page(full=True, include_count=True))

    call = stage.take("ListExecutions")
    count = rpc.MatchCount(value=10_000, at_least=True)
    call.reply(rpc.ListExecutionsResponse(next_page_token="t", count=count))

    page = listing.result(PATIENCE)
    assert page.count == MatchCount(value=10_000, at_least=True)
    assert page.next_page_token == "t"
    assert call.request.view == rpc.SNAPSHOT_VIEW_FULL


def test_history(stage: Stage) -> None:
    client = stage.client()
    listing = stage.start(
        lambda: [each.version for each in client.history("run", labels={"a": "b"})]
    )

    call = stage.take("ListSnapshots")
    assert call.request.labels == {"a": "b"}
    assert call.request.execution_id == "run"
    snapshots = [pb.ExecutionSnapshot(version=2), pb.ExecutionSnapshot(version=1)]
    call.reply(rpc.ListSnapshotsResponse(snapshots=snapshots))

    assert listing.result(PATIENCE) == [2, 1]


def test_freshness_of_many(stage: Stage) -> None:
    client = stage.client()
    heads = {f"run-{n}": n for n in range(1_500)}
    checking = stage.start(lambda: client.check_freshness(heads))

    for _ in range(2):
        call = stage.take("CheckFreshness")
        results = [pb.Freshness(execution_id=each.execution_id) for each in call.request.executions]
        call.reply(rpc.CheckFreshnessResponse(results=results))

    assert [each.execution_id for each in checking.result(PATIENCE)] == list(heads)


def test_a_delete_and_info(stage: Stage) -> None:
    client = stage.client()
    deleting = stage.start(lambda: client.delete("run", include_descendants=True))
    call = stage.take("DeleteExecution")
    call.reply(rpc.DeleteExecutionResponse(deleted_count=4, revision=5, resume_token="r5"))
    asking = stage.start(client.info)
    info = rpc.GetServerInfoResponse(store_kind="memory", features=["watch"])
    info.limits.max_entries = 12
    stage.take("GetServerInfo").reply(info)

    assert deleting.result(PATIENCE).deleted_count == 4
    assert call.request.request_id
    assert call.request.include_descendants
    assert asking.result(PATIENCE).limits.max_entries == 12
    assert asking.result().features == ("watch",)


def test_a_closed_client_says_so(stage: Stage) -> None:
    with stage.client() as client:
        pass

    with pytest.raises(ClosedError):
        client.load("run")
    client.close()


@pytest.mark.parametrize("act", [Client.info, Client.watch], ids=["call", "watch"])
def test_closing_ends_a_wait_for_the_next_try(act: Callable[[Client], Any]) -> None:
    waiting = threading.Event()

    def wait(closing: threading.Event, _: float) -> None:
        waiting.set()
        assert closing.wait(PATIENCE)

    # Nothing listens on the discard port: each try is refused.
    client = Client("127.0.0.1:9", tenant="acme", clock=Clock(wait=wait))
    caught: list[BaseException | list[object]] = []

    def run() -> None:
        try:
            result = act(client)
            caught.append(list(result))
        except ClosedError as error:
            caught.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    assert waiting.wait(PATIENCE)
    client.close()
    thread.join(PATIENCE)

    assert len(caught) == 1
    assert isinstance(caught[0], ClosedError) or caught[0] == []
