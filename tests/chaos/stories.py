"""A small history in which all is well, for tests to spoil."""

from __future__ import annotations

from dataclasses import replace
from itertools import count
from typing import TYPE_CHECKING

from stillframe.client import ChangeKind
from tests.chaos.history import (
    EVERYTHING,
    RED,
    Attempt,
    History,
    Kept,
    Record,
    Watched,
)
from tests.chaos.operations import SAVES, Kind, Operation, Role
from tests.chaos.watch_checks import seen_through, view_of

if TYPE_CHECKING:
    from tests.chaos.history import Where


class Story:
    """Tells a history step by step, as a store without faults would."""

    def __init__(self) -> None:
        self.history = History()
        self.log: list[Record] = []
        self._ticks = count(1)
        self._versions: dict[str, int] = {}
        self._epochs: dict[str, int] = {}

    def attempt(self, role: Role, kind: Kind, name: str, tag: str = "", **more: object) -> Attempt:
        """An operation that was answered; the answer is the caller's to fill in."""
        operation = Operation(kind, name, tag, **more)  # type: ignore[arg-type]
        attempt = Attempt(
            engine=f"{role.value}-0", role=role, operation=operation, tag=tag,
            began=next(self._ticks),
        )  # fmt: skip
        attempt.ended = next(self._ticks)
        self.history.attempts.append(attempt)
        return attempt

    def save(self, role: Role, name: str, tag: str, kind: Kind = Kind.SAVE) -> Attempt:
        attempt = self.attempt(role, kind, name, tag)
        self._commit(attempt, tag)
        attempt.outcome = "UPDATED" if attempt.version > 1 else "CREATED"
        return attempt

    def claim(self, name: str) -> Attempt:
        attempt = self.attempt(Role.RUNNER, Kind.CLAIM, name)
        attempt.epoch = self._epochs[name] = self._epochs.get(name, 0) + 1
        attempt.version = self._versions.get(name, 0)
        return attempt

    def load(self, name: str) -> Attempt:
        attempt = self.attempt(Role.SENDER, Kind.LOAD, name)
        attempt.version = self._versions[name]
        return attempt

    def delete(self, name: str) -> Attempt:
        attempt = self.attempt(Role.REMOVER, Kind.DELETE, name)
        head = view_of(self.log)[name]
        attempt.revision = len(self.log) + 1
        self.log.append(replace(head, revision=attempt.revision, kind=ChangeKind.DELETED))
        return attempt

    def fork(self, source: str, name: str) -> Attempt:
        head = view_of(self.log)[source]
        attempt = self.attempt(Role.FORKER, Kind.FORK, name, source=source)
        self._commit(attempt, head.tag)
        attempt.snapshot_count = 1
        return attempt

    def watch(self, where: Where, *, every_change: bool, after: int | None) -> Watched:
        """A watcher of everything from the beginning (None), or of the initial state as it
        was after a revision, and of what followed. One of the latest skips what it may.
        """
        by_revision = {record.revision: record for record in self.log}
        changes = [
            replace(by_revision[revision], kind=kind, whole=True)
            for revision, _, kind, _ in seen_through(where, self.log)
            if revision > (after or 0)
        ]
        if not every_change:
            last = {each.execution_id: each for each in changes}
            changes = [
                each
                for each in changes
                if each.kind is not ChangeKind.SAVED or each is last[each.execution_id]
            ]
        initial = None
        if after is not None:
            heads = view_of(self.log[:after]).items()
            initial = {
                name: replace(each, whole=True)
                for name, each in heads
                if where.matches(name, each.tag)
            }
        watched = Watched(
            name=f"watcher of {where}", where=where, every_change=every_change, full=True,
            from_beginning=after is None, initial=initial, changes=changes,
        )  # fmt: skip
        self.history.watches.append(watched)
        return watched

    def end(self) -> History:
        """The history, with what is read when it is over."""
        self.history.logs = {"server 0": list(self.log), "server 1": list(self.log)}
        living = view_of(self.log)
        begins = {
            record.execution_id: record.revision
            for record in self.log
            if record.kind is not ChangeKind.SAVED
        }
        forks = {
            a.operation.execution_id: (a, self._source(a))
            for a in self.history.attempts
            if a.operation.kind is Kind.FORK
        }
        etags = {
            a.revision: a.etag
            for a in self.history.attempts
            if a.operation.kind in SAVES or a.operation.kind is Kind.FORK
        }
        for record in self.log:
            if record.execution_id not in living:
                continue
            if record.revision <= begins.get(record.execution_id, 0):
                continue
            fork, source = forks.get(record.execution_id, (None, None))
            copied = fork is not None and fork.revision == record.revision
            self.history.kept.append(
                Kept(
                    execution_id=record.execution_id,
                    version=record.version,
                    etag=etags[record.revision],
                    revision=record.revision,
                    tag=record.tag,
                    whole=True,
                    forked_from=source if copied else None,
                )
            )
        last = {(each.execution_id, each.version): each for each in self.history.kept}
        self.history.heads = [last[name, record.version] for name, record in living.items()]
        return self.history

    def _source(self, fork: Attempt) -> tuple[str, int]:
        before = view_of(record for record in self.log if record.revision < fork.revision)
        return fork.operation.source, before[fork.operation.source].version

    def _commit(self, attempt: Attempt, tag: str) -> None:
        name = attempt.operation.execution_id
        attempt.version = self._versions[name] = self._versions.get(name, 0) + 1
        attempt.revision = len(self.log) + 1
        attempt.etag = f"etag-{attempt.revision}"
        self.log.append(
            Record(
                revision=attempt.revision,
                execution_id=name,
                kind=ChangeKind.SAVED,
                version=attempt.version,
                tag=tag,
            )
        )


def lawful() -> History:
    """A history with something of everything: claims, a fence, a delete, a fork, watchers."""
    story = Story()
    story.claim("shared-0")
    story.save(Role.RUNNER, "shared-0", "runner-0/1@1")
    story.save(Role.SENDER, "sender-0-0", "sender-0/1")
    story.claim("shared-0")
    fenced = story.attempt(Role.RUNNER, Kind.SAVE, "shared-0", "runner-0/2@1")
    fenced.refusal = "FENCED"
    story.save(Role.RUNNER, "shared-0", "runner-1/1@2")
    for number in range(2, 9):
        story.save(Role.SENDER, "sender-0-0", f"sender-0/{number}")
    story.load("sender-0-0")
    story.save(Role.REMOVER, "remover-0-0", "remover-0/1", Kind.CREATE)
    story.delete("remover-0-0")
    story.save(Role.REMOVER, "remover-0-0", "remover-0/3")
    story.fork("sender-0-0", "fork-1-of-forker-0")
    story.save(Role.FORKER, "fork-1-of-forker-0", "forker-0/2")
    story.watch(EVERYTHING, every_change=True, after=None)
    story.watch(RED, every_change=True, after=4)
    story.watch(EVERYTHING, every_change=False, after=None)
    story.watch(RED, every_change=False, after=4)
    return story.end()
