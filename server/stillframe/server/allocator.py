"""Has glibc keep the memory of large messages, rather than give it back at every call."""

from __future__ import annotations

import ctypes
import sys

_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD = -1, -3
"""Of mallopt(3)."""

MAPPED_BYTES = 4 * 2**20
"""From this size on a buffer is given back when it is freed."""
KEPT_BYTES = 64 * 2**20
"""Of free memory at the end of the heap, at most."""


def keep_large_buffers() -> bool:
    """Sets the thresholds, for this process; tells whether its C library has them.

    By itself glibc maps a buffer of 128 KiB or more anew for each message: pages that the
    kernel has to clear, and takes back a moment later.
    """
    if not sys.platform.startswith("linux"):
        return False
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except AttributeError:  # another C library
        return False
    done = mallopt(_M_MMAP_THRESHOLD, MAPPED_BYTES), mallopt(_M_TRIM_THRESHOLD, KEPT_BYTES)
    return all(done)
