"""Chaos: servers are killed, drained and paused and their database is restarted, while engines
save and watchers watch; afterwards everything that was promised is checked.

    python -m tests.chaos --seed 7 --seconds 60

`operations` and `schedule` draw from the seed what the engines do and what is done to the
servers; `engines` and `watchers` do it and record what they were told (`history`);
`cluster` runs the servers; `checks` compares what was recorded with what is there afterwards.
"""
