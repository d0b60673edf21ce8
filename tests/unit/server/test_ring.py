"""Rings of recent changes: no gap, one bound of bytes for all, a minimum for each."""

from __future__ import annotations

import pytest

from stillframe.server.stores.records import Change
from stillframe.server.watch.ring import MIN_CHANGES, Ring, Rings
from stillframe.v1 import snapshot_service_pb2
from stillframe.v1.snapshot_pb2 import ExecutionSnapshot


def change(revision: int, size: int = 0) -> Change:
    header = ExecutionSnapshot(execution_id="run", schema_version="x" * size)
    kind = snapshot_service_pb2.CHANGE_KIND_SAVED
    return Change(revision, "0" * 16, kind, "run", header, None)


def fill(ring: Ring, first: int, count: int, size: int = 0) -> None:
    for revision in range(first, first + count):
        ring.add(change(revision, size))


def revisions(ring: Ring, after: int, limit: int = 10**6) -> list[int] | None:
    found = ring.after(after, limit)
    return None if found is None else [each.change.revision for each in found]


def test_a_ring_gives_what_comes_after_up_to_a_limit() -> None:
    ring = Rings(10**9).open()
    fill(ring, 5, 10)
    assert revisions(ring, 4) == list(range(5, 15))
    assert revisions(ring, 9, 3) == [10, 11, 12]
    assert revisions(ring, 3) is None
    assert revisions(ring, 14) is None


def test_the_oldest_go_first_and_leave_no_gap() -> None:
    ring = Rings(400_000).open()
    fill(ring, 1, 2_000)
    assert ring.bytes <= 400_000
    assert ring.first > 1
    assert revisions(ring, ring.first - 1) == list(range(ring.first, 2_001))


def test_the_largest_ring_gives_way_and_each_keeps_its_minimum() -> None:
    rings = Rings(400_000)
    large, small = rings.open(), rings.open()
    fill(small, 1, MIN_CHANGES)
    fill(large, 1, 2_000)
    assert len(small.changes) == MIN_CHANGES
    assert small.first == 1
    assert large.bytes + small.bytes <= 400_000


def test_changes_too_large_for_the_bound_are_kept_up_to_the_minimum() -> None:
    ring = Rings(1_000).open()
    fill(ring, 1, 3 * MIN_CHANGES, size=500)
    assert MIN_CHANGES <= len(ring.changes) <= MIN_CHANGES + 1


def test_a_closed_ring_gives_its_bytes_back() -> None:
    rings = Rings(400_000)
    first = rings.open()
    fill(first, 1, 200)
    rings.close(first)
    second = rings.open()
    fill(second, 1, 200)
    assert second.first == 1


def test_what_is_loaded_for_a_closed_ring_is_charged_to_nobody() -> None:
    rings = Rings(400_000)
    closed = rings.open()
    fill(closed, 1, 10)
    [recent] = closed.after(9, 1) or []
    rings.close(closed)
    closed.charge(recent, 400_000)
    ring = rings.open()
    fill(ring, 1, 200)
    assert ring.first == 1


def test_a_change_is_looked_up_by_what_it_is() -> None:
    """A ring that was restarted may have another one of the revision."""
    ring = Rings(400_000).open()
    lost, again = change(5), change(5)
    ring.add(lost)
    found = ring.recent(lost)
    assert found is not None
    assert found.change is lost
    ring.restart(5)
    assert ring.recent(lost) is None
    ring.add(again)
    assert ring.recent(lost) is None
    assert ring.recent(again) is not None


@pytest.mark.parametrize(("after", "limit"), [(4, 10**6), (4, 3), (9, 5), (9, 6), (3, 5), (14, 5)])
def test_the_last_change_of_a_window(after: int, limit: int) -> None:
    ring = Rings(10**9).open()
    fill(ring, 5, 10)
    given = ring.after(after, limit)
    assert ring.last_after(after, limit) is (given[-1].change if given else None)
