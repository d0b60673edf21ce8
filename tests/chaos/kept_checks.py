"""What must hold of the snapshots that there are in the end, compared with log and answers."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from stillframe.client import ChangeKind
from tests.chaos.operations import SAVES, Kind
from tests.chaos.watch_checks import view_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.chaos.history import History, Record


def reads_back(history: History) -> Iterator[str]:
    """Every version of what is not deleted reads back as it was acknowledged, and no other."""
    acknowledged = {
        (a.operation.execution_id, a.version): a for a in history.answered(*SAVES, Kind.FORK)
    }
    expected: dict[tuple[str, int], Record] = {}
    for record in history.log:
        if record.kind is ChangeKind.SAVED:
            expected[record.execution_id, record.version] = record
        else:
            name = record.execution_id
            expected = {key: each for key, each in expected.items() if key[0] != name}
    tags = {(r.execution_id, r.version): r.tag for r in history.log if r.kind is ChangeKind.SAVED}
    found = {(each.execution_id, each.version): each for each in history.kept}
    if len(found) != len(history.kept):
        yield "the history lists a version twice"
    for key, kept in found.items():
        logged = expected.get(key)
        if not kept.whole:
            yield f"version {key[1]} of {key[0]} is not what was saved as {kept.tag}"
        if kept.forked_from is not None and tags.get(kept.forked_from) != kept.tag:
            yield f"version {key[1]} of {key[0]} is not {kept.forked_from}, which it was forked from"
        if logged is None and kept.forked_from is None:
            yield f"version {key[1]} of {key[0]} is not in the log"
        if logged is not None and (logged.tag, logged.revision) != (kept.tag, kept.revision):
            yield f"version {key[1]} of {key[0]} is {kept.tag}, and not {logged}"
        answer = acknowledged.get(key)
        if answer is not None and answer.etag != kept.etag:
            yield f"version {key[1]} of {key[0]} has another etag than was acknowledged"
    yield from (f"version {key[1]} of {key[0]} is gone" for key in expected if key not in found)


def forks_are_whole(history: History) -> Iterator[str]:
    """A fork has as many snapshots as were acknowledged, beside those that were saved since."""
    copies = Counter(kept.execution_id for kept in history.kept if kept.forked_from is not None)
    for attempt in history.answered(Kind.FORK):
        copied = copies[attempt.operation.execution_id]
        if copied != attempt.snapshot_count:
            yield f"{attempt}: {attempt.snapshot_count} snapshots were acknowledged, {copied} are there"


def heads_are_true(history: History) -> Iterator[str]:
    """The list of heads is what the log comes to."""
    expected = {name: (r.version, r.tag) for name, r in view_of(history.log).items()}
    found = {each.execution_id: (each.version, each.tag) for each in history.heads}
    for name in sorted(expected.keys() | found.keys()):
        if expected.get(name) != found.get(name):
            yield f"the head of {name} is {found.get(name)}, and not {expected.get(name)}"
