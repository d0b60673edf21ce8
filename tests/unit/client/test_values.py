"""JSON values: exact where they can be, refused where they cannot (DESIGN section 6)."""

import json
import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stillframe.client import (
    MAX_DEPTH,
    ExecutionState,
    JsonCodec,
    Payload,
    ValueDecodeError,
    ValueEncodeError,
    Values,
)

CODEC = JsonCodec()


def decode(text: str | bytes) -> Any:
    return CODEC.decode(Payload(data=text.encode() if isinstance(text, str) else text))


def nested(depth: int) -> Any:
    value: Any = 0
    for _ in range(depth):
        value = [value]
    return value


def cyclic() -> list[Any]:
    value: list[Any] = []
    value.append(value)
    return value


@pytest.mark.parametrize(
    "value",
    [
        None,
        True,
        False,
        0,
        2**53 + 1,
        2**63 - 1,
        -(2**63),
        2**64 - 1,
        0.1,
        1.0,
        -0.0,
        5e-324,
        1.7976931348623157e308,
        "",
        "\x01 \u2028 é 😀",
        [],
        {},
        {"": [1, {"a": None}]},
        nested(MAX_DEPTH),
    ],
    ids=repr,
)
def test_values_come_back_as_they_were(value: Any) -> None:
    payload = CODEC.encode(value)
    back = CODEC.decode(payload)

    assert payload.encoding == ""
    assert back == value
    assert type(back) is type(value)
    assert not isinstance(value, float) or math.copysign(1, back) == math.copysign(1, value)


@pytest.mark.parametrize(
    ("value", "why"),
    [
        (2**64, "integer"),
        (-(2**63) - 1, "integer"),
        ([10**5000], "integer"),
        (math.nan, "nan"),
        ({"a": math.inf}, "inf"),
        ("a\0b", "NUL"),
        ({"a\0b": 1}, "NUL"),
        ("\ud800", "surrogate"),
        ({"\udfff": 1}, "surrogate"),
        ({1: 2}, "not text"),
        ({None: 2}, "not text"),
        (nested(MAX_DEPTH + 1), "deeper than 200"),
        (cyclic(), "deeper than 200"),
        (b"bytes", "bytes"),
        ({"a": {1, 2}}, "set"),
        (object(), "object"),
    ],
    ids=lambda value: value if isinstance(value, str) and value.isascii() else "",
)
def test_what_json_cannot_carry_is_refused(value: Any, why: str) -> None:
    with pytest.raises(ValueEncodeError, match=why):
        CODEC.encode(value)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("18446744073709551615", 2**64 - 1),
        ("-9223372036854775808", -(2**63)),
        ("18446744073709551616", 2.0**64),
        ("-9223372036854775809", -(2.0**63)),
        ("9" * 300, 1e300),
        ("1e2", 100.0),
        ("1.0", 1.0),
        ("1e-400", 0.0),
        ('"\\ud83d\\ude00"', "😀"),
        ('"\\u0001"', "\x01"),
        (" [1 , 2] ", [1, 2]),
        (b'"\xf0\x9f\x98\x80"', "😀"),
    ],
)
def test_numbers_and_escapes_of_other_writers(text: str | bytes, value: Any) -> None:
    back = decode(text)

    assert back == value
    assert type(back) is type(value)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("1e400", "outside the range"),
        ("-1e400", "outside the range"),
        ("9" * 5000, "outside the range"),
        ("NaN", "not a JSON number"),
        ("[Infinity]", "not a JSON number"),
        ('{"a": -Infinity}', "not a JSON number"),
        ('"\\u0000"', "NUL"),
        ('{"\\u0000": 1}', "NUL"),
        ('["\\ud800"]', "surrogate"),
        ('{"\\udfff": 1}', "surrogate"),
        (b'"\x00"', "not JSON"),
        (b'"\xff"', "not UTF-8"),
        (b'"\xed\xa0\x80"', "not UTF-8"),
        ("", "not JSON"),
        ("1 2", "not JSON"),
        ("\ufeff1", "not JSON"),
        ("01", "not JSON"),
        ("[" * 201 + "]" * 201, "deeper than 200"),
        ('{"a":' * 201 + "1" + "}" * 201, "deeper than 200"),
        ("[" * 100_000 + "]" * 100_000, "deeper than 200"),
        ("[" * 100_000, "deeper than 200"),
    ],
    ids=lambda value: str(value)[:12],
)
def test_what_is_no_value_is_refused_and_stays_readable(text: str | bytes, why: str) -> None:
    with pytest.raises(ValueDecodeError, match=why) as caught:
        decode(text)

    data = text.encode() if isinstance(text, str) else text
    assert caught.value.payload == Payload(data=data)


