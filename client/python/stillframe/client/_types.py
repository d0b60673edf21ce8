"""The nouns of the client: what an engine saves, and what the server answers.

Times are whole nanoseconds since the Unix epoch (`timestamp_ns`, `commit_time_ns`), so that
they come back exactly as they were saved.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from stillframe.client._enums import (
    DifferenceKind,
    ExecutionState,
    FreshnessStatus,
    OmissionReason,
    SaveOutcome,
    SnapshotMap,
    WaitReason,
)
from stillframe.client._values import Values

T = TypeVar("T")


@dataclass(kw_only=True, slots=True)
class Snapshot:
    """The whole state of an execution at one moment, as an engine saves it.

    Ids, keys and labels are 1 to 512 bytes of UTF-8 without control characters, numbers at
    most 2^63 - 1. The values of `step_outputs` and `variables` are what the client's codec
    encodes (JSON values by default), or a `Payload`, which is saved byte for byte.
    """

    state: ExecutionState
    """The state of the execution."""
    sequence_number: int = 0
    """The sequence number of the last event of the engine's event store that this includes."""
    wait_reason: WaitReason | None = None
    """Required exactly when the state is WAITING."""
    user_id: str | None = None
    """The user on whose behalf the execution runs."""
    current_step_id: str | None = None
    """The step that the engine is at."""
    step_outputs: Mapping[str, Any] = field(default_factory=dict[str, Any])
    """Step id to output."""
    variables: Mapping[str, Any] = field(default_factory=dict[str, Any])
    """Variable name to value."""
    timestamp_ns: int | None = None
    """The engine's clock when it made the snapshot, in nanoseconds since the epoch."""
    labels: Mapping[str, str] = field(default_factory=dict[str, str])
    """What lists and watches filter on; at most 64."""
    snapshot_id: str | None = None
    """The engine's own id for this snapshot, unique within the execution."""
    parent_snapshot_id: str | None = None
    """The engine's own id of the snapshot that this came from. Not checked."""
    parent_execution_id: str | None = None
    """The execution of the same tenant that started this one. Not checked."""
    schema_version: str = ""
    """The shape of the state; empty means unknown."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Origin:
    """Where a forked snapshot came from."""

    execution_id: str
    version: int
    etag: str
    commit_time_ns: int


@dataclass(frozen=True, kw_only=True, slots=True)
class OmittedEntry:
    """One entry that an answer leaves out; `size_bytes` is its serialised payload's."""

    map: SnapshotMap
    key: str
    size_bytes: int
    reason: OmissionReason


@dataclass(frozen=True, kw_only=True, slots=True)
class Omission:
    """What an answer leaves out of a snapshot. `entries` is cut at 64 KiB, and empty in
    metadata answers; `count` and `size_bytes` are always those of everything left out.
    """

    entries: tuple[OmittedEntry, ...]
    count: int
    size_bytes: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Freshness:
    """How a snapshot compares with an event store's head (DESIGN section 4).

    `distance`: by how many events the snapshot is behind (STALE) or ahead (AHEAD), else 0.
    `snapshot_sequence` and `version` are 0 when MISSING.
    """

    execution_id: str
    status: FreshnessStatus
    event_store_head: int
    snapshot_sequence: int
    distance: int
    version: int


