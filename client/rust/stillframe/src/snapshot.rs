//! Snapshots, as an engine saves them.

use std::collections::{BTreeMap, HashMap};

use prost_types::Timestamp;
use stillframe_proto::v1 as pb;

use crate::enums::{ExecutionState, WaitReason};
use crate::error::Result;
use crate::value::Codec;
use crate::values::{self, Entry};

/// The whole state of an execution at one moment, as an engine saves it.
///
/// Ids, keys and labels are 1 to 512 bytes of UTF-8 without control characters, numbers at most
/// 2^63 - 1.
#[derive(Clone, Debug, PartialEq)]
pub struct Snapshot {
    /// The state of the execution.
    pub state: ExecutionState,
    /// Required exactly when the state is `Waiting`.
    pub wait_reason: Option<WaitReason>,
    /// The sequence number of the last event of the engine's event store that this includes.
    pub sequence_number: u64,
    /// The user on whose behalf the execution runs.
    pub user_id: Option<String>,
    /// The step that the engine is at.
    pub current_step_id: Option<String>,
    /// Step id to output.
    pub step_outputs: BTreeMap<String, Entry>,
    /// Variable name to value.
    pub variables: BTreeMap<String, Entry>,
    /// The engine's clock when it made the snapshot.
    pub timestamp: Option<Timestamp>,
    /// What lists and watches filter on; at most 64.
    pub labels: BTreeMap<String, String>,
    /// The engine's own id for this snapshot, unique within the execution.
    pub snapshot_id: Option<String>,
    /// The engine's own id of the snapshot that this came from. Not checked.
    pub parent_snapshot_id: Option<String>,
    /// The execution of the same tenant that started this one. Not checked.
    pub parent_execution_id: Option<String>,
    /// The shape of the state; empty means unknown.
    pub schema_version: String,
}

impl Snapshot {
    /// A snapshot in this state, with nothing else set.
    pub fn new(state: ExecutionState) -> Self {
        Self {
            state,
            wait_reason: None,
            sequence_number: 0,
            user_id: None,
            current_step_id: None,
            step_outputs: BTreeMap::new(),
            variables: BTreeMap::new(),
            timestamp: None,
            labels: BTreeMap::new(),
            snapshot_id: None,
            parent_snapshot_id: None,
            parent_execution_id: None,
            schema_version: String::new(),
        }
    }

    /// A snapshot that waits for this.
    pub fn waiting(reason: WaitReason) -> Self {
        Self {
            wait_reason: Some(reason),
            ..Self::new(ExecutionState::Waiting)
        }
    }

    /// With this sequence number.
    pub fn sequence_number(mut self, sequence_number: u64) -> Self {
        self.sequence_number = sequence_number;
        self
    }

    /// With this step output.
    pub fn step_output(mut self, step_id: impl Into<String>, output: impl Into<Entry>) -> Self {
        self.step_outputs.insert(step_id.into(), output.into());
        self
    }

    /// With this variable.
    pub fn variable(mut self, name: impl Into<String>, value: impl Into<Entry>) -> Self {
        self.variables.insert(name.into(), value.into());
        self
    }

    /// With this label.
    pub fn label(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.labels.insert(name.into(), value.into());
        self
    }
}

/// A snapshot ready to be sent: the two maps apart from the header, so that a full save and a
/// delta are cut from the same cloth.
#[derive(Clone, Debug)]
pub(crate) struct EncodedSnapshot {
    pub(crate) header: pb::ExecutionSnapshot,
    pub(crate) step_outputs: HashMap<String, pb::Payload>,
    pub(crate) variables: HashMap<String, pb::Payload>,
}

impl EncodedSnapshot {
    pub(crate) fn of(snapshot: &Snapshot, codec: &dyn Codec) -> Result<Self> {
        let header = pb::ExecutionSnapshot {
            user_id: snapshot.user_id.clone(),
            state: snapshot.state.to_wire(),
            wait_reason: snapshot.wait_reason.map_or(0, WaitReason::to_wire),
            current_step_id: snapshot.current_step_id.clone(),
            timestamp: snapshot.timestamp,
            sequence_number: snapshot.sequence_number,
            labels: snapshot.labels.clone().into_iter().collect(),
            snapshot_id: snapshot.snapshot_id.clone(),
            parent_snapshot_id: snapshot.parent_snapshot_id.clone(),
            parent_execution_id: snapshot.parent_execution_id.clone(),
            schema_version: snapshot.schema_version.clone(),
            ..pb::ExecutionSnapshot::default()
        };
        Ok(Self {
            header,
            step_outputs: values::encode("step_outputs", &snapshot.step_outputs, codec)?,
            variables: values::encode("variables", &snapshot.variables, codec)?,
        })
    }

    /// The whole snapshot.
    pub(crate) fn message(&self) -> pb::ExecutionSnapshot {
        pb::ExecutionSnapshot {
            step_outputs: self.step_outputs.clone(),
            variables: self.variables.clone(),
            ..self.header.clone()
        }
    }
}
