//! A handle on one execution, which works out deltas.

use std::fmt;
use std::time::Duration;

use stillframe_proto::v1 as pb;

use crate::answers::{Claim, Deleted, Loaded, Saved};
use crate::client::Client;
use crate::error::Result;
use crate::query::Selector;
use crate::requests::{ClaimOptions, DeleteOptions, LoadOptions, SaveOptions};
use crate::saver::Saver;
use crate::snapshot::{EncodedSnapshot, Snapshot};
use crate::tracking::{SendSave, Tracker};

/// What an [`Execution`] is opened with.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ExecutionOptions {
    /// What goes with every save; a claim sets it.
    pub writer_epoch: Option<u64>,
    /// Saves also where somebody else has written, in place of that.
    pub overwrite: bool,
}

/// One execution, as one engine sees it, from [`Client::execution`].
///
/// A save sends what changed since the snapshot that this handle last saved, loaded or claimed,
/// where that is less than the whole. When somebody else has written in between, it is refused with
/// DELTA_BASE_MISMATCH or ETAG_MISMATCH, unless the handle was opened with `overwrite`. A save
/// without an answer may have taken effect; the next one first repeats it, so that both come in
/// order. Dropping the future of a save leaves it in that state.
pub struct Execution {
    client: Client,
    execution_id: String,
    writer_epoch: Option<u64>,
    tracker: Tracker,
}

impl Execution {
    pub(crate) fn new(client: Client, execution_id: &str, options: ExecutionOptions) -> Self {
        let tracker = Tracker::new(
            client.owned_tenant(),
            execution_id.to_owned(),
            options.overwrite,
        );
        let ExecutionOptions { writer_epoch, .. } = options;
        Self {
            client,
            execution_id: execution_id.to_owned(),
            writer_epoch,
            tracker,
        }
    }

    /// The execution.
    pub fn execution_id(&self) -> &str {
        &self.execution_id
    }

    /// What goes with every save.
    pub fn writer_epoch(&self) -> Option<u64> {
        self.writer_epoch
    }

    /// Sets the time that each later call may take with its retries.
    pub fn set_timeout(&mut self, timeout: Duration) {
        self.client = self.client.with_timeout(timeout);
    }

    /// Saves a snapshot, and returns once it is durable. The handle's epoch goes with it, unless
    /// the options have one.
    ///
    /// # Errors
    ///
    /// Those of [`Client::save`], and DELTA_BASE_MISMATCH, EXECUTION_NOT_FOUND.
    pub async fn save(&mut self, snapshot: &Snapshot, options: SaveOptions) -> Result<Saved> {
        let snapshot = self.encode(snapshot)?;
        self.save_encoded(&snapshot, options).await
    }

    pub(crate) fn encode(&self, snapshot: &Snapshot) -> Result<EncodedSnapshot> {
        EncodedSnapshot::of(snapshot, &**self.client.codec())
    }

    pub(crate) async fn save_encoded(
        &mut self,
        snapshot: &EncodedSnapshot,
        mut options: SaveOptions,
    ) -> Result<Saved> {
        options.writer_epoch = options.writer_epoch.or(self.writer_epoch);
        self.tracker.save(snapshot, options, &self.client).await
    }

    /// Loads a snapshot; the head is what later saves are compared with.
    ///
    /// # Errors
    ///
    /// Those of [`Client::load`].
    pub async fn load(&mut self, options: LoadOptions) -> Result<Loaded> {
        let is_head = options.selector == Selector::Head;
        let loaded = self.client.load(&self.execution_id, options).await?;
        if is_head {
            self.tracker.know(Some(&loaded.snapshot));
        }
        Ok(loaded)
    }

    /// Takes over the execution: later saves of this handle carry the new epoch.
    ///
    /// # Errors
    ///
    /// Those of [`Client::claim`].
    pub async fn claim(&mut self, options: ClaimOptions) -> Result<Claim> {
        let claim = self.client.claim(&self.execution_id, options).await?;
        self.writer_epoch = Some(claim.writer_epoch);
        self.tracker.know(claim.snapshot.as_ref());
        Ok(claim)
    }

    /// Saves in the background from here on, with what this handle knows of the head and its epoch;
    /// see [`Client::saver`]. Starts a task.
    pub fn into_saver(self, max_absence: Duration) -> Saver {
        Saver::over(&self.client.clone(), self, max_absence)
    }

    /// Deletes the execution. The handle's epoch goes with it, unless the options have one.
    ///
    /// # Errors
    ///
    /// Those of [`Client::delete`].
    pub async fn delete(&mut self, mut options: DeleteOptions) -> Result<Deleted> {
        options.writer_epoch = options.writer_epoch.or(self.writer_epoch);
        let deleted = self.client.delete(&self.execution_id, options).await?;
        self.tracker.forget();
        Ok(deleted)
    }
}

impl SendSave for Client {
    async fn send_save(&self, request: pb::SaveSnapshotRequest) -> Result<Saved> {
        self.send_save_request(request).await
    }
}

impl fmt::Debug for Execution {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Execution")
            .field("execution_id", &self.execution_id)
            .field("writer_epoch", &self.writer_epoch)
            .finish_non_exhaustive()
    }
}
