"""Opens connections: what a URL says, the settings of every session, the schema.

Parameters of our own in the URL, beside those of libpq:

- `schema`: the schema that has the tables; stillframe if it is not given.
- `pool_size`: connections for reads and commits, at most; 10 if it is not given. Two more
  are for notifications.
- `notify`, `poll`: `off` switches off one of the two ways by which a server hears of
  another's commits. For tests: without notifications watches are later, without polling
  they may be late for good.
"""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import blake2b
from typing import TYPE_CHECKING, Any, TypeAlias
from urllib.parse import parse_qsl, quote, urlencode

import psycopg
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from psycopg.types.numeric import Int8BinaryDumper

from stillframe.server.stores.base import StoreOpenError, UnknownStoreError
from stillframe.server.stores.marks import new_mark
from stillframe.server.stores.sql import schema as steps_of

if TYPE_CHECKING:
    from collections.abc import Iterator

Connection: TypeAlias = psycopg.AsyncConnection[tuple[Any, ...]]

STATEMENT_SECONDS = 10
"""How long a statement may take, or a client be silent within a transaction: what a hung
server can hold up a tenant for."""
LOCK_SECONDS = 5
"""How long a commit waits for those of other servers."""
TRANSACTION_SECONDS = 20
"""How long a transaction may take in all; from PostgreSQL 17 on the database sees to it."""
CONNECT_SECONDS = 5

_OLDEST_VERSION = 14

_DEFAULTS: dict[str, Any] = {
    "application_name": "stillframe",
    "connect_timeout": CONNECT_SECONDS,
    "keepalives_idle": 5,
    "keepalives_interval": 2,
    "keepalives_count": 3,
    "tcp_user_timeout": 10_000,
}
"""A peer that is gone is found out within seconds, unless the URL says otherwise."""

SETTINGS = {
    # Whatever the database's default: an answer means that the commit is on the disk.
    "synchronous_commit": "on",
    "statement_timeout": f"{STATEMENT_SECONDS}s",
    "lock_timeout": f"{LOCK_SECONDS}s",
    "idle_in_transaction_session_timeout": f"{STATEMENT_SECONDS}s",
    "tcp_user_timeout": "10s",
    # A host that is lost keeps no session, nor what that has locked, for the system's hours.
    "tcp_keepalives_idle": "5s",
    "tcp_keepalives_interval": "2s",
    "tcp_keepalives_count": "3",
    "client_connection_check_interval": "2s",
    # Every statement has its index. A plan that was made while a table was small would
    # else go on reading all of it.
    "enable_seqscan": "off",
    # And every LIMIT stops in its index's order. A bitmap is made of all that the index has of
    # one execution or tenant, which is guessed to be as much as others have on the average.
    "enable_bitmapscan": "off",
    "timezone": "UTC",
}


@dataclass(frozen=True)
class Options:
    """What a URL says."""

    conninfo: str
    schema: str = "stillframe"
    pool_size: int = 10
    notify: bool = True
    poll: bool = True

    def key(self, *names: str) -> int:
        """Returns the number of an advisory lock of this store."""
        text = "\0".join(("stillframe", self.schema, *names)).encode()
        return int.from_bytes(blake2b(text, digest_size=8).digest(), "big", signed=True)

    @property
    def channel(self) -> str:
        """The channel of notifications: an identifier of the database, not of the schema."""
        return f"stillframe_{self.key('channel') % 2**64:016x}"


def parse_url(url: str) -> Options:
    """Reads a URL. Raises UnknownStoreError."""
    # Only the query is ours to read; the rest goes to libpq as it is.
    address, _, query = url.partition("?")
    given = parse_qsl(query, keep_blank_values=True)
    ours = {
        name: value for name, value in given if name in ("schema", "pool_size", "notify", "poll")
    }
    rest = urlencode([each for each in given if each[0] not in ours], quote_via=quote)
    try:
        return Options(
            _conninfo(f"{address}?{rest}"),
            _schema(ours.get("schema", "stillframe")),
            _size(ours.get("pool_size", "10")),
            _switch(ours.get("notify", "on")),
            _switch(ours.get("poll", "on")),
        )
    except ValueError as error:
        raise UnknownStoreError(f"the PostgreSQL URL cannot be read: {error}") from None


def _conninfo(url: str) -> str:
    try:
        libpq = conninfo_to_dict(url)
        return make_conninfo("", **{**_DEFAULTS, **libpq, "client_encoding": "UTF8"})
    except (psycopg.ProgrammingError, UnicodeError):
        # What libpq says of it may quote a part of the password.
        raise ValueError(
            "it is postgresql://user:password@host:port/database?parameter=value, where"
            " the parameters are libpq's or the store's, and special characters, such as"
            " those of a password, are percent-encoded"
        ) from None


def _schema(name: str) -> str:
    is_name = name and len(name.encode()) <= 63 and "\0" not in name
    # PostgreSQL puts the user's name in the place of $user in a search path.
    if not is_name or name.startswith("pg_") or name == "$user":
        raise ValueError(f"schema: {name!r} is no name of a schema")
    return name


