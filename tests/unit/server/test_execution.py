"""Digests of payloads, and the answers that an execution remembers."""

from __future__ import annotations

from hashlib import blake2b

import pytest

from stillframe.server.stores.execution import REMEMBERED_ANSWERS, Answers, digest

BODY = bytes(16)


@pytest.mark.parametrize("size", [0, 1, 2_047, 2_048, 4_094, 65_535, 65_536, 65_537])
def test_a_digest_is_the_same_however_it_is_made(size: int) -> None:
    payload = bytes(range(256)) * (size // 256 + 1)
    payload = payload[:size]
    assert digest(payload) == blake2b(payload, digest_size=16).digest()


def remember(answers: Answers, *numbers: int) -> None:
    for number in numbers:
        answers.remember(f"r{number}", bytes([number]) * 16, b"answer" * number)


def test_the_last_answers_are_found_and_no_others() -> None:
    answers = Answers()
    remember(answers, *range(REMEMBERED_ANSWERS + 3))
    for number in range(3):
        assert answers.find(f"r{number}") is None
    for number in range(3, REMEMBERED_ANSWERS + 3):
        assert answers.find(f"r{number}") == (bytes([number]) * 16, b"answer" * number)
    assert answers.find("r99") is None


def test_answers_go_on_from_where_they_were_kept() -> None:
    first = Answers()
    remember(first, *range(REMEMBERED_ANSWERS))
    second = Answers(first.encode())
    assert second.are_whole()
    remember(second, 40)
    assert second.find("r0") is None
    assert second.find("r1") == (b"\1" * 16, b"answer")
    assert second.find("r40") == (b"\50" * 16, b"answer" * 40)


def test_what_stands_in_an_answer_is_not_taken_for_a_request() -> None:
    answers = Answers()
    answers.remember("r1", BODY, digest(b"r2") + b"rest")
    assert answers.find("r2") is None


@pytest.mark.parametrize("damage", [b"x", b"\0" * 33, b"\0" * 32 + b"\0\5four"])
def test_answers_that_do_not_end_where_they_say_are_not_whole(damage: bytes) -> None:
    answers = Answers()
    remember(answers, 1)
    assert not Answers(answers.encode() + damage).are_whole()


def test_more_answers_than_are_remembered_are_not_whole() -> None:
    row = digest(b"r") + BODY + b"\0\0"
    assert Answers(row * REMEMBERED_ANSWERS).are_whole()
    assert not Answers(row * (REMEMBERED_ANSWERS + 1)).are_whole()
