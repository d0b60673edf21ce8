"""`stillframe diff`, `stillframe fork` and `stillframe prune`."""

import dataclasses
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, ClassVar

import typer

from stillframe.cli import output, parsing
from stillframe.cli.command import Execution, Json, command
from stillframe.cli.connection import Connection
from stillframe.cli.selection import BoundOptions, SelectorOptions, snapshot_argument

if TYPE_CHECKING:
    from stillframe.client import Diff

RequestId = Annotated[
    str | None,
    typer.Option("--request-id", metavar="ID", help="As with `stillframe save`."),
]


@command
def diff(
    execution: Execution,
    start: Annotated[
        str,
        typer.Argument(
            metavar="FROM",
            help="The snapshot to compare from: its version, or snapshot-id=ID, at-sequence=N, "
            "as-of=TIME as the options of `stillframe load`.",
        ),
    ],
    connection: Connection,
    end: Annotated[
        str | None,
        typer.Argument(
            metavar="TO", help="The snapshot to compare with.", show_default="the latest"
        ),
    ] = None,
    json: Json = False,
) -> None:
    """Compare two snapshots of an execution: what was added, removed and changed.

    Names the fields of the header that differ, and the entries with their sizes; no values
    are loaded.

    stillframe diff run-1 3

    stillframe diff run-1 at-sequence=41 as-of=10m
    """
    ends = {f"from_{key}": each for key, each in snapshot_argument(start, "FROM").items()}
    if end is not None:
        ends |= {f"to_{key}": each for key, each in snapshot_argument(end, "TO").items()}
    with connection.open() as client:
        answer = client.diff(execution, **ends)
    if json:
        output.write_json({"execution_id": execution, **_diff_document(answer)})
    else:
        _show(execution, answer)


@command
def fork(
    execution: Execution,
    new_execution: Annotated[
        str, typer.Argument(metavar="NEW_EXECUTION", help="The id of the execution to create.")
    ],
    selector: SelectorOptions,
    connection: Connection,
    include_history: Annotated[
        bool,
        typer.Option("--include-history", help="Bring the snapshots before that one along."),
    ] = False,
    sequence: Annotated[
        int | None,
        typer.Option(
            "--sequence",
            min=0,
            metavar="N",
            help="Its sequence number, for an engine that starts a new event log.",
        ),
    ] = None,
    request_id: RequestId = None,
    json: Json = False,
) -> None:
    """Create an execution from a snapshot of another.

    The new one has versions of its own, no writer epoch and no time to live, and remembers
    where it came from.
    """
    with connection.open() as client:
        answer = client.fork(
            execution,
            new_execution,
            version=selector.version,
            snapshot_id=selector.snapshot_id,
            criteria=selector.criteria(),
            include_history=include_history,
            sequence_number=sequence,
            request_id=request_id,
        )
    if json:
        output.write_json(
            {
                "execution_id": execution,
                "new_execution_id": new_execution,
                **dataclasses.asdict(answer),
            }
        )
    else:
        output.write(
            output.printable(
                f"{new_execution} forked from {execution}: version {answer.version}, "
                f"etag {answer.etag}, {_snapshots(answer.snapshot_count)}"
            )
        )


@dataclass(frozen=True)
class PruneOptions:
    """Which snapshots, beside the bounds."""

    panel: ClassVar[str] = "Which snapshots (one given twice: either; different options: both)"

    version: Annotated[
        list[int] | None,
        typer.Option("--version", min=1, metavar="N", help="The one of this version."),
    ] = None
    snapshot_id: Annotated[
        list[str] | None,
        typer.Option("--snapshot-id", metavar="ID", help="The one that the engine named so."),
    ] = None
    snapshot_label: Annotated[
        list[str] | None,
        typer.Option(
            "--snapshot-label", metavar="KEY=VALUE", help="It has this label. Given twice: both."
        ),
    ] = None
    all_history: Annotated[
        bool, typer.Option("--all-history", help="All of them; goes with no other option.")
    ] = False


@command
def prune(
    execution: Execution,
    chosen: PruneOptions,
    bounds: BoundOptions,
    connection: Connection,
    epoch: Annotated[
        int | None,
        typer.Option(
            "--epoch", min=1, metavar="N", help="The writer epoch that `stillframe claim` gave."
        ),
    ] = None,
    request_id: RequestId = None,
    json: Json = False,
) -> None:
    """Delete history of an execution, never its latest snapshot.

    Say which, or --all-history: nothing goes by default, and no question is asked. What does
    not exist is passed over. `stillframe history` with the same bounds shows what would go.
    """
    criteria = bounds.build()
    labels = parsing.pairs(chosen.snapshot_label, "--snapshot-label") or None
    selection = (chosen.version, chosen.snapshot_id, labels, criteria)
    if not any((*selection, chosen.all_history)):
        raise typer.BadParameter("say which snapshots, or --all-history")
    with connection.open() as client:
        deleted = client.prune(
            execution,
            versions=chosen.version or None,
            snapshot_ids=chosen.snapshot_id or None,
            criteria=criteria,
            labels=labels,
            all_history=chosen.all_history,
            writer_epoch=epoch,
            request_id=request_id,
        )
    if json:
        output.write_json({"execution_id": execution, "deleted_count": deleted})
    else:
        output.write(f"deleted {_snapshots(deleted)}" if deleted else "nothing to delete")


def _diff_document(answer: "Diff") -> dict[str, object]:
    return {
        "from_version": answer.from_version,
        "to_version": answer.to_version,
        "header_fields": answer.header_fields,
        "entries": [
            {
                "map": each.map.name.lower(),
                "key": each.key,
                "kind": each.kind.name.lower(),
                "from_size_bytes": each.from_size_bytes,
                "to_size_bytes": each.to_size_bytes,
            }
            for each in answer.entries
        ],
    }


def _show(execution: str, answer: "Diff") -> None:
    from stillframe.client import DifferenceKind, SnapshotMap  # noqa: PLC0415

    output.write(
        output.printable(f"{execution}: version {answer.from_version} to {answer.to_version}")
    )
    if answer.header_fields:
        output.write(output.printable(f"header: {', '.join(answer.header_fields)}"))
    names = {SnapshotMap.STEP_OUTPUTS: "step output", SnapshotMap.VARIABLES: "variable"}
    if answer.entries:
        output.write("")
        output.table(
            ["map", "key", "change", "from", "to"],
            [
                (
                    names.get(each.map, each.map.name.lower()),
                    each.key,
                    each.kind.name.lower(),
                    None
                    if each.kind is DifferenceKind.ADDED
                    else output.size(each.from_size_bytes),
                    None
                    if each.kind is DifferenceKind.REMOVED
                    else output.size(each.to_size_bytes),
                )
                for each in answer.entries
            ],
            styled="change",
        )
    elif not answer.header_fields:
        output.write("no difference")


def _snapshots(count: int) -> str:
    return "1 snapshot" if count == 1 else f"{count} snapshots"
