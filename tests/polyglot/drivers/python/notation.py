"""The notation of the drivers, as the Python client's own types and back."""

from __future__ import annotations

import base64
import re
import struct
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, TypeVar

from stillframe.client import (
    Criteria,
    ExecutionState,
    Filter,
    MapProjection,
    Payload,
    Projection,
    Snapshot,
    StateClass,
    ValueDecodeError,
    Values,
    WaitReason,
)

if TYPE_CHECKING:
    from collections.abc import Mapping
    from enum import IntEnum

    from stillframe.client import (
        Freshness,
        Omission,
        Origin,
        Saved,
        StoredSnapshot,
    )

    E = TypeVar("E", bound=IntEnum)

JSON = dict[str, Any]

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
NANOS = 1_000_000_000
HEADER = ("user_id", "current_step_id", "snapshot_id", "parent_snapshot_id", "parent_execution_id")
"""The fields of a snapshot that are text and may be unset."""


def number(text: str | None) -> int | None:
    return None if text is None else int(text)


def nanoseconds(text: str | None) -> int | None:
    if text is None:
        return None
    match = re.fullmatch(r"(.*?)(?:\.(\d{1,9}))?Z", text)
    if match is None:
        raise ValueError(f"{text!r} is no time")
    moment = datetime.fromisoformat(f"{match[1]}+00:00")
    return (moment - EPOCH) // timedelta(seconds=1) * NANOS + int((match[2] or "").ljust(9, "0"))


def time(nanoseconds: int) -> str:
    seconds, fraction = divmod(nanoseconds, NANOS)
    moment = (EPOCH + timedelta(seconds=seconds)).replace(tzinfo=None).isoformat()
    return f"{moment}.{fraction:09}".rstrip("0").rstrip(".") + "Z"


def value(written: JSON) -> Any:  # noqa: PLR0911 - one for each kind
    """A value, as a Python object."""
    ((kind, content),) = written.items()
    match kind:
        case "null":
            return None
        case "bool" | "string":
            return content
        case "int":
            return int(content)
        case "double":
            return struct.unpack(">d", bytes.fromhex(content))[0]
        case "array":
            return [value(each) for each in content]
        case "object":
            return {key: value(each) for key, each in content.items()}
        case "payload":
            return Payload(
                data=base64.b64decode(content["data"]),
                encoding=content.get("encoding", ""),
                codecs=content.get("codecs", ()),
            )
        case _:
            raise ValueError(f"there is no kind of value {kind!r}")


def written(value: Any) -> JSON:  # noqa: PLR0911 - one for each kind
    """A Python object, as a value."""
    match value:
        case None:
            return {"null": None}
        case bool():
            return {"bool": value}
        case str():
            return {"string": value}
        case int():
            return {"int": str(value)}
        case float():
            return {"double": struct.pack(">d", value).hex()}
        case list():
            return {"array": [written(each) for each in value]}  # pyright: ignore[reportUnknownVariableType]
        case dict():
            return {"object": {key: written(each) for key, each in value.items()}}  # pyright: ignore[reportUnknownVariableType]
        case _:
            raise TypeError(f"{type(value).__name__} is no type of JSON")


def entries(values: Mapping[str, Any]) -> JSON:
    """A map of a loaded snapshot."""
    assert isinstance(values, Values)
    return {key: _entry(values, key) for key in values}


def _entry(values: Values, key: str) -> JSON:
    if values.payload(key).encoding not in ("", "json/utf8"):
        return {"payload": _payload(values.payload(key))}
    try:
        return written(values[key])
    except ValueDecodeError as error:
        return {"undecodable": _payload(error.payload or Payload())}


def _payload(payload: Payload) -> JSON:
    return {
        "data": base64.b64encode(payload.data).decode(),
        "encoding": payload.encoding,
        "codecs": list(payload.codecs),
    }


def snapshot(given: JSON) -> Snapshot:
    wait_reason = given.get("wait_reason")
    step_outputs: JSON = given.get("step_outputs") or {}
    variables: JSON = given.get("variables") or {}
    return Snapshot(
        state=ExecutionState[given["state"]],
        sequence_number=int(given.get("sequence_number") or 0),
        wait_reason=None if wait_reason is None else WaitReason[wait_reason],
        step_outputs={key: value(each) for key, each in step_outputs.items()},
        variables={key: value(each) for key, each in variables.items()},
        timestamp_ns=nanoseconds(given.get("timestamp")),
        labels=given.get("labels") or {},
        schema_version=given.get("schema_version") or "",
        **{name: given.get(name) for name in HEADER},
    )


