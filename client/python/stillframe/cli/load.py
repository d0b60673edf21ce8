"""`stillframe load`."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, ClassVar

import typer

from stillframe.cli import output, parsing
from stillframe.cli.command import Execution, Json, command
from stillframe.cli.connection import Connection
from stillframe.cli.selection import EntryOptions, SelectorOptions

if TYPE_CHECKING:
    from stillframe.client import Projection, StoredSnapshot


@dataclass(frozen=True)
class FreshnessOptions:
    """How the snapshot compares with the engine's event store."""

    panel: ClassVar[str] = "Freshness"

    event_store_head: Annotated[
        int | None,
        typer.Option(
            "--event-store-head",
            min=0,
            metavar="N",
            help="The number of the last event in your event store: say how the snapshot compares.",
        ),
    ] = None
    require_fresh: Annotated[
        bool,
        typer.Option("--require-fresh", help="Refuse it unless it includes exactly those events."),
    ] = False
    max_behind: Annotated[
        int | None,
        typer.Option(
            "--max-behind",
            min=0,
            metavar="N",
            help="Refuse it if it is behind by more events than this, or ahead.",
        ),
    ] = None


@command
def load(
    execution: Execution,
    selector: SelectorOptions,
    entries: EntryOptions,
    freshness: FreshnessOptions,
    connection: Connection,
    header: Annotated[
        bool, typer.Option("--header", help="No entries at all.", rich_help_panel="Entries")
    ] = False,
    raw: Annotated[
        bool,
        typer.Option(
            "--raw",
            help="With --json: values byte for byte, in base64. A save reads them back so.",
            rich_help_panel="Entries",
        ),
    ] = False,
    json: Json = False,
) -> None:
    """Load a snapshot of an execution: the latest, or one of its history.

    With --json the snapshot is printed whole, in the shape that `stillframe save --file`
    reads. Without it, long values are cut.
    """
    with connection.open() as client:
        snapshot = client.load(
            execution,
            version=selector.version,
            snapshot_id=selector.snapshot_id,
            criteria=selector.criteria(),
            projection=_header() if header else entries.build(),
            event_store_head=freshness.event_store_head,
            require_fresh=freshness.require_fresh,
            max_behind=freshness.max_behind,
        )
    if json:
        from stillframe.cli.documents import snapshot_document  # noqa: PLC0415

        output.write_json(snapshot_document(snapshot, raw=raw))
    else:
        _show(snapshot)


def _header() -> "Projection":
    from stillframe.client import Projection  # noqa: PLC0415

    return Projection()


def _show(snapshot: "StoredSnapshot") -> None:
    from stillframe.cli.documents import value_document  # noqa: PLC0415

    freshness = snapshot.freshness
    omission = snapshot.omission
    output.fields(
        [
            ("execution", snapshot.execution_id),
            ("state", output.state_of(snapshot)),
            ("step", snapshot.current_step_id),
            ("sequence", snapshot.sequence_number),
            ("version", snapshot.version),
            ("etag", snapshot.etag),
            ("saved", parsing.format_time(snapshot.commit_time_ns)),
            (
                "timestamp",
                None
                if snapshot.timestamp_ns is None
                else parsing.format_time(snapshot.timestamp_ns),
            ),
            ("user", snapshot.user_id),
            ("labels", output.labels_of(snapshot) or None),
            ("snapshot id", snapshot.snapshot_id),
            ("parent snapshot", snapshot.parent_snapshot_id),
            ("parent execution", snapshot.parent_execution_id),
            ("schema version", snapshot.schema_version or None),
            ("forked from", output.origin_of(snapshot)),
            ("freshness", freshness and output.freshness_text(freshness)),
            (
                "left out",
                omission and f"{omission.count} entries, {output.size(omission.size_bytes)}",
            ),
        ]
    )
    entries = [("step output", snapshot.step_outputs), ("variable", snapshot.variables)]
    rows = [
        (
            name,
            key,
            output.size(len(values.payload(key).data)),
            output.shortened(output.to_json(value_document(values, key)), output.preview_width()),
        )
        for name, values in entries
        for key in sorted(values)
    ]
    if rows:
        output.write("")
        output.table(["map", "key", "size", "value"], rows)
