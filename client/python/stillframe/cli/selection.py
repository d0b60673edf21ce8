"""Options that select executions, snapshots and entries."""

import dataclasses
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

import typer

from stillframe.cli import parsing
from stillframe.cli.choices import Group, State, Wait

if TYPE_CHECKING:
    from collections.abc import Sequence

    from stillframe.client import Criteria, Filter, MapProjection, Projection


@dataclass(frozen=True)
class FilterOptions:
    """Which executions."""

    panel: ClassVar[str] = "Filter (an option given twice: either; different options: both)"

    ids: Annotated[
        list[str] | None, typer.Option("--id", metavar="ID", help="The execution has this id.")
    ] = None
    prefix: Annotated[
        str | None,
        typer.Option("--prefix", metavar="TEXT", help="The execution's id starts with this."),
    ] = None
    state: Annotated[
        list[State] | None,
        typer.Option(
            "--state",
            metavar="STATE",
            case_sensitive=False,
            help=f"The state is this: {', '.join(State)}.",
        ),
    ] = None
    group: Annotated[
        list[Group] | None,
        typer.Option(
            "--class",
            metavar="CLASS",
            case_sensitive=False,
            help="The state is of this class: terminal (completed, failed, cancelled), "
            "resumable (paused, waiting) or active (running, waiting).",
        ),
    ] = None
    wait_reason: Annotated[
        list[Wait] | None,
        typer.Option(
            "--wait-reason",
            metavar="REASON",
            case_sensitive=False,
            help=f"It waits for this: {', '.join(Wait)}.",
        ),
    ] = None
    user: Annotated[str | None, typer.Option("--user", metavar="ID", help="The user is this.")] = (
        None
    )
    parent: Annotated[
        str | None,
        typer.Option("--parent", metavar="ID", help="The parent execution is this."),
    ] = None
    label: Annotated[
        list[str] | None,
        typer.Option("--label", metavar="KEY=VALUE", help="It has this label. Given twice: both."),
    ] = None

    def build(self) -> "Filter | None":
        """The client's filter; None without any option."""
        if all(each in (None, []) for each in dataclasses.astuple(self)):
            return None
        from stillframe.client import (  # noqa: PLC0415
            ExecutionState,
            Filter,
            StateClass,
            WaitReason,
        )

        return Filter(
            execution_ids=self.ids or None,
            execution_id_prefix=self.prefix,
            states=[ExecutionState[each.name] for each in self.state or ()] or None,
            state_classes=[StateClass[each.name] for each in self.group or ()] or None,
            wait_reasons=[WaitReason[each.name] for each in self.wait_reason or ()] or None,
            user_id=self.user,
            parent_execution_id=self.parent,
            labels=parsing.pairs(self.label, "--label"),
        )


@dataclass(frozen=True)
class SelectorOptions:
    """Which snapshot."""

    panel: ClassVar[str] = "Which snapshot (default: the latest)"

    version: Annotated[
        int | None, typer.Option("--version", min=1, metavar="N", help="The one of this version.")
    ] = None
    snapshot_id: Annotated[
        str | None,
        typer.Option("--snapshot-id", metavar="ID", help="The one that the engine named so."),
    ] = None
    at_sequence: Annotated[
        int | None,
        typer.Option(
            "--at-sequence",
            min=0,
            metavar="N",
            help="The latest that includes no event after number N.",
        ),
    ] = None
    as_of: Annotated[
        str | None,
        typer.Option(
            "--as-of",
            metavar="TIME",
            help="The latest that was saved by then: 2026-07-01T12:00:00Z, or 10m for ten "
            "minutes ago.",
        ),
    ] = None

    def criteria(self) -> "Criteria | None":
        if self.at_sequence is None and self.as_of is None:
            return None
        from stillframe.client import Criteria  # noqa: PLC0415

        return Criteria(
            sequence_max=self.at_sequence, commit_time_max_ns=_time(self.as_of, "--as-of")
        )


@dataclass(frozen=True)
class EntryOptions:
    """Which entries of the two maps."""

    panel: ClassVar[str] = "Entries"

    output: Annotated[
        list[str] | None,
        typer.Option(
            "--output",
            metavar="KEY",
            help="Only these step outputs: KEY, or PREFIX*, or * for all.",
        ),
    ] = None
    var: Annotated[
        list[str] | None,
        typer.Option(
            "--var", metavar="KEY", help="Only these variables: KEY, or PREFIX*, or * for all."
        ),
    ] = None

    def build(self) -> "Projection | None":
        """The client's projection; None without any option, which means every entry."""
        if not self.output and not self.var:
            return None
        from stillframe.client import Projection  # noqa: PLC0415

        return Projection(step_outputs=_entries(self.output), variables=_entries(self.var))


@dataclass(frozen=True)
class BoundOptions:
    """Bounds on snapshots, all inclusive."""

    panel: ClassVar[str] = "Bounds (inclusive)"

    sequence_min: Annotated[
        int | None, typer.Option("--sequence-min", min=0, help="The lowest sequence number.")
    ] = None
    sequence_max: Annotated[
        int | None, typer.Option("--sequence-max", min=0, help="The highest sequence number.")
    ] = None
    since: Annotated[
        str | None,
        typer.Option(
            "--since",
            metavar="TIME",
            help="Saved then or later: 2026-07-01T12:00:00Z, or 10m for ten minutes ago.",
        ),
    ] = None
    until: Annotated[
        str | None, typer.Option("--until", metavar="TIME", help="Saved then or earlier.")
    ] = None

    def build(self) -> "Criteria | None":
        """The client's criteria; None without any option."""
        if all(each is None for each in dataclasses.astuple(self)):
            return None
        from stillframe.client import Criteria  # noqa: PLC0415

        return Criteria(
            sequence_min=self.sequence_min,
            sequence_max=self.sequence_max,
            commit_time_min_ns=_time(self.since, "--since"),
            commit_time_max_ns=_time(self.until, "--until"),
        )


def snapshot_argument(text: str, name: str) -> dict[str, Any]:
    """A snapshot as one word: a version, or `snapshot-id=ID`, `at-sequence=N`, `as-of=TIME`.

    The answer has one item, under the client's name for it: version, snapshot_id, criteria.
    """
    key, equals, value = text.partition("=")
    if not equals and parsing.is_number(text):
        return {"version": int(text)}
    if key == "snapshot-id" and value:
        return {"snapshot_id": value}
    if key == "at-sequence" and parsing.is_number(value):
        return {"criteria": SelectorOptions(at_sequence=int(value)).criteria()}
    if key == "as-of":
        return {"criteria": SelectorOptions(as_of=value).criteria()}
    raise typer.BadParameter(
        f"{text!r} is not a version, snapshot-id=ID, at-sequence=N or as-of=TIME",
        param_hint=name,
    )


def _time(text: str | None, option: str) -> int | None:
    return None if text is None else parsing.time_ns(text, option)


def _entries(patterns: "Sequence[str] | None") -> "MapProjection | None":
    if not patterns:
        return None
    from stillframe.client import MapProjection  # noqa: PLC0415

    return MapProjection(
        all="*" in patterns,
        keys=tuple(each for each in patterns if not each.endswith("*")),
        key_prefixes=tuple(each[:-1] for each in patterns if each.endswith("*") and each != "*"),
    )