def stored(snapshot: StoredSnapshot) -> JSON:
    times = {} if snapshot.timestamp_ns is None else {"timestamp": time(snapshot.timestamp_ns)}
    optional = {
        "wait_reason": snapshot.wait_reason and snapshot.wait_reason.name,
        "schema_version": snapshot.schema_version or None,
        "origin": snapshot.origin and _origin(snapshot.origin),
        "omission": snapshot.omission and _omission(snapshot.omission),
        **{name: getattr(snapshot, name) for name in HEADER},
    }
    return {
        "execution_id": snapshot.execution_id,
        "state": snapshot.state.name,
        "sequence_number": str(snapshot.sequence_number),
        "step_outputs": entries(snapshot.step_outputs),
        "variables": entries(snapshot.variables),
        "labels": dict(snapshot.labels),
        "version": str(snapshot.version),
        "etag": snapshot.etag,
        "revision": str(snapshot.revision),
        "commit_time": time(snapshot.commit_time_ns),
        **times,
        **{name: each for name, each in optional.items() if each is not None},
    }


def _origin(origin: Origin) -> JSON:
    return {
        "execution_id": origin.execution_id,
        "version": str(origin.version),
        "etag": origin.etag,
        "commit_time": time(origin.commit_time_ns),
    }


def _omission(omission: Omission) -> JSON:
    return {
        "count": str(omission.count),
        "size_bytes": str(omission.size_bytes),
        "entries": [
            {
                "map": each.map.name,
                "key": each.key,
                "size_bytes": str(each.size_bytes),
                "reason": each.reason.name,
            }
            for each in omission.entries
        ],
    }


def freshness(each: Freshness) -> JSON:
    return {
        "execution_id": each.execution_id,
        "status": each.status.name,
        "event_store_head": str(each.event_store_head),
        "snapshot_sequence": str(each.snapshot_sequence),
        "distance": str(each.distance),
        "version": str(each.version),
    }


def saved(answer: Saved) -> JSON:
    return {
        "version": str(answer.version),
        "etag": answer.etag,
        "revision": str(answer.revision),
        "resume_token": answer.resume_token,
        "outcome": answer.outcome.name,
    }


def criteria(given: JSON | None) -> Criteria | None:
    if given is None:
        return None
    return Criteria(
        sequence_min=number(given.get("sequence_min")),
        sequence_max=number(given.get("sequence_max")),
        timestamp_min_ns=nanoseconds(given.get("timestamp_min")),
        timestamp_max_ns=nanoseconds(given.get("timestamp_max")),
        commit_time_min_ns=nanoseconds(given.get("commit_time_min")),
        commit_time_max_ns=nanoseconds(given.get("commit_time_max")),
    )


def filter_(given: JSON | None) -> Filter | None:
    if given is None:
        return None
    return Filter(
        execution_ids=given.get("execution_ids"),
        execution_id_prefix=given.get("execution_id_prefix"),
        states=_members(ExecutionState, given.get("states")),
        state_classes=_members(StateClass, given.get("state_classes")),
        wait_reasons=_members(WaitReason, given.get("wait_reasons")),
        user_id=given.get("user_id"),
        parent_execution_id=given.get("parent_execution_id"),
        labels=given.get("labels") or {},
        criteria=criteria(given.get("criteria")),
    )


def _members(kind: type[E], names: list[str] | None) -> list[E] | None:
    return None if names is None else [kind[name] for name in names]


def projection(given: JSON | None) -> Projection | None:
    if given is None:
        return None
    return Projection(
        step_outputs=_chosen(given.get("step_outputs")), variables=_chosen(given.get("variables"))
    )


def _chosen(given: JSON | None) -> MapProjection | None:
    if given is None:
        return None
    return MapProjection(
        all=given.get("all") or False,
        keys=given.get("keys") or (),
        key_prefixes=given.get("key_prefixes") or (),
    )
