"""Values at the edge of what a message can say, put into one by reflection."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from google.protobuf.descriptor import FieldDescriptor

if TYPE_CHECKING:
    from collections.abc import Sequence
    from random import Random

    from google.protobuf.message import Message

_MANY = 1_200
"""More than any list of the contract may have."""

_NUMBERS = (0, 1, 2, 2**31 - 1, 2**31, 2**32 - 1, 2**63 - 1, 2**63, 2**64 - 1)
_SIGNED = (-1, -(2**31), -(2**63), *_NUMBERS)
_TEXTS = (
    "",
    " ",
    "\x00",
    "a\x00b",
    "\x1f",
    "\x7f",
    "\x9f",
    "\n",
    "\r\n",
    "\u2028",
    "\ufeff",
    "x" * 511,
    "x" * 512,
    "x" * 513,
    "é" * 256,
    "é" * 257,
    "\U0010ffff",
    "%",
    "_",
    "' OR 1=1 --",
    "v0-0000000000000000",
    "v1-0000000000000000",
    "v18446744073709551616-0000000000000000",
    "r0-0000000000000000",
    "r1-0000000000000000",
    "r9223372036854775807-0000000000000000",
    "r9223372036854775808-ffffffffffffffff",
    "r-1-0000000000000000",
    "r\uff11-0000000000000000",
    "AAAAAAAAAAA=",
    "AAAAAAAAAAAxLjE=",
    "====",
    "x" * 5_000,
)

_RANGES = {
    FieldDescriptor.TYPE_INT32: (-(2**31), 2**31 - 1),
    FieldDescriptor.TYPE_INT64: (-(2**63), 2**63 - 1),
    FieldDescriptor.TYPE_UINT32: (0, 2**32 - 1),
    FieldDescriptor.TYPE_UINT64: (0, 2**64 - 1),
    FieldDescriptor.TYPE_ENUM: (-(2**31), 2**31 - 1),
}


def edit(message: Message, random: Random) -> None:
    """Puts one extreme value somewhere into the message, or takes something out of it."""
    target = _somewhere(message, random)
    fields = cast("Sequence[FieldDescriptor]", target.DESCRIPTOR.fields)
    if not fields:
        return
    field = random.choice(fields)
    if random.random() < 0.1:
        target.ClearField(field.name)
    elif _is_map(field):
        _edit_map(target, field, random)
    elif field.is_repeated:
        values = getattr(target, field.name)
        count = random.choice((1, 2, _MANY)) if random.random() < 0.2 else 1
        if field.message_type is not None:
            for _ in range(count):
                values.add()
        else:
            values.extend([_value(field, random)] * count)
    elif field.message_type is not None:
        getattr(target, field.name).SetInParent()
    else:
        setattr(target, field.name, _value(field, random))


def _somewhere(message: Message, random: Random) -> Message:
    """Returns the message itself or one within it."""
    found = [message]
    for each in found:
        for field, value in each.ListFields():
            if field.message_type is None:
                continue
            if _is_map(field):
                if _holds_messages(field):
                    found += list(value.values())
            elif field.is_repeated:
                found += list(value)
            else:
                found.append(value)
    return random.choice(found)


def _is_map(field: FieldDescriptor) -> bool:
    return field.message_type is not None and field.message_type.GetOptions().map_entry


def _holds_messages(field: FieldDescriptor) -> bool:
    """Tells whether the values of a map are messages."""
    entry = field.message_type
    return entry is not None and entry.fields_by_name["value"].message_type is not None


def _edit_map(target: Message, field: FieldDescriptor, random: Random) -> None:
    entries: Any = getattr(target, field.name)
    # 65 is one label too many.
    names = [f"m{number}" for number in range(65)] if random.random() < 0.1 else []
    for key in (random.choice(_TEXTS), *names):
        if _holds_messages(field):
            entries[key].SetInParent()
        else:
            entries[key] = random.choice(_TEXTS)


def _value(field: FieldDescriptor, random: Random) -> object:
    match field.type:
        case FieldDescriptor.TYPE_STRING:
            return random.choice(_TEXTS)
        case FieldDescriptor.TYPE_BYTES:
            return random.randbytes(random.choice((0, 1, 70_000)))
        case FieldDescriptor.TYPE_BOOL:
            return random.random() < 0.5
        case _:
            low, high = _RANGES[field.type]
            return random.choice([number for number in _SIGNED if low <= number <= high])
