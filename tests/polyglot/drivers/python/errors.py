"""The errors of the Python client, as a driver reports them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from stillframe.client import StillframeError

JSON = dict[str, Any]

LOCAL = {
    "ValueEncodeError": "VALUE_ENCODE",
    "ValueDecodeError": "VALUE_DECODE",
    "IncompleteSnapshotError": "INCOMPLETE_SNAPSHOT",
    "DeadlineExceededError": "DEADLINE",
    "ClosedError": "CLOSED",
}
"""The reasons of errors that no server gave, by their class."""


def error(failure: StillframeError) -> JSON:
    """An error, by its class. One whose class says no more than the code has the text of its
    reason.
    """
    name = type(failure).__name__
    by_code = type(failure).__bases__[0].__name__ == "StillframeError"
    by_class = re.sub(r"(?<!^)(?=[A-Z])", "_", name.removesuffix("Error")).upper()
    optional = {
        "metadata": failure.metadata,
        "fields": [each.field for each in failure.violations],
        "retry_after": failure.retry_after,
    }
    return {
        "reason": LOCAL.get(name) or (failure.reason if by_code else by_class),
        "code": failure.code.name,
        "message": failure.message,
        **{key: each for key, each in optional.items() if each not in (None, {}, [])},
    }
