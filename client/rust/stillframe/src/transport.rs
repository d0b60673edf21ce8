//! Calls over tonic: a connection for each address, and the loop that retries.

use std::future::Future;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use prost::Message;
use stillframe_proto::v1::snapshot_service_client::SnapshotServiceClient;
use stillframe_proto::v1::working_memory_service_client::WorkingMemoryServiceClient;
use stillframe_proto::v1::{WatchSnapshotsRequest, WatchSnapshotsResponse};
use tonic::metadata::MetadataMap;
use tonic::transport::Channel;
use tonic::{Code, Request, Response, Status, Streaming};

use crate::error::{Error, Reason, Result};
use crate::retry::{self, Attempts, RetryPolicy};
use crate::status::error_of;

/// The stubs of both services over one connection.
#[derive(Clone)]
pub(crate) struct Stubs {
    pub(crate) snapshots: SnapshotServiceClient<Channel>,
    pub(crate) memory: WorkingMemoryServiceClient<Channel>,
}

/// Sends a request by this method of the SnapshotService.
macro_rules! snapshots {
    ($method:ident) => {
        |mut stubs: $crate::transport::Stubs, request| async move {
            stubs.snapshots.$method(request).await
        }
    };
}

/// Sends a request by this method of the WorkingMemoryService.
macro_rules! memory {
    ($method:ident) => {
        |mut stubs: $crate::transport::Stubs, request| async move {
            stubs.memory.$method(request).await
        }
    };
}

pub(crate) use {memory, snapshots};

/// The longest timeout that is told to the server; above it there is none.
const LONGEST_TIMEOUT: Duration = Duration::from_secs(90_000_000);

pub(crate) struct Transport {
    /// One for each address.
    stubs: Vec<Stubs>,
    /// The one in use: the first that answers.
    current: AtomicUsize,
    metadata: MetadataMap,
    policy: RetryPolicy,
    max_message_bytes: usize,
}

impl Transport {
    pub(crate) fn new(
        channels: Vec<Channel>,
        metadata: MetadataMap,
        policy: RetryPolicy,
        max_message_bytes: usize,
    ) -> Self {
        let stubs = |channel: Channel| Stubs {
            snapshots: SnapshotServiceClient::new(channel.clone())
                .max_decoding_message_size(max_message_bytes)
                .max_encoding_message_size(max_message_bytes),
            memory: WorkingMemoryServiceClient::new(channel)
                .max_decoding_message_size(max_message_bytes)
                .max_encoding_message_size(max_message_bytes),
        };
        let stubs = channels.into_iter().map(stubs).collect();
        Self {
            stubs,
            current: AtomicUsize::new(0),
            metadata,
            policy,
            max_message_bytes,
        }
    }

    pub(crate) fn policy(&self) -> &RetryPolicy {
        &self.policy
    }

    pub(crate) fn max_message_bytes(&self) -> u64 {
        self.max_message_bytes as u64
    }

    /// Makes a call, with retries within `timeout`.
    pub(crate) async fn unary<Q, A, F>(
        &self,
        request: Q,
        timeout: Duration,
        send: impl Fn(Stubs, Request<Q>) -> F + Sync,
    ) -> Result<A>
    where
        Q: Message + Clone,
        F: Future<Output = Result<Response<A>, Status>> + Send,
    {
        self.refuse_too_large(&request, None)?;
        let mut attempts = Attempts::new(&self.policy, timeout);
        loop {
            let (used, stubs) = self.stubs();
            let remaining = attempts.remaining();
            let mut message = self.request(request.clone());
            if remaining < LONGEST_TIMEOUT {
                message.set_timeout(remaining);
            }
            let error = match tokio::time::timeout(remaining, send(stubs, message)).await {
                Ok(Ok(answer)) => return Ok(answer.into_inner()),
                Ok(Err(status)) => error_of(&status),
                Err(_) => return Err(Error::deadline(attempts.timeout())),
            };
            self.failed(used, &error);
            match attempts.delay_after(&error, retry::jitter()) {
                Some(delay) => tokio::time::sleep(delay).await,
                None => return Err(error),
            }
        }
    }

    /// Starts one call of a watch.
    pub(crate) async fn watch(
        &self,
        request: WatchSnapshotsRequest,
    ) -> Result<Streaming<WatchSnapshotsResponse>> {
        let (used, mut stubs) = self.stubs();
        match stubs.snapshots.watch_snapshots(self.request(request)).await {
            Ok(answer) => Ok(answer.into_inner()),
            Err(status) => {
                let error = error_of(&status);
                self.failed(used, &error);
                Err(error)
            }
        }
    }

    /// Refuses what is above the bound on messages, with the reason that the server would give:
    /// tonic would answer OUT_OF_RANGE, which stands for a resume token that is lost.
    pub(crate) fn refuse_too_large(
        &self,
        request: &impl Message,
        reason: Option<Reason>,
    ) -> Result<()> {
        let (size, maximum) = (request.encoded_len(), self.max_message_bytes);
        if size <= maximum {
            return Ok(());
        }
        let message = format!("the request has {size} bytes, and max_message_bytes is {maximum}");
        let error = Error::new(Code::ResourceExhausted, reason, message);
        Err(error.with_metadata([
            ("limit", "max_message_bytes".to_owned()),
            ("maximum", maximum.to_string()),
            ("actual", size.to_string()),
        ]))
    }

    fn request<Q>(&self, message: Q) -> Request<Q> {
        let mut request = Request::new(message);
        *request.metadata_mut() = self.metadata.clone();
        request
    }

    fn stubs(&self) -> (usize, Stubs) {
        let current = self.current.load(Ordering::Relaxed);
        (current, self.stubs[current].clone())
    }

    /// Goes on to the next address where one gives no answer. Of many calls that fail at once only
    /// the first moves it.
    fn failed(&self, used: usize, error: &Error) {
        if error.code() == Code::Unavailable {
            let next = (used + 1) % self.stubs.len();
            let _ = self
                .current
                .compare_exchange(used, next, Ordering::Relaxed, Ordering::Relaxed);
        }
    }
}
