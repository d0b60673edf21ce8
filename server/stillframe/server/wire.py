"""Reads requests, and writes answers around payloads that are serialised already.

A stored payload goes out byte for byte, without being parsed and serialised again.
Concatenated fields are a message: that is what merging means in protobuf's encoding.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from google.protobuf.message import DecodeError, Message

from stillframe.server.stores import refusals
from stillframe.v1.snapshot_pb2 import ExecutionSnapshot

if TYPE_CHECKING:
    from stillframe.server.stores.records import Stored

M = TypeVar("M", bound=Message)

_LENGTH_DELIMITED = 2
_KEY_TAG, _VALUE_TAG = 0x0A, 0x12
_MAP_FIELDS = (
    0,
    ExecutionSnapshot.STEP_OUTPUTS_FIELD_NUMBER,
    ExecutionSnapshot.VARIABLES_FIELD_NUMBER,
)
"""By SnapshotMap."""


def parse(kind: type[M], data: bytes) -> M:
    """Reads a request. Raises MALFORMED_MESSAGE."""
    try:
        return kind.FromString(data)
    except DecodeError:
        name = kind.DESCRIPTOR.name.removesuffix("Request")
        raise refusals.malformed_message(name) from None


def varint(number: int) -> bytes:
    out = bytearray()
    while number > 0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    out.append(number)
    return bytes(out)


def field(number: int, data: bytes) -> bytes:
    """Returns a field with a message, string or bytes in it."""
    return b"".join((varint(number << 3 | _LENGTH_DELIMITED), varint(len(data)), data))


def snapshot(stored: Stored) -> bytes:
    """Returns a serialised ExecutionSnapshot."""
    parts = [stored.header.SerializeToString()]
    for (map_, key), payload in stored.entries:
        name = key.encode()
        entry = b"".join(
            (
                bytes((_KEY_TAG,)),
                varint(len(name)),
                name,
                bytes((_VALUE_TAG,)),
                varint(len(payload)),
            )
        )
        parts += (
            varint(_MAP_FIELDS[map_] << 3 | _LENGTH_DELIMITED),
            varint(len(entry) + len(payload)),
            entry,
            payload,
        )
    return b"".join(parts)
