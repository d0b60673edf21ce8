"""Scenes: read from their files, and checked, so that a slip of the pen is no passed test."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from tests.polyglot.building import ROOT
from tests.polyglot.harness.data import DataError, read_yaml

if TYPE_CHECKING:
    from pathlib import Path

JSON = dict[str, Any]

FOLDER = ROOT / "tests" / "polyglot" / "scenes"
KINDS = ("call", "send", "answer", "rival", "server")
SERVER = ("kill", "start", "restart", "replace", "compacted")
OPTIONS = {
    "call": {"args", "expect", "refuse", "keep", "times", "until_refused"},
    "send": {"args"},
    "answer": {"expect", "refuse", "keep"},
    "rival": {"args", "expect", "refuse", "keep", "times", "until_refused"},
    "server": {"token"},
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Step:
    """One step of a scene; the README describes them."""

    number: int
    kind: str
    name: str
    args: JSON = field(default_factory=dict[str, Any])
    expect: JSON | None = None
    refuse: JSON | None = None
    until_refused: JSON | None = None
    keep: dict[str, str] = field(default_factory=dict[str, str])
    times: int = 1
    token: str = ""

    def __str__(self) -> str:
        return f"step {self.number} ({self.kind} {self.name})"


@dataclass(frozen=True, slots=True)
class Scene:
    name: str
    about: str
    steps: tuple[Step, ...]

    def __str__(self) -> str:
        return self.name


def read_scenes(folder: Path = FOLDER) -> list[Scene]:
    """Every scene of the folder, by name: the file's, and the scene's in it."""
    scenes = [
        _scene(f"{path.stem}.{name}", written)
        for path in sorted(folder.glob("*.yaml"))
        for name, written in read_yaml(path).items()
    ]
    if not scenes:
        raise DataError(f"there is no scene in {folder}")
    return scenes


def _scene(name: str, written: JSON) -> Scene:
    if written.keys() != {"about", "steps"} or not written["about"] or not written["steps"]:
        raise DataError(f"{name}: a scene has `about` and `steps`")
    steps = [_step(name, number, each) for number, each in enumerate(written["steps"], start=1)]
    return Scene(name, written["about"], tuple(steps))


def _step(scene: str, number: int, written: JSON) -> Step:
    where = f"{scene}, step {number}"
    kinds = [kind for kind in KINDS if kind in written]
    if len(kinds) != 1:
        raise DataError(f"{where}: a step is one of {', '.join(KINDS)}")
    kind = kinds[0]
    name = written[kind]
    options = {key: each for key, each in written.items() if key != kind}
    if unknown := options.keys() - OPTIONS[kind]:
        raise DataError(f"{where}: {kind} does not take {', '.join(sorted(unknown))}")
    if len(options.keys() & {"expect", "refuse", "until_refused"}) > 1:
        raise DataError(f"{where}: expects two answers at once")
    if kind == "server" and (name not in SERVER or (name == "compacted") != ("token" in options)):
        raise DataError(f"{where}: the server does not know {name}")
    refusal = options.get("refuse", options.get("until_refused"))
    if refusal is not None and "reason" not in refusal:
        raise DataError(f"{where}: a refusal has a reason")
    return Step(number=number, kind=kind, name=name, **options)
