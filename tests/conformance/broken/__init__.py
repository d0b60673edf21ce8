"""Stores that break one sentence of the contract each, to show that the kit catches them.

Each is the memory store but for what its first line says. `table` names the sentence that
each breaks, and the test of the kit that must fail over it.
"""
