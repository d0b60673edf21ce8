"""The demo: `python -m tests.demo [PATH]`, or `make demo`, or `make demo RUN=path`.

Without a path the job is a survey of this repository's largest source files; a path names a
recorded run, in the formats that tests/replay reads. Exit codes: 0 all is well; 1 something is
wrong; 2 the path cannot be used.
"""

from __future__ import annotations

import argparse
import contextlib
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from stillframe.client import Client, StillframeError
from stillframe.testing import ServerProcess, ServerStartError
from tests.demo.screen import Screen
from tests.demo.story import FEWEST_STEPS, Story
from tests.demo.survey import SUMMARY, copy_sources, describe
from tests.replay.processes import ChildError
from tests.replay.recorded import FormatError
from tests.replay.run import Run

if TYPE_CHECKING:
    from collections.abc import Sequence

FILES = 20
"""How many source files the survey takes: enough for a story, few enough to read."""

REPOSITORY = Path(__file__).parents[2]


def main(arguments: Sequence[str] | None = None) -> int:
    """The command."""
    parser = argparse.ArgumentParser(prog="python -m tests.demo")
    parser.add_argument("path", nargs="?", type=Path, help="a recorded run instead of the survey")
    path: Path | None = parser.parse_args(arguments).path
    try:
        with contextlib.ExitStack() as stack:
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="stillframe-")))
            return _demo(path, folder, stack)
    except FormatError as error:
        print(f"demo: {error}", file=sys.stderr)
        return 2
    except (StillframeError, ChildError, ServerStartError) as error:
        print(f"demo: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130


def _demo(path: Path | None, folder: Path, stack: contextlib.ExitStack) -> int:
    run = _run(path, folder)
    steps = len(run.job.step_ids)
    if steps < FEWEST_STEPS:
        raise FormatError(f"{path}: the demo needs a run of {FEWEST_STEPS} steps, not {steps}")
    screen = Screen(steps)
    screen.say("demo", f"The job: {run.job.title}.")
    store = f"sqlite:///{folder / 'stillframe.db'}"
    server = stack.enter_context(ServerProcess(store, cwd=folder))
    screen.say("server", f"serves on {server.address} (process {server.pid}), over SQLite")
    run.target = server.address
    client = stack.enter_context(Client(server.address, tenant=run.tenant))
    story = Story(run=run, client=client, screen=screen, stack=stack)
    story.tell()

    screen.title("What came of it:")
    wrong = 0
    for what, (text, problems) in story.findings().items():
        screen.say(what, text)
        for problem in problems:
            screen.say("WRONG", problem)
        wrong += len(problems)
    if path is None and not wrong:
        summary = client.load(run.execution_id).step_outputs[SUMMARY]
        screen.say("", describe(summary))
    screen.say("demo", f"{wrong} things are wrong." if wrong else "Nothing was lost.")
    return 1 if wrong else 0


def _run(path: Path | None, folder: Path) -> Run:
    sources = folder / "sources"
    if path is None:
        copy_sources(REPOSITORY, sources, FILES)
    return Run(
        target="",
        tenant="demo",
        execution_id="demo-run",
        module="tests.demo.survey" if path is None else "tests.replay.formats",
        input=path or sources,
        folder=folder / "run",
    )


if __name__ == "__main__":
    sys.exit(main())
