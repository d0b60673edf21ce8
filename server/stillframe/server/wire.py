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
_KEY_TAG, _VALUE_TAG = b"\x0a", b"\x12"


def parse(kind: type[M], data: bytes) -> M:
    """Reads a request. Raises MALFORMED_MESSAGE."""
    try:
        return kind.FromString(data)
    except DecodeError:
        name = kind.DESCRIPTOR.name.removesuffix("Request")
        raise refusals.malformed_message(name) from None


def varint(number: int) -> bytes:
    if number <= _LAST_SMALL:
        return _SMALL[number]
    out = bytearray()
    while number > _LAST_SMALL:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    out.append(number)
    return bytes(out)


_LAST_SMALL = 0x7F
_SMALL = tuple(bytes((number,)) for number in range(_LAST_SMALL + 1))


def field(number: int, data: bytes) -> bytes:
    """Returns a field with a message, string or bytes in it."""
    return b"".join((varint(number << 3 | _LENGTH_DELIMITED), varint(len(data)), data))


def snapshot(stored: Stored) -> bytes:
    """Returns a serialised ExecutionSnapshot."""
    parts = [stored.header.SerializeToString()]
    for (map_, key), payload in stored.entries:
        name = key.encode()
        length, size = varint(len(name)), varint(len(payload))
        # Beside the payload: two tags of a byte, two lengths, and the key.
        whole = 2 + len(length) + len(name) + len(size) + len(payload)
        tag = _MAP_TAGS[map_]
        parts += (tag, varint(whole), _KEY_TAG, length, name, _VALUE_TAG, size, payload)
    return b"".join(parts)


_MAP_TAGS = (
    b"",
    varint(ExecutionSnapshot.STEP_OUTPUTS_FIELD_NUMBER << 3 | _LENGTH_DELIMITED),
    varint(ExecutionSnapshot.VARIABLES_FIELD_NUMBER << 3 | _LENGTH_DELIMITED),
)
"""By SnapshotMap."""
