"""The command `stillframe`.

`app` puts the commands together, `options` holds what they share, `documents` is the
JSON shape of a snapshot, `output` prints. The commands speak through
`stillframe.client`; only `serve` imports the server, and only when it is called.
"""

__all__ = ["main"]


def main() -> None:
    """Runs the command with the arguments of the process, and exits."""
    from stillframe.cli.app import app  # noqa: PLC0415 - importing this package is free

    app(prog_name="stillframe")
