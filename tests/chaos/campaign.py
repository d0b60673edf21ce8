"""One run: engines and watchers at work while things go wrong; then rest, and a reading."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from stillframe.client import CaughtUp
from tests.chaos.cluster import Cluster
from tests.chaos.engines import Run, work
from tests.chaos.history import Watched
from tests.chaos.operations import END, END_TAG, ENGINES, Kind, Operation, snapshot_of
from tests.chaos.schedule import draw
from tests.chaos.watchers import WATCHERS, read_back, read_log, watch

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Sequence
    from typing import Any

    from stillframe.client import AsyncClient
    from tests.chaos.cluster import Database
    from tests.chaos.history import History

REST = 180.0
"""Seconds in which everything must have come to rest after the last fault was undone."""


async def campaign(
    url: str,
    *,
    seed: int,
    seconds: float,
    servers: int,
    database: Database | None,
    say: Callable[[str], None],
) -> History:
    """Makes a run, and returns what was recorded."""
    run = Run()
    events = draw(seed, seconds, servers=servers, database=database is not None)
    async with Cluster(url, servers, database, say) as cluster:
        beginning = await _beginning(cluster.clients[0])
        watching = _watch(run, cluster.clients, beginning)
        engines = {
            engine.name: asyncio.create_task(
                work(run, engine, cluster.clients[number % cluster.size], seed)
            )
            for number, engine in enumerate(ENGINES)
        }
        targets = {event.target: None for event in events}
        suffering = [
            cluster.suffer([each for each in events if each.target == target], run.stopping)
            for target in targets
        ]
        await _until(seconds, run, suffering, list(engines.values()))
        say("at rest")
        if await _rest(run, "engine", engines):
            await cluster.settle()
            end = run.begin(ENGINES[0], Operation(Kind.SAVE, END, END_TAG))
            saved = await cluster.clients[0].save(END, snapshot_of(END_TAG))
            end.version, end.etag, end.revision = saved.version, saved.etag, saved.revision
            end.ended = run.tick()
            if await _rest(run, "watcher", watching):
                await _read(run.history, cluster.clients, beginning)
            else:
                run.history.faults += [
                    f"{each.name}: {len(each.changes)} changes, then {each.last},"
                    f" in {each.connections} connections, the last one to server {each.server}"
                    for each in run.history.watches
                ]
        for task in (*engines.values(), *watching.values()):
            task.cancel()
        await asyncio.gather(*engines.values(), *watching.values(), return_exceptions=True)
    return run.history


def _watch(run: Run, clients: list[AsyncClient], beginning: str) -> dict[str, asyncio.Task[None]]:
    tasks: dict[str, asyncio.Task[None]] = {}
    for number, watcher in enumerate(WATCHERS):
        watched = Watched(
            name=watcher.name,
            where=watcher.where,
            every_change=watcher.every_change,
            full=watcher.full,
            from_beginning=watcher.from_beginning,
        )
        run.history.watches.append(watched)
        tasks[watcher.name] = asyncio.create_task(
            watch(watcher, number, clients, beginning, watched)
        )
    return tasks


async def _until(
    seconds: float,
    run: Run,
    suffering: Sequence[Coroutine[Any, Any, None]],
    engines: list[asyncio.Task[None]],
) -> None:
    """Lets the time pass, or an engine break, and then ends what is being done to the servers."""
    faults = [asyncio.create_task(each) for each in suffering]
    # Engines go on until they are told to stop; whatever breaks ends the run early.
    await asyncio.wait([*engines, *faults], timeout=seconds, return_when=asyncio.FIRST_EXCEPTION)
    run.stopping.set()
    for each in await asyncio.gather(*faults, return_exceptions=True):
        if each is not None:
            run.history.faults.append(f"the faults: {each!r}")


async def _rest(run: Run, what: str, tasks: dict[str, asyncio.Task[None]]) -> bool:
    """Waits for tasks to end by themselves; tells whether all did."""
    await asyncio.wait(tasks.values(), timeout=REST)
    for name, task in tasks.items():
        if not task.done():
            run.history.faults.append(f"{what} {name} did not come to rest in {REST:g} s")
        elif task.exception() is not None:
            run.history.faults.append(f"{what} {name} broke: {task.exception()!r}")
    return all(task.done() for task in tasks.values())


async def _beginning(client: AsyncClient) -> str:
    """The resume token of revision 0."""
    async with client.watch() as stream:
        async for event in stream:
            if isinstance(event, CaughtUp):
                break
        return stream.resume_token


async def _read(history: History, clients: list[AsyncClient], beginning: str) -> None:
    for number, client in enumerate(clients):
        history.logs[f"server {number}"] = await read_log(client, beginning)
    history.kept, history.heads = await read_back(clients[0])
