//! What the server answers.

use stillframe_proto::v1 as pb;

use crate::enums::{DifferenceKind, SaveOutcome, SnapshotMap};
use crate::stored::{Freshness, StoredSnapshot};

/// The answer to a load.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Loaded {
    /// The snapshot.
    pub snapshot: StoredSnapshot,
    /// How it compares with the event_store_head that the call gave; None without one.
    pub freshness: Option<Freshness>,
}

/// The answer to a save: it is durable.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Saved {
    /// The version of the snapshot.
    pub version: u64,
    /// The etag of the snapshot.
    pub etag: String,
    /// The tenant's revision that committed it.
    pub revision: u64,
    /// Names that revision: a watch from it delivers what came after.
    pub resume_token: String,
    /// What the save did.
    pub outcome: SaveOutcome,
}

impl Saved {
    pub(crate) fn new(message: pb::SaveSnapshotResponse) -> Self {
        Self {
            version: message.version,
            etag: message.etag,
            revision: message.revision,
            resume_token: message.resume_token,
            outcome: SaveOutcome::from_wire(message.outcome),
        }
    }
}

/// The answer to a claim.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Claim {
    /// The epoch that the caller's saves must carry from now on.
    pub writer_epoch: u64,
    /// The head at that moment; None when there is none.
    pub snapshot: Option<StoredSnapshot>,
    /// How the head compares with the event_store_head that the call gave.
    pub freshness: Option<Freshness>,
}

/// The answer to a delete.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Deleted {
    /// How many executions were deleted, descendants included.
    pub deleted_count: u64,
    /// The tenant's revision that committed it; 0 when there was nothing to delete.
    pub revision: u64,
    /// Names that revision; empty when there was nothing to delete.
    pub resume_token: String,
}

impl Deleted {
    pub(crate) fn new(message: pb::DeleteExecutionResponse) -> Self {
        Self {
            deleted_count: message.deleted_count,
            revision: message.revision,
            resume_token: message.resume_token,
        }
    }
}

/// The answer to a fork: the new execution's head.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Forked {
    /// The version of the new head.
    pub version: u64,
    /// The etag of the new head.
    pub etag: String,
    /// The tenant's revision that committed the fork.
    pub revision: u64,
    /// Names that revision.
    pub resume_token: String,
    /// How many snapshots the new execution has, the head included.
    pub snapshot_count: u64,
}

impl Forked {
    pub(crate) fn new(message: pb::ForkExecutionResponse) -> Self {
        Self {
            version: message.version,
            etag: message.etag,
            revision: message.revision,
            resume_token: message.resume_token,
            snapshot_count: message.snapshot_count,
        }
    }
}

/// How two snapshots of an execution differ.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct Diff {
    /// The version compared from.
    pub from_version: u64,
    /// The version compared with.
    pub to_version: u64,
    /// The names in the contract of the header fields that differ, such as `state`.
    pub header_fields: Vec<String>,
    /// The entries that differ, by map and by the bytes of their keys.
    pub entries: Vec<EntryDifference>,
}

/// An entry that differs between two snapshots.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct EntryDifference {
    /// The map that it stands in.
    pub map: SnapshotMap,
    /// Its key there.
    pub key: String,
    /// How it differs.
    pub kind: DifferenceKind,
    /// The bytes of its serialised payload in the first snapshot; 0 when it is not there.
    pub from_size_bytes: u64,
    /// The bytes of its serialised payload in the second snapshot; 0 when it is not there.
    pub to_size_bytes: u64,
}

impl EntryDifference {
    pub(crate) fn new(message: pb::EntryDifference) -> Self {
        Self {
            map: SnapshotMap::from_wire(message.map),
            kind: DifferenceKind::from_wire(message.kind),
            key: message.key,
            from_size_bytes: message.from_size_bytes,
            to_size_bytes: message.to_size_bytes,
        }
    }
}

/// A count that is exact up to 10,000.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct MatchCount {
    /// The count.
    pub value: u64,
    /// There may be more than `value`.
    pub at_least: bool,
}

impl MatchCount {
    pub(crate) fn new(message: pb::MatchCount) -> Self {
        Self {
            value: message.value,
            at_least: message.at_least,
        }
    }
}

/// One page of a list. It may be empty without being the last: the last one is the one whose
/// `next_page_token` is empty.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Page<T> {
    /// What the page has.
    pub items: Vec<T>,
    /// Names the next page; empty on the last.
    pub next_page_token: String,
    /// How many there are in all; None unless it was asked for.
    pub count: Option<MatchCount>,
}

/// What a server is.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct ServerInfo {
    /// The version of the server.
    pub server_version: String,
    /// `memory`, `sqlite`, or the URL scheme of another store.
    pub store_kind: String,
    /// The limits in force.
    pub limits: ServerLimits,
    /// The parts of the contract that this server has, by name.
    pub features: Vec<String>,
}

impl ServerInfo {
    pub(crate) fn new(message: pb::GetServerInfoResponse) -> Self {
        Self {
            server_version: message.server_version,
            store_kind: message.store_kind,
            limits: ServerLimits::new(&message.limits.unwrap_or_default()),
            features: message.features,
        }
    }
}

/// The limits of a server; the names are those that errors give as `limit`.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct ServerLimits {
    /// Bytes of a request message.
    pub max_request_bytes: u64,
    /// Bytes of a snapshot.
    pub max_snapshot_bytes: u64,
    /// Bytes of one payload.
    pub max_payload_bytes: u64,
    /// Entries of a snapshot, both maps together.
    pub max_entries: u64,
    /// Watches open at the same time.
    pub max_watches: u64,
    /// Bytes of saves that wait for their commit.
    pub max_inflight_bytes: u64,
    /// Executions of a tenant; 0 is no limit.
    pub max_executions: u64,
    /// Changes of a tenant that the change log keeps, about.
    pub change_log_size: u64,
    /// How often, at least, a watch hears of the server, in milliseconds.
    pub progress_interval_ms: u64,
    /// Bytes of a value of the working memory.
    pub max_value_bytes: u64,
}

impl ServerLimits {
    fn new(message: &pb::ServerLimits) -> Self {
        Self {
            max_request_bytes: message.max_request_bytes,
            max_snapshot_bytes: message.max_snapshot_bytes,
            max_payload_bytes: message.max_payload_bytes,
            max_entries: message.max_entries,
            max_watches: message.max_watches,
            max_inflight_bytes: message.max_inflight_bytes,
            max_executions: message.max_executions,
            change_log_size: message.change_log_size,
            progress_interval_ms: message.progress_interval_ms,
            max_value_bytes: message.max_value_bytes,
        }
    }
}
