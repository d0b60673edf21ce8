"""The JSON shape of a snapshot: what `load --json` prints and `save --file` reads.

    {"execution_id": "run-1", "state": "waiting", "wait_reason": "user_input",
     "sequence_number": 7, "variables": {"n": 1}, "timestamp": "2026-07-01T12:00:00Z", …}

What is unset is left out. A value stands as the JSON that it is; one that is not JSON
(another encoding, a codec) as `{"$payload": {"encoding", "codecs", "data_base64"}}`, and
so does a JSON object that would be mistaken for that. A save ignores what only the server
gives (version, etag and so on), and refuses a snapshot with an `omission`, which is not
whole.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeVar, cast

from stillframe.cli.parsing import format_time, parse_time
from stillframe.client import ExecutionState, Snapshot, ValueDecodeError, WaitReason
from stillframe.v1.snapshot_pb2 import Payload

if TYPE_CHECKING:
    from stillframe.client import Freshness, Omission, Origin, StoredSnapshot, Values

Document = dict[str, Any]
E = TypeVar("E", ExecutionState, WaitReason)

PAYLOAD = "$payload"

_OUTPUT_ONLY = (
    *("tenant_id", "execution_id", "version", "etag", "revision", "commit_time"),
    *("origin", "freshness"),
)


class DocumentError(ValueError):
    """The JSON is not a snapshot that can be saved; the text says why."""


def snapshot_document(snapshot: StoredSnapshot, *, raw: bool = False) -> Document:
    """The JSON of a stored snapshot; with `raw` every value as a `$payload`."""
    document: Document = {
        "tenant_id": snapshot.tenant_id,
        "execution_id": snapshot.execution_id,
        "version": snapshot.version,
        "etag": snapshot.etag,
        "revision": snapshot.revision,
        "commit_time": format_time(snapshot.commit_time_ns),
        "state": snapshot.state.name.lower(),
        "wait_reason": snapshot.wait_reason.name.lower() if snapshot.wait_reason else None,
        "sequence_number": snapshot.sequence_number,
        "current_step_id": snapshot.current_step_id,
        "user_id": snapshot.user_id,
        "timestamp": _time(snapshot.timestamp_ns),
        "labels": dict(sorted(snapshot.labels.items())) or None,
        "snapshot_id": snapshot.snapshot_id,
        "parent_snapshot_id": snapshot.parent_snapshot_id,
        "parent_execution_id": snapshot.parent_execution_id,
        "schema_version": snapshot.schema_version or None,
        "origin": _origin(snapshot.origin),
        "step_outputs": _entries(snapshot.step_outputs, raw=raw),
        "variables": _entries(snapshot.variables, raw=raw),
        "omission": omission_document(snapshot.omission),
        "freshness": freshness_document(snapshot.freshness),
    }
    return {key: each for key, each in document.items() if each is not None}


def freshness_document(freshness: Freshness | None) -> Document | None:
    if freshness is None:
        return None
    return {
        "execution_id": freshness.execution_id,
        "status": freshness.status.name.lower(),
        "event_store_head": freshness.event_store_head,
        "snapshot_sequence": freshness.snapshot_sequence,
        "distance": freshness.distance,
        "version": freshness.version,
    }


def omission_document(omission: Omission | None) -> Document | None:
    if omission is None:
        return None
    return {
        "count": omission.count,
        "size_bytes": omission.size_bytes,
        "entries": [
            {
                "map": entry.map.name.lower(),
                "key": entry.key,
                "size_bytes": entry.size_bytes,
                "reason": entry.reason.name.lower(),
            }
            for entry in omission.entries
        ],
    }


def value_document(values: Values, key: str, *, raw: bool = False) -> Any:
    """One value as JSON."""
    if not raw:
        try:
            value: object = values[key]
        except ValueDecodeError:
            pass
        else:
            if not _is_payload(value):
                return value
    payload = values.payload(key)
    return {
        PAYLOAD: {
            "encoding": payload.encoding,
            "codecs": list(payload.codecs),
            "data_base64": base64.b64encode(payload.data).decode(),
        }
    }


def snapshot_of(document: object) -> Snapshot:
    """The snapshot that a document describes. Raises DocumentError."""
    fields = dict(_object(document, "the snapshot"))
    if fields.pop("omission", None) is not None:
        raise DocumentError("the snapshot is not whole (omission): load all of it")
    for name in _OUTPUT_ONLY:
        fields.pop(name, None)
    snapshot = Snapshot(
        state=_member(ExecutionState, fields.pop("state", None), "state"),
        sequence_number=_number(fields.pop("sequence_number", 0)),
        step_outputs=_values(fields.pop("step_outputs", None) or {}, "step_outputs"),
        variables=_values(fields.pop("variables", None) or {}, "variables"),
        labels=_labels(fields.pop("labels", None) or {}),
        timestamp_ns=_moment(fields.pop("timestamp", None)),
        schema_version=_text(fields.pop("schema_version", None), "schema_version") or "",
        user_id=_text(fields.pop("user_id", None), "user_id"),
        current_step_id=_text(fields.pop("current_step_id", None), "current_step_id"),
        snapshot_id=_text(fields.pop("snapshot_id", None), "snapshot_id"),
        parent_snapshot_id=_text(fields.pop("parent_snapshot_id", None), "parent_snapshot_id"),
        parent_execution_id=_text(fields.pop("parent_execution_id", None), "parent_execution_id"),
    )
    wait_reason = fields.pop("wait_reason", None)
    if wait_reason is not None:
        snapshot.wait_reason = _member(WaitReason, wait_reason, "wait_reason")
    _refuse_unknown(fields, "the snapshot")
    return snapshot


def _origin(origin: Origin | None) -> Document | None:
    if origin is None:
        return None
    return {
        "execution_id": origin.execution_id,
        "version": origin.version,
        "etag": origin.etag,
        "commit_time": format_time(origin.commit_time_ns),
    }


def _entries(values: Values, *, raw: bool) -> Document:
    return {key: value_document(values, key, raw=raw) for key in sorted(values)}


def _time(moment_ns: int | None) -> str | None:
    return None if moment_ns is None else format_time(moment_ns)


def _values(document: object, name: str) -> Document:
    return {key: _value(each, f"{name}.{key}") for key, each in _object(document, name).items()}


def _is_payload(value: object) -> bool:
    return isinstance(value, dict) and PAYLOAD in value


def _value(document: Any, name: str) -> Any:
    if not _is_payload(document):
        return document
    wrapper = dict(_object(document, name))
    raw = dict(_object(wrapper.pop(PAYLOAD), f"{name}.{PAYLOAD}"))
    name = f"{name}.{PAYLOAD}"
    encoding = _text(raw.pop("encoding", None), f"{name}.encoding") or ""
    data = _text(raw.pop("data_base64", None), f"{name}.data_base64") or ""
    codecs = raw.pop("codecs", [])
    if not isinstance(codecs, Sequence) or isinstance(codecs, str):
        raise DocumentError(f"{name}.codecs is not a list")
    _refuse_unknown(raw | wrapper, name)
    try:
        return Payload(
            data=base64.b64decode(data, validate=True),
            encoding=encoding,
            codecs=[str(codec) for codec in cast("Sequence[object]", codecs)],
        )
    except (binascii.Error, ValueError) as error:
        raise DocumentError(f"{name}.data_base64: {error}") from None


def _refuse_unknown(rest: Mapping[str, Any], name: str) -> None:
    if rest:
        raise DocumentError(f"{name} has no such field: {', '.join(sorted(rest))}")


def _object(document: object, name: str) -> Mapping[str, Any]:
    if not isinstance(document, Mapping):
        raise DocumentError(f"{name} is not a JSON object")
    return cast("Mapping[str, Any]", document)


def _labels(document: object) -> dict[str, str]:
    labels = _object(document, "labels")
    for key, label in labels.items():
        if not isinstance(label, str):
            raise DocumentError(f"labels.{key} is not text")
    return dict(labels)


def _text(value: object, name: str) -> str | None:
    if value is not None and not isinstance(value, str):
        raise DocumentError(f"{name} is not text")
    return value


def _number(value: object) -> int:
    if not isinstance(value, int) or isinstance(value, bool):
        raise DocumentError("sequence_number is not a whole number")
    return value


def _moment(value: object) -> int | None:
    text = _text(value, "timestamp")
    try:
        return None if text is None else parse_time(text)
    except ValueError as error:
        raise DocumentError(f"timestamp: {error}") from None


def _member(kind: type[E], value: object, name: str) -> E:
    known = [member.name.lower() for member in kind]
    if not isinstance(value, str) or value.lower() not in known:
        raise DocumentError(f"{name} is {value!r}, not one of {', '.join(known)}")
    return kind[value.upper()]