def _size(text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= 1_000:
        raise ValueError(f"pool_size: {text!r} is no number from 1 to 1000")
    return int(text)


def _switch(text: str) -> bool:
    if text not in ("on", "off"):
        raise ValueError(f"{text!r} is neither on nor off")
    return text == "on"


async def configure(connection: Connection, options: Options) -> None:
    """Makes a connection ready: transactions begin and end as we say."""
    await connection.set_autocommit(True)
    connection.prepare_threshold = 2
    connection.prepared_max = 300
    # One type for every number, so that one statement is prepared once.
    connection.adapters.register_dumper(int, Int8BinaryDumper)
    settings = SETTINGS | {"search_path": sql.Identifier(options.schema).as_string(None)}
    if connection.info.server_version >= 170_000:
        settings["transaction_timeout"] = f"{TRANSACTION_SECONDS}s"
    calls = sql.SQL(", ").join([sql.SQL("set_config(%s, %s, false)")] * len(settings))
    values = [text for setting in settings.items() for text in setting]
    await connection.execute(sql.SQL("SELECT {}").format(calls), values)


async def connect(options: Options, role: str) -> Connection:
    """Opens a connection outside of the pool; pg_stat_activity shows what it is for."""
    connection = await psycopg.AsyncConnection.connect(
        options.conninfo, application_name=f"stillframe {role}"
    )
    try:
        await configure(connection, options)
    except BaseException:
        await connection.close()
        raise
    return connection


def migrations() -> Iterator[tuple[int, str]]:
    """Yields the schema's steps in order: what version each leads to, and its SQL."""
    return steps_of.migrations("stillframe.server.stores.postgres")


async def migrate(options: Options) -> None:
    """Brings the schema forward, in one transaction. Raises StoreOpenError.

    A server that has nothing to bring forward needs no right to create anything.
    """
    try:
        async with await psycopg.AsyncConnection.connect(options.conninfo) as connection:
            _check_database(connection)
            # What follows the lock must see what was committed while it was waited for,
            # whatever the database's default; and a migration may take its time.
            await connection.set_isolation_level(psycopg.IsolationLevel.READ_COMMITTED)
            await connection.set_read_only(False)
            await connection.execute("SET LOCAL statement_timeout = 0")
            await connection.execute("SET LOCAL lock_timeout = 0")
            steps = list(migrations())
            if await _version(connection, options) != steps[-1][0]:
                # Servers that start at the same time do it one after another.
                lock = (options.key("migrate"),)
                await connection.execute("SELECT pg_advisory_xact_lock(%s::bigint)", lock)
                await _migrate(connection, options, steps)
    except psycopg.Error as error:
        raise StoreOpenError(f"PostgreSQL cannot be opened: {error}") from error


def _check_database(connection: Connection) -> None:
    version = connection.info.server_version // 10_000
    if version < _OLDEST_VERSION:
        raise StoreOpenError(f"PostgreSQL {version} is older than {_OLDEST_VERSION}")
    encoding = connection.info.parameter_status("server_encoding")
    if encoding != "UTF8":
        raise StoreOpenError(f"the database's encoding is {encoding}, and must be UTF8")


async def _version(connection: Connection, options: Options) -> int:
    """Returns the schema's version; 0 where there is none."""
    row = await _first(
        connection,
        "SELECT 1 FROM pg_tables WHERE schemaname = %s AND tablename = 'store'",
        options.schema,
    )
    if row is None:
        return 0
    table = sql.Identifier(options.schema, "store")
    row = await _first(connection, sql.SQL("SELECT schema_version FROM {}").format(table))
    return int(row[0]) if row else 0


async def _first(connection: Connection, statement: Any, *values: object) -> tuple[Any, ...] | None:
    return await (await connection.execute(statement, values)).fetchone()


async def _migrate(connection: Connection, options: Options, steps: list[tuple[int, str]]) -> None:
    current = await _version(connection, options)
    if current > steps[-1][0]:
        raise StoreOpenError(
            f"the database has schema {current}, and this server knows up to {steps[-1][0]}:"
            " use a newer server"
        )
    schema = sql.Identifier(options.schema)
    if not current:
        await _refuse_other_tables(connection, options)
        await connection.execute(sql.SQL("CREATE SCHEMA IF NOT EXISTS {}").format(schema))
    await connection.execute(sql.SQL("SET LOCAL search_path = {}").format(schema))
    for version, text in steps:
        if version <= current:
            continue
        await connection.execute(text.encode())
        if version == 1:
            insert = "INSERT INTO store (schema_version, origin_mark) VALUES (0, %s)"
            await connection.execute(insert, (bytes.fromhex(new_mark()),))
        await connection.execute("UPDATE store SET schema_version = %s", (version,))


async def _refuse_other_tables(connection: Connection, options: Options) -> None:
    other = await _first(
        connection, "SELECT tablename FROM pg_tables WHERE schemaname = %s", options.schema
    )
    if other is not None:
        raise StoreOpenError(
            f"the schema {options.schema!r} has tables of another program, such as {other[0]!r}"
        )
