"""What the rules know of one execution's name: its head, its floor, its answers."""

from __future__ import annotations

from dataclasses import dataclass, field
from hashlib import blake2b
from typing import TYPE_CHECKING

from stillframe.server.stores import refusals
from stillframe.server.stores.marks import MAX_NUMBER

if TYPE_CHECKING:
    from collections.abc import Iterator

    from stillframe.server.stores.records import Head

REMEMBERED_ANSWERS = 32

DIGEST_SIZE = 16


_CHUNK, _FEW = 2_047, 64 * 1024
"""Bytes that hashlib hashes without giving Python's lock away, and up to which a payload is
hashed in such chunks: to get the lock back from the writer takes longer than the hash."""


def digest(payload: bytes) -> bytes:
    """Returns the hash by which payloads are compared: 128 bits, collision-resistant,
    because clients choose the bytes.
    """
    if len(payload) <= _CHUNK or len(payload) > _FEW:
        return blake2b(payload, digest_size=DIGEST_SIZE).digest()
    hashed = blake2b(digest_size=DIGEST_SIZE)
    view = memoryview(payload)
    for start in range(0, len(payload), _CHUNK):
        hashed.update(view[start : start + _CHUNK])
    return hashed.digest()


class Answers:
    """The last answers of an execution by request_id, oldest forgotten first.

    They stay in the form in which stores keep them: most are never asked for, and a save
    reads and writes all of an execution's.
    """

    _HEAD = 2 * DIGEST_SIZE + 2

    def __init__(self, encoded: bytes = b"") -> None:
        self._encoded = encoded
        self._count = -1
        """Unknown as long as nothing was remembered."""

    def encode(self) -> bytes:
        return self._encoded

    def are_whole(self) -> bool:
        """Tells whether what was read ends where its last row does, and has no row too many."""
        ends = [end for _, end in self._rows()]
        return not ends or (ends[-1] == len(self._encoded) and len(ends) <= REMEMBERED_ANSWERS)

    def find(self, request_id: str) -> tuple[bytes, bytes] | None:
        """Returns the hash of the body that came with the request_id, and the answer."""
        wanted = digest(request_id.encode())
        if wanted not in self._encoded:
            return None
        for at, end in self._rows():
            if self._encoded.startswith(wanted, at):
                body = self._encoded[at + DIGEST_SIZE : at + 2 * DIGEST_SIZE]
                return body, self._encoded[at + self._HEAD : end]
        return None

    def remember(self, request_id: str, body: bytes, answer: bytes) -> None:
        """Keeps an answer; `find` must not have found the request_id."""
        row = b"".join((digest(request_id.encode()), body, len(answer).to_bytes(2, "big"), answer))
        if self._count < 0:
            self._count = sum(1 for _ in self._rows())
        if self._count == REMEMBERED_ANSWERS:
            _, end = next(self._rows())
            self._encoded = self._encoded[end:] + row
        else:
            self._encoded += row
            self._count += 1

    def _rows(self) -> Iterator[tuple[int, int]]:
        """Yields where each row begins and ends."""
        at = 0
        while at < len(self._encoded):
            length = int.from_bytes(self._encoded[at + self._HEAD - 2 : at + self._HEAD], "big")
            end = at + self._HEAD + length
            yield at, end
            at = end


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
