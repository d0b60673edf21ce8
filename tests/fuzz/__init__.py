"""Sends what no client should to every RPC, and looks at what comes back.

    python -m tests.fuzz --messages 1000000

A message is a request that makes sense, one with a few extreme values in it, the bytes of
either after an accident, or no request at all. Whatever it is, the server goes on, every
error has a reason and the code that belongs to it, nothing of the server's insides shows,
and memory stays bounded.
"""
