//! When to try a call again, and for how long. No I/O.
//!
//! What changes state carries a request_id, by which the server gives its first answer again; a
//! claim that is repeated gives a higher epoch. The delete of a value has no request_id: repeated,
//! it may delete a value that was set since, which an expected etag makes impossible. So every call
//! is retried that another try can help: UNAVAILABLE, RESOURCE_EXHAUSTED where the server said
//! that it passes, and CANCELLED, which a server answers whose time to drain is over: the
//! caller's own cancellation drops the call, and never comes as a status.

use std::time::Duration;

use tokio::time::Instant;
use tonic::Code;

use crate::error::{Error, Reason};

/// How often and how patiently a call is repeated, within the client's timeout.
///
/// The delay before try n + 1 is random between 0 and min(`max_backoff`, `initial_backoff` ×
/// `multiplier`^(n-1)), so that clients do not come back in step; where the server names a time
/// to wait, that much comes on top. The defaults ride out about 20 s, the restart of a server on
/// a busy machine. A watch that was open once reconnects without counting.
#[derive(Clone, Debug, PartialEq)]
pub struct RetryPolicy {
    /// Tries of a call, the first one too; 1 retries nothing.
    pub max_attempts: u32,
    /// The bound of the first delay.
    pub initial_backoff: Duration,
    /// The bound of every delay.
    pub max_backoff: Duration,
    /// What the bound grows by with every try.
    pub multiplier: f64,
}

impl Default for RetryPolicy {
    fn default() -> Self {
        Self {
            max_attempts: 24,
            initial_backoff: Duration::from_millis(100),
            max_backoff: Duration::from_secs(2),
            multiplier: 2.0,
        }
    }
}

impl RetryPolicy {
    /// The delay after so many failures in a row; `jitter` is in [0, 1).
    pub(crate) fn backoff(&self, failures: u32, jitter: f64) -> Duration {
        // The exponent is bounded because a watch may fail without end.
        let exponent = failures.saturating_sub(1).min(64) as i32;
        let ceiling = self.initial_backoff.as_secs_f64() * self.multiplier.powi(exponent);
        let seconds = ceiling.min(self.max_backoff.as_secs_f64()) * jitter;
        Duration::try_from_secs_f64(seconds).unwrap_or(self.max_backoff)
    }
}

/// A random number in [0, 1).
pub(crate) fn jitter() -> f64 {
    // 53 bits, as many as a double has.
    (u64::from_le_bytes(random()) >> 11) as f64 / (1_u64 << 53) as f64
}

/// Bytes of the system's randomness.
pub(crate) fn random<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).expect("the system has no randomness");
    bytes
}

/// Whether another try of the same call may succeed soon.
pub(crate) fn is_transient(error: &Error) -> bool {
    match error.code() {
        Code::Unavailable | Code::Cancelled => true,
        _ => matches!(
            error.reason(),
            Some(Reason::ServerBusy | Reason::RateLimited)
        ),
    }
}

/// Whether no answer of a working server was had: what a background saver rides out, and after
/// which nobody knows whether the call took effect.
///
/// Besides transient errors: the timeout, and statuses without a reason that broken connections
/// and proxies make up.
pub(crate) fn is_absence(error: &Error) -> bool {
    is_transient(error)
        || error.code() == Code::DeadlineExceeded
        || (error.reason().is_none() && matches!(error.code(), Code::Internal | Code::Unknown))
}

/// The tries of one call.
pub(crate) struct Attempts<'a> {
    policy: &'a RetryPolicy,
    timeout: Duration,
    deadline: Option<Instant>,
    failures: u32,
}

impl<'a> Attempts<'a> {
    pub(crate) fn new(policy: &'a RetryPolicy, timeout: Duration) -> Self {
        // A timeout beyond what the clock can say is none.
        let deadline = Instant::now().checked_add(timeout);
        Self {
            policy,
            timeout,
            deadline,
            failures: 0,
        }
    }

    /// The time that all tries together may take.
    pub(crate) fn timeout(&self) -> Duration {
        self.timeout
    }

    /// What the next try may take.
    pub(crate) fn remaining(&self) -> Duration {
        self.deadline
            .map_or(Duration::MAX, |deadline| deadline - Instant::now())
    }

