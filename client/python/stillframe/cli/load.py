"""`stillframe load`."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, ClassVar

import typer

from stillframe.cli import output, parsing
from stillframe.cli.command import Execution, Json, command
from stillframe.cli.connection import Connection
from stillframe.cli.selection import EntryOptions

if TYPE_CHECKING:
    from stillframe.client import Criteria, Projection, StoredSnapshot


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
            sequence_max=self.at_sequence,
            commit_time_max_ns=None
            if self.as_of is None
            else parsing.time_ns(self.as_of, "--as-of"),
        )


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

    origin = snapshot.origin
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
            ("forked from", origin and f"{origin.execution_id} version {origin.version}"),
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
