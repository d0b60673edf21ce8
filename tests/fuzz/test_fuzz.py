"""A bounded run of the fuzzer over each store; `make fuzz` is the long one."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from stillframe.testing import ServerProcess
from tests.fuzz.campaign import MEMORY_ALLOWANCE, SETTINGS, Campaign
from tests.fuzz.judging import METHODS
from tests.fuzz.messages import call
from tests.fuzz.shrinking import smaller
from tests.fuzz.world import World

if TYPE_CHECKING:
    from pathlib import Path

ROUNDS = 4
SEED = 20


@pytest.mark.parametrize("store", ["memory", "sqlite"])
async def test_a_server_stands_whatever_it_is_sent(store: str, tmp_path: Path) -> None:
    url = "memory:" if store == "memory" else f"sqlite:///{tmp_path}/fuzz.db"
    with ServerProcess(url, env=SETTINGS) as server:
        pid = server.pid
        campaign = Campaign(server, SEED)
        for _ in range(ROUNDS):
            await campaign.round()
        assert campaign.report.findings == []
        assert server.running
        assert server.pid == pid
        # The server has seen both what it takes and what it refuses, of every RPC.
        codes = campaign.report.codes
        for rpc in METHODS:
            assert codes[f"{rpc} OK"], rpc
            assert codes[f"{rpc} INVALID_ARGUMENT"] or rpc == "GetServerInfo", rpc
        assert server.terminate() == 0


async def test_a_server_that_ends_is_noticed() -> None:
    with ServerProcess("memory:", env=SETTINGS) as server:
        campaign = Campaign(server, SEED)
        server.kill()
        await campaign.round(2)
        assert "the server ended" in "".join(campaign.report.findings)
        assert campaign.over


async def test_memory_that_grows_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    sizes = iter((1, MEMORY_ALLOWANCE + 1, MEMORY_ALLOWANCE + 2))

    def resident_bytes(_: int) -> int:
        return next(sizes)

    monkeypatch.setattr("tests.fuzz.campaign.resident_bytes", resident_bytes)
    monkeypatch.setattr("tests.fuzz.campaign.WARM_CALLS", 1)
    with ServerProcess("memory:", env=SETTINGS) as server:
        campaign = Campaign(server, SEED)
        await campaign.round(1)
        await campaign.round(1)
        assert campaign.report.findings == []
        await campaign.round(1)
    assert "has grown" in "".join(campaign.report.findings)


def test_a_seed_gives_the_same_calls_again() -> None:
    first = [call(SEED, number, World()) for number in range(200)]
    assert [call(SEED, number, World()) for number in range(200)] == first
    assert [call(SEED + 1, number, World()) for number in range(200)] != first
    assert {made.rpc for made in first} == set(METHODS)


async def test_a_finding_is_made_smaller() -> None:
    async def is_wrong(requests: tuple[bytes, ...]) -> bool:
        return any(b"ba" in each for each in requests)

    found = await smaller((b"harmless", b"x" * 100 + b"ba" + b"y" * 33, b"more"), is_wrong)

    assert found == (b"ba",)
