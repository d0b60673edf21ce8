"""Values: Python objects to payloads and back (DESIGN section 6).

The server keeps the bytes of a payload as they are; what they mean is settled here.
"""

import json
import math
from collections.abc import Iterator, Mapping, MutableMapping
from typing import Any, NoReturn, Protocol, cast

from stillframe.client._errors import ValueDecodeError, ValueEncodeError
from stillframe.v1.snapshot_pb2 import Payload

MAX_DEPTH = 200
"""How many arrays and objects may stand in one another; a scalar has depth 0."""

_INT_MIN = -(2**63)
_INT_MAX = 2**64 - 1
_JSON_ENCODINGS = frozenset({"", "json/utf8"})


class Codec(Protocol):
    """Turns values into payloads and back; what a user plugs in for pydantic, msgpack,
    compression or encryption. Must be safe to call from many threads.
    """

    def encode(self, value: Any, /) -> Payload:
        """The payload of a value. Raises ValueEncodeError, or anything, for one it refuses."""
        ...

    def decode(self, payload: Payload, /) -> Any:
        """The value of a payload. Raises ValueDecodeError, or anything, for one it cannot
        read.
        """
        ...


class JsonCodec:
    """JSON values, as every Stillframe client reads and writes them.

    Integers of the i64 and u64 ranges are exact, other numbers the same IEEE double. Depth
    over 200, NUL, lone surrogates, NaN, infinities and keys that are not text are refused.
    """

    def encode(self, value: Any, /) -> Payload:
        _check(value)
        return Payload(data=_ENCODER.encode(value).encode())

    def decode(self, payload: Payload, /) -> Any:
        try:
            return self._decode(payload)
        except ValueDecodeError as error:
            error.payload = payload
            raise

    def _decode(self, payload: Payload) -> Any:
        if payload.codecs:
            raise ValueDecodeError(f"codecs are not undone here: {list(payload.codecs)}")
        if payload.encoding not in _JSON_ENCODINGS:
            raise ValueDecodeError(f"the encoding is {payload.encoding!r}, not json/utf8")
        data = payload.data
        try:
            value = _DECODER.decode(data.decode())
        except UnicodeDecodeError as error:
            raise ValueDecodeError(f"not UTF-8: {error}") from None
        except json.JSONDecodeError as error:
            raise ValueDecodeError(f"not JSON: {error}") from None
        except RecursionError:
            raise ValueDecodeError(f"nested deeper than {MAX_DEPTH}") from None
        # Most payloads are flat and without escapes, and need no second pass: raw NUL and
        # raw surrogates were refused above, so only an escape can have brought one in.
        if b"\\u" in data or data.count(b"[") + data.count(b"{") > MAX_DEPTH:
            _check_decoded(value)
        return value


def _check(value: object) -> None:
    """Refuses what JSON cannot carry exactly. Iterative: a cyclic value must end in an error
    too, not in a RecursionError.
    """
    stack: list[tuple[object, int]] = [(value, 0)]
    while stack:
        item, depth = stack.pop()
        if isinstance(item, dict | list | tuple):
            if depth == MAX_DEPTH:
                raise ValueEncodeError(f"nested deeper than {MAX_DEPTH}")
            parts = cast("dict[object, object] | list[object] | tuple[object, ...]", item)
            if isinstance(parts, dict):
                _check_keys(parts)
                stack.extend((each, depth + 1) for each in parts.values())
            else:
                stack.extend((each, depth + 1) for each in parts)
        else:
            _check_scalar(item)


def _check_scalar(item: object) -> None:
    if isinstance(item, str):
        _check_text(item, ValueEncodeError)
    elif isinstance(item, int):
        if not _INT_MIN <= item <= _INT_MAX:
            raise ValueEncodeError("an integer is outside the i64 and u64 ranges")
    elif isinstance(item, float):
        if not math.isfinite(item):
            raise ValueEncodeError(f"{item} is not a JSON number")
    elif item is not None:
        raise ValueEncodeError(f"{type(item).__name__} is not a JSON type")


def _check_keys(item: dict[object, object]) -> None:
    for key in item:
        if not isinstance(key, str):
            raise ValueEncodeError(f"the key {key!r} is not text")
        _check_text(key, ValueEncodeError)


