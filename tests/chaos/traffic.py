"""Engines that write, and watchers: each notes what it was told."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from stillframe.client import (
    AsyncClient,
    Change,
    ChangeKind,
    ExecutionState,
    Restarted,
    Snapshot,
    StillframeError,
    WatchMode,
)

if TYPE_CHECKING:
    import asyncio
    from collections.abc import AsyncIterator
    from random import Random

EXECUTIONS = 3
"""Of each writer."""
END = "~the-end"
"""An execution that is saved once, last of all."""


@dataclass(frozen=True)
class Acknowledged:
    """A save or a delete that a server has answered."""

    kind: ChangeKind
    execution_id: str
    revision: int
    version: int = 0
    etag: str = ""
    tag: str = ""


@dataclass
class Writer:
    """An engine with some executions of its own, one call at a time."""

    client: AsyncClient
    number: int
    chance: Random
    acknowledged: list[Acknowledged] = field(default_factory=list[Acknowledged])
    unknown: int = 0
    """Calls that ended without an answer: what they wanted happened once, or did not."""

    async def run(self, over: asyncio.Event) -> None:
        step = 0
        while not over.is_set():
            step += 1
            name = f"w{self.number}-{self.chance.randrange(EXECUTIONS)}"
            try:
                if self.chance.random() < 0.03:
                    await self._delete(name)
                else:
                    await self._save(name, step)
            except StillframeError:
                self.unknown += 1

    async def _save(self, name: str, step: int) -> None:
        tag = f"{self.number}-{step}"
        filler = f"{tag} " * self.chance.randrange(1, 2_000)
        content = Snapshot(
            state=ExecutionState.RUNNING,
            sequence_number=step,
            labels={"tag": tag},
            variables={"tag": tag, "filler": filler, "constant": "c" * 3_000},
        )
        saved = await self.client.save(name, content)
        kind = ChangeKind.SAVED
        self.acknowledged.append(
            Acknowledged(kind, name, saved.revision, saved.version, saved.etag, tag)
        )

    async def _delete(self, name: str) -> None:
        deleted = await self.client.delete(name)
        if deleted.deleted_count:
            kind = ChangeKind.DELETED
            self.acknowledged.append(Acknowledged(kind, name, deleted.revision))


async def follow(client: AsyncClient, resume_token: str) -> list[Change]:
    """Watches every change after a token, up to the end."""
    seen: list[Change] = []
    async with client.watch(resume_token=resume_token, mode=WatchMode.EVERY_CHANGE) as watch:
        async for change in watch.changes():
            seen.append(change)
            if change.snapshot.execution_id == END:
                break
    return seen


async def view(client: AsyncClient) -> dict[str, str]:
    """Keeps the etags of all heads, as one who shows them would, up to the end."""
    heads: dict[str, str] = {}
    async with client.watch(initial_state=True) as watch:
        async for event in watch:
            if isinstance(event, Restarted):
                heads.clear()
            elif isinstance(event, Change):
                name = event.snapshot.execution_id
                if event.kind is ChangeKind.DELETED:
                    heads.pop(name, None)
                else:
                    heads[name] = event.snapshot.etag
                if name == END:
                    break
    return heads


async def listed(client: AsyncClient) -> AsyncIterator[tuple[str, str]]:
    """Yields id and etag of every head."""
    async for head in client.list():
        yield head.execution_id, head.etag
