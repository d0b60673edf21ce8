"""The opaque texts that name a commit for good: etags and resume tokens.

Both carry the commit's random mark beside a number, so that a store which was
restored from a backup, and gives out the number again, is not mistaken for the
one that was there before (DESIGN section 1).
"""

from __future__ import annotations

import os
import re
from typing import NamedTuple

MAX_NUMBER = 2**63 - 1
_TOKEN = re.compile(r"r([0-9]{1,19})-([0-9a-f]{16})")


class Position(NamedTuple):
    """A revision of one tenant and the mark of the change that made it."""

    revision: int
    mark: str


def new_mark() -> str:
    """Returns 64 random bits, from the system: a test that seeds `random` or mocks
    `uuid` must not make two commits alike.
    """
    return os.urandom(8).hex()


def etag(version: int, mark: str) -> str:
    return f"v{version}-{mark}"


def value_etag(mark: str) -> str:
    """Returns the etag of a value of the working memory, which has no version."""
    return f"m-{mark}"


def resume_token(revision: int, mark: str) -> str:
    return f"r{revision}-{mark}"


def parse_resume_token(text: str) -> Position | None:
    """Returns what a resume token names, or None when the text is not one."""
    match = _TOKEN.fullmatch(text)
    if match is None or int(match[1]) > MAX_NUMBER:
        return None
    return Position(int(match[1]), match[2])
