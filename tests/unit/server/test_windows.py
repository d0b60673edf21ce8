"""What watchers share: which of them, how often a content is loaded, and who may go away."""

from __future__ import annotations

import asyncio
import weakref
from typing import TYPE_CHECKING, Any

import pytest

from stillframe.server.stores import refusals
from stillframe.server.stores.base import StoreConfig
from stillframe.server.stores.marks import Position
from stillframe.server.watch.ring import Rings, Tail
from stillframe.server.watch.windows import Part, Shared, Window, Windows
from stillframe.v1.snapshot_service_pb2 import WatchSnapshotsRequest, WatchSnapshotsResponse
from tests.conformance.broken.logs import IsReplaced
from tests.conformance.calls import (
    EVERY_CHANGE,
    FULL,
    INITIAL_STATE,
    LATEST,
    LEFT_FILTER,
    METADATA,
    NOW,
    SAVED,
)
from tests.conformance.support import TIMEOUT, save_request, snapshot

if TYPE_CHECKING:
    from stillframe.server.stores.projection import Selection
    from stillframe.server.stores.records import Stored
    from stillframe.server.stores.refusals import Refusal
    from stillframe.v1.snapshot_pb2 import SnapshotProjection
    from stillframe.v1.snapshot_service_pb2 import SnapshotSelector

TENANT = "acme"
MIB = 2**20
KIB_256 = 2**18

WHOLE: dict[str, Any] = {"mode": EVERY_CHANGE, "view": FULL}
PROJECTED: dict[str, Any] = {**WHOLE, "projection": {"variables": {"keys": ["v"]}}}
"""Its contents are not kept for other windows."""


class CountedStore(IsReplaced):
    """Counts loads, which wait while its gate is shut. Can fall back to what it was."""

    def __init__(self) -> None:
        super().__init__(StoreConfig())
        self.loads: list[int] = []
        self.gate = asyncio.Event()
        self.gate.set()
        self.reached = asyncio.Event()
        self.refusal: Refusal | None = None
        """What loads are answered with."""

    async def load(
        self, tenant_id: str, execution_id: str, selector: SnapshotSelector, selection: Selection
    ) -> Stored:
        self.loads.append(selector.version)
        self.reached.set()
        await self.gate.wait()
        if self.refusal is not None:
            raise self.refusal
        return await super().load(tenant_id, execution_id, selector, selection)


class Scene:
    """A tenant whose ring has what was saved, and what watchers of it ask for."""

    def __init__(self) -> None:
        self.store = CountedStore()
        self.tail = Tail(self.store, Rings(64 * MIB), TENANT)
        self.shared = Shared(self.store, self.tail)

    async def save(self, *texts: str | bytes) -> None:
        before = await self.store.position(TENANT)
        for number, text in enumerate(texts, before.revision + 1):
            content = snapshot(number, variables={"v": text})
            await self.store.save(save_request(TENANT, "a", content))
        for change in await self.store.changes(TENANT, before.revision, 1_000):
            self.tail.ring.add(change)

    async def start(self) -> Position:
        return await self.store.position(TENANT, 0)

    def windows(self, max_bytes: int = 4 * MIB, **fields: Any) -> Windows:
        request = WatchSnapshotsRequest(tenant_id=TENANT, **fields)
        projection: SnapshotProjection | None = None
        if request.HasField("projection"):
            projection = request.projection
        return self.shared.windows(request, projection, max_bytes)


@pytest.fixture
async def scene() -> Scene:
    return Scene()


def after(windows: Windows, position: Position) -> Window:
    window = windows.after(position)
    assert window is not None
    return window


async def every_part(windows: Windows, window: Window) -> list[bytes]:
    """Reads a window as a watcher does."""
    found: list[bytes] = []
    first, ahead = 0, None
    while first < len(window.sent):
        part = await windows.part(window, first, ahead)
        found.append(part.data)
        first, ahead = part.next, part.ahead
    return found


def values(messages: list[bytes]) -> list[bytes]:
    frames = [f for data in messages for f in WatchSnapshotsResponse.FromString(data).frames]
    return [frame.change.snapshot.variables["v"].data for frame in frames]


def test_those_who_ask_for_the_same_share_wherever_they_start(scene: Scene) -> None:
    windows = scene.windows(**NOW, **PROJECTED)

    assert scene.windows(**INITIAL_STATE, **PROJECTED) is windows
    assert scene.windows(resume_token=f"r1-{'0' * 16}", **PROJECTED) is windows
    # What is unset is what it stands for.
    assert scene.windows(mode=LATEST, view=METADATA) is scene.windows()


