"""What must hold of all that was told, once the dust has settled."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from stillframe.client import ChangeKind

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from stillframe.client import Change
    from tests.chaos.traffic import Acknowledged


def judge(
    log: Sequence[Change],
    acknowledged: Sequence[Acknowledged],
    followed: Sequence[Sequence[Change]],
    views: Sequence[Mapping[str, str]],
    heads: Mapping[str, str],
) -> Iterator[str]:
    """Yields what is wrong, in words.

    `log` is every change, read in quiet at the end, as are the `heads`; `followed` are the
    changes that watchers saw meanwhile, and `views` what others made of theirs.
    """
    yield from _log(log)
    by_revision = {change.snapshot.revision: change for change in log}
    for each in acknowledged:
        yield from _kept(each, by_revision.get(each.revision))
    revisions = Counter(each.revision for each in acknowledged)
    yield from (
        f"revision {each} was given out {n} times" for each, n in revisions.items() if n > 1
    )
    expected = [_line(change) for change in log]
    for number, changes in enumerate(followed):
        seen = [_line(change) for change in changes]
        if seen != expected:
            at = next(
                (
                    n
                    for n, pair in enumerate(zip(seen, expected, strict=False))
                    if pair[0] != pair[1]
                ),
                min(len(seen), len(expected)),
            )
            yield f"watcher {number} saw {seen[at : at + 1]} where {expected[at : at + 1]} came next"
    for number, view in enumerate(views):
        if dict(view) != dict(heads):
            differing = sorted(set(view.items()) ^ set(heads.items()))
            yield f"the view of watcher {number} differs from the heads in {differing[:4]}"
    if _heads_of(log) != dict(heads):
        yield "the heads are not what the log leads to"


def _log(log: Sequence[Change]) -> Iterator[str]:
    revisions = [change.snapshot.revision for change in log]
    if revisions != list(range(1, len(log) + 1)):
        yield "the log's revisions are not 1, 2, 3 …"
    saved = [change.snapshot for change in log if change.kind is ChangeKind.SAVED]
    versions = Counter((each.execution_id, each.version) for each in saved)
    yield from (f"version {each} was made {n} times" for each, n in versions.items() if n > 1)
    # Every save has a tag of its own, and is retried under one request_id.
    tags = Counter(each.labels.get("tag") for each in saved)
    yield from (f"the save {each} was done {n} times" for each, n in tags.items() if n > 1)


def _kept(told: Acknowledged, found: Change | None) -> Iterator[str]:
    if found is None:
        yield f"{told} is not in the log"
        return
    snapshot = found.snapshot
    same = found.kind is told.kind and snapshot.execution_id == told.execution_id
    if told.kind is ChangeKind.SAVED:
        same = same and (snapshot.version, snapshot.etag) == (told.version, told.etag)
        same = same and snapshot.labels.get("tag") == told.tag
    if not same:
        yield f"{told} is in the log as {_line(found)}"


def _line(change: Change) -> tuple[int, str, str, int, str]:
    snapshot = change.snapshot
    return (
        snapshot.revision,
        change.kind.name,
        snapshot.execution_id,
        snapshot.version,
        change.resume_token,
    )


def _heads_of(log: Sequence[Change]) -> dict[str, str]:
    heads: dict[str, str] = {}
    for change in log:
        if change.kind is ChangeKind.SAVED:
            heads[change.snapshot.execution_id] = change.snapshot.etag
        else:
            heads.pop(change.snapshot.execution_id, None)
    return heads
