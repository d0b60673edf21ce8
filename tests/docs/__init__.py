"""Writes docs/reference.md and docs/errors.md from the contract (`make docs`)."""
