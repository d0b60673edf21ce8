"""`stillframe verify`: checks a SQLite store whole."""

import dataclasses
from pathlib import Path
from typing import Annotated

import typer

from stillframe.cli import output
from stillframe.cli.command import Json, command
from stillframe.cli.exits import ExitCode


@command
def verify(
    file: Annotated[
        Path, typer.Argument(metavar="FILE", help="The store's file, such as stillframe.db.")
    ],
    json: Json = False,
) -> None:
    """Check a SQLite store whole: pages, revisions without gaps, heads, every value.

    It reads the file itself, writes nothing, and may run beside a server: the file is
    seen as of one moment. What is wrong is printed, one line for each problem; then the
    exit code is 10.
    """
    try:
        from stillframe.server.stores.base import StoreOpenError  # noqa: PLC0415
        from stillframe.server.stores.sqlite.verifying import verify as check  # noqa: PLC0415
    except ModuleNotFoundError as error:
        if (error.name or "").startswith("stillframe"):
            raise
        output.note(
            f"stillframe: the server is not installed (no module {error.name}): pip install"
            ' "stillframe[server]"'
        )
        raise typer.Exit(ExitCode.UNEXPECTED) from None
    try:
        report = check(str(file))
    except StoreOpenError as error:
        output.note(f"stillframe: {error}")
        raise typer.Exit(ExitCode.USAGE) from None
    if json:
        output.write_json(dataclasses.asdict(report))
    else:
        for problem in report.problems:
            output.write(output.printable(problem))
        state = "sound" if report.is_sound else f"{len(report.problems)} problems"
        counts = (
            f"{report.tenants:,} tenants, {report.executions:,} executions,"
            f" {report.snapshots:,} snapshots, {report.changes:,} changes,"
            f" {report.values:,} values, {report.patches:,} of them patches,"
            f" {report.memory_values:,} values of the working memory"
        )
        output.write(f"{output.printable(str(file))}: {state} ({counts})")
    if not report.is_sound:
        raise typer.Exit(ExitCode.DAMAGED)
