"""Why a call is refused: one function for each reason of error.proto.

Each gives the metadata keys that error.proto promises. What status code a reason
has is not known here: `stillframe.server.errors` has the table.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, TypeAlias

from stillframe.v1 import error_pb2

if TYPE_CHECKING:
    from collections.abc import Sequence

    from stillframe.server.stores.records import Head
    from stillframe.v1 import snapshot_pb2
    from stillframe.v1.snapshot_service_pb2 import SnapshotSelector

Reason: TypeAlias = "error_pb2.ErrorReason.ValueType"


class Violation(NamedTuple):
    """One field of a request that breaks a rule."""

    field: str
    description: str


class Refusal(Exception):  # noqa: N818 - a refusal is an answer, not a fault
    """A call that the rules refuse. Carries everything that the caller is told."""

    def __init__(
        self,
        reason: Reason,
        message: str,
        metadata: dict[str, object] | None = None,
        *,
        violations: Sequence[Violation] = (),
        retry_after: float | None = None,
    ) -> None:
        super().__init__(message)
        self.reason = reason
        self.message = message
        self.metadata = {key: str(value) for key, value in (metadata or {}).items()}
        self.violations = tuple(violations)
        self.retry_after = retry_after


def _head(head: Head | None) -> dict[str, object]:
    if head is None:
        return {}
    return {
        "head_etag": head.etag,
        "head_version": head.version,
        "head_sequence_number": head.sequence_number,
    }


def _execution(execution_id: str | None) -> dict[str, object]:
    return {} if execution_id is None else {"execution_id": execution_id}


def invalid_field(*violations: Violation) -> Refusal:
    first = violations[0]
    return Refusal(
        error_pb2.ERROR_REASON_INVALID_FIELD,
        f"{first.field}: {first.description}",
        {"field": first.field},
        violations=violations,
    )


def malformed_message(rpc: str) -> Refusal:
    return Refusal(
        error_pb2.ERROR_REASON_MALFORMED_MESSAGE,
        f"the request is not a message that {rpc} takes",
        {"rpc": rpc},
    )


def page_token_mismatch() -> Refusal:
    description = "the token was not given for this request"
    return Refusal(
        error_pb2.ERROR_REASON_PAGE_TOKEN_MISMATCH,
        f"page_token: {description}",
        {"field": "page_token"},
        violations=[Violation("page_token", description)],
    )


def request_id_reused(execution_id: str | None, request_id: str) -> Refusal:
    return Refusal(
        error_pb2.ERROR_REASON_REQUEST_ID_REUSED,
        "the request_id was used for a request with another body",
        {**_execution(execution_id), "request_id": request_id},
        violations=[Violation("request_id", "was used for a request with another body")],
    )


def execution_not_found(execution_id: str) -> Refusal:
    return Refusal(
        error_pb2.ERROR_REASON_EXECUTION_NOT_FOUND,
        "there is no such execution",
        {"execution_id": execution_id},
    )


def snapshot_not_found(execution_id: str, selector: str) -> Refusal:
    return Refusal(
        error_pb2.ERROR_REASON_SNAPSHOT_NOT_FOUND,
        f"the execution has no snapshot with {selector}",
        {"execution_id": execution_id, "selector": selector},
    )


def no_such_snapshot(execution_id: str, selector: SnapshotSelector) -> Refusal:
    """Returns snapshot_not_found with the selector in words."""
    match selector.WhichOneof("selector"):
        case "version":
            return snapshot_not_found(execution_id, f"version {selector.version}")
        case "snapshot_id":
            return snapshot_not_found(execution_id, f"snapshot_id {selector.snapshot_id!r}")
        case _:
            return snapshot_not_found(execution_id, "these criteria")


def execution_exists(execution_id: str, head: Head) -> Refusal:
    return Refusal(
        error_pb2.ERROR_REASON_EXECUTION_EXISTS,
        "the execution exists",
        {"execution_id": execution_id, **_head(head)},
    )


def snapshot_id_exists(execution_id: str, snapshot_id: str, version: int) -> Refusal:
    return Refusal(
        error_pb2.ERROR_REASON_SNAPSHOT_ID_EXISTS,
        f"version {version} of the execution has this snapshot_id",
        {"execution_id": execution_id, "snapshot_id": snapshot_id, "version": version},
    )


def etag_mismatch(execution_id: str, expected_etag: str, head: Head | None) -> Refusal:
    return Refusal(
        error_pb2.ERROR_REASON_ETAG_MISMATCH,
        "the head is not the snapshot that expected_etag names",
        {"execution_id": execution_id, "expected_etag": expected_etag, **_head(head)},
    )


def delta_base_mismatch(execution_id: str, base: str, head: Head) -> Refusal:
    return Refusal(
        error_pb2.ERROR_REASON_DELTA_BASE_MISMATCH,
        "the base of the delta is not the head",
        {"execution_id": execution_id, "base": base, **_head(head)},
    )


def fenced(execution_id: str, writer_epoch: int | None, floor: int) -> Refusal:
    metadata: dict[str, object] = {"execution_id": execution_id, "writer_epoch_floor": floor}
    if writer_epoch is None:
        message = f"the execution is claimed with writer epoch {floor}, and the call has none"
    else:
        metadata["writer_epoch"] = writer_epoch
        message = f"writer epoch {writer_epoch} is lower than the floor {floor}: another engine has taken over"
    return Refusal(error_pb2.ERROR_REASON_FENCED, message, metadata)


def sequence_regression(execution_id: str, sequence_number: int, head: Head) -> Refusal:
    return Refusal(
        error_pb2.ERROR_REASON_SEQUENCE_REGRESSION,
        f"sequence_number {sequence_number} is lower than the head's {head.sequence_number}",
        {"execution_id": execution_id, "sequence_number": sequence_number, **_head(head)},
    )


def _distance(freshness: snapshot_pb2.Freshness) -> dict[str, object]:
    return {
        "execution_id": freshness.execution_id,
        "event_store_head": freshness.event_store_head,
        "snapshot_sequence": freshness.snapshot_sequence,
        "distance": freshness.distance,
    }


def snapshot_stale(freshness: snapshot_pb2.Freshness, max_behind: int) -> Refusal:
    return Refusal(
        error_pb2.ERROR_REASON_SNAPSHOT_STALE,
        f"the snapshot is {freshness.distance} events behind the event store",
        {**_distance(freshness), "max_behind": max_behind},
    )


def snapshot_ahead(freshness: snapshot_pb2.Freshness) -> Refusal:
    return Refusal(
        error_pb2.ERROR_REASON_SNAPSHOT_AHEAD,
        f"the snapshot is {freshness.distance} events ahead of the event store",
        _distance(freshness),
    )


def history_compacted(revision: int, floor: int) -> Refusal:
    return Refusal(
        error_pb2.ERROR_REASON_HISTORY_COMPACTED,
        f"the change log begins at revision {floor}, after the one asked for",
        {"revision": revision, "floor": floor},
    )


def store_replaced(revision: int) -> Refusal:
    return Refusal(
        error_pb2.ERROR_REASON_STORE_REPLACED,
        f"the store has another change at revision {revision}: it was restored or replaced",
        {"revision": revision},
    )


def revision_in_future(revision: int, head_revision: int) -> Refusal:
    return Refusal(
        error_pb2.ERROR_REASON_REVISION_IN_FUTURE,
        f"the store is at revision {head_revision} and has not reached {revision}",
        {"revision": revision, "head_revision": head_revision},
    )


def too_large(limit: str, maximum: int, actual: int) -> Refusal:
    return Refusal(
        error_pb2.ERROR_REASON_SNAPSHOT_TOO_LARGE,
        f"{actual} is more than the {maximum} that {limit} allows",
        {"limit": limit, "maximum": maximum, "actual": actual},
    )


def quota_exceeded(limit: str, maximum: int) -> Refusal:
    return Refusal(
        error_pb2.ERROR_REASON_QUOTA_EXCEEDED,
        f"the tenant has reached {limit}, {maximum}",
        {"limit": limit, "maximum": maximum},
    )


def server_busy(limit: str, maximum: int, retry_after: float = 0.1) -> Refusal:
    return Refusal(
        error_pb2.ERROR_REASON_SERVER_BUSY,
        f"the server has reached {limit}, {maximum}",
        {"limit": limit, "maximum": maximum},
        retry_after=retry_after,
    )


def store_unavailable(retry_after: float = 1.0) -> Refusal:
    return Refusal(
        error_pb2.ERROR_REASON_STORE_UNAVAILABLE,
        "the store cannot be reached or cannot write; a retry with the same request_id is safe",
        retry_after=retry_after,
    )


def shutting_down(retry_after: float = 1.0) -> Refusal:
    return Refusal(
        error_pb2.ERROR_REASON_SHUTTING_DOWN, "the server is stopping", retry_after=retry_after
    )


def value_not_found(execution_id: str | None, key: str) -> Refusal:
    return Refusal(
        error_pb2.ERROR_REASON_VALUE_NOT_FOUND,
        "there is no such value",
        {"key": key, **_execution(execution_id)},
    )


def value_exists(execution_id: str | None, key: str, etag: str) -> Refusal:
    return Refusal(
        error_pb2.ERROR_REASON_VALUE_EXISTS,
        "there is a value",
        {"key": key, **_execution(execution_id), "etag": etag},
    )


def value_etag_mismatch(
    execution_id: str | None, key: str, expected_etag: str, etag: str | None
) -> Refusal:
    return Refusal(
        error_pb2.ERROR_REASON_ETAG_MISMATCH,
        "the value is not the one that expected_etag names",
        {
            "key": key,
            **_execution(execution_id),
            "expected_etag": expected_etag,
            **({} if etag is None else {"etag": etag}),
        },
    )


def value_too_large(limit: str, maximum: int, actual: int) -> Refusal:
    return Refusal(
        error_pb2.ERROR_REASON_VALUE_TOO_LARGE,
        f"{actual} is more than the {maximum} that {limit} allows",
        {"limit": limit, "maximum": maximum, "actual": actual},
    )
