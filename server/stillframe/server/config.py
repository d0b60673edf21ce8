"""The server's settings: from arguments, from the environment, or the defaults."""

from __future__ import annotations

import json
from typing import Annotated, Any

from pydantic import BeforeValidator, Field
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from stillframe.server.stores.base import MIB, StoreConfig
from stillframe.server.stores.retention import KEEP_ALL, Retention


def _retention(value: object) -> Retention:
    return value if isinstance(value, Retention) else Retention.parse(str(value))


def _mapping(value: Any) -> Any:
    """Reads the environment's JSON. What it holds is checked field by field."""
    if not isinstance(value, str):
        return value
    try:
        read = json.loads(value)
    except (ValueError, RecursionError):
        read = None
    if not isinstance(read, dict):
        raise ValueError('must be a JSON object, such as {"acme": "for:30d"}')  # noqa: TRY004 - ValueError is what pydantic reports
    return read  # pyright: ignore[reportUnknownVariableType]


RetentionText = Annotated[Retention, NoDecode, BeforeValidator(_retention)]
"""A Retention, given as what Retention.parse reads."""


class Settings(BaseSettings):
    """Every setting can be given as an environment variable: STILLFRAME_LISTEN and so on.

    Sizes are in bytes, times in seconds.
    """

    model_config = SettingsConfigDict(env_prefix="STILLFRAME_", frozen=True)

    store: str = "sqlite:///stillframe.db"
    """The URL of the store: `memory:`, `sqlite:///relative.db`, `sqlite:////absolute.db`,
    `postgresql://user@host/database` (docs/operations.md)."""
    listen: str = "127.0.0.1:50051"
    """Address and port; port 0 takes a free one."""
    reflection: bool = True
    """Serves the gRPC reflection API, so that tools need no proto files."""

    max_request_bytes: int = Field(default=64 * MIB, ge=MIB)
    max_snapshot_bytes: int = Field(default=60 * MIB, ge=1024)
    max_payload_bytes: int = Field(default=60 * MIB, ge=1024)
    max_entries: int = Field(default=100_000, ge=1)
    max_executions: int = Field(default=0, ge=0)
    """Executions of a tenant; 0 is no limit."""
    max_value_bytes: int = Field(default=MIB, ge=1024)
    """Of one value of the working memory."""
    max_watches: int = Field(default=10_000, ge=1)
    max_inflight_bytes: int = Field(default=256 * MIB, ge=MIB)
    """Bytes of saves and values that wait for their commit."""

    head_cache_bytes: int = Field(default=64 * MIB, ge=0)
    """Heads that were saved and are kept in memory, so that later saves and loads of them
    read less; with PostgreSQL, their payloads alone."""
    change_log_size: int = Field(default=1_000_000, ge=1)
    """Changes of a tenant that a watch can resume over, about."""
    tombstone_days: float = Field(default=30, ge=0)
    """How long a deleted execution's version, writer epoch and request ids are kept."""
    retention: RetentionText = KEEP_ALL
    """Which history is kept: `all`, `last:100` (versions), or `for:30d` (also s, m, h)."""
    tenant_retention: Annotated[dict[str, RetentionText], NoDecode, BeforeValidator(_mapping)] = (
        Field(default_factory=dict[str, Retention])
    )
    """Which history these tenants keep, by tenant; in the environment a JSON object."""
    watch_buffer_bytes: int = Field(default=64 * MIB, ge=MIB)
    """Recent changes kept in memory for all watches together."""
    progress_interval: float = Field(default=10, gt=0, le=15)
    """How often, at least, a watch gets a caught_up or progress frame."""
    maintenance_interval: float = Field(default=1, gt=0)
    """How often expired executions, outlived history, old changes and tombstones are looked
    for."""
    health_interval: float = Field(default=1, gt=0)
    """How often the health service looks whether the store can be used."""
    drain_grace: float = Field(default=10, ge=0)
    """How long saves in flight may take after SIGTERM."""

    log_level: str = "info"
    log_json: bool = False

    def store_config(self) -> StoreConfig:
        return StoreConfig(
            max_snapshot_bytes=self.max_snapshot_bytes,
            max_entries=self.max_entries,
            max_executions=self.max_executions,
            max_inflight_bytes=self.max_inflight_bytes,
            head_cache_bytes=self.head_cache_bytes,
            change_log_size=self.change_log_size,
            tombstone_seconds=self.tombstone_days * 86_400,
            retention=self.retention,
            tenant_retention=self.tenant_retention,
        )
