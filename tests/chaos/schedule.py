"""What is done to the servers and the database, and when: drawn from the seed alone."""

from __future__ import annotations

import random
from dataclasses import dataclass
from enum import Enum

DATABASE = -1
"""The target of a fault that is not a server."""


class Fault(Enum):
    """What is done."""

    KILL = "kill"
    """SIGKILL, and a start."""
    DRAIN = "drain"
    """SIGTERM, and a start once the server has ended."""
    PAUSE = "pause"
    """SIGSTOP, and SIGCONT."""
    RESTART_FAST = "restart the database, fast"
    """It cuts its clients off, and writes what it holds."""
    RESTART_IMMEDIATE = "restart the database, immediate"
    """It ends as in a crash, and recovers from its log."""


_OF_SERVERS = (Fault.KILL, Fault.KILL, Fault.DRAIN, Fault.PAUSE)
_OF_DATABASE = (Fault.RESTART_FAST, Fault.RESTART_IMMEDIATE)

SHORTEST, LONGEST = 0.1, 2.5
"""Seconds that a target is away."""

LONG_PAUSE = 14.0
"""Seconds of a pause that is longer than a database lets a silent transaction stand."""

LONG_RUN = 45.0
"""Seconds from which on a run has pauses of this kind."""


@dataclass(frozen=True, slots=True)
class Event:
    """One fault."""

    at: float
    """Seconds after the beginning."""
    target: int
    """The number of a server, or DATABASE."""
    fault: Fault
    lasts: float
    """Seconds until it is undone."""

    def __str__(self) -> str:
        what = self.fault.value
        if self.target != DATABASE:
            what = f"{what} server {self.target}"
        return f"{self.at:6.2f} s  {what}, for {self.lasts:.2f} s"


def draw(seed: int, seconds: float, *, servers: int, database: bool) -> list[Event]:
    """Draws faults until the time is over, in their order. A target has one at a time;
    different targets may be away together.
    """
    chance = random.Random(f"{seed} schedule")
    free_at = dict.fromkeys(range(servers), 0.0)
    if database:
        free_at[DATABASE] = 2.0
    events: list[Event] = []
    now = 0.5
    while now < seconds:
        target = chance.choice(sorted(free_at))
        fault = chance.choice(_OF_DATABASE if target == DATABASE else _OF_SERVERS)
        lasts = chance.uniform(SHORTEST, LONGEST)
        if fault is Fault.PAUSE and seconds >= LONG_RUN and chance.randrange(3) == 0:
            lasts = LONG_PAUSE
        if free_at[target] <= now:
            events.append(Event(round(now, 2), target, fault, round(lasts, 2)))
            # What was away needs a while to be of use again, before it is away anew.
            free_at[target] = now + lasts + chance.uniform(2, 6)
        now += chance.uniform(0.3, 2.5)
    return events
