"""What the PostgreSQL store reads in its URL."""

from __future__ import annotations

import pytest
from psycopg.conninfo import conninfo_to_dict

from stillframe.server.stores import open_store
from stillframe.server.stores.base import StoreOpenError, UnknownStoreError
from stillframe.server.stores.postgres.connection import parse_url


def test_the_values_of_libpq_stay_as_they_are() -> None:
    options = parse_url(
        "postgresql://me:a%40b%20c+d@h1:1,h2:2/my%20db"
        "?options=-c%20geqo%3Doff&schema=mine&application_name=a%2Bb"
    )
    said = conninfo_to_dict(options.conninfo)
    assert said["options"] == "-c geqo=off"
    assert said["application_name"] == "a+b"
    assert (said["user"], said["password"], said["dbname"]) == ("me", "a@b c+d", "my db")
    assert (said["host"], said["port"]) == ("h1,h2", "1,2")
    assert options.schema == "mine"


@pytest.mark.parametrize("scheme", ["postgresql", "postgres"])
def test_the_host_may_be_a_parameter(scheme: str) -> None:
    said = conninfo_to_dict(parse_url(f"{scheme}:///db?host=/run/postgresql").conninfo)
    assert (said["host"], said["dbname"]) == ("/run/postgresql", "db")


@pytest.mark.parametrize("address", ["u:pa%zzfrag@h/db", "u:pa?frag@h/db"])
async def test_a_password_that_is_not_encoded_is_refused_and_not_told(address: str) -> None:
    with pytest.raises(UnknownStoreError, match="percent-encoded") as refused:
        await open_store(f"postgresql://{address}")
    assert "frag" not in str(refused.value)


async def test_a_password_with_a_bracket_is_no_fault() -> None:
    url = "postgresql://u:pa[frag@127.0.0.1:1/db"
    assert conninfo_to_dict(parse_url(url).conninfo)["password"] == "pa[frag"
    with pytest.raises(StoreOpenError) as refused:
        await open_store(url)
    assert "frag" not in str(refused.value)
