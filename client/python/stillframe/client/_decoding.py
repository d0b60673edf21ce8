"""Messages as the client's own types: what answers and watch frames carry."""

from google.protobuf.timestamp_pb2 import Timestamp

from stillframe.client import _types as t
from stillframe.client._encoding import NANOS
from stillframe.client._enums import (
    ExecutionState,
    FreshnessStatus,
    OmissionReason,
    SaveOutcome,
    SnapshotMap,
    WaitReason,
    from_wire,
)
from stillframe.client._values import Codec, Values
from stillframe.v1 import snapshot_pb2 as pb
from stillframe.v1 import snapshot_service_pb2 as rpc


def stored_snapshot(
    message: pb.ExecutionSnapshot,
    codec: Codec,
    *,
    freshness: t.Freshness | None = None,
    partial: bool = False,
) -> t.StoredSnapshot:
    """The snapshot of a message. `partial`: its entries are not all there although it has no
    omission, as in a change by which an execution ends.
    """
    partial = partial or message.HasField("omission")
    return t.StoredSnapshot(
        state=from_wire(ExecutionState, message.state),
        sequence_number=message.sequence_number,
        wait_reason=from_wire(WaitReason, message.wait_reason) if message.wait_reason else None,
        user_id=message.user_id if message.HasField("user_id") else None,
        current_step_id=message.current_step_id if message.HasField("current_step_id") else None,
        step_outputs=Values("step_outputs", message.step_outputs, codec, partial=partial),
        variables=Values("variables", message.variables, codec, partial=partial),
        timestamp_ns=_nanoseconds(message.timestamp) if message.HasField("timestamp") else None,
        labels=dict(message.labels),
        snapshot_id=message.snapshot_id if message.HasField("snapshot_id") else None,
        parent_snapshot_id=(
            message.parent_snapshot_id if message.HasField("parent_snapshot_id") else None
        ),
        parent_execution_id=(
            message.parent_execution_id if message.HasField("parent_execution_id") else None
        ),
        schema_version=message.schema_version,
        tenant_id=message.tenant_id,
        execution_id=message.execution_id,
        version=message.version,
        etag=message.etag,
        revision=message.revision,
        commit_time_ns=_nanoseconds(message.commit_time),
        origin=_origin(message.origin) if message.HasField("origin") else None,
        omission=_omission(message.omission) if message.HasField("omission") else None,
        freshness=freshness,
    )


def freshness_of(message: pb.Freshness) -> t.Freshness:
    """The comparison of a snapshot with an event store's head."""
    return t.Freshness(
        execution_id=message.execution_id,
        status=from_wire(FreshnessStatus, message.status),
        event_store_head=message.event_store_head,
        snapshot_sequence=message.snapshot_sequence,
        distance=message.distance,
        version=message.version,
    )


def saved(message: rpc.SaveSnapshotResponse) -> t.Saved:
    """The answer to a save."""
    return t.Saved(
        version=message.version,
        etag=message.etag,
        revision=message.revision,
        resume_token=message.resume_token,
        outcome=from_wire(SaveOutcome, message.outcome),
    )


def deleted(message: rpc.DeleteExecutionResponse) -> t.Deleted:
    """The answer to a delete."""
    return t.Deleted(
        deleted_count=message.deleted_count,
        revision=message.revision,
        resume_token=message.resume_token,
    )


def loaded(message: rpc.LoadSnapshotResponse, codec: Codec) -> t.StoredSnapshot:
    """The answer to a load."""
    freshness = freshness_of(message.freshness) if message.HasField("freshness") else None
    return stored_snapshot(message.snapshot, codec, freshness=freshness)


def claim(message: rpc.ClaimExecutionResponse, codec: Codec) -> t.Claim:
    """The answer to a claim."""
    freshness = freshness_of(message.freshness) if message.HasField("freshness") else None
    return t.Claim(
        writer_epoch=message.writer_epoch,
        snapshot=(
            stored_snapshot(message.snapshot, codec, freshness=freshness)
            if message.HasField("snapshot")
            else None
        ),
        freshness=freshness,
    )


def executions_page(message: rpc.ListExecutionsResponse, codec: Codec) -> t.Page[t.StoredSnapshot]:
    """A page of heads."""
    count = message.count
    return t.Page(
        items=tuple(stored_snapshot(each, codec) for each in message.executions),
        next_page_token=message.next_page_token,
        count=(
            t.MatchCount(value=count.value, at_least=count.at_least)
            if message.HasField("count")
            else None
        ),
    )


def snapshots_page(message: rpc.ListSnapshotsResponse, codec: Codec) -> t.Page[t.StoredSnapshot]:
    """A page of history."""
    return t.Page(
        items=tuple(stored_snapshot(each, codec) for each in message.snapshots),
        next_page_token=message.next_page_token,
    )


def server_info(message: rpc.GetServerInfoResponse) -> t.ServerInfo:
    """What the server is."""
    limits = message.limits
    return t.ServerInfo(
        server_version=message.server_version,
        store_kind=message.store_kind,
        limits=t.ServerLimits(
            max_request_bytes=limits.max_request_bytes,
            max_snapshot_bytes=limits.max_snapshot_bytes,
            max_payload_bytes=limits.max_payload_bytes,
            max_entries=limits.max_entries,
            max_watches=limits.max_watches,
            max_inflight_bytes=limits.max_inflight_bytes,
            max_executions=limits.max_executions,
            change_log_size=limits.change_log_size,
            progress_interval_ms=limits.progress_interval_ms,
            max_value_bytes=limits.max_value_bytes,
        ),
        features=tuple(message.features),
    )


def _origin(message: pb.SnapshotOrigin) -> t.Origin:
    return t.Origin(
        execution_id=message.execution_id,
        version=message.version,
        etag=message.etag,
        commit_time_ns=_nanoseconds(message.commit_time),
    )


def _omission(message: pb.Omission) -> t.Omission:
    return t.Omission(
        entries=tuple(
            t.OmittedEntry(
                map=from_wire(SnapshotMap, each.map),
                key=each.key,
                size_bytes=each.size_bytes,
                reason=from_wire(OmissionReason, each.reason),
            )
            for each in message.entries
        ),
        count=message.count,
        size_bytes=message.size_bytes,
    )


def _nanoseconds(timestamp: Timestamp) -> int:
    return timestamp.seconds * NANOS + timestamp.nanos
