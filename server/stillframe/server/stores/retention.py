"""Which history a tenant keeps (DESIGN section 4)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Self

_LAST = re.compile(r"last:([1-9][0-9]{0,17})")
_FOR = re.compile(r"for:([1-9][0-9]{0,8})([smhd])")
_SECONDS = {"s": 1, "m": 60, "h": 3_600, "d": 86_400}


@dataclass(frozen=True, slots=True)
class Retention:
    """What of an execution's history stays. The head always does.

    With `versions`, the last so many that there are, the head among them. With `seconds`,
    a snapshot stays for that long after a newer one has taken its place. With neither,
    all of it.
    """

    versions: int | None = None
    seconds: int | None = None

    @classmethod
    def parse(cls, text: str) -> Self:
        """Reads `all`, `last:N` or `for:N` and a unit, s, m, h or d. Raises ValueError."""
        if text == "all":
            return cls()
        if last := _LAST.fullmatch(text):
            return cls(versions=int(last[1]))
        if duration := _FOR.fullmatch(text):
            return cls(seconds=int(duration[1]) * _SECONDS[duration[2]])
        raise ValueError(f"{text!r} is not all, last:N (versions), or for:N with s, m, h or d")

    def __str__(self) -> str:
        if self.versions is not None:
            return f"last:{self.versions}"
        return "all" if self.seconds is None else f"for:{self.seconds}s"


KEEP_ALL = Retention()
