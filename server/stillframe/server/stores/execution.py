"""What the rules know of one execution's name: its head, its floor, its answers."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import TYPE_CHECKING

from stillframe.server.stores import refusals
from stillframe.server.stores.marks import MAX_NUMBER

if TYPE_CHECKING:
    from stillframe.server.stores.records import Head

REMEMBERED_ANSWERS = 32

DIGEST_SIZE = 16


def digest(payload: bytes) -> bytes:
    """Returns the hash by which payloads are compared: 128 bits, collision-resistant,
    because clients choose the bytes.
    """
    return blake2b(payload, digest_size=DIGEST_SIZE).digest()


class Answers:
    """The last answers of an execution by request_id, oldest forgotten first."""

    _ROW = 2 * DIGEST_SIZE + 2

    def __init__(self, encoded: bytes = b"") -> None:
        self._rows: OrderedDict[bytes, tuple[bytes, bytes]] = OrderedDict()
        at = 0
        while at < len(encoded):
            end = at + self._ROW
            length = int.from_bytes(encoded[end - 2 : end], "big")
            request, body = encoded[at : at + DIGEST_SIZE], encoded[at + DIGEST_SIZE : end - 2]
            self._rows[request] = (body, encoded[end : end + length])
            at = end + length

    def encode(self) -> bytes:
        return b"".join(
            request + body + len(answer).to_bytes(2, "big") + answer
            for request, (body, answer) in self._rows.items()
        )

    def find(self, request_id: str) -> tuple[bytes, bytes] | None:
        """Returns the hash of the body that came with the request_id, and the answer."""
        return self._rows.get(digest(request_id.encode()))

    def remember(self, request_id: str, body: bytes, answer: bytes) -> None:
        self._rows[digest(request_id.encode())] = (body, answer)
        while len(self._rows) > REMEMBERED_ANSWERS:
            self._rows.popitem(last=False)


@dataclass(slots=True)
class Execution:
    """What a store holds of one execution's name, head or tombstone, under its lock."""

    execution_id: str
    head: Head | None = None
    last_version: int = 0
    epoch_floor: int = 0
    """The highest writer epoch seen; 0 when none was."""
    answers: Answers = field(default_factory=Answers)

    def raise_floor(self, writer_epoch: int | None) -> None:
        """Checks an epoch against the floor and raises the floor to it.

        The floor stays raised even when a later rule refuses the call.
        """
        if self.epoch_floor and (writer_epoch is None or writer_epoch < self.epoch_floor):
            raise refusals.fenced(self.execution_id, writer_epoch, self.epoch_floor)
        if writer_epoch is not None:
            self.epoch_floor = writer_epoch

    def claim(self) -> int:
        """Raises the floor by one and returns it."""
        if self.epoch_floor >= MAX_NUMBER:
            raise refusals.fenced(self.execution_id, None, self.epoch_floor)
        self.epoch_floor += 1
        return self.epoch_floor

    def replay(self, request_id: str, body: bytes) -> bytes | None:
        """Returns the answer that was given to the request_id, if one was."""
        found = self.answers.find(request_id) if request_id else None
        if found is None:
            return None
        if found[0] != body:
            raise refusals.request_id_reused(self.execution_id, request_id)
        return found[1]