@dataclass(kw_only=True, slots=True)
class StoredSnapshot(Snapshot):
    """A snapshot as the server has it.

    It can be changed and saved again: entries that were not assigned to go back byte for
    byte. One with an `omission` is not whole, and a save refuses it.
    """

    # Narrower than the base's on purpose: what was loaded is always Values.
    step_outputs: Values  # pyright: ignore[reportIncompatibleVariableOverride, reportGeneralTypeIssues]
    """Step id to output, decoded when looked up."""
    variables: Values  # pyright: ignore[reportIncompatibleVariableOverride, reportGeneralTypeIssues]
    """Variable name to value, decoded when looked up."""
    tenant_id: str
    execution_id: str
    version: int
    """1, 2, 3 … per execution; never used twice."""
    etag: str
    """Opaque text that names this snapshot for good; preconditions name it."""
    revision: int
    """The tenant's revision that committed this snapshot."""
    commit_time_ns: int
    """The store's clock at the commit, in nanoseconds since the epoch."""
    origin: Origin | None = None
    """Where the snapshot was forked from; None unless it came with a fork."""
    omission: Omission | None = None
    """What this answer leaves out; None when it is whole."""
    freshness: Freshness | None = None
    """How it compares with the event_store_head that the call gave; None without one."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Saved:
    """The answer to a save: it is durable.

    `resume_token` names the revision: a watch from it delivers what came after.
    """

    version: int
    etag: str
    revision: int
    resume_token: str
    outcome: SaveOutcome


@dataclass(frozen=True, kw_only=True, slots=True)
class Deleted:
    """The answer to a delete. `deleted_count` includes descendants; `revision` is 0 and
    `resume_token` empty when there was nothing to delete.
    """

    deleted_count: int
    revision: int
    resume_token: str


@dataclass(frozen=True, kw_only=True, slots=True)
class EntryDifference:
    """An entry that differs between two snapshots; a size is that of its serialised payload,
    0 where it is not there.
    """

    map: SnapshotMap
    key: str
    kind: DifferenceKind
    from_size_bytes: int
    to_size_bytes: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Diff:
    """How two snapshots of an execution differ. `header_fields`: the names in the contract of
    the fields that differ, such as `state`; what only the server sets is not compared.
    """

    from_version: int
    to_version: int
    header_fields: tuple[str, ...]
    entries: tuple[EntryDifference, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Forked:
    """The answer to a fork: the new execution's head. `snapshot_count`: how many snapshots
    the new execution has, the head included.
    """

    version: int
    etag: str
    revision: int
    resume_token: str
    snapshot_count: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Claim:
    """The answer to a claim: the epoch that the caller's saves must carry from now on, and
    the head at that moment, None when there is none.
    """

    writer_epoch: int
    snapshot: StoredSnapshot | None
    freshness: Freshness | None


@dataclass(frozen=True, kw_only=True, slots=True)
class MatchCount:
    """A count that is exact up to 10,000; `at_least`: there may be more than `value`."""

    value: int
    at_least: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class Page(Generic[T]):
    """One page of a list. It may be empty without being the last: the last one is the one
    whose `next_page_token` is empty. `count` is None unless it was asked for.
    """

    items: tuple[T, ...]
    next_page_token: str
    count: MatchCount | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class ValueCommit:
    """The answer to a set of a value of the working memory: it is durable. `etag` names the
    value, as this call set it, for good; `expire_time_ns` is None when it has no ttl.
    """

    etag: str
    commit_time_ns: int
    expire_time_ns: int | None


@dataclass(frozen=True, kw_only=True, slots=True)
class StoredValue:
    """A value of the working memory as the server has it: bytes, which no codec touches."""

    value: bytes
    etag: str
    commit_time_ns: int
    expire_time_ns: int | None
    """When its ttl is over, in nanoseconds since the epoch; None when it has none."""


@dataclass(frozen=True, kw_only=True, slots=True)
class KeyInfo:
    """A key of the working memory, and what is known of its value; `size_bytes` is its."""

    key: str
    etag: str
    size_bytes: int
    commit_time_ns: int
    expire_time_ns: int | None


@dataclass(frozen=True, kw_only=True, slots=True)
class ServerLimits:
    """The limits of a server; the names are those that errors give as `limit`."""

    max_request_bytes: int
    max_snapshot_bytes: int
    max_payload_bytes: int
    max_entries: int
    max_watches: int
    max_inflight_bytes: int
    max_executions: int
    change_log_size: int
    progress_interval_ms: int
    max_value_bytes: int


@dataclass(frozen=True, kw_only=True, slots=True)
class ServerInfo:
    """What a server is. `store_kind`: `memory`, `sqlite`, or another's URL scheme;
    `features`: the parts of the contract that it has, by name.
    """

    server_version: str
    store_kind: str
    limits: ServerLimits
    features: tuple[str, ...]
