"""The states that an engine saves with the Python client in these tests."""

from __future__ import annotations

from stillframe.client import ExecutionState, RetryPolicy, Snapshot, StoredSnapshot

RIDES_OUT = RetryPolicy(max_attempts=1_000, max_backoff=0.2)
"""Until the client's timeout: long enough for a server to start."""


def running(number: int, size: int = 2_000) -> Snapshot:
    """A state of which one small variable differs from one number to the next."""
    return Snapshot(
        state=ExecutionState.RUNNING,
        sequence_number=number,
        variables={"n": number, "constant": "x" * size},
        step_outputs={"step": {"exact": 2**63 + number, "text": "\u65e5\u672c \U0001f600"}},
    )


def assert_is(read: StoredSnapshot, saved: Snapshot) -> None:
    assert (read.state, read.sequence_number) == (saved.state, saved.sequence_number)
    assert dict(read.variables) == dict(saved.variables)
    assert dict(read.step_outputs) == dict(saved.step_outputs)
