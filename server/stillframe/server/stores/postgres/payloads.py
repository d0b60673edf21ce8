"""Payloads of heads that this server has saved, by their digests.

Another server may commit at any time, so nothing but the database says which payload a head
has. But what a digest names never changes: a save that replaces a payload need not read it
where the digest, which is read under the tenant's lock, is one of these.
"""

from __future__ import annotations

from collections import OrderedDict

_OVERHEAD = 200
"""Bytes of each in memory beside the payload, about."""


class Payloads:
    """Payloads by digest, those used last, up to so many bytes."""

    def __init__(self, max_bytes: int) -> None:
        self._max_bytes = max_bytes
        self._bytes = 0
        self._payloads: OrderedDict[bytes, bytes] = OrderedDict()

    def get(self, digest: bytes) -> bytes | None:
        payload = self._payloads.get(digest)
        if payload is not None:
            self._payloads.move_to_end(digest)
        return payload

    def add(self, digest: bytes, payload: bytes) -> None:
        if digest in self._payloads:
            self._payloads.move_to_end(digest)
            return
        self._payloads[digest] = payload
        self._bytes += len(payload) + _OVERHEAD
        while self._bytes > self._max_bytes:
            _, dropped = self._payloads.popitem(last=False)
            self._bytes -= len(dropped) + _OVERHEAD

    def drop(self, digest: bytes) -> None:
        """Forgets a payload that no head has any more, as far as the caller knows."""
        dropped = self._payloads.pop(digest, None)
        if dropped is not None:
            self._bytes -= len(dropped) + _OVERHEAD
