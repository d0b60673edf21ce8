"""The commands of the working memory: `memory set`, `get`, `delete`, `list`."""

import base64
import itertools
import sys
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, ClassVar

import typer

from stillframe.cli import output, parsing
from stillframe.cli.command import Json, command
from stillframe.cli.connection import Connection

if TYPE_CHECKING:
    from stillframe.client import KeyInfo, StoredValue, ValueCommit

TABLE_ROWS = 500
"""Rows that are laid out together: a list of any length is printed as it comes."""

Key = Annotated[str, typer.Argument(metavar="KEY", help="The key.")]


@dataclass(frozen=True)
class ScopeOptions:
    """Where the key is."""

    panel: ClassVar[str] = "Scope"

    execution: Annotated[
        str | None,
        typer.Option(
            "--execution",
            metavar="ID",
            help="The execution whose key it is. Without it, the tenant's own.",
        ),
    ] = None


@dataclass(frozen=True)
class SetOptions:
    """When the set is refused, and how it is carried out."""

    panel: ClassVar[str] = "Conditions"

    expected_etag: Annotated[
        str | None,
        typer.Option(
            "--expected-etag", metavar="ETAG", help="Refuse unless the value has this etag."
        ),
    ] = None
    must_not_exist: Annotated[
        bool, typer.Option("--must-not-exist", help="Refuse if there is a value.")
    ] = False
    ttl: Annotated[
        str | None,
        typer.Option(
            "--ttl",
            metavar="DURATION",
            help="Forget the value after 30s, 10m, 2h, 7d. Unset, it stays until it is deleted.",
        ),
    ] = None
    request_id: Annotated[
        str | None, typer.Option("--request-id", metavar="ID", help="As with `stillframe save`.")
    ] = None


@command
def set_value(
    key: Key,
    value: Annotated[
        str,
        typer.Argument(
            metavar="VALUE",
            help="The value, as text; @FILE takes the bytes of a file, - of standard input.",
        ),
    ],
    scope: ScopeOptions,
    conditions: SetOptions,
    connection: Connection,
    json: Json = False,
) -> None:
    """Set a value, in place of the one that has the key.

    What an execution has goes with it: a delete of the execution deletes its values.
    """
    ttl = None if conditions.ttl is None else parsing.duration_ns(conditions.ttl, "--ttl")
    with connection.open() as client:
        answer = client.set_value(
            key,
            _read(value),
            execution_id=scope.execution,
            ttl=None if ttl is None else timedelta(microseconds=ttl / 1000),
            expected_etag=conditions.expected_etag,
            must_not_exist=conditions.must_not_exist,
            request_id=conditions.request_id,
        )
    if json:
        output.write_json(_place(key, scope) | _times(answer))
        return
    over = _moment(answer.expire_time_ns)
    until = "" if over is None else f", until {over}"
    output.write(output.printable(f"{key} set: etag {answer.etag}{until}"))


@command
def get_value(
    key: Key,
    scope: ScopeOptions,
    connection: Connection,
    json: Json = False,
) -> None:
    """Print a value: its bytes as they were set, and nothing else.

    On a terminal, control characters are printed as escapes. With --json the value stands
    in base64, with its etag and its times.
    """
    with connection.open() as client:
        answer = client.get_value(key, execution_id=scope.execution)
    if json:
        data = base64.b64encode(answer.value).decode()
        output.write_json(_place(key, scope) | _times(answer) | {"value_base64": data})
    elif sys.stdout.isatty():
        output.write(output.printable(answer.value.decode(errors="backslashreplace")))
    else:
        sys.stdout.flush()
        sys.stdout.buffer.write(answer.value)


@command
def delete_value(
    key: Key,
    scope: ScopeOptions,
    connection: Connection,
    expected_etag: Annotated[
        str | None,
        typer.Option(
            "--expected-etag", metavar="ETAG", help="Refuse if the value has another etag."
        ),
    ] = None,
    json: Json = False,
) -> None:
    """Delete a value.

    Where there is nothing to delete, that is no error.
    """
    with connection.open() as client:
        deleted = client.delete_value(
            key, execution_id=scope.execution, expected_etag=expected_etag
        )
    if json:
        output.write_json(_place(key, scope) | {"deleted": deleted})
    else:
        output.write("deleted 1 value" if deleted else "nothing to delete")


@command
def list_keys(
    scope: ScopeOptions,
    connection: Connection,
    prefix: Annotated[
        str | None,
        typer.Option("--prefix", metavar="TEXT", help="The key starts with this."),
    ] = None,
    limit: Annotated[
        int | None, typer.Option("--limit", min=1, metavar="N", help="Print at most this many.")
    ] = None,
    json: Json = False,
) -> None:
    """List the keys of an execution, or the tenant's own, in order of their bytes."""
    with connection.open() as client:
        found = client.list_keys(
            execution_id=scope.execution, key_prefix=prefix, page_size=min(limit or 1000, 1000)
        )
        keys = itertools.islice(found, limit)
        if json:
            for each in keys:
                size = {"size_bytes": each.size_bytes}
                output.write_json(_place(each.key, scope) | _times(each) | size)
            return
        rows = list(itertools.islice(keys, TABLE_ROWS))
        if not rows:
            output.note("nothing found")
        while rows:
            output.table(["key", "size", "set", "until", "etag"], [_row(each) for each in rows])
            rows = list(itertools.islice(keys, TABLE_ROWS))


def _read(value: str) -> bytes:
    if value == "-":
        return sys.stdin.buffer.read()
    try:
        return Path(value[1:]).read_bytes() if value.startswith("@") else value.encode()
    except (OSError, UnicodeEncodeError) as error:
        raise typer.BadParameter(str(error), param_hint="VALUE") from None


def _place(key: str, scope: ScopeOptions) -> dict[str, object]:
    where = {} if scope.execution is None else {"execution_id": scope.execution}
    return {"key": key, **where}


def _times(answer: "ValueCommit | StoredValue | KeyInfo") -> dict[str, object]:
    """The etag and the times, as JSON says them."""
    over = answer.expire_time_ns
    return {
        "etag": answer.etag,
        "commit_time": parsing.format_time(answer.commit_time_ns),
        **({} if over is None else {"expire_time": parsing.format_time(over)}),
    }


def _row(info: "KeyInfo") -> list[object]:
    return [
        info.key,
        output.size(info.size_bytes),
        _moment(info.commit_time_ns),
        _moment(info.expire_time_ns),
        info.etag,
    ]


def _moment(moment_ns: int | None) -> str | None:
    return None if moment_ns is None else parsing.brief_time(moment_ns)
