"""What must hold of a run that is over, however often it crashed.

Each check takes the run, asks the server, and returns what is wrong, one line each: nothing
when all is well. What is expected is computed here from the job alone: neither from what the
engines say they did, nor with anything that they held in memory.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from stillframe.client import StillframeError
from tests.replay.event_log import read_events
from tests.replay.job import RunState, canonical, content, digest

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from stillframe.client import Client, Snapshot
    from tests.replay.processes import Report
    from tests.replay.run import Run

MAPS = ("labels", "step_outputs", "variables")

SHOWN = 5
"""How many problems of one kind are worth reading."""


def uninterrupted(run: Run) -> Iterator[Snapshot]:
    """The snapshots that the run must have saved, from a computation of its own. Only the
    times are the event log's: nobody else can know when an event happened.
    """
    steps = run.job.step_ids
    state = RunState()
    if not steps:
        yield state.snapshot(run.job, None)
    times = [event.time_ns for event in read_events(run.folder / "events.log")]
    for index, step_id in enumerate(steps):
        state.apply(step_id, run.job.perform(index, state))
        yield state.snapshot(run.job, times[index] if index < len(times) else None)


def acknowledged_once(run: Run) -> list[str]:
    """Every step was saved once, and each save made the next version."""
    saves = run.acknowledged()
    expected: list[tuple[Any, ...]] = [
        (number, number, step, "CREATED" if number == 1 else "UPDATED")
        for number, step in enumerate(run.job.step_ids, 1)
    ]
    # A job without steps is saved too, once.
    expected = expected or [(1, 0, None, "CREATED")]
    found = [(s["version"], s["sequence"], s["step"], s["outcome"]) for s in saves]
    return _unlike("acknowledged save", expected, found)


def ran_once(run: Run) -> list[str]:
    """Every step ran once, and has one event."""
    steps = list(run.job.step_ids)
    events = [event.step_id for event in read_events(run.folder / "events.log")]
    effects = Counter(run.effects())
    again = [f"step {step!r} ran {n} times" for step, n in effects.items() if n > 1]
    return again[:SHOWN] or [
        *_unlike("step that ran", steps, run.effects()),
        *_unlike("event", steps, events),
    ]


def replayed_once(run: Run, sequences: Sequence[int]) -> list[str]:
    """Exactly these events were replayed, each once."""
    found = [save["sequence"] for save in run.acknowledged() if save["replayed"]]
    return _unlike("replayed event", sorted(set(sequences)), found)


def reads_back(client: Client, run: Run) -> list[str]:
    """Every version reads back as it was saved and as it should be, and there is no other."""
    problems: list[str] = []
    saves = run.acknowledged()
    versions = [stored.version for stored in client.history(run.execution_id)]
    problems += _unlike(
        "version in the history", [save["version"] for save in reversed(saves)], versions
    )
    for save, expected in zip(saves, uninterrupted(run), strict=False):
        version = save["version"]
        try:
            stored = client.load(run.execution_id, version=version)
        except StillframeError as error:
            problems.append(f"version {version} cannot be loaded: {error}")
            continue
        if (stored.etag, stored.revision) != (save["etag"], save["revision"]):
            problems.append(f"version {version} has another etag or revision than its save got")
        found = content(stored)
        if digest(found) != save["digest"]:
            problems.append(f"version {version} is not what was saved")
        problems += [f"version {version}: {each}" for each in differences(content(expected), found)]
    return problems[:SHOWN]


def ends_alike(client: Client, run: Run, other: Run) -> list[str]:
    """The head is that of another run of the same job, but for the times of its events."""
    heads = [content(client.load(each.execution_id)) for each in (other, run)]
    for head in heads:
        del head["timestamp_ns"]
    return differences(*heads)[:SHOWN]


def ends_as_computed(client: Client, run: Run) -> list[str]:
    """The head is what an uninterrupted computation comes to."""
    *_, last = uninterrupted(run)
    return differences(content(last), content(client.load(run.execution_id)))[:SHOWN]


def watched_once(run: Run, watched: Sequence[Report]) -> list[str]:
    """The watcher saw every acknowledged save, once and in order, whole, and nothing else."""
    problems = [
        f"the change of version {change['version']} is {change['kind']}, without"
        f" {change['omitted']} entries, content gone: {change['content_gone']}"
        for change in watched
        if change["kind"] != "SAVED" or change["omitted"] or change["content_gone"]
    ]
    fields = ("revision", "version", "etag", "sequence", "step", "digest")
    expected = [tuple(save[name] for name in fields) for save in run.acknowledged()]
    found = [tuple(change[name] for name in fields) for change in watched]
    return (problems + _unlike("change seen", expected, found))[:SHOWN]


def differences(expected: dict[str, Any], found: dict[str, Any]) -> list[str]:
    """What differs between two snapshots, by field and key."""
    if canonical(expected) == canonical(found):
        return []
    return [
        f"{name} is {_short(theirs)}, not {_short(ours)}"
        for name, ours, theirs in _fields(expected, found)
        if ours is None or theirs is None or canonical(ours[0]) != canonical(theirs[0])
    ]


def _fields(
    expected: dict[str, Any], found: dict[str, Any]
) -> Iterator[tuple[str, tuple[Any] | None, tuple[Any] | None]]:
    """Both values of every field and of every entry of the maps; None where there is none."""
    for name, ours in expected.items():
        theirs = found[name]
        if name in MAPS:
            for key in sorted({*ours, *theirs}):
                yield f"{name}[{key!r}]", _entry(ours, key), _entry(theirs, key)
        else:
            yield name, (ours,), (theirs,)


def _entry(entries: dict[str, Any], key: str) -> tuple[Any] | None:
    return (entries[key],) if key in entries else None


def _unlike(what: str, expected: Sequence[Any], found: Sequence[Any]) -> list[str]:
    """Where two sequences part, told with the first element that differs."""
    if list(expected) == list(found):
        return []
    for number, (ours, theirs) in enumerate(zip(expected, found, strict=False), 1):
        if ours != theirs:
            return [f"{what} {number} is {_short((theirs,))}, not {_short((ours,))}"]
    return [f"{len(found)} times {what}, not {len(expected)}"]


def _short(value: tuple[Any] | None) -> str:
    if value is None:
        return "absent"
    text = canonical(value[0])
    return text if len(text) <= 120 else f"{text[:100]}… ({len(text)} characters)"
