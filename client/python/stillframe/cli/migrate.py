"""`stillframe migrate`: brings a store's schema forward, and nothing else."""

import asyncio
from typing import Annotated

import typer

from stillframe.cli import output
from stillframe.cli.command import command
from stillframe.cli.exits import ExitCode
from stillframe.cli.serve import refuse, refuse_without_server, settings_of, without_password


@command
def migrate(
    store: Annotated[
        str | None,
        typer.Option(
            "--store",
            metavar="URL",
            help="The store, such as postgresql://user@host/database. (default: STILLFRAME_STORE,"
            " or sqlite:///stillframe.db)",
        ),
    ] = None,
) -> None:
    """Bring a store's schema forward, and end.

    A server does that by itself when it starts. Run it before, as a user that may create
    tables, where servers may not: they then find nothing to do. Servers of the version
    before must be able to go on meanwhile; docs/operations.md says which can.
    """
    try:
        from stillframe.server.config import Settings  # noqa: PLC0415
        from stillframe.server.stores import open_store  # noqa: PLC0415
        from stillframe.server.stores.base import (  # noqa: PLC0415
            StoreOpenError,
            UnknownStoreError,
        )
    except ModuleNotFoundError as error:
        refuse_without_server(error)
    settings = settings_of(Settings, {} if store is None else {"store": store})

    async def open_and_close() -> None:
        opened = await open_store(settings.store, settings.store_config())
        await opened.close()

    try:
        asyncio.run(open_and_close())
    except UnknownStoreError as error:
        refuse(str(error), ExitCode.USAGE)
    except (StoreOpenError, OSError) as error:
        refuse(str(error))
    output.write(f"the schema of {without_password(settings.store)} is the newest")
