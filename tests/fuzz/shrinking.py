"""Makes a finding small enough to be read."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

MAX_TRIES = 400


async def smaller(
    requests: tuple[bytes, ...], is_wrong: Callable[[tuple[bytes, ...]], Awaitable[bool]]
) -> tuple[bytes, ...]:
    """Returns request messages that go wrong as well, with as little in them as can be found.

    Leaves out whole messages first, then parts of each: halves, quarters, down to bytes.
    """
    tries = 0

    async def try_(candidate: tuple[bytes, ...]) -> bool:
        nonlocal tries
        tries += 1
        return await is_wrong(candidate)

    for number in reversed(range(len(requests))):
        candidate = requests[:number] + requests[number + 1 :]
        if candidate and await try_(candidate):
            requests = candidate
    for number in range(len(requests)):
        size = len(requests[number])
        while size > 1:
            size = (size + 1) // 2
            at = 0
            while at < len(requests[number]) and tries < MAX_TRIES:
                data = requests[number]
                shorter = data[:at] + data[at + size :]
                candidate = (*requests[:number], shorter, *requests[number + 1 :])
                if await try_(candidate):
                    requests = candidate
                else:
                    at += size
    return requests
