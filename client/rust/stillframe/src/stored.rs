//! Snapshots, as the server has them.

use std::collections::BTreeMap;
use std::sync::Arc;

use prost_types::Timestamp;
use stillframe_proto::v1 as pb;

use crate::enums::{ExecutionState, FreshnessStatus, OmissionReason, SnapshotMap, WaitReason};
use crate::error::{Error, Result};
use crate::snapshot::Snapshot;
use crate::value::Codec;
use crate::values::Values;

/// A snapshot as the server has it.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct StoredSnapshot {
    /// The tenant.
    pub tenant_id: String,
    /// The execution.
    pub execution_id: String,
    /// 1, 2, 3 … per execution; never used twice.
    pub version: u64,
    /// Opaque text that names this snapshot for good; preconditions name it.
    pub etag: String,
    /// The tenant's revision that committed this snapshot.
    pub revision: u64,
    /// The store's clock at the commit.
    pub commit_time: Timestamp,
    /// As in [`Snapshot`].
    pub state: ExecutionState,
    /// As in [`Snapshot`].
    pub wait_reason: Option<WaitReason>,
    /// As in [`Snapshot`].
    pub sequence_number: u64,
    /// As in [`Snapshot`].
    pub user_id: Option<String>,
    /// As in [`Snapshot`].
    pub current_step_id: Option<String>,
    /// Step id to output, decoded when looked up.
    pub step_outputs: Values,
    /// Variable name to value, decoded when looked up.
    pub variables: Values,
    /// As in [`Snapshot`].
    pub timestamp: Option<Timestamp>,
    /// As in [`Snapshot`].
    pub labels: BTreeMap<String, String>,
    /// As in [`Snapshot`].
    pub snapshot_id: Option<String>,
    /// As in [`Snapshot`].
    pub parent_snapshot_id: Option<String>,
    /// As in [`Snapshot`].
    pub parent_execution_id: Option<String>,
    /// As in [`Snapshot`].
    pub schema_version: String,
    /// Where the snapshot was forked from; None unless it came with a fork.
    pub origin: Option<Origin>,
    /// What this answer leaves out; None when it is whole.
    pub omission: Option<Omission>,
}

impl StoredSnapshot {
    /// `partial`: the entries are not all there although there is no omission, as in a change by
    /// which an execution ends.
    pub(crate) fn new(
        message: pb::ExecutionSnapshot,
        codec: &Arc<dyn Codec>,
        partial: bool,
    ) -> Self {
        let partial = partial || message.omission.is_some();
        let values = |name, payloads| Values::new(name, payloads, Arc::clone(codec), partial);
        let wait_reason = message.wait_reason;
        Self {
            tenant_id: message.tenant_id,
            execution_id: message.execution_id,
            version: message.version,
            etag: message.etag,
            revision: message.revision,
            commit_time: message.commit_time.unwrap_or_default(),
            state: ExecutionState::from_wire(message.state),
            wait_reason: (wait_reason != 0).then(|| WaitReason::from_wire(wait_reason)),
            sequence_number: message.sequence_number,
            user_id: message.user_id,
            current_step_id: message.current_step_id,
            step_outputs: values("step_outputs", message.step_outputs),
            variables: values("variables", message.variables),
            timestamp: message.timestamp,
            labels: message.labels.into_iter().collect(),
            snapshot_id: message.snapshot_id,
            parent_snapshot_id: message.parent_snapshot_id,
            parent_execution_id: message.parent_execution_id,
            schema_version: message.schema_version,
            origin: message.origin.map(Origin::new),
            omission: message.omission.map(Omission::new),
        }
    }

    /// The same as an engine would save it, to be changed and saved again: its entries go back
    /// byte for byte.
    ///
    /// # Errors
    ///
    /// [`Reason::IncompleteSnapshot`](crate::Reason::IncompleteSnapshot) when it leaves something
    /// out: a save would delete what it does not carry.
    pub fn to_snapshot(&self) -> Result<Snapshot> {
        if self.omission.is_some() {
            return Err(Error::incomplete("snapshot.omission"));
        }
        if self.step_outputs.is_partial() || self.variables.is_partial() {
            return Err(Error::incomplete("snapshot.step_outputs"));
        }
        Ok(Snapshot {
            state: self.state,
            wait_reason: self.wait_reason,
            sequence_number: self.sequence_number,
            user_id: self.user_id.clone(),
            current_step_id: self.current_step_id.clone(),
            step_outputs: self.step_outputs.entries(),
            variables: self.variables.entries(),
            timestamp: self.timestamp,
            labels: self.labels.clone(),
            snapshot_id: self.snapshot_id.clone(),
            parent_snapshot_id: self.parent_snapshot_id.clone(),
            parent_execution_id: self.parent_execution_id.clone(),
            schema_version: self.schema_version.clone(),
        })
    }
}

/// Where a forked snapshot came from.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Origin {
    /// The execution that was forked.
    pub execution_id: String,
    /// The version that the snapshot had there.
    pub version: u64,
    /// The etag that the snapshot had there.
    pub etag: String,
    /// When the snapshot was committed there.
    pub commit_time: Timestamp,
}

impl Origin {
    fn new(message: pb::SnapshotOrigin) -> Self {
        Self {
            execution_id: message.execution_id,
            version: message.version,
            etag: message.etag,
            commit_time: message.commit_time.unwrap_or_default(),
        }
    }
}

/// What an answer leaves out of a snapshot.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Omission {
    /// What was left out, by name; cut at 64 KiB, and empty in metadata answers.
    pub entries: Vec<OmittedEntry>,
    /// How many entries were left out, those not listed included.
    pub count: u64,
    /// The bytes that those entries have in the whole snapshot, keys included.
    pub size_bytes: u64,
}

impl Omission {
    fn new(message: pb::Omission) -> Self {
        let entry = |entry: pb::OmittedEntry| OmittedEntry {
            map: SnapshotMap::from_wire(entry.map),
            reason: OmissionReason::from_wire(entry.reason),
            key: entry.key,
            size_bytes: entry.size_bytes,
        };
        Self {
            entries: message.entries.into_iter().map(entry).collect(),
            count: message.count,
            size_bytes: message.size_bytes,
        }
    }
}

/// One entry that an answer leaves out.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct OmittedEntry {
    /// The map that it stands in.
    pub map: SnapshotMap,
    /// Its key there.
    pub key: String,
    /// The bytes of its serialised payload.
    pub size_bytes: u64,
    /// Why it was left out.
    pub reason: OmissionReason,
}

/// How a snapshot compares with an event store's head.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Freshness {
    /// The execution.
    pub execution_id: String,
    /// How the two compare.
    pub status: FreshnessStatus,
    /// The event store's head, as the caller gave it.
    pub event_store_head: u64,
    /// The snapshot's sequence number; 0 when missing.
    pub snapshot_sequence: u64,
    /// By how many events the snapshot is behind (stale) or ahead; else 0.
    pub distance: u64,
    /// The snapshot's version; 0 when missing.
    pub version: u64,
}

impl Freshness {
    pub(crate) fn new(message: pb::Freshness) -> Self {
        Self {
            status: FreshnessStatus::from_wire(message.status),
            execution_id: message.execution_id,
            event_store_head: message.event_store_head,
            snapshot_sequence: message.snapshot_sequence,
            distance: message.distance,
            version: message.version,
        }
    }
}
