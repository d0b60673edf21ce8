//! What a call selects: filters on heads, bounds on snapshots, projections of entries.

use std::collections::BTreeMap;

use prost_types::Timestamp;
use stillframe_proto::v1 as pb;
use stillframe_proto::v1::snapshot_selector;

use crate::enums::{ExecutionState, StateClass, WaitReason};
use crate::error::{Error, Result};

/// Bounds that select snapshots: inclusive, all must hold, None is no bound, 0 is a value.
///
/// `sequence_max: Some(41)` reads "at or before sequence 41".
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Criteria {
    /// The lowest sequence number.
    pub sequence_min: Option<u64>,
    /// The highest sequence number.
    pub sequence_max: Option<u64>,
    /// The earliest timestamp, by the engine's clock; a snapshot without one does not meet it.
    pub timestamp_min: Option<Timestamp>,
    /// The latest timestamp, by the engine's clock; a snapshot without one does not meet it.
    pub timestamp_max: Option<Timestamp>,
    /// The earliest commit, by the store's clock.
    pub commit_time_min: Option<Timestamp>,
    /// The latest commit, by the store's clock.
    pub commit_time_max: Option<Timestamp>,
}

impl Criteria {
    pub(crate) fn message(&self) -> pb::SnapshotCriteria {
        pb::SnapshotCriteria {
            sequence_min: self.sequence_min,
            sequence_max: self.sequence_max,
            timestamp_min: self.timestamp_min,
            timestamp_max: self.timestamp_max,
            commit_time_min: self.commit_time_min,
            commit_time_max: self.commit_time_max,
        }
    }
}

/// Selects executions by their head. Fields are ANDed, the values of one are ORed, and labels
/// must all hold. None is no condition; a list that is empty is refused with
/// [`Reason::InvalidField`](crate::Reason::InvalidField), because the contract cannot tell it from
/// None and would match all.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Filter {
    /// The execution is one of these.
    pub execution_ids: Option<Vec<String>>,
    /// The execution's id starts with this.
    pub execution_id_prefix: Option<String>,
    /// The state is one of these.
    pub states: Option<Vec<ExecutionState>>,
    /// The state is in one of these classes.
    pub state_classes: Option<Vec<StateClass>>,
    /// The wait reason is one of these.
    pub wait_reasons: Option<Vec<WaitReason>>,
    /// The user is this one.
    pub user_id: Option<String>,
    /// The parent execution is this one.
    pub parent_execution_id: Option<String>,
    /// Every one of these labels is there with this value.
    pub labels: BTreeMap<String, String>,
    /// The head meets these bounds.
    pub criteria: Option<Criteria>,
}

impl Filter {
    pub(crate) fn message(&self) -> Result<pb::ExecutionFilter> {
        Ok(pb::ExecutionFilter {
            execution_ids: some("filter.execution_ids", &self.execution_ids, Clone::clone)?,
            execution_id_prefix: self.execution_id_prefix.clone(),
            states: some("filter.states", &self.states, |each| each.to_wire())?,
            state_classes: some("filter.state_classes", &self.state_classes, |each| {
                each.to_wire()
            })?,
            wait_reasons: some("filter.wait_reasons", &self.wait_reasons, |each| {
                each.to_wire()
            })?,
            user_id: self.user_id.clone(),
            parent_execution_id: self.parent_execution_id.clone(),
            labels: self.labels.clone().into_iter().collect(),
            criteria: self.criteria.as_ref().map(Criteria::message),
        })
    }
}

/// The values of a repeated field. Refuses what selects nothing, where the contract would read it
/// as no condition: a list of wanted ids that came out empty would match everything.
pub(crate) fn some<T, M>(
    field: &str,
    values: &Option<Vec<T>>,
    message: impl Fn(&T) -> M,
) -> Result<Vec<M>> {
    match values {
        Some(values) if values.is_empty() => Err(empty(field)),
        Some(values) => Ok(values.iter().map(message).collect()),
        None => Ok(Vec::new()),
    }
}

