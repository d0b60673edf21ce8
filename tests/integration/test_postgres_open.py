"""What a URL says, what a database must be, and how its schema is brought forward."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit, urlunsplit

import psycopg
import pytest
from psycopg import sql

from stillframe.server.stores import open_store, patches
from stillframe.server.stores.base import StoreConfig, StoreOpenError, UnknownStoreError
from stillframe.server.stores.patches import Form
from stillframe.server.stores.postgres import PostgresStore
from stillframe.server.stores.postgres.connection import migrations, parse_url
from tests.conformance.direct import StoreTenant
from tests.conformance.support import Clock, new_tenant, snapshot
from tests.databases import fresh, with_options

if TYPE_CHECKING:
    from collections.abc import Generator

NEWEST = max(version for version, _ in migrations())


def migrate(url: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "stillframe.cli", "migrate", "--store", url]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)


def schema_of(url: str) -> str:
    return parse_url(url).schema


@contextmanager
def look(url: str) -> Generator[psycopg.Connection[tuple[Any, ...]]]:
    """Connects as the database's owner, to the schema of the URL."""
    with psycopg.connect(parse_url(url).conninfo, autocommit=True) as connection:
        schema = sql.Identifier(schema_of(url))
        connection.execute(sql.SQL("SET search_path = {}").format(schema))
        yield connection


@contextmanager
def other_database(url: str, options: str) -> Generator[str]:
    """Makes a database with these options, and gives its URL."""
    name = sql.Identifier(f"stillframe_test_{os.urandom(8).hex()}")
    with look(url) as connection:
        text = sql.SQL(options)  # pyright: ignore[reportArgumentType]
        create = sql.SQL("CREATE DATABASE {} {}").format(name, text)
        connection.execute(create)
        try:
            yield urlunsplit(urlsplit(url)._replace(path=f"/{name.as_string().strip(chr(34))}"))
        finally:
            connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(name))


async def saves(url: str) -> None:
    """Opens a store, and saves and loads."""
    store = await open_store(url)
    try:
        tenant = StoreTenant(store, new_tenant(), Clock())
        await tenant.save("a", snapshot(7))
        assert (await tenant.load("a")).sequence_number == 7
    finally:
        await store.close()


@pytest.mark.parametrize(
    "query",
    [
        "schema=",
        "schema=pg_x",
        "schema=$user",
        "pool_size=0",
        "pool_size=x",
        "notify=1",
        "poll=",
        "nosuch=1",
    ],
)
async def test_a_url_that_says_nonsense_is_refused(query: str) -> None:
    with pytest.raises(UnknownStoreError) as refused:
        await open_store(f"postgresql://me:secret@127.0.0.1:1/x?{query}")
    assert "secret" not in str(refused.value)


async def test_a_database_that_is_not_there_is_refused_without_its_password() -> None:
    with pytest.raises(StoreOpenError, match="PostgreSQL cannot be opened") as refused:
        await open_store("postgresql://me:secret@127.0.0.1:1/x")
    assert "secret" not in str(refused.value)


async def test_a_newer_schema_is_refused(postgres_url: str) -> None:
    url = fresh(postgres_url)
    await saves(url)
    with look(url) as connection:
        connection.execute("UPDATE store SET schema_version = %s", (NEWEST + 1,))
    with pytest.raises(StoreOpenError, match=f"has schema {NEWEST + 1}.*use a newer server"):
        await open_store(url)


async def test_a_schema_with_other_tables_is_refused(postgres_url: str) -> None:
    url = fresh(postgres_url)
    with look(url) as connection:
        connection.execute(sql.SQL("CREATE SCHEMA {}").format(sql.Identifier(schema_of(url))))
        connection.execute("CREATE TABLE theirs (id integer)")
    with pytest.raises(StoreOpenError, match="theirs"):
        await open_store(url)


async def test_another_encoding_is_refused(postgres_url: str) -> None:
    options = "ENCODING 'LATIN1' LOCALE 'C' TEMPLATE template0"
    with (
        other_database(postgres_url, options) as url,
        pytest.raises(StoreOpenError, match="LATIN1"),
    ):
        await open_store(url)


async def test_servers_that_start_together_on_nothing_all_open(postgres_url: str) -> None:
    url = fresh(postgres_url, pool_size=1)
    stores = await asyncio.gather(*(open_store(url) for _ in range(8)))
    marks = {(await store.position(new_tenant())).mark for store in stores}
    assert len(marks) == 1
    await asyncio.gather(*(store.close() for store in stores))


async def test_what_the_database_would_rather_have_does_not_count(postgres_url: str) -> None:
    """Durability, isolation, timeouts: none of it is the database's choice."""
    with other_database(postgres_url, "TEMPLATE template0 ENCODING 'UTF8'") as url:
        with look(url) as connection:
            name = sql.Identifier(connection.info.dbname)
            for setting in (
                "synchronous_commit = off",
                "default_transaction_isolation = serializable",
                "default_transaction_read_only = on",
                "standard_conforming_strings = off",
                "statement_timeout = 20",
            ):
                connection.execute(sql.SQL("ALTER DATABASE {} SET " + setting).format(name))
        store = await open_store(url)
        assert isinstance(store, PostgresStore)
        tenant = StoreTenant(store, new_tenant(), Clock())
        await asyncio.gather(*(tenant.save(f"e{number}", snapshot()) for number in range(20)))
        assert len(await tenant.ids()) == 20
        async with store.runner.connection() as held:
            asked = await (await held.execute("SHOW synchronous_commit")).fetchall()
        assert asked == [("on",)]
        await store.close()


