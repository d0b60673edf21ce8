"""What history keeps of a value, and that what is damaged is called so."""

from __future__ import annotations

from hashlib import shake_128

import pytest

from stillframe.server.stores import patches
from stillframe.server.stores.patches import DamagedError, Form

VALUE = b"what an agent says, line after line; " * 40


def test_a_patch_needs_what_it_is_against() -> None:
    newer = VALUE + b"one more"
    form, data = patches.pack(VALUE, newer)
    assert form is Form.PATCH
    assert patches.unpack(form, data, newer) == VALUE


@pytest.mark.parametrize("base", [None, b"", b"1234567", b"another value, long enough"])
def test_a_patch_against_something_else_is_damage(base: bytes | None) -> None:
    form, data = patches.pack(VALUE, VALUE + b"one more")
    with pytest.raises(DamagedError):
        patches.unpack(form, data, base)


@pytest.mark.parametrize("form", [Form.COMPRESSED, 9])
def test_bytes_that_do_not_decode_are_damage(form: int) -> None:
    with pytest.raises(DamagedError):
        patches.unpack(form, b"not a frame")


def test_a_value_is_held_against_its_digest() -> None:
    with pytest.raises(DamagedError):
        patches.check(VALUE, bytes(16))


@pytest.mark.parametrize(
    ("value", "form"),
    [
        (VALUE, Form.COMPRESSED),
        (b"short; " * 36, Form.RAW),
        (shake_128(b"noise").digest(4_096), Form.RAW),
    ],
    ids=["text", "short", "noise"],
)
def test_a_value_of_a_head_is_compressed_where_it_is_worth_it(value: bytes, form: Form) -> None:
    packed = patches.pack_head(value)
    assert packed.form is form
    assert patches.unpack(*packed) == value
