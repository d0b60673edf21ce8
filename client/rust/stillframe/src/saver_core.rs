//! What a background saver does next. No I/O, no task.
//!
//! The newest state wins: one save is under way, at most one state waits, and a newer one takes its
//! place. `Core` holds that, and counts how long the server is absent; the task of a `Saver`
//! carries it out.

use std::time::Duration;

use tokio::time::Instant;

use crate::answers::Saved;
use crate::error::{Error, Result};
use crate::requests::SaveOptions;
use crate::retry::{RetryPolicy, is_absence};
use crate::snapshot::EncodedSnapshot;

/// A state to save; `ticket` counts the states submitted.
pub(crate) struct Job {
    pub(crate) ticket: u64,
    pub(crate) snapshot: EncodedSnapshot,
    pub(crate) options: SaveOptions,
}

/// What a background saver does next.
pub(crate) struct Core {
    pub(crate) policy: RetryPolicy,
    pub(crate) max_absence: Duration,
    pub(crate) submitted: u64,
    pub(crate) durable: u64,
    pub(crate) waiting: Option<Job>,
    pub(crate) failures: u32,
    /// When the first of the tries began that have had no answer.
    pub(crate) absent_since: Option<Instant>,
    pub(crate) error: Option<Error>,
    pub(crate) closed: bool,
    /// The answer to the newest state that is durable.
    pub(crate) last: Option<Saved>,
}

impl Core {
    pub(crate) fn new(policy: RetryPolicy, max_absence: Duration) -> Self {
        Self {
            policy,
            max_absence,
            submitted: 0,
            durable: 0,
            waiting: None,
            failures: 0,
            absent_since: None,
            error: None,
            closed: false,
            last: None,
        }
    }

    pub(crate) fn submit(&mut self, snapshot: EncodedSnapshot, options: SaveOptions) -> Result<()> {
        if self.closed {
            return Err(Error::closed());
        }
        self.check()?;
        self.submitted += 1;
        self.waiting = Some(Job {
            ticket: self.submitted,
            snapshot,
            options,
        });
        Ok(())
    }

    pub(crate) fn check(&self) -> Result<()> {
        self.error.clone().map_or(Ok(()), Err)
    }

    /// Whether waiting for a state is over: it, or a newer one, is durable, or never will be.
    pub(crate) fn is_settled(&self, ticket: u64) -> bool {
        self.durable >= ticket || self.error.is_some()
    }

    /// Takes the state to save now, and says what its try may take: an absence ends in time also
    /// when the server swallows calls.
    pub(crate) fn take(&mut self, timeout: Duration, now: Instant) -> Option<(Job, Duration)> {
        let job = self.waiting.take()?;
        let since = *self.absent_since.get_or_insert(now);
        let left = self.max_absence.saturating_sub(now - since);
        Some((job, left.max(Duration::from_millis(1)).min(timeout)))
    }

    /// There will be no more saves. What ends as it was told to has lost nothing.
    pub(crate) fn stop(&mut self) {
        if self.durable < self.submitted || !self.closed {
            self.error.get_or_insert_with(Error::closed);
        }
    }

    pub(crate) fn saved(&mut self, job: &Job, saved: Saved) {
        self.durable = job.ticket;
        self.failures = 0;
        self.absent_since = None;
        self.last = Some(saved);
    }

    /// A try failed. How long to wait before the next one, of the newest state; None if the saver
    /// has stopped.
    pub(crate) fn failed(
        &mut self,
        job: Job,
        error: Error,
        now: Instant,
        jitter: f64,
    ) -> Option<Duration> {
        let absent = self
            .absent_since
            .map_or(Duration::ZERO, |since| now - since);
        self.failures = self.failures.saturating_add(1);
        if !is_absence(&error) || absent >= self.max_absence {
            self.error = Some(error);
            return None;
        }
        self.waiting.get_or_insert(job);
        let backoff = self.policy.backoff(self.failures, jitter);
        let delay = backoff.saturating_add(error.retry_after().unwrap_or_default());
        // However long the server wants to be left alone, the absence ends in time.
        Some(delay.min(self.max_absence.saturating_sub(absent)))
    }
}

#[cfg(test)]
#[path = "saver_core_tests.rs"]
mod tests;
