"""Replays recorded runs against a Stillframe server, and checks what the server made of them.

    python -m tests.replay FILE [--target ADDRESS] [--crash-at N]... [--delta]

`formats` reads the files, `engine` is an engine with an event log of its own, `processes`
starts such engines as processes and kills them, `checks` compares what the server has with a
computation that never crashed. The demo (tests/demo) is built of the same parts.
"""
