"""`stillframe watch`."""

import dataclasses
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

import typer

from stillframe.cli import output, parsing
from stillframe.cli.command import Json, command
from stillframe.cli.connection import Connection
from stillframe.cli.selection import EntryOptions, FilterOptions
from stillframe.cli.stopping import stopping

if TYPE_CHECKING:
    from stillframe.client import Change, Watch, WatchEvent


@dataclass(frozen=True)
class StartOptions:
    """Where the watch starts."""

    panel: ClassVar[str] = "Start (default: with the next change)"

    initial_state: Annotated[
        bool, typer.Option("--initial-state", help="Print what is there first.")
    ] = False
    resume: Annotated[
        str | None,
        typer.Option(
            "--resume", metavar="TOKEN", help="Go on after the change with this resume token."
        ),
    ] = None
    restart_if_lost: Annotated[
        bool,
        typer.Option(
            "--restart-if-lost",
            help="Where the server cannot go on from the token, start over with what is there.",
        ),
    ] = False


@dataclass(frozen=True)
class EndOptions:
    """Where the watch ends."""

    panel: ClassVar[str] = "End (besides Ctrl-C, SIGTERM and a closed pipe)"

    count: Annotated[
        int | None, typer.Option("--count", min=1, metavar="N", help="After so many changes.")
    ] = None
    until_caught_up: Annotated[
        bool,
        typer.Option(
            "--until-caught-up", help="When everything up to the present has been printed."
        ),
    ] = False


@command
def watch(
    filters: FilterOptions,
    start: StartOptions,
    end: EndOptions,
    entries: EntryOptions,
    connection: Connection,
    every_change: Annotated[
        bool,
        typer.Option(
            "--every-change",
            help="Print every change. Without it, a change that was followed by another of the "
            "same execution may be passed over.",
        ),
    ] = False,
    full: Annotated[
        bool,
        typer.Option(
            "--full",
            help="With --json: with the step outputs and variables.",
            rich_help_panel=EntryOptions.panel,
        ),
    ] = False,
    events: Annotated[
        bool,
        typer.Option(
            "--events",
            help="With --json: print the events between the changes too (opened, "
            "initial_state_end, caught_up, progress).",
        ),
    ] = False,
    json: Json = False,
) -> None:
    """Print each change of an execution as it comes.

    A change is saved, deleted, expired, or left_filter: the filter matched the execution
    before, and does not match it now. The watch goes on over a lost connection or a
    restarted server, without a gap.

    With --json each line is one event: {"event": "change", "kind": "saved",
    "resume_token": …, "snapshot": …}; the token is what --resume takes. An event
    "restarted" says that the state is printed anew: forget what came before.
    """
    from stillframe.client import WatchMode  # noqa: PLC0415

    projection = entries.build()
    with (
        connection.open() as client,
        client.watch(
            filters.build(),
            resume_token=start.resume,
            initial_state=start.initial_state,
            restart_if_lost=start.restart_if_lost,
            mode=WatchMode.EVERY_CHANGE if every_change else WatchMode.LATEST,
            full=full or projection is not None,
            projection=projection,
        ) as watching,
        stopping(watching.close),
    ):
        show = _Events(everything=events) if json else _Lines()
        _follow(watching, show, end)
        show.end(watching.resume_token)


def _follow(watching: "Watch", show: "_Events | _Lines", end: EndOptions) -> None:
    from stillframe.client import CaughtUp, Change  # noqa: PLC0415

    changes = 0
    for event in watching:
        show.event(event)
        changes += isinstance(event, Change)
        if changes == end.count or (end.until_caught_up and isinstance(event, CaughtUp)):
            return


class _Events:
    """For machines: an event a line."""

    def __init__(self, *, everything: bool) -> None:
        self._everything = everything

    def event(self, event: "WatchEvent") -> None:
        from stillframe.client import Change, Restarted  # noqa: PLC0415

        if self._everything or isinstance(event, Change | Restarted):
            output.write_json(_document(event))

    def end(self, resume_token: str) -> None:
        """Every change has its token already."""


class _Lines:
    """For people: a change a line, and remarks on stderr."""

    def __init__(self) -> None:
        self._opened = False

    def event(self, event: "WatchEvent") -> None:
        from stillframe.client import (  # noqa: PLC0415
            Change,
            InitialStateEnd,
            Restarted,
            WatchOpened,
        )

        if isinstance(event, Change):
            output.write(_line(event))
        elif isinstance(event, WatchOpened):
            output.note("connected again" if self._opened else "watching; Ctrl-C ends it")
            self._opened = True
        elif isinstance(event, InitialStateEnd):
            output.note(f"that was the state at the start ({event.execution_count}); now changes")
        elif isinstance(event, Restarted):
            output.note(f"starting over ({event.reason}): forget what came before")

    def end(self, resume_token: str) -> None:
        if resume_token:
            output.note(f"to go on from here: --resume {resume_token}")


def _line(change: "Change") -> str:
    snapshot = change.snapshot
    parts = [
        parsing.brief_time(snapshot.commit_time_ns),
        "is" if change.initial else change.kind.name.lower(),
        snapshot.execution_id,
        f"version={snapshot.version}",
        f"state={output.state_of(snapshot)}",
        f"sequence={snapshot.sequence_number}",
    ]
    if snapshot.current_step_id:
        parts.append(f"step={snapshot.current_step_id}")
    return output.printable("  ".join(parts))


def _document(event: "WatchEvent") -> dict[str, Any]:
    from stillframe.cli.documents import snapshot_document  # noqa: PLC0415
    from stillframe.client import Change, WatchMode  # noqa: PLC0415

    if isinstance(event, Change):
        return {
            "event": "change",
            "kind": event.kind.name.lower(),
            "initial": event.initial,
            "content_gone": event.content_gone,
            "resume_token": event.resume_token,
            "snapshot": snapshot_document(event.snapshot),
        }
    fields = {
        name: value.name.lower() if isinstance(value, WatchMode) else value
        for name, value in dataclasses.asdict(event).items()
    }
    return {"event": _NAMES[type(event).__name__], **fields}


_NAMES = {
    "WatchOpened": "opened",
    "InitialStateEnd": "initial_state_end",
    "CaughtUp": "caught_up",
    "Progress": "progress",
    "Restarted": "restarted",
}