@pytest.mark.parametrize(
    "payload",
    [
        Payload(data=b"1", encoding="msgpack"),
        Payload(data=b"1", codecs=["zstd"]),
        Payload(data=b"1", encoding="json/utf8", codecs=["aes-256-gcm;kid=7"]),
    ],
)
def test_another_encoding_is_refused(payload: Payload) -> None:
    with pytest.raises(ValueDecodeError) as caught:
        CODEC.decode(payload)

    assert caught.value.payload is payload


def test_json_utf8_may_be_named() -> None:
    assert CODEC.decode(Payload(data=b"[1]", encoding="json/utf8")) == [1]


def test_brackets_in_text_are_not_depth() -> None:
    assert decode(json.dumps("[" * 1000)) == "[" * 1000


def test_tuples_and_enums_are_their_json() -> None:
    assert CODEC.decode(CODEC.encode((1, ExecutionState.RUNNING))) == [1, 3]


_text = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"))
_json = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | _text,
    lambda each: st.lists(each) | st.dictionaries(_text, each),
)


@given(_json)
def test_any_json_value_comes_back(value: Any) -> None:
    assert CODEC.decode(CODEC.encode(value)) == value


@given(st.binary())
def test_any_bytes_are_a_value_or_a_typed_error(data: bytes) -> None:
    try:
        value = CODEC.decode(Payload(data=data))
    except ValueDecodeError:
        return
    assert CODEC.decode(CODEC.encode(value)) == value


class TestValues:
    def make(self, **payloads: bytes) -> Values:
        return Values("variables", {k: Payload(data=v) for k, v in payloads.items()}, CODEC)

    def test_one_bad_payload_spoils_no_other(self) -> None:
        values = self.make(good=b"1", bad=b"1e400")

        assert values["good"] == 1
        assert "bad" in values
        assert list(values) == ["good", "bad"]
        with pytest.raises(ValueDecodeError, match=r"variables\['bad'\]") as caught:
            _ = values["bad"]
        assert caught.value.key == "variables['bad']"
        assert caught.value.payload == values.payload("bad") == Payload(data=b"1e400")

    def test_a_value_taken_out_is_the_callers_own(self) -> None:
        values = self.make(a=b"[1]")

        values["a"].append(2)

        assert values["a"] == [1]

    def test_entries_can_be_set_and_removed(self) -> None:
        values = self.make(a=b" 1 ", b=b"2")

        values["c"] = {"x": 1}
        values["d"] = Payload(data=b"\0", encoding="raw")
        del values["b"]

        assert values.payloads() == {
            "a": Payload(data=b" 1 "),
            "c": Payload(data=b'{"x":1}'),
            "d": Payload(data=b"\0", encoding="raw"),
        }
        with pytest.raises(ValueEncodeError, match=r"variables\['e'\]"):
            values["e"] = math.nan
        with pytest.raises(KeyError):
            _ = values["b"]

    def test_equality_is_that_of_the_values(self) -> None:
        assert self.make(a=b"1") == self.make(a=b" 1")
        assert self.make(a=b"1") == {"a": 1}
        assert self.make(a=b"1") != {"a": 2}
        assert self.make(a=b"1e400") == self.make(a=b"1e400")
        assert self.make() != 1

    def test_its_repr_shows_sizes_not_contents(self) -> None:
        assert repr(self.make(a=b'"secret"')) == "Values(variables, {'a': 10 bytes})"

    def test_an_error_of_a_users_codec_becomes_a_typed_one(self) -> None:
        class Broken:
            def encode(self, value: Any, /) -> Payload:
                raise TypeError(f"cannot encode {value}")

            def decode(self, payload: Payload, /) -> Any:
                raise LookupError(f"no key for {payload.encoding}")

        values = Values("step_outputs", {"a": Payload(data=b"?")}, Broken())

        with pytest.raises(ValueDecodeError, match="LookupError: no key") as decoding:
            _ = values["a"]
        with pytest.raises(ValueEncodeError, match="TypeError: cannot encode 1") as encoding:
            values["b"] = 1
        assert isinstance(decoding.value.__cause__, LookupError)
        assert isinstance(encoding.value.__cause__, TypeError)
