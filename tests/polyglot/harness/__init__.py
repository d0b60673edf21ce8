"""Holds every language's client to the same rules: see tests/polyglot/README.md."""
