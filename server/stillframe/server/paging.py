"""Page tokens: where the next page begins, bound to the request that it belongs to.

A token given with another request is refused (AIP-158): it would page through another
list. Tokens are opaque, and hold nothing that the caller may not see.
"""

from __future__ import annotations

import binascii
import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from hashlib import blake2b
from typing import TYPE_CHECKING

from stillframe.server.stores import refusals
from stillframe.server.stores.marks import MAX_NUMBER
from stillframe.server.stores.records import HistoryKey

if TYPE_CHECKING:
    from stillframe.v1.snapshot_service_pb2 import (
        DiffSnapshotsRequest,
        ListExecutionsRequest,
        ListSnapshotsRequest,
    )
    from stillframe.v1.working_memory_service_pb2 import ListKeysRequest

    _Paged = ListExecutionsRequest | ListSnapshotsRequest | DiffSnapshotsRequest | ListKeysRequest

SNAPSHOTS = (100, 1_000)
"""How many snapshots a page has if the request does not say, and at most."""
DIFFERENCES = (1_000, 10_000)
"""How many differences."""
KEYS = (100, 1_000)
"""How many keys of a working memory."""

_DIGEST_SIZE = 8
_MAY_DIFFER = frozenset(("page_token", "page_size", "max_message_bytes"))
_HISTORY_KEY = re.compile(r"([0-9]{1,19})\.([0-9]{1,19})", re.ASCII)


def page_size(asked: int, default: int = SNAPSHOTS[0], maximum: int = SNAPSHOTS[1]) -> int:
    return min(asked or default, maximum)


def encode(request: _Paged, start: str) -> str:
    return urlsafe_b64encode(_digest(request, start) + start.encode()).decode()


def decode(request: _Paged) -> str:
    """Returns where the request's page begins; empty at the first page."""
    if not request.page_token:
        return ""
    try:
        data = urlsafe_b64decode(request.page_token.encode())
        start = data[_DIGEST_SIZE:].decode()
    except (binascii.Error, ValueError):
        raise refusals.page_token_mismatch() from None
    if data[:_DIGEST_SIZE] != _digest(request, start) or not start:
        raise refusals.page_token_mismatch()
    return start


def encode_key(key: HistoryKey) -> str:
    """Returns what a token says of a place in history."""
    return f"{key.revision}.{key.version}"


def history_key(start: str) -> HistoryKey | None:
    """Returns the start of a page of history; None at the first page.

    Tokens are not signed: one that a client made up is refused, not trusted.
    """
    if not start:
        return None
    match = _HISTORY_KEY.fullmatch(start)
    if match is None:
        raise refusals.page_token_mismatch()
    key = HistoryKey(int(match[1]), int(match[2]))
    if max(key) > MAX_NUMBER:
        raise refusals.page_token_mismatch()
    return key


def _digest(request: _Paged, start: str) -> bytes:
    """Returns a hash of all that must be the same for every page, and of the start, so that
    a token that was cut off is not another page's.
    """
    same = type(request).FromString(request.SerializeToString())
    for name in _MAY_DIFFER:
        if name in same.DESCRIPTOR.fields_by_name:
            same.ClearField(name)  # type: ignore[arg-type]
    kind = type(request).DESCRIPTOR.full_name.encode()
    body = same.SerializeToString(deterministic=True)
    return blake2b(b"\0".join((kind, start.encode(), body)), digest_size=_DIGEST_SIZE).digest()
