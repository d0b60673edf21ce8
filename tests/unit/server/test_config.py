"""Settings that are more than a number: which history is kept."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from stillframe.server.config import Settings
from stillframe.server.stores.retention import KEEP_ALL, Retention


@pytest.fixture(autouse=True)
def empty_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("STILLFRAME_RETENTION", "STILLFRAME_TENANT_RETENTION"):
        monkeypatch.delenv(name, raising=False)


@pytest.mark.parametrize(
    ("text", "expected", "name"),
    [
        ("all", Retention(), "all"),
        ("last:1", Retention(versions=1), "last:1"),
        ("last:100", Retention(versions=100), "last:100"),
        ("for:45s", Retention(seconds=45), "for:45s"),
        ("for:2m", Retention(seconds=120), "for:120s"),
        ("for:3h", Retention(seconds=10_800), "for:10800s"),
        ("for:30d", Retention(seconds=2_592_000), "for:2592000s"),
    ],
)
def test_a_retention_is_read(text: str, expected: Retention, name: str) -> None:
    assert Retention.parse(text) == expected
    assert str(expected) == name
    assert Retention.parse(name) == expected


INVALID = [
    *("", "All", "none", "last", "last:", "last:0", "last:-1", "last:1.5", "last:01", "last: 1"),
    *("for:", "for:0s", "for:30", "for:30w", "for:d", "for:1d2h", "last:1d", "all ", "all\n"),
    *("last:\u0663", "last:" + "9" * 19, "for:" + "9" * 10 + "s"),
]


@pytest.mark.parametrize("text", INVALID)
def test_what_is_no_retention_is_refused_by_its_name(text: str) -> None:
    with pytest.raises(ValueError, match="is not all, last:N"):
        Retention.parse(text)
    with pytest.raises(ValidationError) as failed:
        Settings(retention=text)  # type: ignore[arg-type]
    [problem] = failed.value.errors()
    assert problem["loc"] == ("retention",)
    assert repr(text) in problem["msg"]


def test_everything_is_kept_unless_told_otherwise() -> None:
    config = Settings().store_config()
    assert config.retention == KEEP_ALL
    assert config.retention_of("anybody") == KEEP_ALL


def test_a_tenant_has_its_own_or_else_the_one_for_all() -> None:
    given: dict[str, Any] = {"retention": "last:100", "tenant_retention": {"acme": "for:30d"}}
    config = Settings(**given).store_config()
    assert config.retention_of("acme") == Retention(seconds=30 * 86_400)
    assert config.retention_of("other") == Retention(versions=100)


def test_the_environment_names_tenants_in_json(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STILLFRAME_RETENTION", "last:7")
    monkeypatch.setenv("STILLFRAME_TENANT_RETENTION", '{"a=b": "all", "c": "for:1h"}')
    config = Settings().store_config()
    assert config.retention == Retention(versions=7)
    assert config.tenant_retention == {"a=b": KEEP_ALL, "c": Retention(seconds=3600)}


def test_an_argument_goes_before_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STILLFRAME_TENANT_RETENTION", '{"a": "last:1"}')
    given: dict[str, Any] = {"tenant_retention": {"b": "last:2"}}
    assert Settings(**given).tenant_retention == {"b": Retention(versions=2)}


@pytest.mark.parametrize(
    ("text", "field"),
    [
        ("", "tenant_retention"),
        ("{", "tenant_retention"),
        ("[]", "tenant_retention"),
        ("acme=all", "tenant_retention"),
        ('{"acme": "some"}', "tenant_retention.acme"),
        ('{"acme": 7}', "tenant_retention.acme"),
        ('{"acme": {"versions": 7}}', "tenant_retention.acme"),
        ("[" * 100_000, "tenant_retention"),
    ],
)
def test_what_names_no_tenants_is_refused(
    monkeypatch: pytest.MonkeyPatch, text: str, field: str
) -> None:
    monkeypatch.setenv("STILLFRAME_TENANT_RETENTION", text)
    with pytest.raises(ValidationError) as failed:
        Settings()
    assert {".".join(map(str, each["loc"])) for each in failed.value.errors()} == {field}
