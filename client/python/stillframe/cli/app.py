"""The commands, put together."""

from typing import Annotated

import typer

from stillframe.cli import (
    engine,
    exits,
    history,
    lists,
    load,
    memory,
    migrate,
    save,
    serve,
    verify,
    watch,
)
from stillframe.cli.command import command
from stillframe.cli.connection import Connection

app = typer.Typer(
    name="stillframe",
    no_args_is_help=True,
    # An unexpected exception is a bug: the plain traceback says most.
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog=exits.HELP,
)


def _version(wanted: bool) -> None:
    if wanted:
        import importlib.metadata  # noqa: PLC0415 - costs as much as the commands themselves

        typer.echo(f"stillframe {importlib.metadata.version('stillframe')}")
        raise typer.Exit


@app.callback()
@command
def stillframe(
    connection: Connection,
    version: Annotated[  # noqa: ARG001 - its callback does the work
        bool,
        typer.Option("--version", callback=_version, is_eager=True, help="Print the version."),
    ] = False,
) -> None:
    """The snapshot server for execution engines: save, load and watch the state of runs.

    Start a server with `stillframe serve`; then, in another terminal:

    stillframe save run-1 --state running --var attempts=2

    stillframe load run-1

    stillframe watch --initial-state
    """
    Connection.before.set(connection)


_GROUPS = {
    "Server": {
        "serve": serve.serve,
        "info": engine.info,
        "verify": verify.verify,
        "migrate": migrate.migrate,
    },
    "Snapshots": {
        "save": save.save,
        "load": load.load,
        "list": lists.list_executions,
        "watch": watch.watch,
        "delete": engine.delete,
    },
    "History": {
        "history": lists.history,
        "diff": history.diff,
        "fork": history.fork,
        "prune": history.prune,
    },
    "Engines": {"claim": engine.claim, "check": engine.check},
}

_MEMORY = {
    "set": memory.set_value,
    "get": memory.get_value,
    "delete": memory.delete_value,
    "list": memory.list_keys,
}

_EPILOG = "The exit codes stand in `stillframe --help`."

for _panel, _commands in _GROUPS.items():
    for _name, _function in _commands.items():
        app.command(_name, rich_help_panel=_panel, epilog=_EPILOG)(_function)

_memory = typer.Typer(
    no_args_is_help=True,
    help="Set, get, delete and list values that stand beside the snapshots.",
    epilog=_EPILOG,
)
for _name, _function in _MEMORY.items():
    _memory.command(_name, epilog=_EPILOG)(_function)
app.add_typer(_memory, name="memory", rich_help_panel="Working memory")
