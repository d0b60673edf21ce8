"""The messages of a run: which RPC, and which bytes."""

from __future__ import annotations

from random import Random
from typing import TYPE_CHECKING, NamedTuple

from tests.fuzz import accidents, extremes
from tests.fuzz.requests import Requests

if TYPE_CHECKING:
    from tests.fuzz.world import World

_WEIGHTS = {
    "SaveSnapshot": 6,
    "SaveSnapshots": 3,
    "LoadSnapshot": 3,
    "ClaimExecution": 1,
    "CheckFreshness": 1,
    "ListExecutions": 2,
    "ListSnapshots": 2,
    "DiffSnapshots": 2,
    "ForkExecution": 2,
    "DeleteSnapshots": 2,
    "DeleteExecution": 1,
    "WatchSnapshots": 2,
    "GetServerInfo": 0.2,
    "SetValue": 2,
    "GetValue": 1,
    "DeleteValue": 1,
    "ListKeys": 1,
}

_MAX_BYTES = 4 * 2**20
"""What is much larger gRPC refuses by itself, without a reason."""


class Call(NamedTuple):
    """One call: an RPC and the bytes of its request messages; one but for a stream."""

    rpc: str
    requests: tuple[bytes, ...]

    def __str__(self) -> str:
        return " ".join((self.rpc, *(data.hex() or "-" for data in self.requests)))


def call(seed: int, number: int, world: World) -> Call:
    """Makes the call with this number. Tokens aside, seed and number decide it."""
    random = Random(f"{seed}/{number}")
    [rpc] = random.choices(list(_WEIGHTS), list(_WEIGHTS.values()))
    count = random.choice((1, 1, 2, 4)) if rpc == "SaveSnapshots" else 1
    return Call(rpc, tuple(_request(rpc, random, world) for _ in range(count)))


def _request(rpc: str, random: Random, world: World) -> bytes:
    kind = random.random()
    if kind < 0.02:
        return random.randbytes(random.choice((0, 1, 10, 1_000)))
    if kind < 0.021:
        # Larger than the server takes, and smaller than what gRPC itself refuses.
        return bytes(2 * 2**20)
    request = Requests(random, world).of(rpc)
    page = world.next_page(random)
    save = world.repeated_save(random)
    if page is not None and page[0] == rpc and random.random() < 0.3:
        request = type(request).FromString(page[1])
    elif save is not None and rpc == "SaveSnapshot" and random.random() < 0.1:
        request = type(request).FromString(save)
    if kind < 0.35:
        for _ in range(random.choice((1, 1, 2, 5))):
            extremes.edit(request, random)
    data = request.SerializeToString(deterministic=True)
    if 0.3 < kind < 0.7:
        for _ in range(random.choice((1, 1, 1, 3))):
            data = accidents.befall(data, random)
    return data[:_MAX_BYTES]
