"""`make demo`: an engine that is killed twice loses nothing, while another process watches.

    python -m tests.demo [RECORDED RUN]

`survey` is the job (a recorded run can take its place), `story` what happens to the engines,
`screen` how it is told. Engines, watcher and checks are those of tests/replay.
"""
