"""`stillframe save`."""

import sys
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

import typer

from stillframe.cli import output, parsing
from stillframe.cli.choices import State, Wait
from stillframe.cli.command import Execution, Json, command
from stillframe.cli.connection import Connection

if TYPE_CHECKING:
    from stillframe.client import Snapshot


@dataclass(frozen=True)
class SnapshotOptions:
    """What the snapshot says. They go over what a file says."""

    panel: ClassVar[str] = "Snapshot"

    state: Annotated[
        State | None,
        typer.Option(
            "--state",
            metavar="STATE",
            case_sensitive=False,
            help=f"Required without --file: {', '.join(State)}.",
        ),
    ] = None
    wait_reason: Annotated[
        Wait | None,
        typer.Option(
            "--wait-reason",
            metavar="REASON",
            case_sensitive=False,
            help=f"Required with the state waiting: {', '.join(Wait)}.",
        ),
    ] = None
    sequence: Annotated[
        int | None,
        typer.Option(
            "--sequence",
            min=0,
            metavar="N",
            help="The number of the last event in your event store that it includes. (default 0)",
        ),
    ] = None
    step: Annotated[
        str | None, typer.Option("--step", metavar="ID", help="The step that it is at.")
    ] = None
    outputs: Annotated[
        list[str] | None,
        typer.Option(
            "--output",
            metavar="KEY=VALUE",
            help="A step output. VALUE is JSON if it parses, else text; @FILE reads a file.",
        ),
    ] = None
    variables: Annotated[
        list[str] | None,
        typer.Option("--var", metavar="KEY=VALUE", help="A variable; VALUE as in --output."),
    ] = None
    labels: Annotated[
        list[str] | None,
        typer.Option("--label", metavar="KEY=VALUE", help="A label, to list and watch by."),
    ] = None
    user: Annotated[
        str | None, typer.Option("--user", metavar="ID", help="On whose behalf it runs.")
    ] = None
    timestamp: Annotated[
        str | None,
        typer.Option(
            "--timestamp", metavar="TIME", help="Your clock: 2026-07-01T12:00:00Z, or `now`."
        ),
    ] = None
    snapshot_id: Annotated[
        str | None,
        typer.Option(
            "--snapshot-id", metavar="ID", help="Your id for it, unique in the execution."
        ),
    ] = None
    parent_snapshot: Annotated[
        str | None,
        typer.Option("--parent-snapshot", metavar="ID", help="Your id of the one it came from."),
    ] = None
    parent_execution: Annotated[
        str | None,
        typer.Option("--parent-execution", metavar="ID", help="The execution that started it."),
    ] = None
    schema_version: Annotated[
        str | None,
        typer.Option("--schema-version", metavar="TEXT", help="The shape of your state."),
    ] = None
    file: Annotated[
        str | None,
        typer.Option(
            "--file",
            metavar="FILE",
            help="Start from a snapshot as `load --json` prints it; - is standard input.",
        ),
    ] = None

    def build(self) -> "Snapshot":
        snapshot = self._base()
        if self.state is not None:
            from stillframe.client import ExecutionState  # noqa: PLC0415

            snapshot.state = ExecutionState[self.state.name]
            # A reason to wait belongs to the state that came with it.
            snapshot.wait_reason = None
        if self.wait_reason is not None:
            from stillframe.client import WaitReason  # noqa: PLC0415

            snapshot.wait_reason = WaitReason[self.wait_reason.name]
        if self.timestamp is not None:
            snapshot.timestamp_ns = parsing.time_ns(self.timestamp, "--timestamp")
        snapshot.step_outputs = {
            **snapshot.step_outputs,
            **parsing.values(self.outputs, "--output"),
        }
        snapshot.variables = {**snapshot.variables, **parsing.values(self.variables, "--var")}
        snapshot.labels = {**snapshot.labels, **parsing.pairs(self.labels, "--label")}
        for name, value in self._plain().items():
            if value is not None:
                setattr(snapshot, name, value)
        return snapshot

    def _plain(self) -> dict[str, Any]:
        return {
            "sequence_number": self.sequence,
            "current_step_id": self.step,
            "user_id": self.user,
            "snapshot_id": self.snapshot_id,
            "parent_snapshot_id": self.parent_snapshot,
            "parent_execution_id": self.parent_execution,
            "schema_version": self.schema_version,
        }

    def _base(self) -> "Snapshot":
        from stillframe.cli.documents import DocumentError, snapshot_of  # noqa: PLC0415
        from stillframe.client import ExecutionState, Snapshot  # noqa: PLC0415

        if self.file is None:
            if self.state is None:
                raise typer.BadParameter("is required without --file", param_hint="--state")
            return Snapshot(state=ExecutionState[self.state.name])
        try:
            return snapshot_of(_read_json(self.file))
        except (OSError, DocumentError) as error:
            raise typer.BadParameter(str(error), param_hint="--file") from None
        except (ValueError, RecursionError) as error:
            raise typer.BadParameter(f"not JSON: {error}", param_hint="--file") from None


