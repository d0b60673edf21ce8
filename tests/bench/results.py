"""What a row found: samples in pairs, and how they are told."""

from __future__ import annotations

import statistics
from dataclasses import asdict, dataclass, field
from typing import Any


class SkippedError(Exception):
    """A row cannot be measured here; the message says why."""


@dataclass(frozen=True)
class Sample:
    """One measurement. `own_cpu` and `server_cpu` are the cores that the load's process and
    the server's kept busy, p50 and p99 seconds; None where it was not measured.
    """

    value: float
    own_cpu: float | None = None
    server_cpu: float | None = None
    p50: float | None = None
    p99: float | None = None
    changes_a_message: float | None = None


@dataclass
class Result:
    """One comparison of a row.

    `reach` is what is asked of the ratio: at least, or, when `at_most`, at most.
    None: it is measured to be seen. Without samples of a reference the
    value itself is told, and `against` says what it is a ratio of, or its bound.
    """

    row: str
    what: str
    against: str
    unit: str
    ours: list[Sample] = field(default_factory=list[Sample])
    theirs: list[Sample] = field(default_factory=list[Sample])
    reach: float | None = None
    at_most: bool = False
    note: str = ""
    curve: dict[str, Any] | None = None
    """What is drawn."""

    @property
    def ratios(self) -> list[float]:
        """Ours to theirs, of each pair that was measured one after the other."""
        if not self.theirs:
            return [each.value for each in self.ours]
        return [a.value / b.value for a, b in zip(self.ours, self.theirs, strict=True)]

    @property
    def ratio(self) -> float:
        return statistics.median(self.ratios)

    @property
    def reached(self) -> bool | None:
        if self.reach is None:
            return None
        return self.ratio <= self.reach if self.at_most else self.ratio >= self.reach

    def record(self) -> dict[str, Any]:
        """What the results file keeps."""
        return {**asdict(self), "ratio": self.ratio, "reached": self.reached}

    def lines(self) -> list[str]:
        """The row as text: the ratio first, then what it is made of."""
        low, high = min(self.ratios), max(self.ratios)
        bound = ""
        if self.reach is not None:
            word = "reached" if self.reached else "FALLS SHORT"
            bound = f"  ({'≤' if self.at_most else '≥'} {self.reach:g}: {word})"
        times = "x" if self.theirs else f" {self.unit}"
        told = f"{self.ratio:.3g}{times}  [{low:.3g} … {high:.3g}, n={len(self.ratios)}]{bound}"
        lines = [f"{self.row}: {self.what}, against {self.against}", f"    {told}"]
        sides = [("ours", self.ours)]
        if self.theirs:
            sides.append(("theirs", self.theirs))
            lines += [_side(name, self.unit, samples) for name, samples in sides]
        if self.note:
            lines.append(f"    {self.note}")
        return lines


def _side(name: str, unit: str, samples: list[Sample]) -> str:
    middle = statistics.median(each.value for each in samples)
    text = f"    {name:<6} {middle:>12,.6g} {unit}"
    for label, share in (("load", "own_cpu"), ("server", "server_cpu")):
        values = [getattr(each, share) for each in samples]
        if None not in values:
            text += f"   {label} {statistics.median(values):.2f} cores"
    if unit.endswith("a second") and all(each.server_cpu for each in samples):
        # What another program takes of the machine changes this least of all.
        each_cpu = statistics.median((each.server_cpu or 0) / each.value for each in samples)
        text += f" ({each_cpu * 1e6:,.0f} µs each)"
    for label in ("p50", "p99"):
        values = [getattr(each, label) for each in samples]
        if None not in values:
            text += f"   {label} {statistics.median(values) * 1e3:.2f} ms"
    return text