@pytest.mark.parametrize(
    "other",
    [
        {**PROJECTED, "mode": LATEST},
        {**PROJECTED, "filter": {"execution_ids": ["a"]}},
        {**PROJECTED, "projection": {"variables": {"keys": ["w"]}}},
        {**PROJECTED, "max_bytes": MIB},
        WHOLE,
        {"mode": EVERY_CHANGE},
    ],
    ids=["mode", "filter", "projection", "bound", "whole", "view"],
)
async def test_those_who_ask_for_something_else_share_no_window(
    scene: Scene, other: dict[str, Any]
) -> None:
    await scene.save("one", "two")
    start = await scene.start()
    mine, theirs = scene.windows(**PROJECTED), scene.windows(**other)

    assert mine is not theirs
    assert after(mine, start) is not after(theirs, start)


@pytest.mark.parametrize("asked", [WHOLE, PROJECTED], ids=["whole", "projected"])
async def test_watchers_at_one_position_get_the_same_bytes_loaded_once(
    scene: Scene, asked: dict[str, Any]
) -> None:
    await scene.save("one", "two", "three")
    windows, start = scene.windows(**asked), await scene.start()
    scene.store.gate.clear()
    watchers = [asyncio.create_task(windows.part(after(windows, start), 0, None)) for _ in range(5)]
    await scene.store.reached.wait()
    scene.store.gate.set()

    parts = await asyncio.gather(*watchers)

    assert values([parts[0].data]) == [b"one", b"two", b"three"]
    assert all(part.data is parts[0].data for part in parts)
    assert scene.store.loads == [1, 2, 3]


async def test_windows_that_differ_share_the_contents_that_are_sent_whole(scene: Scene) -> None:
    await scene.save("one", "two", "three")
    start = await scene.start()
    for fields in (WHOLE, {**WHOLE, "mode": LATEST}, {**WHOLE, "max_bytes": MIB}):
        windows = scene.windows(**fields)
        early = after(windows, start)
        late = after(windows, Position(1, scene.tail.ring.changes[1].change.mark))
        sent = [b"three"] if fields["mode"] == LATEST else [b"one", b"two", b"three"]
        assert values(await every_part(windows, early)) == sent
        assert values(await every_part(windows, late)) == sent[-2:]
    assert sorted(scene.store.loads) == [1, 2, 3]


@pytest.mark.parametrize("asked", [WHOLE, PROJECTED], ids=["whole", "projected"])
async def test_who_makes_a_message_may_go_away(scene: Scene, asked: dict[str, Any]) -> None:
    await scene.save("one", "two")
    windows, start = scene.windows(**asked), await scene.start()
    scene.store.gate.clear()
    maker, *others = [
        asyncio.create_task(windows.part(after(windows, start), 0, None)) for _ in range(4)
    ]
    await scene.store.reached.wait()
    maker.cancel()
    with pytest.raises(asyncio.CancelledError):
        await maker
    scene.store.gate.set()

    async with asyncio.timeout(TIMEOUT):
        parts = await asyncio.gather(*others)

    assert values([parts[0].data]) == [b"one", b"two"]
    assert all(part is parts[0] for part in parts)


async def test_who_goes_away_takes_no_content_from_another_window(scene: Scene) -> None:
    await scene.save("one", "two")
    scene.store.gate.clear()
    start = await scene.start()
    leaver, stayer = [
        asyncio.create_task(windows.part(after(windows, start), 0, None))
        for windows in (scene.windows(**WHOLE), scene.windows(max_bytes=MIB, **WHOLE))
    ]
    await scene.store.reached.wait()
    leaver.cancel()
    with pytest.raises(asyncio.CancelledError):
        await leaver
    scene.store.gate.set()

    async with asyncio.timeout(TIMEOUT):
        part = await stayer

    assert values([part.data]) == [b"one", b"two"]
    assert scene.store.loads == [1, 2]


