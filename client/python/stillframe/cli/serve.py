"""`stillframe serve`. The server is imported when it is called, and not before."""

import dataclasses
import re
import socket
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, NoReturn

import typer

from stillframe.cli import output
from stillframe.cli.command import command
from stillframe.cli.exits import ExitCode

if TYPE_CHECKING:
    from stillframe.server.config import Settings

# The part of a URL between the user's name and the host.
_PASSWORD = re.compile(r"(?<=://)([^/@:]*):[^/@]*@")


@dataclass(frozen=True)
class ServerOptions:
    """The server's settings that have an option; the names are those of Settings."""

    panel: ClassVar[str] = "Server"

    store: Annotated[
        str | None,
        typer.Option(
            "--store",
            metavar="URL",
            help="Where snapshots are kept: sqlite:///relative.db, sqlite:////absolute.db, "
            "postgresql://user@host/database, or memory: (gone when the server ends). "
            "(default sqlite:///stillframe.db)",
        ),
    ] = None
    listen: Annotated[
        str | None,
        typer.Option(
            "--listen",
            metavar="HOST:PORT",
            help="Where to listen; port 0 takes a free one. (default 127.0.0.1:50051)",
        ),
    ] = None
    reflection: Annotated[
        bool | None,
        typer.Option(
            "--reflection/--no-reflection",
            help="Tell tools such as grpcurl what the service is. (default on)",
        ),
    ] = None
    log_level: Annotated[
        str | None,
        typer.Option(
            "--log-level", help="debug, info, warning or error; to stderr. (default info)"
        ),
    ] = None
    log_json: Annotated[
        bool | None, typer.Option("--log-json/--log-text", help="Log JSON lines. (default text)")
    ] = None
    drain_grace: Annotated[
        float | None,
        typer.Option(
            "--drain-grace",
            metavar="SECONDS",
            help="How long saves under way may take after SIGTERM. (default 10)",
        ),
    ] = None


@dataclass(frozen=True)
class LimitOptions:
    """The server's limits that have an option."""

    panel: ClassVar[str] = "Limits"

    max_snapshot_bytes: Annotated[
        int | None, typer.Option("--max-snapshot-bytes", help="Of one snapshot. (default 60 MiB)")
    ] = None
    max_value_bytes: Annotated[
        int | None,
        typer.Option(
            "--max-value-bytes", help="Of one value of the working memory. (default 1 MiB)"
        ),
    ] = None
    max_executions: Annotated[
        int | None,
        typer.Option("--max-executions", help="Of one tenant; 0 is no limit. (default 0)"),
    ] = None
    max_watches: Annotated[
        int | None, typer.Option("--max-watches", help="At the same time. (default 10000)")
    ] = None
    change_log_size: Annotated[
        int | None,
        typer.Option(
            "--change-log-size",
            help="Changes of a tenant that a watch can resume over. (default 1000000)",
        ),
    ] = None
    tombstone_days: Annotated[
        float | None,
        typer.Option(
            "--tombstone-days",
            help="How long the versions and epochs of a deleted execution are kept. (default 30)",
        ),
    ] = None
    retention: Annotated[
        str | None,
        typer.Option(
            "--retention",
            metavar="RETENTION",
            help="Which history is kept: all, last:N (versions, the head among them), or for:N "
            "and s, m, h or d (so long after a newer version). Never the head. (default all)",
        ),
    ] = None
    tenant_retention: Annotated[
        list[str] | None,
        typer.Option(
            "--tenant-retention",
            metavar="TENANT=RETENTION",
            help="Which history one tenant keeps; repeatable.",
        ),
    ] = None
    progress_interval: Annotated[
        float | None,
        typer.Option(
            "--progress-interval",
            metavar="SECONDS",
            help="How often a quiet watch hears from the server. (default 10)",
        ),
    ] = None


