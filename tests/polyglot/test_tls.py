"""Every client speaks TLS with the roots that it was given, and trusts no others."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import trustme

from stillframe.testing import ServerProcess
from tests.polyglot.harness.languages import LANGUAGES, build
from tests.polyglot.harness.matching import mismatch
from tests.polyglot.harness.programs import program
from tests.polyglot.harness.tls import TlsProxy, tls_proxy

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.polyglot.harness.programs import Speaker

TIMEOUT = 3
"""Seconds of a call that cannot succeed: what a client cannot reach it tries again."""


@pytest.fixture(scope="module")
def proxy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[TlsProxy, Path]]:
    folder = tmp_path_factory.mktemp("tls")
    with ServerProcess() as server, tls_proxy(server.address, folder) as running:
        yield running


def expect(driver: Speaker, expected: dict[str, Any], call: str, **args: Any) -> None:
    driver.send(call, args)
    difference = mismatch(expected, driver.receive())
    assert difference is None, f"{call}: {difference}"


@pytest.mark.parametrize("language", LANGUAGES)
def test_tls(language: str, proxy: tuple[TlsProxy, Path]) -> None:
    server, roots = proxy
    server.protocols.clear()
    snapshot = {"state": "RUNNING", "variables": {"a": {"int": "1"}}}
    with program(build(language), server.address, language, "--tls-ca", roots) as driver:
        expect(driver, {"ok": {}}, "watch_open", watch="w", full=True)
        expect(driver, {"ok": {}}, "watch_take", watch="w", until="opened")
        expect(driver, {"ok": {"version": "1"}}, "save", execution_id="run-1", snapshot=snapshot)
        expect(driver, {"ok": {"snapshot": snapshot}}, "load", execution_id="run-1")
        change = {"event": "change", "snapshot": snapshot}
        expect(driver, {"ok": {"events": [change]}}, "watch_take", watch="w", changes=1)
    assert server.protocols
    assert set(server.protocols) == {"h2"}


@pytest.mark.parametrize("language", LANGUAGES)
def test_without_the_roots(language: str, proxy: tuple[TlsProxy, Path], tmp_path: Path) -> None:
    server, _ = proxy
    others = tmp_path / "others.pem"
    trustme.CA().cert_pem.write_to_path(str(others))
    untrusting: list[list[str | Path]] = [[], ["--tls-ca", others]]
    for options in untrusting:
        with program(build(language), server.address, language, *options) as driver:
            driver.send("load", {"execution_id": "run-1", "timeout": TIMEOUT})
            answer = driver.receive()
            assert answer.keys() == {"error"}, f"{options}: {answer}"
            assert answer["error"]["reason"] in ("", "DEADLINE"), f"{options}: {answer}"
