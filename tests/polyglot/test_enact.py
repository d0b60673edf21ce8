"""enact-core's StateStore over the Rust client: one suite, enact-core's own store, and a server."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from stillframe.testing import ServerProcess
from tests.polyglot.building import need, need_openssl
from tests.polyglot.test_rust import cargo, lint

if TYPE_CHECKING:
    from pathlib import Path

TEST = ("test", "--locked", "--package", "stillframe-enact")


def test_the_linters_are_content() -> None:
    need("cargo", "cargo-clippy")
    need_openssl()
    lint("stillframe-enact")


@pytest.mark.parametrize("store", ["memory:", "sqlite"])
def test_the_adapter(store: str, tmp_path: Path) -> None:
    need("cargo")
    need_openssl()
    url = f"sqlite:///{tmp_path}/stillframe.db" if store == "sqlite" else store
    with ServerProcess(url) as server:
        target = {"STILLFRAME_TARGET": server.address}
        printed = cargo(*TEST, "--", "--include-ignored", env=target)
    assert "enacts_own::every_field_comes_back ... ok" in printed
    assert "stillframes::every_field_comes_back ... ok" in printed
    assert "stillframe_has::a_value_is_gone_after_its_ttl ... ok" in printed
    assert " ignored" not in printed.replace("0 ignored", "")
