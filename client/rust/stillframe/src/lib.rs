//! Client of Stillframe, a snapshot server for execution engines.
//!
//! An engine saves the state of a run after every step, loads it to resume after a crash, and
//! watches it change. A [`Client`] is opened for one tenant, within a tokio runtime:
//!
//! ```no_run
//! use stillframe::{Client, ExecutionOptions, ExecutionState, LoadOptions, SaveOptions, Snapshot, json};
//!
//! # async fn example() -> stillframe::Result<()> {
//! let client = Client::open("127.0.0.1:50051", "acme")?;
//! let mut run = client.execution("run-1", ExecutionOptions::default());
//! let step = Snapshot::new(ExecutionState::Running)
//!     .sequence_number(1)
//!     .step_output("fetch", json!({"rows": 3}));
//! let saved = run.save(&step, SaveOptions::default()).await?;
//! let loaded = run.load(LoadOptions::default()).await?;
//! assert_eq!(loaded.snapshot.version, saved.version);
//! # Ok(())
//! # }
//! ```
//!
//! Every call is repeated while its timeout lasts and another try can help; what changes state is
//! done once all the same, but for [`WorkingMemory::delete`]. Failures are an [`Error`], told apart
//! by its [`Reason`].

mod answers;
mod builder;
mod client;
mod delta;
mod enums;
mod error;
mod events;
mod execution;
mod history;
mod listing;
mod lists;
mod memory;
mod query;
mod reason;
mod requests;
mod retry;
mod saver;
mod saver_core;
mod snapshot;
mod status;
mod stored;
mod tracking;
mod transport;
mod value;
mod values;
mod watch;
mod watching;

pub use answers::{
    Claim, Deleted, Diff, EntryDifference, Forked, Loaded, MatchCount, Page, Saved, ServerInfo,
    ServerLimits,
};
pub use builder::{Builder, MAX_MESSAGE_BYTES, TIMEOUT};
pub use client::Client;
pub use enums::{
    ChangeKind, DifferenceKind, ExecutionState, FreshnessStatus, OmissionReason, SaveOutcome,
    SnapshotMap, StateClass, WaitReason, WatchMode,
};
pub use error::{Code, Error, FieldViolation, Reason, Result};
pub use events::{Change, WatchEvent, WatchOpened};
pub use execution::{Execution, ExecutionOptions};
pub use listing::Listing;
pub use memory::{KeyInfo, MemoryValue, SetOptions, ValueSet, WorkingMemory};
pub use query::{Criteria, Filter, MapProjection, Projection, Selector};
pub use requests::{
    ClaimOptions, DeleteOptions, ForkOptions, HistoryOptions, ListOptions, LoadOptions,
    PruneOptions, SaveOptions,
};
pub use retry::RetryPolicy;
pub use saver::{Saver, SaverOptions};
pub use snapshot::Snapshot;
pub use stored::{Freshness, Omission, OmittedEntry, Origin, StoredSnapshot};
pub use value::{Codec, JsonCodec, MAX_DEPTH, number};
pub use values::{Entry, Values};
pub use watch::{Watch, WatchOptions};

/// A time, as seconds and nanoseconds since the Unix epoch.
pub use prost_types::Timestamp;
/// JSON values, and the macro that writes them.
pub use serde_json::{Value, json};
/// A value as bytes.
pub use stillframe_proto::v1::Payload;
/// The library that carries the calls: its `transport` has what [`Builder`] takes.
pub use tonic;
