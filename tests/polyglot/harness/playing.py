"""Plays a scene: asks a driver, and its rival, and compares what they answer."""

from __future__ import annotations

import json
from contextlib import ExitStack
from dataclasses import dataclass, field
from time import monotonic
from typing import TYPE_CHECKING, Any, Protocol

from tests.polyglot.harness.matching import find, mismatch
from tests.polyglot.harness.programs import PATIENCE, DriverError, Speaker, local
from tests.polyglot.harness.templates import fill

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager

    from tests.polyglot.harness.scenes import Scene, Step

JSON = dict[str, Any]


class World(Protocol):
    """The server of a scene, and what a scene may do to it."""

    @property
    def address(self) -> str: ...

    def do(self, what: str, tenant: str, token: str) -> None: ...


class SceneError(AssertionError):
    """A client did not do what a scene says."""


def play(
    scene: Scene,
    language: str,
    world: World,
    opened: Callable[[str, str], AbstractContextManager[Speaker]],
) -> None:
    """Plays a scene in a tenant of its own. `opened` gives the driver for a target and a tenant.
    Raises SceneError.
    """
    tenant = f"{scene.name}.{language}"
    with ExitStack() as stack:
        play = _Play(scene, language, tenant, world, stack)
        play.driver = stack.enter_context(opened(world.address, tenant))
        for step in scene.steps:
            play.step(step)


@dataclass(slots=True)
class _Play:
    scene: Scene
    language: str
    tenant: str
    world: World
    stack: ExitStack
    driver: Speaker = field(init=False)
    _rival: Speaker | None = None
    _names: JSON = field(default_factory=dict[str, Any])

    def step(self, step: Step) -> None:
        try:
            for time in range(1, step.times + 1):
                self._names["i"] = str(time)
                self._take(step)
        except (DriverError, SceneError) as failure:
            where = f"{self.language}, scene {self.scene.name}, {step}"
            raise SceneError(f"{where}: {failure}") from None

    def _take(self, step: Step) -> None:
        if step.kind == "server":
            self.world.do(step.name, self.tenant, fill(step.token, self._names))
        elif step.kind == "send":
            self.driver.send(step.name, fill(step.args, self._names))
        elif step.kind == "answer":
            self._judge(step, self.driver.receive())
        elif step.until_refused is not None:
            self._ask_until_refused(step)
        else:
            self._judge(step, self._ask(step))

    def _ask(self, step: Step) -> JSON:
        speaker = self._the_rival() if step.kind == "rival" else self.driver
        speaker.send(step.name, fill(step.args, self._names))
        return speaker.receive()

    def _the_rival(self) -> Speaker:
        if self._rival is None:
            self._rival = self.stack.enter_context(local(self.world.address, self.tenant))
        return self._rival

    def _ask_until_refused(self, step: Step) -> None:
        deadline = monotonic() + PATIENCE
        while "ok" in (answer := self._ask(step)):
            if monotonic() > deadline:
                raise SceneError(f"was not refused in {PATIENCE} s; came {_shown(answer)}")
        self._judge(step, answer)

    def _judge(self, step: Step, answer: JSON) -> None:
        refusal = step.until_refused or step.refuse
        expected = {"error": refusal} if refusal else {"ok": step.expect or {}}
        came = steady(answer) if step.name == "watch_take" else answer
        if difference := mismatch(fill(expected, self._names), came):
            raise SceneError(f"{difference}\n  the answer: {_shown(answer)}")
        body = came.get("ok", came.get("error"))
        for name, path in step.keep.items():
            try:
                self._names[name] = find(body, path)
            except (KeyError, IndexError):
                raise SceneError(f"there is no {path} in {_shown(answer)}") from None


def steady(answer: JSON) -> JSON:
    """The answer of a take without what depends on how often a connection broke: events that say that a
    watch is open, or has caught up, other than the one asked for. What is false is left out.
    """
    if "ok" not in answer:
        return answer
    events: list[JSON] = answer["ok"]["events"]
    kept = [each for each in events[:-1] if each["event"] not in ("opened", "caught_up")]
    true = [
        {key: value for key, value in each.items() if value is not False}
        for each in kept + events[-1:]
    ]
    return {"ok": {"events": true}}


def _shown(answer: JSON) -> str:
    text = json.dumps(answer)
    return text if len(text) <= 2000 else f"{text[:2000]} … ({len(text)} characters)"
