"""Page tokens lead on in their own request, and in no other."""

from __future__ import annotations

import pytest

from stillframe.server import paging
from stillframe.server.stores.records import HistoryKey
from stillframe.server.stores.refusals import Refusal
from stillframe.v1 import error_pb2
from stillframe.v1.snapshot_service_pb2 import ListExecutionsRequest, ListSnapshotsRequest


def test_a_token_leads_on_with_another_page_size() -> None:
    request = ListExecutionsRequest(tenant_id="t", page_size=10)
    token = paging.encode(request, "run-é")
    again = ListExecutionsRequest(
        tenant_id="t", page_size=99, max_message_bytes=2**20, page_token=token
    )
    assert paging.decode(again) == "run-é"


@pytest.mark.parametrize("token", ["x", "AAAA", "é", "%%%", "AAAAAAAAAAA=", "A" * 5000])
def test_what_is_no_token_is_refused(token: str) -> None:
    with pytest.raises(Refusal) as refused:
        paging.decode(ListExecutionsRequest(tenant_id="t", page_token=token))
    assert refused.value.reason == error_pb2.ERROR_REASON_PAGE_TOKEN_MISMATCH


def test_a_token_of_another_list_is_refused() -> None:
    token = paging.encode(ListExecutionsRequest(tenant_id="t"), "7")
    for request in (
        ListExecutionsRequest(tenant_id="u", page_token=token),
        ListExecutionsRequest(tenant_id="t", include_count=True, page_token=token),
        ListSnapshotsRequest(tenant_id="t", page_token=token),
    ):
        with pytest.raises(Refusal):
            paging.decode(request)


def test_a_made_up_token_whose_start_no_id_can_be_is_refused() -> None:
    request = ListExecutionsRequest(tenant_id="t")
    request.page_token = paging.encode(request, "run\0")
    with pytest.raises(Refusal) as refused:
        paging.decode(request)
    assert refused.value.reason == error_pb2.ERROR_REASON_PAGE_TOKEN_MISMATCH


def test_map_order_does_not_matter() -> None:
    first = ListExecutionsRequest(tenant_id="t")
    second = ListExecutionsRequest(tenant_id="t")
    keys = [f"key-{number}" for number in range(50)]
    first.filter.labels.update(dict.fromkeys(keys, "v"))
    second.filter.labels.update(dict.fromkeys(reversed(keys), "v"))
    second.page_token = paging.encode(first, "run")
    assert paging.decode(second) == "run"


@pytest.mark.parametrize(
    "start", ["x", "1", "1.-1", "1." + "9" * 20, "9" * 5000 + ".1", "².1", f"{2**63}.1", "1.1\n"]
)
def test_a_made_up_place_in_history_is_refused(start: str) -> None:
    with pytest.raises(Refusal):
        paging.history_key(start)


def test_a_place_in_history_comes_back() -> None:
    key = HistoryKey(2**63 - 1, 7)
    assert paging.history_key(paging.encode_key(key)) == key
    assert paging.history_key("") is None
