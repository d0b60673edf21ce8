"""How a value is kept: as it was, compressed, or, in history, as a patch.

A patch is the value compressed with the one that took its place as dictionary (DESIGN
section 8). zstd gives wrong bytes without an error for a wrong dictionary, so every
frame carries zstd's checksum, and every value its digest.
"""

from __future__ import annotations

import sys
from enum import IntEnum
from typing import NamedTuple

from stillframe.server.stores.execution import digest

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

MAX_LINKS = 31
"""Patches in a row, at most: the value after them is kept whole."""

_MIN_PATCHED = 48
"""Bytes below which a frame's own bytes are most of what a patch would save."""

_MIN_BASE = 8
"""Bytes below which zstd refuses a dictionary."""

_MIN_HEAD = 256
"""Bytes below which a head's value is kept as it is."""

_GAIN = 8
"""One part in so many is the least that compressing a head's value must save, and a patch
of it."""

_LEVEL = 3
_MIN_WINDOW_LOG, _MAX_WINDOW_LOG = 10, 27
"""The window must reach over both values: 2^27 holds two of 60 MiB."""

_MIN_LONG_LOG = 17
"""Log of the reach above which long-distance matching finds what is not found without it.
Below it takes a quarter of the time, and recorded runs take no fewer bytes with it."""

_Parameter = zstd.CompressionParameter
_UNPACK: dict[int, int] = {zstd.DecompressionParameter.window_log_max: _MAX_WINDOW_LOG}


class Form(IntEnum):
    """What the bytes of a value that is kept are."""

    RAW = 0
    """The value itself."""
    COMPRESSED = 1
    """A zstd frame of its own."""
    PATCH = 2
    """A zstd frame against another value."""


class Packed(NamedTuple):
    """A value as it is kept."""

    form: Form
    data: bytes


class Kept(NamedTuple):
    """How a row of the head has a value: the form of its bytes, and their number."""

    form: Form
    size: int


class DamagedError(Exception):
    """What a store holds is not what was written."""


def pack(value: bytes, replaced_by: bytes | None = None, was: Kept | None = None) -> Packed:
    """Packs a value: as a patch if what replaced it is given and that saves a good part of
    what the value took in the head, else compressed if that saves bytes, else as it is.

    `was` is how the head's row had it, if that is known.
    """
    if len(value) >= _MIN_PATCHED:
        if replaced_by is not None and len(replaced_by) >= _MIN_BASE:
            data = _compress(value, replaced_by)
            if len(data) < (len(value) if was is None else was.size - was.size // _GAIN):
                return Packed(Form.PATCH, data)
        if was is None or was.form is not Form.RAW or len(value) < _MIN_HEAD:
            data = _compress(value)
            if len(data) < len(value):
                return Packed(Form.COMPRESSED, data)
    return Packed(Form.RAW, value)


def pack_head(value: bytes) -> Packed:
    """Packs a value of a head, which is read often: compressed only where that saves a good
    part of it.
    """
    if len(value) >= _MIN_HEAD:
        data = _compress(value)
        if len(data) <= len(value) - len(value) // _GAIN:
            return Packed(Form.COMPRESSED, data)
    return Packed(Form.RAW, value)


def unpack(form: int, data: bytes, base: bytes | None = None) -> bytes:
    """Returns the value; `base` is what a patch is against. Raises DamagedError."""
    try:
        match form:
            case Form.RAW:
                return data
            case Form.COMPRESSED:
                return zstd.decompress(data, options=_UNPACK)
            case Form.PATCH if base is not None and len(base) >= _MIN_BASE:
                dictionary = zstd.ZstdDict(base, is_raw=True).as_prefix
                return zstd.decompress(data, zstd_dict=dictionary, options=_UNPACK)
            case _:
                raise DamagedError(f"a value in form {form} without what it can be against")
    except zstd.ZstdError as error:
        raise DamagedError(f"a value does not decode: {error}") from error


def check(value: bytes, expected: bytes) -> bytes:
    """Returns the value if it has this digest. Raises DamagedError."""
    if digest(value) != expected:
        raise DamagedError("a value is not the one that its digest names")
    return value


def _compress(value: bytes, base: bytes | None = None) -> bytes:
    reach = (len(value) + len(base or b"")).bit_length()
    options: dict[int, int] = {
        _Parameter.compression_level: _LEVEL,
        _Parameter.window_log: min(max(reach, _MIN_WINDOW_LOG), _MAX_WINDOW_LOG),
        _Parameter.checksum_flag: 1,
    }
    if base is None:
        return zstd.compress(value, options=options)
    if reach > _MIN_LONG_LOG:
        options[_Parameter.enable_long_distance_matching] = 1
    dictionary = zstd.ZstdDict(base, is_raw=True)
    return zstd.compress(value, options=options, zstd_dict=dictionary.as_prefix)
