"""What can happen to the bytes of a message, with and without knowing where its fields are."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from random import Random

_VARINT, _FIXED64, _BYTES, _START_GROUP, _END_GROUP, _FIXED32 = range(6)

_INVALID_UTF8 = (b"\xff", b"\xc0\x80", b"\xed\xa0\x80", b"\xf4\x90\x80\x80", b"\xe2\x82", b"\x80")


class Field(NamedTuple):
    """Where a field stands in a message."""

    start: int
    content: int
    """Where its value begins, behind tag and length."""
    end: int
    wire_type: int


def fields(data: bytes) -> list[Field]:
    """Returns the fields at the top of a message, up to the first that cannot be read."""
    found: list[Field] = []
    at = 0
    while at < len(data):
        tag, begin = _varint(data, at)
        kind = tag & 7
        content = begin
        match kind:
            case 0:
                _, end = _varint(data, begin)
            case 1:
                end = begin + 8
            case 2:
                length, content = _varint(data, begin)
                end = content + length
            case 5:
                end = begin + 4
            case _:
                return found
        if end > len(data):
            return found
        found.append(Field(at, content, end, kind))
        at = end
    return found


def _varint(data: bytes, at: int) -> tuple[int, int]:
    """Returns the number at a place and the place behind it, which may be past the end."""
    number = shift = 0
    while at < len(data):
        number |= (data[at] & 0x7F) << shift
        shift += 7
        at += 1
        if data[at - 1] < 0x80:
            return number, at
    return number, len(data) + 1


def befall(data: bytes, random: Random) -> bytes:
    """Returns the bytes after one accident."""
    accident = random.choice(
        (
            _flip_bits,
            _truncate,
            _drop,
            _insert,
            _repeat_field,
            _move_field,
            _lie_about_length,
            _break_text,
            _nest,
            _change_wire_type,
            _lengthen_varint,
        )
    )
    return accident(data, random)


def _flip_bits(data: bytes, random: Random) -> bytes:
    if not data:
        return data
    changed = bytearray(data)
    for _ in range(random.choice((1, 1, 2, 8))):
        changed[random.randrange(len(changed))] ^= 1 << random.randrange(8)
    return bytes(changed)


def _truncate(data: bytes, random: Random) -> bytes:
    return data[: random.randint(0, len(data))]


def _drop(data: bytes, random: Random) -> bytes:
    start = random.randint(0, len(data))
    return data[:start] + data[start + random.choice((1, 2, 16)) :]


def _insert(data: bytes, random: Random) -> bytes:
    at = random.randint(0, len(data))
    return data[:at] + random.randbytes(random.choice((1, 2, 16))) + data[at:]


def _repeat_field(data: bytes, random: Random) -> bytes:
    """Sends a field again: a singular message is merged, a scalar replaced, a oneof switched."""
    found = fields(data)
    if not found:
        return data
    field = random.choice(found)
    count = random.choice((1, 2, 50))
    return data + data[field.start : field.end] * count


def _move_field(data: bytes, random: Random) -> bytes:
    """Puts a field where another one stands, most likely under a number that is not its own."""
    found = fields(data)
    if not found:
        return data
    one, other = random.choice(found), random.choice(found)
    return data[: one.start] + data[other.start : other.content] + data[one.content :]


def _lie_about_length(data: bytes, random: Random) -> bytes:
    found = [field for field in fields(data) if field.wire_type == _BYTES]
    if not found:
        return data
    field = random.choice(found)
    tag_end = _varint(data, field.start)[1]
    length = random.choice(
        (0, field.end - field.content + 1, len(data), 2**31 - 1, 2**32 - 1, 2**63, 2**64 - 1)
    )
    return data[:tag_end] + varint(length) + data[field.content :]


def _break_text(data: bytes, random: Random) -> bytes:
    """Puts bytes that are not UTF-8 into what may be a string, at some depth."""
    found = [field for field in fields(data) if field.wire_type == _BYTES]
    if not found:
        return data
    field = random.choice(found)
    inner = data[field.content : field.end]
    if random.random() < 0.5 and fields(inner):
        inner = _break_text(inner, random)
    else:
        at = random.randint(0, len(inner))
        inner = inner[:at] + random.choice(_INVALID_UTF8) + inner[at:]
    tag_end = _varint(data, field.start)[1]
    return data[:tag_end] + varint(len(inner)) + inner + data[field.end :]


def _nest(data: bytes, random: Random) -> bytes:
    """Wraps the message deeply, as messages of one field or as groups."""
    depth = random.choice((10, 99, 100, 101, 1_000, 20_000))
    number = random.randint(1, 12) << 3
    if random.random() < 0.5:
        return (
            data + bytes((number | _START_GROUP,)) * depth + bytes((number | _END_GROUP,)) * depth
        )
    inner = data
    for _ in range(min(depth, 200)):
        inner = bytes((number | _BYTES,)) + varint(len(inner)) + inner
    return inner


def _change_wire_type(data: bytes, random: Random) -> bytes:
    found = fields(data)
    if not found:
        return data
    start = random.choice(found).start
    return data[:start] + bytes((data[start] & ~7 | random.randrange(8),)) + data[start + 1 :]


def _lengthen_varint(data: bytes, random: Random) -> bytes:
    """Writes a number with bytes that it does not need, up to more than a varint may have."""
    found = [field for field in fields(data) if field.wire_type == _VARINT]
    if not found:
        return data
    field = random.choice(found)
    padding = b"\x80" * random.choice((1, 5, 9, 10, 11, 100)) + b"\x00"
    last = bytes((data[field.end - 1] | 0x80,))
    return data[: field.end - 1] + last + padding + data[field.end :]


def varint(number: int) -> bytes:
    out = bytearray()
    while number > 0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    out.append(number)
    return bytes(out)
