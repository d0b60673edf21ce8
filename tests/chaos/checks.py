"""What must hold of a run, whatever was done to its servers.

Each check takes what was recorded and returns what is wrong, one line each: nothing when all
is well. None asks a server.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from operator import attrgetter
from typing import TYPE_CHECKING

from stillframe.client import ChangeKind
from tests.chaos.history import UNKNOWN
from tests.chaos.kept_checks import forks_are_whole, heads_are_true, reads_back
from tests.chaos.operations import SAVES, Kind, Role, epoch_of
from tests.chaos.watch_checks import every_change, latest, watched_content

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from tests.chaos.history import Attempt, History, Record

SHOWN = 5
"""How many problems of one kind are worth reading."""

_LAWFUL: dict[tuple[Role, Kind], frozenset[str]] = {
    # Epochs come before etags: whoever is overtaken is told that it is fenced.
    (Role.RUNNER, Kind.SAVE): frozenset({"FENCED"}),
    (Role.RUNNER, Kind.LOAD): frozenset({"EXECUTION_NOT_FOUND"}),
    (Role.SENDER, Kind.LOAD): frozenset({"EXECUTION_NOT_FOUND"}),
    (Role.REMOVER, Kind.CREATE): frozenset({"EXECUTION_EXISTS"}),
    (Role.REMOVER, Kind.LOAD): frozenset({"EXECUTION_NOT_FOUND"}),
    (Role.FORKER, Kind.FORK): frozenset({"EXECUTION_NOT_FOUND"}),
}
"""Which refusals an engine may meet. Where an execution has one writer, whose calls the client
repeats until they are answered, a save has nothing to be refused for."""


def wrong(history: History) -> list[str]:
    """Everything that is wrong with a run."""
    found = list(history.faults)
    if not history.logs:
        # It did not come to rest; there is nothing to compare with.
        return found or ["nothing was read in the end"]
    for check in CHECKS:
        problems = list(check(history))
        found += [f"{check.__name__}: {each}" for each in problems[:SHOWN]]
        if len(problems) > SHOWN:
            found.append(f"{check.__name__}: … and {len(problems) - SHOWN} more")
    return found


def one_log(history: History) -> Iterator[str]:
    """Every server tells the same change log."""
    for name, log in history.logs.items():
        if log != history.log:
            number = next(
                (n for n, (a, b) in enumerate(zip(log, history.log, strict=False)) if a != b),
                min(len(log), len(history.log)),
            )
            yield f"{name} tells another log, from record {number + 1}"


def no_gap(history: History) -> Iterator[str]:
    """Revisions are 1, 2, 3 …"""
    for number, record in enumerate(history.log, 1):
        if record.revision != number:
            yield f"record {number} of the log has revision {record.revision}"
            return


def versions_rise(history: History) -> Iterator[str]:
    """Each save makes the next version, deletes notwithstanding; what ends was there."""
    last: dict[str, int] = {}
    living: set[str] = set()
    forks = {a.operation.execution_id for a in history.attempts if a.operation.kind is Kind.FORK}
    for record in history.log:
        name = record.execution_id
        before = last.get(name, 0)
        if record.kind is ChangeKind.SAVED:
            # The history that comes with a fork has versions of its own.
            forked = name in forks and name not in living
            if record.version <= before or (record.version > before + 1 and not forked):
                yield f"revision {record.revision}: version {record.version} of {name} follows {before}"
            last[name] = record.version
            living.add(name)
        else:
            if name not in living or record.version != before:
                yield (
                    f"revision {record.revision}: {record.kind.name} of version"
                    f" {record.version} of {name}, whose head is {before if name in living else None}"
                )
            living.discard(name)


def nothing_twice(history: History) -> Iterator[str]:
    """No save took effect twice; no version, etag or revision was given twice."""
    times = Counter((r.execution_id, r.tag) for r in history.log if r.kind is ChangeKind.SAVED)
    yield from (
        f"{tag} of {name} was committed {n} times" for (name, tag), n in times.items() if n > 1
    )
    answers = list(history.answered(*SAVES, Kind.FORK))
    given: dict[str, Callable[[Attempt], object]] = {
        "version": lambda a: (a.operation.execution_id, a.version),
        "etag": attrgetter("etag"),
        "revision": attrgetter("revision"),
    }
    for what, key in given.items():
        yield from _shared(what, answers, key)


def nothing_lost(history: History) -> Iterator[str]:
    """Everything that was acknowledged is in the log, as it was acknowledged."""
    log = {record.revision: record for record in history.log}
    for attempt in history.answered(*SAVES, Kind.FORK, Kind.DELETE):
        operation = attempt.operation
        if operation.kind is Kind.DELETE and not attempt.revision:
            continue  # There was nothing to delete.
        record = log.get(attempt.revision)
        if record is None:
            yield f"{attempt}: acknowledged as revision {attempt.revision}, which is not there"
        elif not _is_of(record, attempt):
            yield f"{attempt}: acknowledged as version {attempt.version}, revision {attempt.revision}, which is {record}"


def nothing_invented(history: History) -> Iterator[str]:
    """Every change is of an operation that was asked for."""
    saves = {(a.operation.execution_id, a.tag) for a in history.of(*SAVES)}
    forks = {a.operation.execution_id for a in history.of(Kind.FORK)}
    deletes = {a.operation.execution_id for a in history.of(Kind.DELETE)}
    ttls = {a.operation.execution_id for a in history.attempts if a.operation.ttl is not None}
    asked: dict[ChangeKind, Callable[[Record], bool]] = {
        ChangeKind.SAVED: lambda r: (
            (r.execution_id, r.tag) in saves or (r.execution_id in forks and bool(r.tag))
        ),
        ChangeKind.DELETED: lambda r: r.execution_id in deletes,
        ChangeKind.EXPIRED: lambda r: r.execution_id in ttls,
    }
    for record in history.log:
        if record.kind not in asked or not asked[record.kind](record):
            yield f"nobody asked for {record}"


def floor_obeyed(history: History) -> Iterator[str]:
    """No save of a lower epoch follows a claim: neither the head that the claim answered with,
    nor a save of the higher epoch, nor in time its answer.
    """
    claims: dict[str, list[Attempt]] = defaultdict(list)
    for attempt in history.answered(Kind.CLAIM):
        claims[attempt.operation.execution_id].append(attempt)
    floor: dict[str, int] = defaultdict(int)
    began = {a.tag: a.began for a in history.of(*SAVES)}
    for record in history.log:
        epoch = epoch_of(record.tag)
        if record.kind is not ChangeKind.SAVED or record.execution_id not in claims:
            continue
        if epoch < floor[record.execution_id]:
            yield f"{record} follows a save of epoch {floor[record.execution_id]}"
        floor[record.execution_id] = max(floor[record.execution_id], epoch)
        for claim in claims[record.execution_id]:
            late = claim.ended is not None and began.get(record.tag, 0) > claim.ended
            if epoch < claim.epoch and (late or record.version > claim.version):
                yield f"{record} follows the claim of epoch {claim.epoch}, at version {claim.version}"
                break


def epochs_once(history: History) -> Iterator[str]:
    """No epoch was given to two claims of an execution."""
    claims = history.answered(Kind.CLAIM)
    yield from _shared("epoch", list(claims), lambda a: (a.operation.execution_id, a.epoch))


def time_is_kept(history: History) -> Iterator[str]:
    """What was acknowledged before something else began has the lower revision."""
    answered = [a for a in history.answered(*SAVES, Kind.FORK, Kind.DELETE) if a.revision]
    ends = sorted(answered, key=lambda a: a.ended or 0)
    highest, position = 0, 0
    for attempt in sorted(answered, key=attrgetter("began")):
        while position < len(ends) and (ends[position].ended or 0) < attempt.began:
            highest = max(highest, ends[position].revision)
            position += 1
        if attempt.revision < highest:
            yield f"{attempt}: revision {attempt.revision}, though {highest} was acknowledged before"


def reads_are_current(history: History) -> Iterator[str]:
    """A load or claim gives what was acknowledged before it began, or something newer; whole."""
    known: dict[str, list[Attempt]] = defaultdict(list)
    for attempt in history.answered(*SAVES):
        known[attempt.operation.execution_id].append(attempt)
    removed = {a.operation.execution_id for a in history.of(Kind.DELETE)}
    for read in history.of(Kind.LOAD, Kind.CLAIM):
        name = read.operation.execution_id
        missing = read.refusal == "EXECUTION_NOT_FOUND"
        if not (read.answered or missing):
            continue
        if not read.whole:
            yield f"{read}: version {read.version} is not what was saved as {read.loaded_tag}"
        if name in removed and not read.version:
            continue
        before = [a.version for a in known[name] if a.ended is not None and a.ended < read.began]
        if read.version < max(before, default=0):
            yield f"{read}: version {read.version}, though {max(before)} was acknowledged before"


def refusals_are_lawful(history: History) -> Iterator[str]:
    """Nobody was refused what was theirs to do."""
    for attempt in history.attempts:
        lawful = _LAWFUL.get((attempt.role, attempt.operation.kind), frozenset())
        if attempt.refusal and attempt.refusal != UNKNOWN and attempt.refusal not in lawful:
            yield f"{attempt}: refused with {attempt.refusal}"


def watches_are_true(history: History) -> Iterator[str]:
    """Every watcher was given what its mode promises."""
    for watched in history.watches:
        check = every_change if watched.every_change else latest
        problems = [watched.failure] if watched.failure else check(watched, history.log)
        yield from (f"{watched.name}: {each}" for each in problems)
        yield from (f"{watched.name}: {each}" for each in watched_content(watched, history.log))


CHECKS: Sequence[Callable[[History], Iterable[str]]] = (
    one_log,
    no_gap,
    versions_rise,
    nothing_twice,
    nothing_lost,
    nothing_invented,
    floor_obeyed,
    epochs_once,
    time_is_kept,
    reads_are_current,
    refusals_are_lawful,
    reads_back,
    forks_are_whole,
    heads_are_true,
    watches_are_true,
)


def _shared(what: str, attempts: list[Attempt], key: Callable[[Attempt], object]) -> Iterator[str]:
    """Tells which attempts were given the same."""
    first: dict[object, Attempt] = {}
    for attempt in attempts:
        other = first.setdefault(key(attempt), attempt)
        if other is not attempt:
            yield f"{attempt} and {other} were both given {what} {key(attempt)}"


def _is_of(record: Record, attempt: Attempt) -> bool:
    """Tells whether a change is the one that an attempt was told of."""
    operation = attempt.operation
    if record.execution_id != operation.execution_id:
        return False
    if operation.kind is Kind.DELETE:
        return record.kind is ChangeKind.DELETED
    if record.kind is not ChangeKind.SAVED or record.version != attempt.version:
        return False
    return operation.kind is Kind.FORK or record.tag == attempt.tag
