"""Replays a recorded run against a server, with crashes, and checks what came of it.

    python -m tests.replay FILE [--target ADDRESS] [--crash-at N]... [--delta]

Exit codes: 0 all is well; 1 something is wrong; 2 the file or the options cannot be used.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

from stillframe.client import Client, RetryPolicy, StillframeError
from stillframe.testing import ServerProcess, ServerStartError
from tests.replay import checks
from tests.replay.formats import open_job
from tests.replay.processes import ChildError
from tests.replay.recorded import FormatError
from tests.replay.run import TENANT, Run, crash_and_resume, run_in_one_go

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tests.replay.recorded import RecordedRun

EXIT_WRONG = 1
EXIT_UNUSABLE = 2
EXIT_INTERRUPTED = 130


def main(arguments: Sequence[str] | None = None) -> int:
    """The command."""
    options = _options(arguments)
    try:
        job = _job(options)
    except FormatError as error:
        print(f"replay: {error}", file=sys.stderr)
        return EXIT_UNUSABLE
    _say("replay", f"{job.title}, {'deltas' if options.delta else 'whole snapshots'}")
    for note in job.notes:
        _say("note", note)
    try:
        with contextlib.ExitStack() as stack:
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="stillframe-")))
            target = options.target or stack.enter_context(_server(folder)).address
            client = stack.enter_context(_client(target, options.tenant))
            wrong = _replay(client, target, folder, options)
    except (StillframeError, ChildError, ServerStartError) as error:
        _say("failed", str(error))
        return EXIT_WRONG
    except KeyboardInterrupt:
        return EXIT_INTERRUPTED
    if wrong:
        _say("failed", f"{wrong} of the checks above")
    return EXIT_WRONG if wrong else 0


def _job(options: argparse.Namespace) -> RecordedRun:
    job = open_job(options.file)
    for step in options.crash_at:
        if not 1 <= step <= len(job.steps):
            raise FormatError(f"--crash-at {step}: the run has {len(job.steps)} steps")
    return job


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m tests.replay",
        description="Replays a WfFormat 1.5 workflow or an agent trajectory against a"
        " Stillframe server, with crashes, and checks what came of it.",
    )
    parser.add_argument("file", metavar="FILE", type=Path)
    parser.add_argument("--target", metavar="ADDRESS", help="a server; without it, a new one")
    parser.add_argument("--tenant", default=TENANT, help="default: %(default)s")
    parser.add_argument(
        "--crash-at",
        metavar="N",
        type=int,
        action="append",
        default=[],
        help="kill the engine at step N, between its event append and its save; repeatable",
    )
    parser.add_argument(
        "--delta", action="store_true", help="save deltas instead of whole snapshots"
    )
    return parser.parse_args(arguments)


def _client(target: str, tenant: str) -> Client:
    # A server that is not there should be said at once.
    return Client(target, tenant=tenant, retry=RetryPolicy(max_attempts=3))


def _server(folder: Path) -> ServerProcess:
    return ServerProcess(f"sqlite:///{folder / 'stillframe.db'}", cwd=folder)


def _replay(client: Client, target: str, folder: Path, options: argparse.Namespace) -> int:
    """Replays the file and returns how many checks failed."""
    # The ids differ from run to run, so that a server can be used again.
    name = f"replay-{os.urandom(4).hex()}"
    run = _run(name, target, folder, options)
    other = _run(f"{name}-uncrashed", target, folder, options)
    client.info()
    with ThreadPoolExecutor() as pool, run.watcher() as watcher:
        watcher.expect("opened")
        # At the same time, so that the server has more to keep apart.
        uncrashed = pool.submit(run_in_one_go, client, other)
        resumed = crash_and_resume(run, options.crash_at, _say)
        uncrashed.result()
        watched = run.end_watch(client, watcher)
    _say("saved", f"{len(run.acknowledged())} versions of execution {name}")
    findings = {
        "every step ran once and was acknowledged once": (
            checks.ran_once(run) + checks.acknowledged_once(run)
        ),
        "each new engine found and replayed what the snapshot lacked": (
            resumed + checks.replayed_once(run, options.crash_at)
        ),
        "every version reads back as it was saved": checks.reads_back(client, run),
        "the watcher saw every change once, in order": checks.watched_once(run, watched),
        "the final snapshot is what the file comes to": checks.ends_as_computed(client, run),
        "the final snapshot equals that of a run without a crash": checks.ends_alike(
            client, run, other
        ),
    }
    for what, problems in findings.items():
        _say("WRONG" if problems else "ok", what)
        for problem in problems:
            _say("", problem)
    return sum(1 for problems in findings.values() if problems)


def _run(name: str, target: str, folder: Path, options: argparse.Namespace) -> Run:
    return Run(
        target=target,
        tenant=options.tenant,
        execution_id=name,
        module="tests.replay.formats",
        input=options.file,
        folder=folder / name,
        delta=options.delta,
    )


def _say(what: str, text: str) -> None:
    print(f"{what:7}{text}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