async def test_one_change_may_be_different_things_to_different_watchers(scene: Scene) -> None:
    for number, name in enumerate(("ann", "bob")):
        content = snapshot(number, user_id=name, variables={"v": name})
        await scene.store.save(save_request(TENANT, "a", content))
    for change in await scene.store.changes(TENANT, 0, 10):
        scene.tail.ring.add(change)
    start = await scene.store.position(TENANT, 1)

    found: list[tuple[int, bytes]] = []
    for view, user in (
        (FULL, None),
        (METADATA, None),
        (FULL, "bob"),
        (FULL, "ann"),
        (METADATA, "ann"),
    ):
        windows = scene.windows(mode=EVERY_CHANGE, view=view, filter={"user_id": user})
        [data] = await every_part(windows, after(windows, start))
        [frame] = WatchSnapshotsResponse.FromString(data).frames
        found.append((frame.change.kind, frame.change.snapshot.variables["v"].data))

    assert found == [
        (SAVED, b"bob"),
        (SAVED, b""),
        (SAVED, b"bob"),
        (LEFT_FILTER, b""),
        (LEFT_FILTER, b""),
    ]
    assert scene.store.loads == [2]


@pytest.mark.parametrize("asked", [WHOLE, PROJECTED], ids=["whole", "projected"])
async def test_a_refused_load_is_told_to_all_who_wait_and_tried_again_later(
    scene: Scene, asked: dict[str, Any]
) -> None:
    await scene.save("one")
    windows, start = scene.windows(**asked), await scene.start()
    window = after(windows, start)
    scene.store.refusal = refusals.store_unavailable()
    scene.store.gate.clear()
    watchers = [asyncio.create_task(windows.part(window, 0, None)) for _ in range(3)]
    await scene.store.reached.wait()
    scene.store.gate.set()

    found = await asyncio.gather(*watchers, return_exceptions=True)

    assert found == [scene.store.refusal] * 3
    assert len(scene.store.loads) == 1
    scene.store.refusal = None
    assert values(await every_part(windows, window)) == [b"one"]


async def test_a_window_ends_where_the_ring_does(scene: Scene) -> None:
    await scene.save("one", "two")
    windows, start = scene.windows(**WHOLE), await scene.start()
    before = after(windows, start)
    assert after(windows, start) is before

    await scene.save("three")

    assert before.end == await scene.store.position(TENANT, 2)
    assert after(windows, start).end == await scene.store.position(TENANT)
    assert values(await every_part(windows, before)) == [b"one", b"two"]


async def test_a_window_is_not_that_of_a_store_that_was_replaced(scene: Scene) -> None:
    """It gives its revisions out again, while a watcher is still in the old window."""
    await scene.save("kept")
    kept = await scene.store.position(TENANT)
    scene.store.remember()
    await scene.save("lost")
    windows = scene.windows(**WHOLE)
    old = after(windows, kept)
    assert values(await every_part(windows, old)) == [b"lost"]

    scene.store.fall_back()
    scene.tail.ring.restart(kept.revision + 1)
    await scene.save("another")
    new = after(windows, kept)

    assert old.end.revision == new.end.revision
    assert new is not old
    assert values(await every_part(windows, new)) == [b"another"]


async def test_who_stays_at_a_message_keeps_no_other(scene: Scene) -> None:
    texts = [f"{number}".encode() * 100_000 for number in range(8)]
    await scene.save(*texts)
    windows, start = scene.windows(max_bytes=KIB_256, **WHOLE), await scene.start()
    window = after(windows, start)
    stalled: Part = await windows.part(window, 0, None)

    messages = await every_part(windows, window)

    assert values(messages) == texts
    assert len(messages) >= 4
    assert messages[0] is stalled.data
    del messages
    assert list(window.parts.values()) == [stalled]


async def test_a_window_is_gone_with_those_who_read_it(scene: Scene) -> None:
    await scene.save("one")
    windows, start = scene.windows(**WHOLE), await scene.start()
    window = after(windows, start)
    part = await windows.part(window, 0, None)
    assert after(windows, start) is window
    left = weakref.ref(window), weakref.ref(part)

    del window, part

    assert [each() for each in left] == [None, None]


async def test_a_content_that_has_no_room_in_a_message_is_not_loaded_again(scene: Scene) -> None:
    texts = [f"{number}".encode() * 150_000 for number in range(4)]
    await scene.save(*texts)
    windows = scene.windows(max_bytes=KIB_256, **PROJECTED)

    messages = await every_part(windows, after(windows, await scene.start()))

    assert values(messages) == texts
    assert len(messages) == 4
    assert max(map(len, messages)) <= KIB_256
    assert scene.store.loads == [1, 2, 3, 4]
