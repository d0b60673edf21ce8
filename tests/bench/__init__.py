"""`make bench`: what Stillframe reaches against references on the same machine and disk.

`python -m tests.bench --help` says how to choose. Each row of the table starts its own
reference; docs/performance.md says what was found. Nothing here is a test: no time is
asserted.
"""
