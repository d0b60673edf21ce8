"""`stillframe list` and `stillframe history`."""

import itertools
from typing import TYPE_CHECKING, Annotated

import typer

from stillframe.cli import output, parsing
from stillframe.cli.command import Json, command
from stillframe.cli.connection import Connection
from stillframe.cli.selection import BoundOptions, EntryOptions, FilterOptions

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from stillframe.client import Client, Filter, StoredSnapshot

TABLE_ROWS = 500
"""Rows that are laid out together: a list of any length is printed as it comes."""

Limit = Annotated[
    int | None, typer.Option("--limit", min=1, metavar="N", help="Print at most this many.")
]
Full = Annotated[
    bool,
    typer.Option(
        "--full",
        help="With --json: with the step outputs and variables.",
        rich_help_panel="Entries",
    ),
]


@command
def list_executions(
    filters: FilterOptions,
    entries: EntryOptions,
    connection: Connection,
    limit: Limit = None,
    count: Annotated[
        bool,
        typer.Option(
            "--count", help="Print how many there are instead; exact up to 10,000, then 10000+."
        ),
    ] = False,
    full: Full = False,
    json: Json = False,
) -> None:
    """List executions by their latest snapshot, in order of their ids.

    With --json each line is a snapshot as `stillframe load --json` prints it; without
    --full its `omission` says what it leaves out.
    """
    projection = entries.build()
    selected = filters.build()
    with connection.open() as client:
        if count:
            _count(client, selected, as_json=json)
            return
        snapshots = client.list(
            selected,
            full=full or projection is not None,
            projection=projection,
            page_size=min(limit or 1000, 1000),
        )
        _print(
            itertools.islice(snapshots, limit),
            {
                "execution": lambda each: each.execution_id,
                "state": output.state_of,
                "step": lambda each: each.current_step_id,
                "sequence": lambda each: each.sequence_number,
                "version": lambda each: each.version,
                "saved": lambda each: parsing.brief_time(each.commit_time_ns),
                "labels": output.labels_of,
            },
            as_json=json,
        )


@command
def history(
    filters: FilterOptions,
    bounds: BoundOptions,
    entries: EntryOptions,
    connection: Connection,
    execution: Annotated[
        str | None,
        typer.Argument(
            metavar="[EXECUTION]",
            help="The execution's id; without it, every execution that the filter matches.",
            show_default=False,
        ),
    ] = None,
    snapshot_label: Annotated[
        list[str] | None,
        typer.Option(
            "--snapshot-label",
            metavar="KEY=VALUE",
            help="The snapshot itself has this label; --label is about the latest one.",
            rich_help_panel=BoundOptions.panel,
        ),
    ] = None,
    limit: Limit = None,
    full: Full = False,
    json: Json = False,
) -> None:
    """List the snapshots of an execution, newest first.

    The filter is about the latest snapshot of an execution, the bounds are about each
    snapshot. With --json each line is a snapshot as `stillframe load --json` prints it.
    """
    projection = entries.build()
    with connection.open() as client:
        snapshots = client.history(
            execution,
            filter=filters.build(),
            criteria=bounds.build(),
            labels=parsing.pairs(snapshot_label, "--snapshot-label"),
            full=full or projection is not None,
            projection=projection,
            page_size=min(limit or 1000, 1000),
        )
        columns: dict[str, Callable[[StoredSnapshot], object]] = {
            "version": lambda each: each.version,
            "state": output.state_of,
            "step": lambda each: each.current_step_id,
            "sequence": lambda each: each.sequence_number,
            "saved": lambda each: parsing.brief_time(each.commit_time_ns),
            "snapshot id": lambda each: each.snapshot_id,
            "etag": lambda each: each.etag,
            "forked from": output.origin_of,
        }
        if execution is None:
            columns = {"execution": lambda each: each.execution_id, **columns}
        _print(itertools.islice(snapshots, limit), columns, as_json=json)


def _count(client: "Client", selected: "Filter | None", *, as_json: bool) -> None:
    count = client.list_page(selected, page_size=1, include_count=True).count
    value, at_least = (count.value, count.at_least) if count else (0, False)
    if as_json:
        output.write_json({"count": value, "at_least": at_least})
    else:
        output.write(f"{value}{'+' if at_least else ''}")


def _print(
    snapshots: "Iterable[StoredSnapshot]",
    columns: "dict[str, Callable[[StoredSnapshot], object]]",
    *,
    as_json: bool,
) -> None:
    if as_json:
        from stillframe.cli.documents import snapshot_document  # noqa: PLC0415

        for snapshot in snapshots:
            output.write_json(snapshot_document(snapshot))
        return
    rows = ([column(each) for column in columns.values()] for each in snapshots)
    first = list(itertools.islice(rows, TABLE_ROWS))
    if not first:
        output.note("nothing found")
    while first:
        output.table(list(columns), first, styled="state")
        first = list(itertools.islice(rows, TABLE_ROWS))
