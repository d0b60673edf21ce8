//! enact-core's `StateStore` over Stillframe.
//!
//! An engine of enact-core that is given a [`StillframeStateStore`] keeps its snapshots and its
//! working memory in a Stillframe server: durable, with every version of every snapshot, and
//! watched by whoever cares.
//!
//! ```no_run
//! use std::sync::Arc;
//!
//! use enact_core::kernel::persistence::StateStore;
//! use stillframe_enact::StillframeStateStore;
//!
//! # async fn example() -> anyhow::Result<()> {
//! let store: Arc<dyn StateStore> =
//!     Arc::new(StillframeStateStore::connect("127.0.0.1:50051", "acme")?);
//! # Ok(())
//! # }
//! ```
//!
//! The trait names no tenant when it loads, so a store is opened for one, and refuses what is
//! another's.

mod convert;
mod keys;
mod store;

pub use store::StillframeStateStore;
