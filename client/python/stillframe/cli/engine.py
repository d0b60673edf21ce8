"""The commands for who runs engines: `claim`, `check`, `delete`, `info`."""

import dataclasses
from typing import TYPE_CHECKING, Annotated

import typer

from stillframe.cli import output, parsing
from stillframe.cli.command import Execution, Json, command
from stillframe.cli.connection import Connection
from stillframe.cli.exits import ExitCode

if TYPE_CHECKING:
    from stillframe.client import Claim


@command
def claim(
    execution: Execution,
    connection: Connection,
    allow_missing: Annotated[
        bool, typer.Option("--allow-missing", help="Claim an id that has no execution yet.")
    ] = False,
    event_store_head: Annotated[
        int | None,
        typer.Option(
            "--event-store-head",
            min=0,
            metavar="N",
            help="The number of the last event in your event store: say how the snapshot compares.",
        ),
    ] = None,
    json: Json = False,
) -> None:
    """Take over an execution, and print the writer epoch.

    From then on only saves with this epoch (`stillframe save --epoch N`) or a higher one
    are accepted: whoever wrote before is fenced. With --json the latest snapshot comes too.
    """
    from stillframe.client import Projection  # noqa: PLC0415

    with connection.open() as client:
        answer = client.claim(
            execution,
            allow_missing=allow_missing,
            projection=None if json else Projection(),
            event_store_head=event_store_head,
        )
    if json:
        output.write_json(_claim_document(execution, answer))
        return
    output.write(str(answer.writer_epoch))
    head = answer.snapshot
    if head is not None:
        output.note(
            f"{execution}: {output.state_of(head)}, version {head.version}, "
            f"sequence {head.sequence_number}"
        )
    if answer.freshness is not None:
        output.note(f"it is {output.freshness_text(answer.freshness)}")


@command
def check(
    heads: Annotated[
        list[str],
        typer.Argument(
            metavar="EXECUTION=N...",
            help="An execution, and the number of the last event in your event store.",
        ),
    ],
    connection: Connection,
    json: Json = False,
) -> None:
    """Compare executions with the engine's event store, without loading them.

    fresh: the snapshot includes every event. stale: replay the events after the
    snapshot's. ahead: the snapshot includes events that the event store lost; do not resume
    from it. missing: there is no such execution. Exits with 5 unless all are fresh.
    """
    from stillframe.cli.documents import freshness_document  # noqa: PLC0415
    from stillframe.client import FreshnessStatus  # noqa: PLC0415

    asked: dict[str, int] = {}
    for text in heads:
        execution, head = parsing.sequence_pair(text, "EXECUTION=N")
        if asked.setdefault(execution, head) != head:
            raise typer.BadParameter(f"{execution!r} is given twice", param_hint="EXECUTION=N")
    with connection.open() as client:
        results = client.check_freshness(asked)
    if json:
        for each in results:
            output.write_json(freshness_document(each))
    else:
        output.table(
            ["execution", "status", "snapshot", "event store"],
            [
                (
                    each.execution_id,
                    output.freshness_text(each),
                    each.snapshot_sequence if each.version else None,
                    each.event_store_head,
                )
                for each in results
            ],
            styled="status",
        )
    if any(each.status is not FreshnessStatus.FRESH for each in results):
        raise typer.Exit(ExitCode.PRECONDITION)


@command
def delete(
    execution: Execution,
    connection: Connection,
    descendants: Annotated[
        bool,
        typer.Option(
            "--descendants", help="Also every execution that it started, and that those started."
        ),
    ] = False,
    expected_etag: Annotated[
        str | None,
        typer.Option(
            "--expected-etag", metavar="ETAG", help="Refuse if the head has another etag."
        ),
    ] = None,
    epoch: Annotated[
        int | None,
        typer.Option(
            "--epoch", min=1, metavar="N", help="The writer epoch that `stillframe claim` gave."
        ),
    ] = None,
    request_id: Annotated[
        str | None,
        typer.Option("--request-id", metavar="ID", help="As with `stillframe save`."),
    ] = None,
    json: Json = False,
) -> None:
    """Delete an execution with its history.

    Where there is nothing to delete, that is no error.
    """
    with connection.open() as client:
        answer = client.delete(
            execution,
            expected_etag=expected_etag,
            writer_epoch=epoch,
            include_descendants=descendants,
            request_id=request_id,
        )
    if json:
        output.write_json({"execution_id": execution, **dataclasses.asdict(answer)})
    elif answer.deleted_count == 1:
        output.write("deleted 1 execution")
    elif answer.deleted_count:
        output.write(f"deleted {answer.deleted_count} executions")
    else:
        output.write("nothing to delete")


@command
def info(connection: Connection, json: Json = False) -> None:
    """Show what the server is, and its limits."""
    with connection.open() as client:
        answer = client.info()
    if json:
        output.write_json(dataclasses.asdict(answer))
        return
    limits = dataclasses.asdict(answer.limits)
    output.fields(
        [
            ("server", f"stillframe {answer.server_version}"),
            ("address", connection.resolved().address),
            ("store", answer.store_kind),
            ("features", ", ".join(answer.features) or None),
            *((name.replace("_", " "), _limit(name, limit)) for name, limit in limits.items()),
        ]
    )


def _claim_document(execution: str, answer: "Claim") -> dict[str, object]:
    from stillframe.cli.documents import freshness_document, snapshot_document  # noqa: PLC0415

    document: dict[str, object] = {
        "execution_id": execution,
        "writer_epoch": answer.writer_epoch,
    }
    if answer.snapshot is not None:
        document["snapshot"] = snapshot_document(answer.snapshot)
    if answer.freshness is not None:
        document["freshness"] = freshness_document(answer.freshness)
    return document


def _limit(name: str, limit: int) -> str:
    if name == "max_executions" and limit == 0:
        return "none"
    if name.endswith("_bytes"):
        return output.size(limit)
    return f"{limit:,}"
