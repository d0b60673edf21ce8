"""A watcher in a process of its own, which reports every change of a run as it comes.

    python -m tests.replay.watcher --target ADDRESS --tenant TENANT --execution ID --until ID

It watches two executions: the run, and one whose first change says that there is nothing more
to come. Changes come in the order of revisions, so whatever the run's engines had committed
before that was delivered before it: no wait for a quiet moment is needed to be sure that
nothing came twice or too late.
"""

from __future__ import annotations

import argparse
import json
import sys
from typing import Any

from stillframe.client import (
    Change,
    Client,
    Filter,
    StillframeError,
    WatchMode,
    WatchOpened,
)
from tests.replay.job import content, digest


def main() -> int:
    """The process."""
    parser = argparse.ArgumentParser(prog="python -m tests.replay.watcher")
    for name in ("target", "tenant", "execution", "until"):
        parser.add_argument(f"--{name}", required=True)
    options = parser.parse_args()
    try:
        with Client(options.target, tenant=options.tenant) as client:
            _follow(client, options.execution, options.until)
    except StillframeError as error:
        _report("failed", error=str(error))
        return 1
    return 0


def _follow(client: Client, execution_id: str, until: str) -> None:
    watch = client.watch(
        Filter(execution_ids=[execution_id, until]), mode=WatchMode.EVERY_CHANGE, full=True
    )
    with watch:
        for event in watch:
            if isinstance(event, WatchOpened):
                _report("opened", mode=event.mode.name, full=event.full)
            elif isinstance(event, Change):
                if event.snapshot.execution_id == until:
                    return
                _report("change", **_fields(event))
            else:
                # Nobody needs to know, but a watcher whose reader is gone ends here.
                _report("alive")


def _fields(change: Change) -> dict[str, Any]:
    snapshot = change.snapshot
    return {
        "kind": change.kind.name,
        "version": snapshot.version,
        "etag": snapshot.etag,
        "revision": snapshot.revision,
        "sequence": snapshot.sequence_number,
        "state": snapshot.state.name,
        "step": snapshot.current_step_id,
        "content_gone": change.content_gone,
        "omitted": snapshot.omission.count if snapshot.omission else 0,
        "digest": digest(content(snapshot)),
    }


def _report(what: str, **fields: Any) -> None:
    print(json.dumps({"what": what, **fields}), flush=True)


if __name__ == "__main__":
    sys.exit(main())
