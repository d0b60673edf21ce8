"""Every client makes the same errors of the same statuses, and tries again after the same ones."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from stillframe.v1 import error_pb2
from tests.polyglot.harness.languages import LANGUAGES, build
from tests.polyglot.harness.matching import mismatch
from tests.polyglot.harness.programs import program
from tests.polyglot.harness.refusing import Case, RefusingServer, read_cases, refusing_server
from tests.polyglot.harness.templates import fill

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.polyglot.harness.programs import Speaker

JSON = dict[str, Any]

REASONS = read_cases("reasons")
OTHERS = read_cases("others")
TRANSIENT = read_cases("transient")
OWED = read_cases("owed")

SNAPSHOT = {"state": "RUNNING"}
CALLS: dict[str, JSON] = {
    "save": {"snapshot": SNAPSHOT},
    "load": {},
    "claim": {},
    "history": {},
    "diff": {"from": {"version": "1"}},
    "fork": {"new_execution_id": "other"},
    "prune": {"all_history": True},
    "delete": {},
    "set_value": {"key": "k", "value": ""},
    "get_value": {"key": "k"},
    "delete_value": {"key": "k"},
    "list_keys": {},
}
"""The calls about one execution, with the arguments that each must have."""

RETRIES_PASSED_BY = 2
"""Seconds: the timeout of calls whose RetryInfo leaves no time for another try."""


@pytest.fixture(scope="module")
def server() -> Iterator[RefusingServer]:
    with refusing_server() as running:
        yield running


@pytest.fixture(params=LANGUAGES)
def language(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def driver(language: str, server: RefusingServer) -> Iterator[Speaker]:
    with program(build(language), server.address, "acme") as started:
        yield started


def ask(driver: Speaker, call: str, **args: Any) -> JSON:
    driver.send(call, args)
    return driver.receive()


def differs(case: Case, answer: JSON) -> str | None:
    return mismatch({"error": fill(case.expected(), {})}, answer)


def report(wrong: dict[str, str | None]) -> None:
    lines = [f"{name}: {what}" for name, what in wrong.items() if what is not None]
    assert not lines, "\n".join(lines)


def test_every_reason_has_a_case() -> None:
    names = {name.removeprefix("ERROR_REASON_") for name in error_pb2.ErrorReason.keys()}  # noqa: SIM118 - no mapping
    assert {case.name for case in REASONS} == names - {"UNSPECIFIED"}


@pytest.mark.parametrize("cases", [REASONS, OTHERS], ids=["reasons", "other-statuses"])
def test_errors(cases: list[Case], language: str, driver: Speaker, server: RefusingServer) -> None:
    """Each status, as an error of one call, which is not tried again."""
    wrong: dict[str, str | None] = {}
    for case in cases:
        execution_id = f"{case.name}/{language}"
        answer = ask(driver, "load", execution_id=execution_id, timeout=RETRIES_PASSED_BY)
        wrong[case.name] = differs(case, answer)
        if (tries := len(server.seen[execution_id])) != 1:
            wrong[f"{case.name}, tries"] = f"expected 1, came {tries}"
    report(wrong)


def test_errors_of_every_call(language: str, driver: Speaker) -> None:
    """One reason, as an error of every call and of every way to make it."""
    fenced = next(case for case in REASONS if case.name == "FENCED")
    execution_id = f"FENCED/{language}"
    only = {"execution_ids": [execution_id]}
    wrong = {
        call: differs(fenced, ask(driver, call, execution_id=execution_id, **args))
        for call, args in CALLS.items()
    }
    for call in ("list", "list_page"):
        wrong[call] = differs(fenced, ask(driver, call, filter=only))
    wrong["check_freshness"] = differs(
        fenced, ask(driver, "check_freshness", heads={execution_id: "1"})
    )
    ask(driver, "open", handle="h", execution_id=execution_id)
    wrong["handle_save"] = differs(
        fenced, ask(driver, "handle_save", handle="h", snapshot=SNAPSHOT)
    )
    wrong["handle_load"] = differs(fenced, ask(driver, "handle_load", handle="h"))
    wrong["handle_claim"] = differs(fenced, ask(driver, "handle_claim", handle="h"))
    ask(driver, "saver_open", saver="s", execution_id=execution_id)
    ask(driver, "saver_submit", saver="s", snapshot=SNAPSHOT)
    wrong["saver_flush"] = differs(fenced, ask(driver, "saver_flush", saver="s"))
    report(wrong)


def test_errors_of_a_watch(language: str, driver: Speaker) -> None:
    """Each reason that does not pass, as the end of a watch."""
    wrong: dict[str, str | None] = {}
    passing = {case.reason for case in TRANSIENT}
    for case in REASONS:
        if case.name in passing:
            continue
        only = {"execution_ids": [f"{case.name}/watch-{language}"]}
        ask(driver, "watch_open", watch=case.name, filter=only)
        answer = ask(driver, "watch_take", watch=case.name, until="opened")
        wrong[case.name] = differs(case, answer)
        ask(driver, "watch_close", watch=case.name)
    report(wrong)


def test_retries(language: str, driver: Speaker, server: RefusingServer) -> None:
    """What passes is tried again within the timeout, under the same request_id."""
    wrong: dict[str, str | None] = {}
    for case in TRANSIENT:
        execution_id = f"{case.name}/{language}"
        answer = ask(driver, "save", execution_id=execution_id, snapshot=SNAPSHOT)
        wrong[case.name] = mismatch({"ok": {"version": "1", "outcome": "CREATED"}}, answer)
        seen: list[Any] = [each.request for each in server.seen[execution_id]]
        if len(seen) != 3:
            wrong[f"{case.name}, tries"] = f"expected 3, came {len(seen)}"
        request_ids = {request.request_id for request in seen}
        if len(request_ids) != 1 or not min(request_ids):
            wrong[f"{case.name}, request_id"] = f"expected one, came {request_ids}"
    report(wrong)


def test_what_is_owed(language: str, driver: Speaker, server: RefusingServer) -> None:
    """After a save without an answer a handle first repeats it, under its own request_id."""
    for case in OWED:
        execution_id = f"{case.name}/{language}"
        ask(driver, "open", handle=case.name, execution_id=execution_id)
        answer = ask(driver, "handle_save", handle=case.name, snapshot={"state": "RUNNING"})
        assert answer.keys() == {"error"}, f"{case.name}: {answer}"
        answer = ask(driver, "handle_save", handle=case.name, snapshot={"state": "PAUSED"})
        assert mismatch({"ok": {"version": "1"}}, answer) is None, f"{case.name}: {answer}"
        requests: list[Any] = [each.request for each in server.seen[execution_id]]
        assert len(requests) == 3, f"{case.name}: {len(requests)} requests"
        first, again, second = requests
        assert first == again, f"{case.name}: {again}"
        assert second.request_id != first.request_id
        # The head is known again: the save is against it, whole or as a delta.
        base = second.expected_etag or second.delta.base_etag
        assert base == "v1-a", f"{case.name}: {second}"


def test_what_every_call_carries(language: str, driver: Speaker, server: RefusingServer) -> None:
    """A deadline within the client's timeout, the client's name, and its bound on messages."""
    execution_id = f"FENCED/carries-{language}"
    for call in ("save", "load"):
        ask(driver, call, execution_id=execution_id, **CALLS[call])
    save, load = server.seen[execution_id]
    for seen in (save, load):
        assert seen.time_remaining is not None
        # A timeout is rounded up on its way.
        assert seen.time_remaining < 31
        assert "stillframe" in seen.user_agent
    request: Any = load.request
    assert request.max_message_bytes == 64 * 1024 * 1024
