//! What a watch delivers.

use std::time::Duration;

use crate::enums::{ChangeKind, WatchMode};
use crate::stored::StoredSnapshot;

/// One event of a [`Watch`](crate::Watch).
///
/// A resume token is a point up to which everything was delivered: a watch that starts with it
/// goes on from there. It is empty in events of the initial state.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum WatchEvent {
    /// The watch is open. Comes again after every reconnection.
    Opened(WatchOpened),
    /// An execution changed, or is part of the initial state.
    Change(Box<Change>),
    /// The changes so far, applied in order, are the state at the resume token.
    #[non_exhaustive]
    InitialStateEnd {
        /// How many executions the filter matched.
        execution_count: u64,
        /// As in [`WatchEvent`].
        resume_token: String,
    },
    /// The stream has reached the present.
    #[non_exhaustive]
    CaughtUp {
        /// As in [`WatchEvent`].
        resume_token: String,
    },
    /// Everything up to the resume token was delivered, whether or not anything matched.
    #[non_exhaustive]
    Progress {
        /// As in [`WatchEvent`].
        resume_token: String,
    },
    /// The watch starts over with the initial state: forget what it delivered so far.
    #[non_exhaustive]
    Restarted {
        /// `INTERRUPTED` (cut off during the initial state), or the reason of the error that the
        /// watch was told to survive: `HISTORY_COMPACTED`, `STORE_REPLACED`, `REVISION_IN_FUTURE`.
        reason: String,
    },
}

impl WatchEvent {
    /// The change, if it is one.
    pub fn into_change(self) -> Option<Change> {
        match self {
            Self::Change(change) => Some(*change),
            _ => None,
        }
    }

    /// The token that the event carries; empty where it carries none.
    pub fn resume_token(&self) -> &str {
        match self {
            Self::Opened(opened) => &opened.resume_token,
            Self::Change(change) => &change.resume_token,
            Self::InitialStateEnd { resume_token, .. }
            | Self::CaughtUp { resume_token }
            | Self::Progress { resume_token } => resume_token,
            Self::Restarted { .. } => "",
        }
    }
}

/// The settings of a watch that is open.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct WatchOpened {
    /// The mode in force.
    pub mode: WatchMode,
    /// Whether snapshots carry entries.
    pub full: bool,
    /// The bound on response messages in force, in bytes.
    pub max_message_bytes: u64,
    /// How often, at least, the server is heard of.
    pub progress_interval: Duration,
    /// As in [`WatchEvent`].
    pub resume_token: String,
}

/// One change of one execution.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Change {
    /// What happened.
    pub kind: ChangeKind,
    /// For `Saved` and `LeftFilter` the new head; for `Deleted` and `Expired` the ids, the version,
    /// and what filters test of the head that is gone.
    pub snapshot: StoredSnapshot,
    /// Whether it is part of the initial state.
    pub initial: bool,
    /// The entries were asked for and are no longer there.
    pub content_gone: bool,
    /// As in [`WatchEvent`].
    pub resume_token: String,
}