pub(crate) fn empty(field: &str) -> Error {
    Error::invalid_field(field, "is empty; None is no condition")
}

/// Names one snapshot of an execution.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub enum Selector {
    /// The snapshot with the highest version.
    #[default]
    Head,
    /// The snapshot with this version.
    Version(u64),
    /// The snapshot with this snapshot_id.
    SnapshotId(String),
    /// The snapshot with the highest version of those that meet these bounds.
    Latest(Criteria),
}

impl Selector {
    pub(crate) fn message(&self) -> pb::SnapshotSelector {
        let selector = match self {
            Self::Head => None,
            Self::Version(version) => Some(snapshot_selector::Selector::Version(*version)),
            Self::SnapshotId(id) => Some(snapshot_selector::Selector::SnapshotId(id.clone())),
            Self::Latest(bounds) => Some(snapshot_selector::Selector::LatestMatching(
                bounds.message(),
            )),
        };
        pb::SnapshotSelector { selector }
    }

    /// The message; None for the head.
    pub(crate) fn optional(&self) -> Option<pb::SnapshotSelector> {
        (*self != Self::Head).then(|| self.message())
    }
}

/// Which entries of one map an answer carries: all, or those that any key or key prefix names; at
/// most 1,000 keys and prefixes. A key that does not exist is passed over.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct MapProjection {
    /// Every entry.
    pub all: bool,
    /// The entries with these keys.
    pub keys: Vec<String>,
    /// The entries whose keys start with one of these.
    pub key_prefixes: Vec<String>,
}

impl MapProjection {
    /// Every entry of a map.
    pub fn all() -> Self {
        Self {
            all: true,
            ..Self::default()
        }
    }

    /// The entries with these keys.
    pub fn keys<K: Into<String>>(keys: impl IntoIterator<Item = K>) -> Self {
        Self {
            keys: keys.into_iter().map(Into::into).collect(),
            ..Self::default()
        }
    }

    fn message(&self) -> pb::MapProjection {
        pb::MapProjection {
            all: self.all,
            keys: self.keys.clone(),
            key_prefixes: self.key_prefixes.clone(),
        }
    }
}

/// Which entries of a snapshot an answer carries. The header is always there; None carries no
/// entry of that map, so the default is the header only.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Projection {
    /// Which step outputs.
    pub step_outputs: Option<MapProjection>,
    /// Which variables.
    pub variables: Option<MapProjection>,
}

impl Projection {
    pub(crate) fn message(&self) -> pb::SnapshotProjection {
        pb::SnapshotProjection {
            step_outputs: self.step_outputs.as_ref().map(MapProjection::message),
            variables: self.variables.as_ref().map(MapProjection::message),
        }
    }
}

/// The view of a list or watch; a projection means nothing without the full one.
pub(crate) fn view(full: bool, projection: &Option<Projection>) -> Result<i32> {
    if projection.is_some() && !full {
        return Err(Error::invalid_field("projection", "needs full"));
    }
    let view = if full {
        pb::SnapshotView::Full
    } else {
        pb::SnapshotView::Metadata
    };
    Ok(view.into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Reason;

    #[test]
    fn a_list_that_came_out_empty_is_not_everything() {
        let filter = Filter {
            states: Some(Vec::new()),
            ..Filter::default()
        };
        let error = filter.message().unwrap_err();
        assert_eq!(error.reason(), Some(&Reason::InvalidField));
        assert_eq!(error.violations()[0].field, "filter.states");
        assert!(Filter::default().message().unwrap().states.is_empty());
    }

    #[test]
    fn a_projection_needs_the_full_view() {
        let error = view(false, &Some(Projection::default())).unwrap_err();
        assert_eq!(error.metadata()["field"], "projection");
        assert_eq!(view(true, &None).unwrap(), pb::SnapshotView::Full as i32);
    }

    #[test]
    fn zero_is_a_bound() {
        let bounds = Criteria {
            sequence_min: Some(0),
            ..Criteria::default()
        };
        assert_eq!(bounds.message().sequence_min, Some(0));
        assert_eq!(bounds.message().sequence_max, None);
    }
}
