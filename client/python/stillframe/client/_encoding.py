"""Snapshots as messages: every value encoded, the two maps apart from the header, so that a
full save and a delta are cut from the same cloth.
"""

from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from google.protobuf.duration_pb2 import Duration

from stillframe.client._errors import (
    FieldViolation,
    IncompleteSnapshotError,
    InvalidFieldError,
    StillframeError,
)
from stillframe.client._types import Snapshot, StoredSnapshot
from stillframe.client._values import Codec, Values, encode_entry
from stillframe.v1 import snapshot_pb2 as pb

NANOS = 1_000_000_000


@dataclass(frozen=True, slots=True)
class EncodedSnapshot:
    """A snapshot ready to be sent. `header` has labels and no entries."""

    header: pb.ExecutionSnapshot
    step_outputs: dict[str, pb.Payload]
    variables: dict[str, pb.Payload]

    def message(self) -> pb.ExecutionSnapshot:
        """The whole snapshot."""
        return with_entries(self.header, self.step_outputs, self.variables)


def with_entries(
    header: pb.ExecutionSnapshot,
    step_outputs: Mapping[str, pb.Payload],
    variables: Mapping[str, pb.Payload],
) -> pb.ExecutionSnapshot:
    """A snapshot message with this header and these entries."""
    with refused_as_field():
        message = pb.ExecutionSnapshot(step_outputs=step_outputs, variables=variables)
        message.MergeFrom(header)
        return message


def encode_snapshot(snapshot: Snapshot, codec: Codec) -> EncodedSnapshot:
    """Encodes a snapshot, and so takes a copy of everything in it.

    Raises ValueEncodeError for a value, IncompleteSnapshotError for a snapshot that leaves
    something out, InvalidFieldError for a header that no message can carry.
    """
    if isinstance(snapshot, StoredSnapshot) and snapshot.omission is not None:
        raise _incomplete("snapshot.omission")
    with refused_as_field():
        header = pb.ExecutionSnapshot(
            user_id=snapshot.user_id,
            # The generated types want their own int; the numbers are the same.
            state=pb.ExecutionState.ValueType(snapshot.state),
            wait_reason=pb.WaitReason.ValueType(snapshot.wait_reason or 0),
            current_step_id=snapshot.current_step_id,
            sequence_number=snapshot.sequence_number,
            labels=snapshot.labels,
            snapshot_id=snapshot.snapshot_id,
            parent_snapshot_id=snapshot.parent_snapshot_id,
            parent_execution_id=snapshot.parent_execution_id,
            schema_version=snapshot.schema_version,
        )
        if snapshot.timestamp_ns is not None:
            seconds, nanos = divmod(snapshot.timestamp_ns, NANOS)
            header.timestamp.seconds = seconds
            header.timestamp.nanos = nanos
    return EncodedSnapshot(
        header,
        _encode_map("step_outputs", snapshot.step_outputs, codec),
        _encode_map("variables", snapshot.variables, codec),
    )


def _encode_map(name: str, values: Mapping[str, Any], codec: Codec) -> dict[str, pb.Payload]:
    if isinstance(values, Values):
        if values.is_partial:
            raise _incomplete(f"snapshot.{name}")
        return values.payloads()
    return {key: encode_entry(codec, f"{name}[{key!r}]", value) for key, value in values.items()}


def duration_message(ttl: timedelta | float | None) -> Duration | None:
    """A ttl, in seconds unless it is a timedelta; None stays None."""
    if ttl is None:
        return None
    try:
        if isinstance(ttl, timedelta):
            nanoseconds = (ttl // timedelta(microseconds=1)) * 1_000
        else:
            nanoseconds = round(ttl * NANOS)
    except (ValueError, OverflowError):
        raise invalid_field("ttl", "is not a number of seconds") from None
    if nanoseconds < 0:
        raise invalid_field("ttl", "is negative")
    return Duration(seconds=nanoseconds // NANOS, nanos=nanoseconds % NANOS)


def invalid_field(field: str, description: str) -> InvalidFieldError:
    """The error that the server would answer with, for what the client sees first."""
    return InvalidFieldError(
        f"{field}: {description}",
        reason="INVALID_FIELD",
        metadata={"field": field},
        violations=[FieldViolation(field, description)],
    )


def _incomplete(field: str) -> IncompleteSnapshotError:
    description = "leaves entries of its snapshot out, and a save would delete them"
    return IncompleteSnapshotError(
        f"{field}: {description}",
        reason="INVALID_FIELD",
        metadata={"field": field},
        violations=[FieldViolation(field, description)],
    )


@contextmanager
def refused_as_field() -> Generator[None]:
    """Makes protobuf's refusals (a number out of range, text that is not UTF-8) the error
    that a server's refusal would be.
    """
    try:
        yield
    except StillframeError:
        raise
    except ValueError as error:
        raise InvalidFieldError(str(error), reason="INVALID_FIELD") from error