    /// How long to wait before the next try; None when there is none: the error is the call's.
    pub(crate) fn delay_after(&mut self, error: &Error, jitter: f64) -> Option<Duration> {
        self.failures += 1;
        if !is_transient(error) || self.failures >= self.policy.max_attempts {
            return None;
        }
        let backoff = self.policy.backoff(self.failures, jitter);
        let delay = backoff.saturating_add(error.retry_after().unwrap_or_default());
        // A wait that uses the time up leaves none for the try.
        (delay < self.remaining()).then_some(delay)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(code: Code, reason: Option<Reason>) -> Error {
        Error::new(code, reason, "")
    }

    #[test]
    fn the_backoff_doubles_up_to_its_bound() {
        let policy = RetryPolicy::default();
        let millis = |failures| policy.backoff(failures, 0.5).as_millis();
        assert_eq!(
            [millis(1), millis(2), millis(5), millis(6)],
            [50, 100, 800, 1_000]
        );
        assert_eq!(millis(u32::MAX), 1_000);
        assert_eq!(policy.backoff(3, 0.0), Duration::ZERO);
    }

    #[test]
    fn jitter_is_in_its_range() {
        let drawn: Vec<f64> = (0..1_000).map(|_| jitter()).collect();
        assert!(drawn.iter().all(|each| (0.0..1.0).contains(each)));
        assert!(drawn.iter().any(|each| *each < 0.25) && drawn.iter().any(|each| *each > 0.75));
    }

    #[test]
    fn what_passes_is_transient_and_what_answers_is_not() {
        let busy = error(Code::ResourceExhausted, Some(Reason::ServerBusy));
        let quota = error(Code::ResourceExhausted, Some(Reason::QuotaExceeded));
        let made_up = error(Code::Internal, None);
        let fault = error(Code::Internal, Some(Reason::Internal));
        let late = error(Code::DeadlineExceeded, Some(Reason::Deadline));
        assert!(is_transient(&busy) && is_transient(&error(Code::Cancelled, None)));
        assert!(is_transient(&error(Code::Unavailable, None)));
        assert!(
            ![&quota, &made_up, &fault, &late]
                .into_iter()
                .any(is_transient)
        );
        assert!(is_absence(&made_up) && is_absence(&late) && is_absence(&busy));
        assert!(!is_absence(&fault) && !is_absence(&quota));
    }

    #[tokio::test(start_paused = true)]
    async fn tries_end_with_their_count_or_their_time() {
        let policy = RetryPolicy {
            max_attempts: 3,
            ..RetryPolicy::default()
        };
        let unavailable = error(Code::Unavailable, None);
        let mut counted = Attempts::new(&policy, Duration::from_secs(60));
        assert!(counted.delay_after(&unavailable, 0.9).is_some());
        assert!(counted.delay_after(&unavailable, 0.9).is_some());
        assert_eq!(counted.delay_after(&unavailable, 0.9), None);
        let mut short = Attempts::new(&policy, Duration::from_millis(50));
        assert_eq!(short.delay_after(&unavailable, 0.9), None);
        let mut fatal = Attempts::new(&policy, Duration::from_secs(60));
        assert_eq!(fatal.delay_after(&error(Code::NotFound, None), 0.9), None);
    }

    #[tokio::test(start_paused = true)]
    async fn a_timeout_without_bound_never_comes() {
        let policy = RetryPolicy::default();
        let mut attempts = Attempts::new(&policy, Duration::MAX);
        tokio::time::advance(Duration::from_secs(1_000_000_000)).await;
        assert_eq!(attempts.remaining(), Duration::MAX);
        assert!(
            attempts
                .delay_after(&error(Code::Unavailable, None), 0.9)
                .is_some()
        );
    }

    #[tokio::test(start_paused = true)]
    async fn the_time_that_the_server_names_comes_on_top() {
        let policy = RetryPolicy::default();
        let asked = error(Code::Unavailable, None).with_retry_after(Some(Duration::from_secs(3)));
        let mut attempts = Attempts::new(&policy, Duration::from_secs(60));
        assert_eq!(
            attempts.delay_after(&asked, 0.5),
            Some(Duration::from_millis(3_050))
        );
        tokio::time::advance(Duration::from_secs(57)).await;
        assert_eq!(attempts.remaining(), Duration::from_secs(3));
        assert_eq!(attempts.delay_after(&asked, 0.5), None);
    }
}
