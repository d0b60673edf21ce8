"""Exit codes, and how an error is told.

An error is one line on stderr; with --json it is one JSON object there:
`{"error": {"code", "reason", "message", "metadata", "violations"}}`.
"""

from __future__ import annotations

import contextlib
import enum
import os
import sys
from typing import TYPE_CHECKING, Any

import typer

from stillframe.cli import output

if TYPE_CHECKING:
    from collections.abc import Generator

    from stillframe.client import StillframeError


class ExitCode(enum.IntEnum):
    """What scripts can tell apart."""

    OK = 0
    UNEXPECTED = 1
    USAGE = 2
    NOT_FOUND = 3
    CONFLICT = 4
    PRECONDITION = 5
    UNAVAILABLE = 6
    EXHAUSTED = 7
    DENIED = 8
    TOKEN_LOST = 9
    DAMAGED = 10
    INTERRUPTED = 130


HELP = """\
Exit codes:
· 0 done
· 1 unexpected error
· 2 wrong usage, or refused as invalid
· 3 not found
· 4 conflict: it exists already, or somebody else has written
· 5 precondition: fenced, sequence regression, stale, ahead; for check: not all are fresh
· 6 no answer: the server is unavailable, or the time is over
· 7 too large, over quota, or the server is busy
· 8 not authenticated, or not permitted
· 9 a watch cannot go on from its resume token
· 10 verify found a store that is damaged
· 130 interrupted"""

_BY_STATUS = {
    "INVALID_ARGUMENT": ExitCode.USAGE,
    "NOT_FOUND": ExitCode.NOT_FOUND,
    "ALREADY_EXISTS": ExitCode.CONFLICT,
    "ABORTED": ExitCode.CONFLICT,
    "FAILED_PRECONDITION": ExitCode.PRECONDITION,
    "UNAVAILABLE": ExitCode.UNAVAILABLE,
    "DEADLINE_EXCEEDED": ExitCode.UNAVAILABLE,
    "RESOURCE_EXHAUSTED": ExitCode.EXHAUSTED,
    "UNAUTHENTICATED": ExitCode.DENIED,
    "PERMISSION_DENIED": ExitCode.DENIED,
    "OUT_OF_RANGE": ExitCode.TOKEN_LOST,
}


def exit_code(error: StillframeError) -> ExitCode:
    """The exit code for an error of the client."""
    return _BY_STATUS.get(error.status, ExitCode.UNEXPECTED)


@contextlib.contextmanager
def reporting(*, as_json: bool) -> Generator[None]:
    """Ends the command with the error's exit code, after telling it."""
    try:
        yield
        # Whatever is still buffered must fail here, not when the interpreter ends.
        sys.stdout.flush()
    except BrokenPipeError:
        # The reader has what it wanted, as in `stillframe list | head`.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise typer.Exit(ExitCode.OK) from None
    except KeyboardInterrupt:
        raise typer.Exit(ExitCode.INTERRUPTED) from None
    except Exception as error:
        from stillframe.client import StillframeError  # noqa: PLC0415 - costs only here

        if not isinstance(error, StillframeError):
            raise
        tell(error, as_json=as_json)
        raise typer.Exit(exit_code(error)) from None


def tell(error: StillframeError, *, as_json: bool) -> None:
    """Writes an error to stderr."""
    if as_json:
        output.note(output.to_json({"error": _document(error)}))
        return
    output.note(f"stillframe: {error.reason or error.status}: {error.message}")
    for each in error.violations:
        violation = f"{each.field}: {each.description}"
        if violation != error.message:
            output.note(f"  {violation}")
    if error.status == "UNAVAILABLE" and not error.reason:
        output.note("  Is a server running there? `stillframe serve` starts one.")


def _document(error: StillframeError) -> dict[str, Any]:
    return {
        "code": error.status,
        "reason": error.reason,
        "message": error.message,
        "metadata": error.metadata,
        "violations": [
            {"field": each.field, "description": each.description} for each in error.violations
        ],
    }