@command
def serve(server: ServerOptions, limits: LimitOptions) -> None:
    """Run a server until it gets SIGTERM or Ctrl-C.

    It prints one line when it is ready. Without options it keeps snapshots in the SQLite
    file stillframe.db of the current folder.

    Every setting can also be given by the environment, as STILLFRAME_ and its name:
    STILLFRAME_STORE, STILLFRAME_LISTEN, STILLFRAME_MAX_WATCHES and so on;
    STILLFRAME_TENANT_RETENTION as a JSON object. An option goes before the environment.
    """
    try:
        from stillframe.server.app import ListenError  # noqa: PLC0415
        from stillframe.server.app import serve as run  # noqa: PLC0415
        from stillframe.server.config import Settings  # noqa: PLC0415
        from stillframe.server.stores.base import (  # noqa: PLC0415
            StoreOpenError,
            UnknownStoreError,
        )
    except ModuleNotFoundError as error:
        refuse_without_server(error)
    options = dataclasses.asdict(server) | dataclasses.asdict(limits)
    options["tenant_retention"] = _by_tenant(limits.tenant_retention)
    settings = settings_of(
        Settings, {name: each for name, each in options.items() if each is not None}
    )
    _refuse_taken(settings.listen)
    try:
        code = run(settings, lambda address: _ready(settings, address))
    except UnknownStoreError as error:
        refuse(str(error), ExitCode.USAGE)
    except (StoreOpenError, ListenError, OSError) as error:
        refuse(str(error))
    raise typer.Exit(code)


def settings_of(kind: "type[Settings]", given: dict[str, Any]) -> "Settings":
    from pydantic import ValidationError  # noqa: PLC0415

    try:
        return kind(**given)
    except ValidationError as error:
        problems = [
            f"{'.'.join(map(str, each['loc']))}: {each['msg'].removeprefix('Value error, ')}"
            for each in error.errors()
        ]
        refuse("; ".join(problems), ExitCode.USAGE)


def _by_tenant(given: list[str] | None) -> dict[str, str] | None:
    """Reads TENANT=RETENTION, where the tenant's name may have a = too."""
    if not given:
        return None
    found: dict[str, str] = {}
    for each in given:
        tenant, equals, retention = each.rpartition("=")
        if not (equals and tenant):
            refuse(f"--tenant-retention: {each!r} is not TENANT=RETENTION", ExitCode.USAGE)
        if tenant in found:
            refuse(f"--tenant-retention: {tenant!r} is given twice", ExitCode.USAGE)
        found[tenant] = retention
    return found


def _refuse_taken(listen: str) -> None:
    """Refuses an address that cannot be listened on, with the system's reason: gRPC writes
    its own to stderr, as a line of its log. What is no host and port is left to gRPC.
    """
    host, _, port = listen.rpartition(":")
    if not port.isdigit():
        return
    try:
        for family, kind, _, _, address in socket.getaddrinfo(
            host.strip("[]"), int(port), type=socket.SOCK_STREAM
        ):
            with socket.socket(family, kind) as probe:
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                probe.bind(address)
    except (OSError, OverflowError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        refuse(f"cannot listen on {listen}: {reason}")


def _ready(settings: "Settings", address: str) -> None:
    import importlib.metadata  # noqa: PLC0415

    version = importlib.metadata.version("stillframe")
    store = without_password(settings.store)
    services = "health, reflection" if settings.reflection else "health"
    output.write(f"stillframe {version} serves {store} on {address} ({services})")


def refuse_without_server(error: ModuleNotFoundError) -> NoReturn:
    """Says that the server is not installed."""
    if (error.name or "").startswith("stillframe"):
        raise error
    refuse(
        f'the server is not installed (no module {error.name}): pip install "stillframe[server]"'
    )


def without_password(url: str) -> str:
    return _PASSWORD.sub(r"\1:***@", url)


def refuse(message: str, code: ExitCode = ExitCode.UNEXPECTED) -> NoReturn:
    output.note(f"stillframe: {message}")
    raise typer.Exit(code)
