"""A power cut amid sets and deletes of values: what was acknowledged is so afterwards.

`test_power_loss` has the same for snapshots, and shows that a store that syncs less is caught.
"""

from __future__ import annotations

import asyncio
import random
from typing import TYPE_CHECKING

import pytest

from stillframe.server.stores import open_store
from stillframe.server.stores.refusals import Refusal
from stillframe.server.stores.sqlite.verifying import verify
from tests.conformance.direct import StoreTenant
from tests.conformance.support import Clock
from tests.integration.lossy_disk import lossy_disk
from tests.integration.saves import DEADLINE

if TYPE_CHECKING:
    from pathlib import Path

    from tests.integration.lossy_disk import LossyDisk

WRITERS = 8
SIZE = 20_000


class Writer:
    """Has a scope to itself: sets one value again and again, and now and then deletes it, or
    the execution.
    """

    def __init__(self, number: int) -> None:
        self.scope = f"run-{number}" if number else None
        self.acknowledged: int | None = None
        """What the value is, for all that was answered; None: there is none."""
        self.tried: int | None = None
        """What it is if the call that was not answered took effect."""
        self.answers = 0

    async def work(self, tenant: StoreTenant, disk: LossyDisk) -> None:
        number = 0
        while not disk.dead.is_set():
            number += 1
            self.tried = None if number % 5 == 0 else number
            try:
                if self.tried is not None:
                    await tenant.set_value(self.scope, "key", b"%d;" % number * (SIZE // 8))
                elif self.scope is not None and number % 10 == 0:
                    await tenant.delete(self.scope)
                else:
                    await tenant.delete_value(self.scope, "key")
            except Refusal:
                if not disk.dead.is_set():
                    raise
                return
            self.acknowledged = self.tried
            self.answers += 1

    async def check(self, tenant: StoreTenant) -> None:
        found: int | None = None
        if await tenant.keys(self.scope):
            value = (await tenant.get_value(self.scope, "key")).value
            found = int(value.partition(b";")[0])
            assert value == b"%d;" % found * (SIZE // 8)
        assert found in (self.acknowledged, self.tried)


@pytest.mark.parametrize("survival", [0.0, 0.5], ids=["all-unsynced-lost", "half-unsynced-lost"])
async def test_a_power_cut_loses_nothing_acknowledged(tmp_path: Path, survival: float) -> None:
    chance = random.Random(11)
    for turn in range(4):
        path = tmp_path / f"{turn}.db"
        writers = [Writer(number) for number in range(WRITERS)]
        with lossy_disk() as disk:
            store = await open_store(f"sqlite:///{path}?vfs={disk.name}")
            tenant = StoreTenant(store, "tenant", Clock())
            disk.cut_after(chance.randint(200, 2_500))
            async with asyncio.timeout(DEADLINE), asyncio.TaskGroup() as group:
                for each in writers:
                    group.create_task(each.work(tenant, disk))
            await store.close()
            into = tmp_path / f"after-{turn}"
            into.mkdir()
            disk.write_images(into, lambda: chance.random() < survival)
        assert sum(each.answers for each in writers) > WRITERS

        store = await open_store(f"sqlite:///{into / path.name}")
        tenant = StoreTenant(store, "tenant", Clock())
        for each in writers:
            await each.check(tenant)
        await tenant.maintain()
        for each in writers:
            await each.check(tenant)
        await store.close()
        assert verify(str(into / path.name)).problems == []
