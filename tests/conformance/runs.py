"""Made-up runs: entries that come, grow, change, go, and come again, and a short plain one."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, Any

from tests.conformance.support import saved_part, snapshot, timestamp

if TYPE_CHECKING:
    from stillframe.v1.snapshot_pb2 import ExecutionSnapshot
    from tests.conformance.direct import StoreTenant

KEYS = [f"k{number}" for number in range(9)]
VERSIONS = 70


def a_run(seed: int, versions: int = VERSIONS) -> list[ExecutionSnapshot]:
    """Makes the states of a run, the same for the same seed."""
    chance = random.Random(seed)
    outputs: dict[str, bytes] = {}
    variables: dict[str, bytes] = {}
    states: list[ExecutionSnapshot] = []
    for number in range(1, versions + 1):
        for entries in (outputs, variables):
            for key in chance.sample(KEYS, chance.randint(0, 3)):
                match chance.randint(0, 3):
                    case 0:
                        entries.pop(key, None)
                    case 1:
                        entries[key] = chance.randbytes(chance.randint(0, 300))
                    case _:
                        entries[key] = entries.get(key, b"") + b"a line more;" * 5
        header: dict[str, Any] = {"labels": {"n": str(number)}} if number % 3 else {}
        if number % 4 == 0:
            header["user_id"] = f"u{number}"
        states.append(snapshot(number, outputs=outputs, variables=variables, **header))
    return states


async def save_five(store: StoreTenant) -> None:
    """Saves versions 1 to 5 of "a", a second apart: version n at sequence n * 10, with the
    snapshot_id "idn", the label step=n and n outputs.
    """
    for number in range(1, 6):
        content = snapshot(
            number * 10,
            outputs={f"s{each}": str(each) for each in range(number)},
            variables={"n": str(number)},
            snapshot_id=f"id{number}",
            labels={"step": str(number)},
            timestamp=timestamp(number, 5),
        )
        await store.save("a", content)
        store.clock.advance(1)


def comes_from(fork: ExecutionSnapshot, original: ExecutionSnapshot) -> None:
    """Checks that a snapshot of a fork is another one's copy, and says so."""
    assert saved_part(fork) == saved_part(original)
    assert fork.origin.execution_id == original.execution_id
    assert fork.origin.version == original.version
    assert fork.origin.etag == original.etag
    assert fork.origin.commit_time == original.commit_time
    assert fork.etag != original.etag
