"""Which server the commands speak to."""

import os
from contextvars import ContextVar
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, ClassVar

import typer

if TYPE_CHECKING:
    from stillframe.client import Client

DEFAULT_ADDRESS = "127.0.0.1:50051"
DEFAULT_TIMEOUT = 30.0


@dataclass(frozen=True)
class Connection:
    """Which server, which tenant, and how long to wait."""

    panel: ClassVar[str] = "Connection (also before the command)"
    before: ClassVar[ContextVar["Connection"]] = ContextVar("before")
    """What stood before the command."""

    address: Annotated[
        str | None,
        typer.Option(
            "--address",
            metavar="HOST:PORT",
            help="Host and port of the server. (env STILLFRAME_ADDRESS; default 127.0.0.1:50051)",
        ),
    ] = None
    tenant: Annotated[
        str | None,
        typer.Option(
            "--tenant", metavar="ID", help="The tenant. (env STILLFRAME_TENANT; default `default`)"
        ),
    ] = None
    timeout: Annotated[
        float | None,
        typer.Option(
            "--timeout",
            metavar="SECONDS",
            min=0.001,
            help="Seconds that one call may take. (default 30)",
        ),
    ] = None
    tls: Annotated[
        bool, typer.Option("--tls", help="Speak TLS, trusting the usual authorities.")
    ] = False
    ca: Annotated[
        Path | None,
        typer.Option(
            "--ca",
            metavar="FILE",
            exists=True,
            dir_okay=False,
            help="Speak TLS, trusting the authorities in this PEM file.",
        ),
    ] = None

    def resolved(self) -> "Connection":
        """What stands after the command goes before what stands ahead of it, and that
        before the environment.
        """
        before = self.before.get(Connection())
        environ = os.environ.get
        return Connection(
            # An empty one that was given is kept: a script whose variable is unset must
            # fail, not end up at another tenant.
            address=_first(
                self.address, before.address, environ("STILLFRAME_ADDRESS") or DEFAULT_ADDRESS
            ),
            tenant=_first(self.tenant, before.tenant, environ("STILLFRAME_TENANT") or "default"),
            timeout=self.timeout or before.timeout or DEFAULT_TIMEOUT,
            tls=self.tls or before.tls,
            ca=self.ca or before.ca,
        )

    def open(self) -> "Client":
        """The client. It connects at its first call."""
        from stillframe.client import Client, RetryPolicy  # noqa: PLC0415

        options = self.resolved()
        credentials = None
        if options.tls or options.ca:
            import grpc  # noqa: PLC0415

            authorities = options.ca.read_bytes() if options.ca else None
            credentials = grpc.ssl_channel_credentials(authorities)
        try:
            return Client(
                options.address or "",
                tenant=options.tenant or "",
                credentials=credentials,
                timeout=options.timeout,
                # Enough for a hiccup; somebody waits, and should soon be told that there is
                # no server.
                retry=RetryPolicy(max_attempts=4),
            )
        except ValueError as error:
            raise typer.BadParameter(str(error), param_hint="--address") from None


def _first(*given: str | None) -> str | None:
    return next((each for each in given if each is not None), None)
