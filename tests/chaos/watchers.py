"""The watchers of a run, and what is read when it is over."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from stillframe.client import (
    Change,
    ChangeKind,
    ExecutionState,
    Filter,
    InitialStateEnd,
    Restarted,
    StillframeError,
    WatchMode,
    WatchOpened,
)
from tests.chaos.engines import whole
from tests.chaos.history import (
    EVERYTHING,
    RED,
    RUNNING,
    SHARED,
    SHARED_IDS,
    Kept,
    Record,
    Watched,
    Where,
)
from tests.chaos.operations import END

if TYPE_CHECKING:
    from stillframe.client import AsyncClient, StoredSnapshot, WatchEvent

_FILTERS = {
    EVERYTHING.name: None,
    RED.name: Filter(labels={"team": "red"}),
    RUNNING.name: Filter(states=[ExecutionState.RUNNING]),
    SHARED.name: Filter(execution_ids=SHARED_IDS),
}


@dataclass(frozen=True, slots=True)
class Watcher:
    """How a watcher watches."""

    where: Where
    every_change: bool
    full: bool
    from_beginning: bool = False
    hop: int = 0
    """Changes after which it closes its watch and resumes it elsewhere by its token; 0: never."""

    @property
    def name(self) -> str:
        mode = "every change" if self.every_change else "the latest"
        start = "the beginning" if self.from_beginning else "the initial state"
        return f"watcher of {mode} of {self.where}, {'whole, ' * self.full}from {start}"


WATCHERS = (
    Watcher(EVERYTHING, every_change=True, full=True, from_beginning=True),
    Watcher(EVERYTHING, every_change=True, full=False, from_beginning=True, hop=50),
    Watcher(RED, every_change=True, full=True),
    Watcher(RUNNING, every_change=True, full=False),
    Watcher(SHARED, every_change=True, full=True),
    Watcher(EVERYTHING, every_change=False, full=True),
    Watcher(RED, every_change=False, full=False),
    Watcher(RUNNING, every_change=False, full=True),
    Watcher(SHARED, every_change=False, full=False, hop=20),
)


async def watch(
    watcher: Watcher, number: int, clients: list[AsyncClient], beginning: str, watched: Watched
) -> None:
    """Watches until the end of the run, from one server and then from the next."""
    token = beginning if watcher.from_beginning else None
    try:
        while True:
            client = clients[number % len(clients)]
            watched.server = number % len(clients)
            token = await _follow(watcher, client, token, watched)
            if token is None:
                return
            number += 1
    except StillframeError as error:
        watched.failure = f"ended with {error!r}"


async def _follow(
    watcher: Watcher, client: AsyncClient, token: str | None, watched: Watched
) -> str | None:
    """Follows one watch; returns where the next one goes on, None at the end of the run."""
    initial: dict[str, Record] = {}
    until = len(watched.changes) + watcher.hop if watcher.hop else None
    async with client.watch(
        _FILTERS[watcher.where.name],
        resume_token=token,
        initial_state=token is None,
        mode=WatchMode.EVERY_CHANGE if watcher.every_change else WatchMode.LATEST,
        full=watcher.full,
    ) as stream:
        async for event in stream:
            _take(event, initial, watched)
            if isinstance(event, Change) and event.snapshot.execution_id == END:
                return None
            if until is not None and len(watched.changes) >= until:
                return stream.resume_token
    raise StillframeError("the watch ended by itself")


def _take(event: WatchEvent, initial: dict[str, Record], watched: Watched) -> None:
    watched.last = type(event).__name__
    if isinstance(event, WatchOpened):
        watched.connections += 1
    elif isinstance(event, Restarted):
        initial.clear()
    elif isinstance(event, InitialStateEnd):
        watched.initial = dict(initial)
        if event.execution_count != len(initial):
            watched.failure = f"was told of {event.execution_count} heads, and got {len(initial)}"
    elif isinstance(event, Change):
        record = record_of(event, full=watched.full)
        if not event.initial:
            watched.changes.append(record)
        elif record.kind is ChangeKind.SAVED:
            initial[record.execution_id] = record
        else:
            initial.pop(record.execution_id, None)


def record_of(change: Change, *, full: bool = False) -> Record:
    """What is recorded of a change."""
    snapshot = change.snapshot
    read = full and change.kind is ChangeKind.SAVED and not change.content_gone
    return Record(
        revision=snapshot.revision,
        execution_id=snapshot.execution_id,
        kind=change.kind,
        version=snapshot.version,
        tag=snapshot.labels["tag"],
        whole=whole(snapshot, forked=snapshot.origin is not None) if read else None,
        gone=change.content_gone,
    )


def kept_of(snapshot: StoredSnapshot) -> Kept:
    """What is recorded of a snapshot that was read back."""
    origin = snapshot.origin
    return Kept(
        execution_id=snapshot.execution_id,
        version=snapshot.version,
        etag=snapshot.etag,
        revision=snapshot.revision,
        tag=snapshot.labels["tag"],
        whole=whole(snapshot, forked=origin is not None),
        forked_from=(origin.execution_id, origin.version) if origin is not None else None,
    )


async def read_log(client: AsyncClient, beginning: str) -> list[Record]:
    """Reads the change log from its beginning to the end of the run."""
    records: list[Record] = []
    async with client.watch(resume_token=beginning, mode=WatchMode.EVERY_CHANGE) as stream:
        async for change in stream.changes():
            records.append(record_of(change))
            if change.snapshot.execution_id == END:
                break
    return records


async def read_back(client: AsyncClient) -> tuple[list[Kept], list[Kept]]:
    """Reads every snapshot that there is, and the heads."""
    kept = [kept_of(each) async for each in client.history(full=True)]
    heads = [kept_of(each) async for each in client.list(full=True)]
    return kept, heads
