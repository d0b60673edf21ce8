"""`python -m protos.generators`: writes generated/ anew. With --check it changes nothing, and
fails if what is checked in is not what the generators write. With --lock it writes the lock
files of those generators that have one.

A language whose toolchain is missing is left out, and named; with CI=true that fails.
"""

from __future__ import annotations

import argparse
import os
import sys
import time

from protos.generators import tools, tree
from protos.generators.languages import LANGUAGES

GENERATED = tools.ROOT / "generated"


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m protos.generators", description=__doc__)
    parser.add_argument("languages", nargs="*", metavar="LANGUAGE", help=", ".join(LANGUAGES))
    parser.add_argument("--check", action="store_true", help="compare, and change nothing")
    parser.add_argument("--lock", action="store_true", help="write the generators' lock files")
    options = parser.parse_args()
    if unknown := set(options.languages) - set(LANGUAGES):
        parser.error(f"unknown: {', '.join(sorted(unknown))}")
    if options.lock:
        for language in LANGUAGES.values():
            if language.lock:
                language.lock()
        return 0
    # Not `all(generator)`: each language is to have its line.
    good = [run(name, check=options.check) for name in options.languages or LANGUAGES]
    return 0 if all(good) else 1


def run(name: str, *, check: bool) -> bool:
    """Generates one language's stubs, and says in a line what came of it."""
    language = LANGUAGES[name]
    if lacking := tools.missing(language.needs):
        say(name, f"SKIPPED, for there is no {' and no '.join(lacking)}")
        return os.environ.get("CI") != "true"
    start = time.monotonic()
    with tools.scratch() as fresh:
        kept = GENERATED / name
        try:
            language.write(fresh)
        except tools.ToolError as error:
            say(name, f"FAILED\n{error}")
            return False
        changed = tree.differences(fresh, kept) if check else tree.take_over(fresh, kept)
    took = f"{time.monotonic() - start:.1f} s"
    if check and changed:
        say(name, f"NOT what the generators write ({took}): run `make generate`")
    else:
        say(name, f"{'up to date' if not changed else 'written'} ({took})")
    for path in changed:
        print(f"    generated/{name}/{path}")
    return not (check and changed)


def say(name: str, text: str) -> None:
    print(f"generated/{name}: {text}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
