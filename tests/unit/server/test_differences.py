"""Where a page of differences begins, as its token says."""

from __future__ import annotations

import pytest

from stillframe.server import differences
from stillframe.server.differences import Start
from stillframe.server.stores.refusals import Refusal
from stillframe.v1 import error_pb2
from stillframe.v1.snapshot_service_pb2 import DiffSnapshotsRequest, SnapshotSelector


@pytest.mark.parametrize("start", [Start(1, 2, 3), Start(2**63 - 1, 1, 2**63 - 1)])
def test_a_start_comes_back(start: Start) -> None:
    assert differences.parse(str(start)) == start


def test_the_first_page_has_none() -> None:
    assert differences.parse("") is None


MADE_UP = [
    *("x", "1", "1.2", "1.2.3.4", "0.1.1", "1.0.1", "1.1.0", "1.1.-1", "1.1.x", "1.1.1\n"),
    *(f"{2**63}.1.1", f"1.1.{2**63}", "9" * 5000 + ".1.1", "\u00b2.1.1"),
]


@pytest.mark.parametrize("start", MADE_UP)
def test_a_made_up_start_is_refused(start: str) -> None:
    with pytest.raises(Refusal) as refused:
        differences.parse(start)
    assert refused.value.reason == error_pb2.ERROR_REASON_PAGE_TOKEN_MISMATCH


def test_a_later_page_compares_the_versions_that_its_token_names() -> None:
    request = DiffSnapshotsRequest(to=SnapshotSelector(snapshot_id="s"))
    getattr(request, "from").snapshot_id = "r"
    chosen = differences.selectors(request, None)
    assert [each.snapshot_id for each in chosen] == ["r", "s"]
    chosen = differences.selectors(request, Start(4, 7, 1))
    assert [each.version for each in chosen] == [4, 7]