async def test_migrate_brings_the_schema_forward_for_who_may_not(postgres_url: str) -> None:
    url = fresh(postgres_url)
    done = await asyncio.to_thread(migrate, url)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("the schema of postgresql://")
    # It may not create anything, and has nothing to create.
    role = sql.Identifier(f"stillframe_test_{os.urandom(8).hex()}")
    schema = sql.Identifier(schema_of(url))
    with look(url) as connection:
        for statement in (
            "CREATE ROLE {role} LOGIN",
            "GRANT USAGE ON SCHEMA {schema} TO {role}",
            "GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA {schema} TO {role}",
            "GRANT USAGE ON ALL SEQUENCES IN SCHEMA {schema} TO {role}",
        ):
            connection.execute(sql.SQL(statement).format(role=role, schema=schema))
        try:
            await saves(as_user(url, role))
        finally:
            connection.execute(sql.SQL("DROP OWNED BY {}").format(role))
            connection.execute(sql.SQL("DROP ROLE {}").format(role))


async def test_who_serves_has_rights_on_what_the_owner_makes_later(postgres_url: str) -> None:
    """With the rights that docs/operations.md has granted once, before the first migration."""
    url = fresh(postgres_url)
    suffix = os.urandom(8).hex()
    owner, server = (sql.Identifier(f"stillframe_{name}_{suffix}") for name in ("owner", "server"))
    names = {"owner": owner, "server": server, "schema": sql.Identifier(schema_of(url))}
    later = "ALTER DEFAULT PRIVILEGES FOR ROLE {owner} IN SCHEMA {schema} GRANT"
    with look(url) as connection:
        names["database"] = sql.Identifier(connection.info.dbname)
        for statement in (
            "CREATE ROLE {owner} LOGIN",
            "CREATE ROLE {server} LOGIN",
            "GRANT CREATE ON DATABASE {database} TO {owner}",
            "CREATE SCHEMA {schema} AUTHORIZATION {owner}",
            "GRANT USAGE ON SCHEMA {schema} TO {server}",
            f"{later} SELECT, INSERT, UPDATE, DELETE ON TABLES TO {{server}}",
            f"{later} USAGE ON SEQUENCES TO {{server}}",
        ):
            connection.execute(sql.SQL(statement).format(**names))
        try:
            done = await asyncio.to_thread(migrate, as_user(url, owner))
            assert done.returncode == 0, done.stderr
            await saves(as_user(url, server))
        finally:
            for role in (server, owner):
                connection.execute(sql.SQL("DROP OWNED BY {}").format(role))
                connection.execute(sql.SQL("DROP ROLE {}").format(role))


def as_user(url: str, role: sql.Identifier) -> str:
    parts = urlsplit(url)
    user, host = role.as_string(None).strip('"'), parts.netloc.rpartition("@")[2]
    return urlunsplit(parts._replace(netloc=f"{user}@{host}"))


def test_migrate_refuses_what_it_cannot_open() -> None:
    done = migrate("postgresql://me:secret@127.0.0.1:1/x")
    assert done.returncode == 1
    assert "PostgreSQL cannot be opened" in done.stderr
    assert "secret" not in done.stderr
    assert migrate("nosuch://me:secret@x").returncode == 2


async def test_two_stores_share_a_database_without_knowing(postgres_url: str) -> None:
    one, other = fresh(postgres_url), fresh(postgres_url)
    await saves(one)
    await saves(with_options(other, pool_size=1))
    with look(one) as connection:
        assert connection.execute("SELECT count(*) FROM change").fetchall() == [(1,)]


async def test_a_database_of_schema_1_reads_as_before_and_goes_on(postgres_url: str) -> None:
    url = fresh(postgres_url)
    clock = Clock()
    text = "a line that an agent says\n"
    store = await open_store(url, StoreConfig(clock=clock))
    tenant = StoreTenant(store, "acme", clock)
    for number in range(1, 41):
        variables = {"messages": text * number, "same": text * 20, "n": str(number)}
        await tenant.save("a", snapshot(number, variables=variables))
    before = await tenant.versions("a")
    await store.close()
    with look(url) as connection:
        rows = connection.execute("SELECT ctid, form, links, payload FROM entry").fetchall()
        links = {row[0]: row[2] for row in rows}
        assert {row[1] for row in rows} == {Form.RAW, Form.COMPRESSED}
        assert max(links.values()) > 1
        # What schema 1 had instead.
        for ctid, form, _, data in rows:
            raw = patches.unpack(form, data)
            connection.execute("UPDATE entry SET payload = %s WHERE ctid = %s::tid", (raw, ctid))
        for column in ("form", "links", "size"):
            connection.execute(
                sql.SQL("ALTER TABLE entry DROP COLUMN {}").format(sql.Identifier(column))
            )
        connection.execute("UPDATE store SET schema_version = 1")
    store = await open_store(url, StoreConfig(clock=clock))
    tenant = StoreTenant(store, "acme", clock)
    assert await tenant.versions("a") == before
    with look(url) as connection:
        found = connection.execute("SELECT links, size, octet_length(payload) FROM entry")
        rows = found.fetchall()
    assert sorted(row[0] for row in rows) == sorted(links.values())
    assert all(size == length for _, size, length in rows)
    await tenant.save("a", snapshot(41, variables={"messages": text * 41}))
    after = await tenant.versions("a")
    assert {version: after[version] for version in before} == before
    assert after[41].variables["messages"].data == (text * 41).encode()
    await store.close()
