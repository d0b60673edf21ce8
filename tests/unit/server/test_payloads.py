"""Payloads in memory, and their bound."""

from __future__ import annotations

from stillframe.server.stores.postgres.payloads import Payloads

SIZE = 1_000


def payload(number: int) -> bytes:
    return bytes([number]) * SIZE


def kept(payloads: Payloads, *numbers: int) -> list[int]:
    return [number for number in numbers if payloads.get(bytes([number])) == payload(number)]


def test_those_used_last_are_kept_up_to_a_bound() -> None:
    payloads = Payloads(3 * SIZE + 700)
    for number in (1, 2, 3):
        payloads.add(bytes([number]), payload(number))
    assert kept(payloads, 1) == [1]
    payloads.add(b"\4", payload(4))
    assert kept(payloads, 1, 2, 3, 4) == [1, 3, 4]


def test_what_is_dropped_makes_room() -> None:
    payloads = Payloads(2 * SIZE + 500)
    payloads.add(b"\1", payload(1))
    payloads.add(b"\2", payload(2))
    payloads.drop(b"\1")
    payloads.drop(b"\1")
    payloads.add(b"\3", payload(3))
    payloads.add(b"\3", payload(3))
    assert kept(payloads, 1, 2, 3) == [2, 3]


def test_what_is_above_the_bound_is_not_kept() -> None:
    payloads = Payloads(0)
    payloads.add(b"\1", payload(1))
    assert kept(payloads, 1) == []
