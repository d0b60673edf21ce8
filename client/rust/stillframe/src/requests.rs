//! What calls are told besides what they are about, and the requests that several of them share.

use std::collections::BTreeMap;
use std::time::Duration;

use stillframe_proto::v1 as pb;
use stillframe_proto::v1::save_snapshot_request::Content;

use crate::query::{Criteria, Filter, Projection, Selector};
use crate::retry::random;

/// What a save is told besides the snapshot.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SaveOptions {
    /// Refuses the save with ETAG_MISMATCH unless the head has this etag.
    pub expected_etag: Option<String>,
    /// Refuses the save with EXECUTION_EXISTS if there is a head.
    pub must_not_exist: bool,
    /// The epoch that a claim gave; a lower one than another writer's is refused with FENCED.
    pub writer_epoch: Option<u64>,
    /// How long the execution lives, counted from this commit. None keeps what was set before,
    /// zero clears it.
    pub ttl: Option<Duration>,
    /// Accepts a sequence number lower than the head's.
    pub allow_sequence_regression: bool,
    /// Makes a repeat of this call safe. A random one if not given.
    pub request_id: Option<String>,
}

/// What a load is told besides the execution.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct LoadOptions {
    /// Which snapshot.
    pub selector: Selector,
    /// Which entries; None is all of them.
    pub projection: Option<Projection>,
    /// The sequence number of the last event in the caller's event store; the answer compares the
    /// snapshot with it.
    pub event_store_head: Option<u64>,
    /// Refuses a snapshot that is not fresh. Needs `event_store_head`.
    pub require_fresh: bool,
    /// Refuses a snapshot that is behind by more events than this, or ahead. Needs
    /// `event_store_head`; contradicts `require_fresh`.
    pub max_behind: Option<u64>,
    /// The most bytes that the answer may have; entries that do not fit are left out and named in
    /// the omission. The client's bound if not given.
    pub max_message_bytes: Option<u64>,
}

/// What a claim is told besides the execution.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ClaimOptions {
    /// Claims the id of an execution that does not exist.
    pub allow_missing: bool,
    /// As in [`LoadOptions`].
    pub projection: Option<Projection>,
    /// As in [`LoadOptions`].
    pub event_store_head: Option<u64>,
}

/// What a list of heads selects.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ListOptions {
    /// Which executions; None is all of them.
    pub filter: Option<Filter>,
    /// Carries entries, not the header alone.
    pub full: bool,
    /// Which entries; None is all of them. Needs `full`.
    pub projection: Option<Projection>,
    /// The most executions of a page; 0 is 100, and more than 1,000 is 1,000.
    pub page_size: u32,
}

/// What a list of history selects.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct HistoryOptions {
    /// The execution; None is every one that the filter matches.
    pub execution_id: Option<String>,
    /// Tested on heads.
    pub filter: Option<Filter>,
    /// Tested on snapshots.
    pub criteria: Option<Criteria>,
    /// Tested on snapshots: every one of these labels is there with this value.
    pub labels: BTreeMap<String, String>,
    /// As in [`ListOptions`].
    pub full: bool,
    /// As in [`ListOptions`].
    pub projection: Option<Projection>,
    /// As in [`ListOptions`].
    pub page_size: u32,
}

/// What a fork is told besides the two executions.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ForkOptions {
    /// Which snapshot becomes the new head.
    pub selector: Selector,
    /// Brings the history up to that snapshot along.
    pub include_history: bool,
    /// Replaces the new head's sequence number, for an engine that starts a new event log.
    pub sequence_number: Option<u64>,
    /// As in [`SaveOptions`].
    pub request_id: Option<String>,
}

/// Which snapshots a prune deletes. The conditions are ANDed; at least one, or `all_history`, is
/// required. A list that is empty is refused, as in [`Filter`].
#[derive(Clone, Debug, Default, PartialEq)]
pub struct PruneOptions {
    /// Those with these versions; at most 1,000.
    pub versions: Option<Vec<u64>>,
    /// Those with these snapshot ids; at most 1,000.
    pub snapshot_ids: Option<Vec<String>>,
    /// Those that meet these bounds.
    pub criteria: Option<Criteria>,
    /// Those that have every one of these labels.
    pub labels: Option<BTreeMap<String, String>>,
    /// Every snapshot but the head. Contradicts the others.
    pub all_history: bool,
    /// As in [`SaveOptions`].
    pub writer_epoch: Option<u64>,
    /// As in [`SaveOptions`].
    pub request_id: Option<String>,
}

/// What a delete is told besides the execution.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct DeleteOptions {
    /// Refuses the delete with ETAG_MISMATCH if there is a head with another etag.
    pub expected_etag: Option<String>,
    /// As in [`SaveOptions`].
    pub writer_epoch: Option<u64>,
    /// Deletes as well every execution whose head names this one as its parent, and theirs.
    pub include_descendants: bool,
    /// As in [`SaveOptions`].
    pub request_id: Option<String>,
}

/// A fresh request_id, of the system's randomness.
pub(crate) fn new_request_id() -> String {
    random::<16>()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

/// The request_id of a call.
pub(crate) fn request_id_of(given: Option<String>) -> String {
    given.unwrap_or_else(new_request_id)
}

pub(crate) fn duration_message(duration: Duration) -> prost_types::Duration {
    // Beyond what the field can say the server refuses it too.
    let seconds = i64::try_from(duration.as_secs()).unwrap_or(i64::MAX);
    prost_types::Duration {
        seconds,
        nanos: duration.subsec_nanos() as i32,
    }
}

pub(crate) fn save_request(
    tenant: &str,
    execution_id: &str,
    content: Content,
    options: SaveOptions,
) -> pb::SaveSnapshotRequest {
    pb::SaveSnapshotRequest {
        tenant_id: tenant.to_owned(),
        execution_id: execution_id.to_owned(),
        content: Some(content),
        request_id: request_id_of(options.request_id),
        expected_etag: options.expected_etag,
        must_not_exist: options.must_not_exist,
        writer_epoch: options.writer_epoch,
        ttl: options.ttl.map(duration_message),
        allow_sequence_regression: options.allow_sequence_regression,
    }
}
