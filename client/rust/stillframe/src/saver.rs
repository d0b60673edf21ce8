//! Saves in the background, in a task of their own.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::Instant;

use crate::answers::Saved;
use crate::client::Client;
use crate::error::{Error, Result};
use crate::execution::{Execution, ExecutionOptions};
use crate::requests::SaveOptions;
use crate::retry;
use crate::saver_core::Core;
use crate::snapshot::{EncodedSnapshot, Snapshot};
use crate::value::Codec;

/// What a [`Saver`] is opened with.
#[derive(Clone, Debug, PartialEq)]
pub struct SaverOptions {
    /// What goes with every save.
    pub writer_epoch: Option<u64>,
    /// As in [`ExecutionOptions`].
    pub overwrite: bool,
    /// How long the server may be absent, from when the first try without an answer began, until
    /// the saver gives up; 60 s by default.
    pub max_absence: Duration,
}

impl Default for SaverOptions {
    fn default() -> Self {
        Self {
            writer_epoch: None,
            overwrite: false,
            max_absence: Duration::from_secs(60),
        }
    }
}

/// Saves the states of one execution in a task of its own, from [`Client::saver`] or
/// [`Execution::into_saver`]; the newest wins.
///
/// The absence of the server is ridden out for `max_absence`. Any other error stops the saver, and
/// is given to every later submit, flush and close. Dropping it aborts the task: what was not
/// flushed may be lost.
pub struct Saver {
    shared: Arc<Shared>,
    codec: Arc<dyn Codec>,
    task: JoinHandle<()>,
}

impl Saver {
    pub(crate) fn new(client: &Client, execution_id: &str, options: SaverOptions) -> Self {
        let SaverOptions {
            writer_epoch,
            overwrite,
            max_absence,
        } = options;
        let execution = client.execution(
            execution_id,
            ExecutionOptions {
                writer_epoch,
                overwrite,
            },
        );
        Self::over(client, execution, max_absence)
    }

    pub(crate) fn over(client: &Client, execution: Execution, max_absence: Duration) -> Self {
        let policy = client.transport().policy().clone();
        let shared = Arc::new(Shared {
            core: Mutex::new(Core::new(policy, max_absence)),
            changed: watch::Sender::new(()),
        });
        let task = tokio::spawn(run(Arc::clone(&shared), execution, client.timeout()));
        Self {
            shared,
            codec: Arc::clone(client.codec()),
            task,
        }
    }

    /// Takes a state to save, in place of one that waits, and returns at once.
    ///
    /// # Errors
    ///
    /// VALUE_ENCODE; CLOSED after a close; the error that stopped the saver.
    pub fn submit(&self, snapshot: &Snapshot) -> Result<()> {
        self.submit_with(snapshot, None, false)
    }

    /// As [`Saver::submit`], with what a save can be told in the background; see [`SaveOptions`].
    ///
    /// # Errors
    ///
    /// As [`Saver::submit`].
    pub fn submit_with(
        &self,
        snapshot: &Snapshot,
        ttl: Option<Duration>,
        allow_sequence_regression: bool,
    ) -> Result<()> {
        let snapshot = EncodedSnapshot::of(snapshot, &*self.codec)?;
        let options = SaveOptions {
            ttl,
            allow_sequence_regression,
            ..SaveOptions::default()
        };
        self.shared.core().submit(snapshot, options)?;
        self.shared.changed.send_replace(());
        Ok(())
    }

    /// Waits until the newest state that was submitted is durable, and returns the answer to the
    /// newest durable save; None when nothing was submitted.
    ///
    /// # Errors
    ///
    /// The error that stopped the saver.
    pub async fn flush(&self) -> Result<Option<Saved>> {
        let mut changed = self.shared.changed.subscribe();
        let ticket = self.shared.core().submitted;
        loop {
            {
                let core = self.shared.core();
                if core.is_settled(ticket) {
                    return core.check().map(|()| core.last.clone());
                }
            }
            // The sender lives in `shared`, and so as long as this.
            let _ = changed.changed().await;
        }
    }

    /// As [`Saver::flush`], for at most so long.
    ///
    /// # Errors
    ///
    /// As [`Saver::flush`], and DEADLINE.
    pub async fn flush_within(&self, timeout: Duration) -> Result<Option<Saved>> {
        let flushed = tokio::time::timeout(timeout, self.flush()).await;
        flushed.unwrap_or_else(|_| Err(Error::deadline(timeout)))
    }

    /// Refuses every later state, and waits until what was submitted is durable. Idempotent.
    ///
    /// # Errors
    ///
    /// As [`Saver::flush`].
    pub async fn close(&self) -> Result<()> {
        self.shared.core().closed = true;
        self.shared.changed.send_replace(());
        self.flush().await.map(drop)
    }
}

impl Drop for Saver {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl fmt::Debug for Saver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let core = self.shared.core();
        f.debug_struct("Saver")
            .field("submitted", &core.submitted)
            .field("durable", &core.durable)
            .field("error", &core.error)
            .finish_non_exhaustive()
    }
}

struct Shared {
    core: Mutex<Core>,
    changed: watch::Sender<()>,
}

impl Shared {
    fn core(&self) -> MutexGuard<'_, Core> {
        // Nothing that can panic runs under the lock.
        self.core
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

/// Tells those who wait, when the task ends by a panic or by the end of its runtime.
struct Ending(Arc<Shared>);

impl Drop for Ending {
    fn drop(&mut self) {
        self.0.core().stop();
        self.0.changed.send_replace(());
    }
}

async fn run(shared: Arc<Shared>, mut execution: Execution, timeout: Duration) {
    let _ending = Ending(Arc::clone(&shared));
    let mut changed = shared.changed.subscribe();
    loop {
        let taken = {
            let mut core = shared.core();
            if core.closed && core.waiting.is_none() {
                return;
            }
            core.take(timeout, Instant::now())
        };
        let Some((job, left)) = taken else {
            let _ = changed.changed().await;
            continue;
        };
        execution.set_timeout(left);
        let answer = execution
            .save_encoded(&job.snapshot, job.options.clone())
            .await;
        let delay = match answer {
            Ok(saved) => {
                shared.core().saved(&job, saved);
                Some(Duration::ZERO)
            }
            Err(error) => shared
                .core()
                .failed(job, error, Instant::now(), retry::jitter()),
        };
        shared.changed.send_replace(());
        match delay {
            Some(delay) => tokio::time::sleep(delay).await,
            None => return,
        }
    }
}