def _check_decoded(value: Any) -> None:
    stack: list[tuple[Any, int]] = [(value, 0)]
    while stack:
        item, depth = stack.pop()
        if isinstance(item, str):
            _check_text(item, ValueDecodeError)
        elif isinstance(item, dict | list):
            if depth == MAX_DEPTH:
                raise ValueDecodeError(f"nested deeper than {MAX_DEPTH}")
            children = cast("list[Any] | dict[str, Any]", item)
            if isinstance(children, dict):
                for key in children:
                    _check_text(key, ValueDecodeError)
                children = list(children.values())
            stack.extend((each, depth + 1) for each in children)


def _check_text(text: str, error: type[ValueEncodeError] | type[ValueDecodeError]) -> None:
    if "\0" in text:
        raise error("text contains NUL")
    if not text.isascii():
        try:
            text.encode()
        except UnicodeEncodeError:
            raise error("text contains a lone surrogate") from None


def _parse_float(literal: str) -> float:
    number = float(literal)
    if math.isinf(number):
        raise ValueDecodeError(f"the number {literal[:40]} is outside the range of a double")
    return number


def _parse_int(literal: str) -> int | float:
    # 20 digits hold every u64; int() of a longer one costs quadratic time.
    if len(literal) <= 20:
        number = int(literal)
        if _INT_MIN <= number <= _INT_MAX:
            return number
    return _parse_float(literal)


def _refuse_constant(literal: str) -> NoReturn:
    raise ValueDecodeError(f"{literal} is not a JSON number")


# _check has bounded the depth, so that cycles need no second look.
_ENCODER = json.JSONEncoder(
    ensure_ascii=False, check_circular=False, allow_nan=False, separators=(",", ":")
)
_DECODER = json.JSONDecoder(
    parse_float=_parse_float, parse_int=_parse_int, parse_constant=_refuse_constant
)


def encode_entry(codec: Codec, key: str, value: object) -> Payload:
    """The payload of an entry. `key` is its name in errors, such as `variables['x']`."""
    if isinstance(value, Payload):
        return value
    try:
        return codec.encode(value)
    except ValueEncodeError as error:
        raise ValueEncodeError(error.message, key=key) from error.__cause__
    except Exception as error:
        raise ValueEncodeError(f"{type(error).__name__}: {error}", key=key) from error


class Values(MutableMapping[str, Any]):
    """One map of a snapshot that was loaded: payloads, decoded when they are looked up.

    A payload that cannot be decoded fails with ValueDecodeError when that key is looked up,
    and no other. Every lookup decodes anew, so what it gives is the caller's own: to change
    an entry, assign it. Entries that were not assigned to are saved again byte for byte.
    """

    def __init__(
        self,
        name: str,
        payloads: Mapping[str, Payload],
        codec: Codec,
        *,
        partial: bool = False,
    ) -> None:
        self._name = name
        self._payloads = dict(payloads)
        self._codec = codec
        self._partial = partial

    @property
    def is_partial(self) -> bool:
        """Whether the answer left entries of its snapshot out. A save refuses such a map."""
        return self._partial

    def payload(self, key: str) -> Payload:
        """The raw payload of a key, whatever its encoding. Raises KeyError."""
        return self._payloads[key]

    def payloads(self) -> dict[str, Payload]:
        """A copy of the map with raw payloads, which a save takes as values too."""
        return dict(self._payloads)

    def __getitem__(self, key: str) -> Any:
        payload = self._payloads[key]
        where = f"{self._name}[{key!r}]"
        try:
            return self._codec.decode(payload)
        except ValueDecodeError as error:
            raise ValueDecodeError(error.message, key=where, payload=payload) from error.__cause__
        except Exception as error:
            message = f"{type(error).__name__}: {error}"
            raise ValueDecodeError(message, key=where, payload=payload) from error

    def __setitem__(self, key: str, value: Any) -> None:
        self._payloads[key] = encode_entry(self._codec, f"{self._name}[{key!r}]", value)

    def __delitem__(self, key: str) -> None:
        del self._payloads[key]

    def __contains__(self, key: object) -> bool:
        # Mapping's own would decode the value to find out.
        return key in self._payloads

    def __iter__(self) -> Iterator[str]:
        return iter(self._payloads)

    def __len__(self) -> int:
        return len(self._payloads)

    def __eq__(self, other: object) -> bool:
        if isinstance(other, Values) and self._payloads == other._payloads:
            return True
        if not isinstance(other, Mapping):
            return NotImplemented
        return dict(self) == other

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        sizes = ", ".join(f"{key!r}: {p.ByteSize()} bytes" for key, p in self._payloads.items())
        return f"Values({self._name}, {{{sizes}}})"
