"""Every client's watch goes on where it was, however its calls end."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.polyglot.harness.cutting import cutting_server, read_scripts
from tests.polyglot.harness.languages import LANGUAGES, build
from tests.polyglot.harness.matching import mismatch
from tests.polyglot.harness.playing import steady
from tests.polyglot.harness.programs import PATIENCE, Speaker, program

if TYPE_CHECKING:
    from tests.polyglot.harness.cutting import CuttingServer, Script


def ask(driver: Speaker, call: str, **args: Any) -> dict[str, Any]:
    driver.send(call, args)
    return driver.receive()


def follow(script: Script, driver: Speaker, server: CuttingServer) -> None:
    assert "ok" in ask(driver, "watch_open", watch="w", **script.open)
    answer = ask(driver, "watch_take", watch="w", **script.take)
    difference = mismatch({"ok": {"events": script.expect}}, steady(answer))
    assert not difference, f"{server.complaint}\n{difference}\n{answer}"
    assert "ok" in ask(driver, "watch_close", watch="w")
    assert server.left.wait(PATIENCE), "the call goes on although its consumer has left"
    assert not server.complaint


@pytest.mark.parametrize("script", read_scripts(), ids=str)
@pytest.mark.parametrize("language", LANGUAGES)
def test_watch(language: str, script: Script) -> None:
    with (
        cutting_server(script) as server,
        program(build(language), server.address, "acme") as driver,
    ):
        follow(script, driver, server)
