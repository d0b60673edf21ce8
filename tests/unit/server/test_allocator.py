"""Large buffers are kept: shown in a process of its own, for it is for good."""

from __future__ import annotations

import subprocess
import sys

import pytest

PROGRAM = """
import ctypes, mmap
from stillframe.server.allocator import keep_large_buffers

libc = ctypes.CDLL(None)
libc.malloc.restype, libc.malloc.argtypes = ctypes.c_void_p, [ctypes.c_size_t]

def is_mapped(size):
    # Of a mapping of its own a buffer begins right behind the header, at 16 bytes of a page.
    return libc.malloc(size) % mmap.PAGESIZE == 16

assert is_mapped(1 << 20)
assert keep_large_buffers()
assert not is_mapped(1 << 20)
assert is_mapped(8 << 20)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="mallopt is glibc's")
def test_buffers_of_a_message_are_not_mapped_anew() -> None:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM], check=False, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
