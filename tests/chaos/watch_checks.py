"""What must hold of what a watcher was given, compared with the change log."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

from stillframe.client import ChangeKind

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from tests.chaos.history import Record, Watched, Where

Key = tuple[int, str, ChangeKind, int]


def view_of(log: Iterable[Record]) -> dict[str, Record]:
    """The heads that changes come to."""
    heads: dict[str, Record] = {}
    for record in log:
        if record.kind is ChangeKind.SAVED:
            heads[record.execution_id] = record
        else:
            heads.pop(record.execution_id, None)
    return heads


def seen_through(where: Where, log: Iterable[Record]) -> list[Key]:
    """What the changes of the log are to who watches through a filter."""
    matched: set[str] = set()
    seen: list[Key] = []
    for record in log:
        name = record.execution_id
        kind = record.kind
        if kind is ChangeKind.SAVED and where.matches(name, record.tag):
            matched.add(name)
        elif name in matched:
            matched.discard(name)
            kind = ChangeKind.LEFT_FILTER if kind is ChangeKind.SAVED else kind
        else:
            continue
        seen.append((record.revision, name, kind, record.version))
    return seen


def every_change(watched: Watched, log: list[Record]) -> Iterator[str]:
    """Every change, in the order of revisions, without gap or duplicate, up to the end."""
    expected = seen_through(watched.where, log)
    found = [_key(change) for change in watched.changes]
    yield from _in_order(found)
    if watched.from_beginning:
        start = 0
    elif watched.initial is None:
        yield "the initial state never ended"
        return
    else:
        start = max(0, len(expected) - len(found))
        yield from _initial(watched, log, expected[start][0] if found else len(log) + 1)
    if found != expected[start:]:
        yield from _unlike(expected[start:], found)


def latest(watched: Watched, log: list[Record]) -> Iterator[str]:
    """The true view in the end; on the way nothing that was not, and everything that left."""
    if watched.initial is None and not watched.from_beginning:
        yield "the initial state never ended"
        return
    expected = seen_through(watched.where, log)
    found = [_key(change) for change in watched.changes]
    yield from _in_order(found)
    yield from (f"{_text(key)} never was" for key in sorted(set(found) - set(expected)))
    first = found[0][0] if found else len(log)
    yield from (
        f"{_text(key)} is missing"
        for key in expected
        if key[0] > first and key[2] is not ChangeKind.SAVED and key not in set(found)
    )
    true = {
        name: record.version
        for name, record in view_of(log).items()
        if watched.where.matches(name, record.tag)
    }
    view = {name: record.version for name, record in watched.view().items()}
    for name in sorted(true.keys() | view.keys()):
        if true.get(name) != view.get(name):
            yield f"its last view has version {view.get(name)} of {name}, and not {true.get(name)}"


def watched_content(watched: Watched, log: list[Record]) -> Iterator[str]:
    """Every snapshot is whole, unless it was deleted before it was read, and that is said."""
    ended = {r.execution_id: r.revision for r in log if r.kind is not ChangeKind.SAVED}
    for change in (*(watched.initial or {}).values(), *watched.changes):
        if change.kind is not ChangeKind.SAVED:
            continue
        if change.gone and ended.get(change.execution_id, 0) <= change.revision:
            yield f"the content of {_text(_key(change))} is said to be gone, and nothing ended it"
        elif watched.full and not change.gone and not change.whole:
            yield f"the content of {_text(_key(change))} is not what was saved as {change.tag}"


def _initial(watched: Watched, log: list[Record], before: int) -> Iterator[str]:
    """The initial state is that before the first change that followed it."""
    known = view_of(record for record in log if record.revision < before)
    true = {
        name: record.version
        for name, record in known.items()
        if watched.where.matches(name, record.tag)
    }
    found = {name: record.version for name, record in (watched.initial or {}).items()}
    for name in sorted(true.keys() | found.keys()):
        if true.get(name) != found.get(name):
            yield (
                f"its initial state has version {found.get(name)} of {name},"
                f" and not {true.get(name)}, as at revision {before - 1}"
            )


def _in_order(found: list[Key]) -> Iterator[str]:
    for before, after in pairwise(found):
        if after[0] == before[0]:
            yield f"{_text(after)} came twice"
        elif after[0] < before[0]:
            yield f"{_text(after)} came after {_text(before)}"


def _unlike(expected: list[Key], found: list[Key]) -> Iterator[str]:
    lacking = [key for key in expected if key not in set(found)]
    yield from (f"{_text(key)} is missing" for key in lacking)
    yield from (f"{_text(key)} never was" for key in found if key not in set(expected))


def _key(record: Record) -> Key:
    return record.revision, record.execution_id, record.kind, record.version


def _text(key: Key) -> str:
    revision, name, kind, version = key
    return f"revision {revision} ({kind.name} version {version} of {name})"