@dataclass(frozen=True)
class SaveOptions:
    """When the save is refused, and how it is carried out."""

    panel: ClassVar[str] = "Conditions"

    expected_etag: Annotated[
        str | None,
        typer.Option(
            "--expected-etag", metavar="ETAG", help="Refuse unless the head has this etag."
        ),
    ] = None
    must_not_exist: Annotated[
        bool, typer.Option("--must-not-exist", help="Refuse if the execution exists.")
    ] = False
    epoch: Annotated[
        int | None,
        typer.Option(
            "--epoch", min=1, metavar="N", help="The writer epoch that `stillframe claim` gave."
        ),
    ] = None
    ttl: Annotated[
        str | None,
        typer.Option(
            "--ttl",
            metavar="DURATION",
            help="Expire the execution after 30s, 10m, 2h, 7d; 0 never. Unset keeps what was set.",
        ),
    ] = None
    allow_sequence_regression: Annotated[
        bool,
        typer.Option(
            "--allow-sequence-regression", help="Accept a sequence number below the head's."
        ),
    ] = False
    request_id: Annotated[
        str | None,
        typer.Option(
            "--request-id",
            metavar="ID",
            help="Repeating a save with the same id is safe: it takes effect once.",
        ),
    ] = None


@command
def save(
    execution: Execution,
    snapshot: SnapshotOptions,
    conditions: SaveOptions,
    connection: Connection,
    json: Json = False,
) -> None:
    """Save a snapshot of an execution.

    The snapshot is the whole state: what it does not carry is no longer in the execution.
    To change one thing, start from what is there:

    stillframe load run-1 --json | stillframe save run-1 --file - --var attempts=3
    """
    ttl = None if conditions.ttl is None else parsing.duration_ns(conditions.ttl, "--ttl")
    with connection.open() as client:
        saved = client.save(
            execution,
            snapshot.build(),
            expected_etag=conditions.expected_etag,
            must_not_exist=conditions.must_not_exist,
            writer_epoch=conditions.epoch,
            ttl=None if ttl is None else timedelta(microseconds=ttl / 1000),
            allow_sequence_regression=conditions.allow_sequence_regression,
            request_id=conditions.request_id,
        )
    outcome = saved.outcome.name.lower()
    if json:
        output.write_json(
            {
                "execution_id": execution,
                "outcome": outcome,
                "version": saved.version,
                "etag": saved.etag,
                "revision": saved.revision,
                "resume_token": saved.resume_token,
            }
        )
    else:
        output.write(
            output.printable(f"{execution} {outcome}: version {saved.version}, etag {saved.etag}")
        )


def _read_json(name: str) -> Any:
    text = sys.stdin.read() if name == "-" else Path(name).read_text(encoding="utf-8")
    return parsing.read_json(text)
