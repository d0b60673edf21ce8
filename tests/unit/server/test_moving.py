"""What becomes of the values of a key, one replaced by the next."""

from __future__ import annotations

from hashlib import shake_128
from typing import TYPE_CHECKING

from stillframe.server.stores import patches
from stillframe.server.stores.execution import digest
from stillframe.server.stores.patches import MAX_LINKS, Form
from stillframe.server.stores.sql.moving import TRY_AGAIN, UNRELATED, HeadValue, Move, Place, pack

if TYPE_CHECKING:
    import pytest

    from stillframe.server.stores.patches import Kept, Packed

PLACE = Place(1, 1, "key")
LINES = "line {} that an agent says, after so many others\n"


def text(number: int) -> bytes:
    return "".join(LINES.format(each) for each in range(number)).encode()


def noise(number: int) -> bytes:
    """Returns what has nothing in common with any other, as encrypted values have."""
    return shake_128(b"%d" % number).digest(2_000)


class Key:
    """A key whose values are saved one by one, each in a batch of its own."""

    def __init__(self) -> None:
        self.head: HeadValue | None = None
        self.forms: list[int] = []
        self.links: list[int] = []

    def save(self, payload: bytes) -> None:
        version = len(self.forms) + 2
        value = HeadValue(version, digest(payload), len(payload), payload=payload)
        moves = [] if self.head is None else [Move(PLACE, version, self.head, payload)]
        moved, [entry] = pack(moves, {PLACE: value})
        for _, _, _, _, _, form, base, link, *_, data in moved:
            assert self.head is not None
            assert patches.unpack(form, data, payload) == self.head.payload
            assert (base is not None) == (form == Form.PATCH) == (link > 0)
            self.forms.append(form)
            self.links.append(link)
        assert patches.unpack(entry[-2], entry[-1]) == payload
        self.head = value


def test_what_grows_is_patches_and_after_so_many_of_them_a_whole_value() -> None:
    key = Key()
    for number in range(10, 80):
        key.save(text(number))
    whole = [index for index, form in enumerate(key.forms) if form == Form.COMPRESSED]
    assert whole == [MAX_LINKS, 2 * MAX_LINKS + 1]
    assert key.links == [(index % (MAX_LINKS + 1) + 1) % (MAX_LINKS + 1) for index in range(69)]


def test_a_patch_is_not_tried_again_and_again_in_vain(monkeypatch: pytest.MonkeyPatch) -> None:
    really, tried = patches.pack, 0

    def counting(value: bytes, replaced_by: bytes | None, was: Kept | None) -> Packed:
        nonlocal tried
        tried += replaced_by is not None
        return really(value, replaced_by, was)

    monkeypatch.setattr(patches, "pack", counting)
    key = Key()
    values = 4 * TRY_AGAIN
    for number in range(values + 1):
        key.save(noise(number))
    assert set(key.forms) == {Form.RAW}
    assert tried == UNRELATED + values // TRY_AGAIN - 1


def test_patches_come_back_when_values_are_related_again() -> None:
    key = Key()
    for number in range(20):
        key.save(noise(number))
    for number in range(TRY_AGAIN + 2):
        key.save(noise(0) + text(number))
    assert key.forms[-1] == Form.PATCH
