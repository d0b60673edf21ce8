//! The client: every call of the contract.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use stillframe_proto::v1 as pb;
use stillframe_proto::v1::save_snapshot_request::Content;

use crate::answers::{Claim, Deleted, Loaded, Saved, ServerInfo};
use crate::builder::Builder;
use crate::error::{Reason, Result};
use crate::execution::{Execution, ExecutionOptions};
use crate::memory::WorkingMemory;
use crate::query::Projection;
use crate::requests::{
    ClaimOptions, DeleteOptions, LoadOptions, SaveOptions, request_id_of, save_request,
};
use crate::saver::{Saver, SaverOptions};
use crate::snapshot::{EncodedSnapshot, Snapshot};
use crate::stored::{Freshness, StoredSnapshot};
use crate::transport::{Transport, snapshots};
use crate::value::Codec;
use crate::watch::{Watch, WatchOptions};

/// The most executions of one CheckFreshness, by the contract.
const FRESHNESS_BATCH: usize = 1_000;

/// A client of one tenant. Cheap to clone; all clones share a connection.
///
/// Every call is repeated while its timeout lasts and another try can help: the restart of a
/// server is ridden out. What changes state carries a request_id, so that it is done once; the one
/// exception is [`WorkingMemory::delete`].
#[derive(Clone)]
pub struct Client {
    shared: Arc<Shared>,
    timeout: Duration,
}

struct Shared {
    transport: Transport,
    tenant: String,
    codec: Arc<dyn Codec>,
}

impl Client {
    /// The settings of a client for a tenant. `target` is `host:port`, several of them with
    /// commas between (the first that answers is used), or a `http`, `https` or `unix` URI.
    pub fn builder(target: impl Into<String>, tenant: impl Into<String>) -> Builder {
        Builder::new(target.into(), tenant.into())
    }

    /// Opens a client without TLS and with every setting as it is by default.
    ///
    /// # Errors
    ///
    /// Those of [`Builder::open`].
    pub fn open(target: impl Into<String>, tenant: impl Into<String>) -> Result<Self> {
        Self::builder(target, tenant).open()
    }

    pub(crate) fn new(
        transport: Transport,
        tenant: String,
        codec: Arc<dyn Codec>,
        timeout: Duration,
    ) -> Self {
        Self {
            shared: Arc::new(Shared {
                transport,
                tenant,
                codec,
            }),
            timeout,
        }
    }

    /// The tenant of every call.
    pub fn tenant(&self) -> &str {
        &self.shared.tenant
    }

    /// The time that a call may take with its retries.
    pub fn timeout(&self) -> Duration {
        self.timeout
    }

    /// The same client with another timeout.
    pub fn with_timeout(&self, timeout: Duration) -> Self {
        Self {
            shared: Arc::clone(&self.shared),
            timeout,
        }
    }

    pub(crate) fn transport(&self) -> &Transport {
        &self.shared.transport
    }

    pub(crate) fn codec(&self) -> &Arc<dyn Codec> {
        &self.shared.codec
    }

    pub(crate) fn owned_tenant(&self) -> String {
        self.shared.tenant.clone()
    }

    pub(crate) fn max_message_bytes(&self) -> Option<u64> {
        Some(self.transport().max_message_bytes())
    }

    pub(crate) fn stored(&self, message: pb::ExecutionSnapshot) -> StoredSnapshot {
        StoredSnapshot::new(message, self.codec(), false)
    }

    /// Saves a snapshot whole, and returns once it is durable. [`Client::execution`] saves deltas.
    ///
    /// # Errors
    ///
    /// VALUE_ENCODE, FENCED, ETAG_MISMATCH, EXECUTION_EXISTS, SEQUENCE_REGRESSION,
    /// SNAPSHOT_ID_EXISTS, SNAPSHOT_TOO_LARGE, QUOTA_EXCEEDED, INVALID_FIELD, REQUEST_ID_REUSED.
    pub async fn save(
        &self,
        execution_id: &str,
        snapshot: &Snapshot,
        options: SaveOptions,
    ) -> Result<Saved> {
        let content = EncodedSnapshot::of(snapshot, &**self.codec())?.message();
        let content = Content::Snapshot(content);
        self.send_save_request(save_request(self.tenant(), execution_id, content, options))
            .await
    }

    pub(crate) async fn send_save_request(
        &self,
        request: pb::SaveSnapshotRequest,
    ) -> Result<Saved> {
        self.transport()
            .refuse_too_large(&request, Some(Reason::SnapshotTooLarge))?;
        let send = snapshots!(save_snapshot);
        self.transport()
            .unary(request, self.timeout, send)
            .await
            .map(Saved::new)
    }

    /// Loads a snapshot: the head, unless the options select another.
    ///
    /// # Errors
    ///
    /// EXECUTION_NOT_FOUND, SNAPSHOT_NOT_FOUND, SNAPSHOT_STALE, SNAPSHOT_AHEAD, INVALID_FIELD.
    pub async fn load(&self, execution_id: &str, options: LoadOptions) -> Result<Loaded> {
        let request = pb::LoadSnapshotRequest {
            tenant_id: self.owned_tenant(),
            execution_id: execution_id.to_owned(),
            selector: options.selector.optional(),
            projection: options.projection.as_ref().map(Projection::message),
            event_store_head: options.event_store_head,
            require_fresh: options.require_fresh,
            max_behind: options.max_behind,
            max_message_bytes: options.max_message_bytes.or(self.max_message_bytes()),
        };
        let send = snapshots!(load_snapshot);
        let answer: pb::LoadSnapshotResponse =
            self.transport().unary(request, self.timeout, send).await?;
        Ok(Loaded {
            snapshot: self.stored(answer.snapshot.unwrap_or_default()),
            freshness: answer.freshness.map(Freshness::new),
        })
    }

    /// Takes over an execution: from then on every save with a lower epoch, or with none, is
    /// refused with FENCED.
    ///
    /// # Errors
    ///
    /// EXECUTION_NOT_FOUND, unless `allow_missing`; FENCED, INVALID_FIELD.
    pub async fn claim(&self, execution_id: &str, options: ClaimOptions) -> Result<Claim> {
        let request = pb::ClaimExecutionRequest {
            tenant_id: self.owned_tenant(),
            execution_id: execution_id.to_owned(),
            allow_missing: options.allow_missing,
            projection: options.projection.as_ref().map(Projection::message),
            event_store_head: options.event_store_head,
            max_message_bytes: self.max_message_bytes(),
        };
        let send = snapshots!(claim_execution);
        let answer: pb::ClaimExecutionResponse =
            self.transport().unary(request, self.timeout, send).await?;
        Ok(Claim {
            writer_epoch: answer.writer_epoch,
            snapshot: answer.snapshot.map(|message| self.stored(message)),
            freshness: answer.freshness.map(Freshness::new),
        })
    }

    /// Compares the heads of executions with those of the engine's event store, in the order
    /// given. One that does not exist is missing, not an error.
    ///
    /// # Errors
    ///
    /// INVALID_FIELD.
    pub async fn check_freshness<K: Into<String>>(
        &self,
        heads: impl IntoIterator<Item = (K, u64)>,
    ) -> Result<Vec<Freshness>> {
        let query = |(execution_id, event_store_head): (K, u64)| pb::FreshnessQuery {
            execution_id: execution_id.into(),
            event_store_head,
        };
        let queries: Vec<_> = heads.into_iter().map(query).collect();
        let mut results = Vec::with_capacity(queries.len());
        for batch in queries.chunks(FRESHNESS_BATCH) {
            let request = pb::CheckFreshnessRequest {
                tenant_id: self.owned_tenant(),
                executions: batch.to_vec(),
            };
            let send = snapshots!(check_freshness);
            let answer: pb::CheckFreshnessResponse =
                self.transport().unary(request, self.timeout, send).await?;
            results.extend(answer.results.into_iter().map(Freshness::new));
        }
        Ok(results)
    }

    /// Deletes an execution, its history, and what the working memory keeps for it. Where there is
    /// none, it deletes nothing and says so.
    ///
    /// # Errors
    ///
    /// FENCED, ETAG_MISMATCH, INVALID_FIELD, REQUEST_ID_REUSED.
    pub async fn delete(&self, execution_id: &str, options: DeleteOptions) -> Result<Deleted> {
        let request = pb::DeleteExecutionRequest {
            tenant_id: self.owned_tenant(),
            execution_id: execution_id.to_owned(),
            expected_etag: options.expected_etag,
            writer_epoch: options.writer_epoch,
            request_id: request_id_of(options.request_id),
            include_descendants: options.include_descendants,
        };
        let send = snapshots!(delete_execution);
        self.transport()
            .unary(request, self.timeout, send)
            .await
            .map(Deleted::new)
    }

    /// Gets what the server is and which limits are in force.
    ///
    /// # Errors
    ///
    /// Those that every call can have.
    pub async fn info(&self) -> Result<ServerInfo> {
        let send = snapshots!(get_server_info);
        let request = pb::GetServerInfoRequest {};
        self.transport()
            .unary(request, self.timeout, send)
            .await
            .map(ServerInfo::new)
    }

    /// A handle on one execution, which works out deltas.
    pub fn execution(&self, execution_id: &str, options: ExecutionOptions) -> Execution {
        Execution::new(self.clone(), execution_id, options)
    }

    /// Saves the states of one execution in the background; the newest wins. Starts a task.
    pub fn saver(&self, execution_id: &str, options: SaverOptions) -> Saver {
        Saver::new(self, execution_id, options)
    }

    /// Watches the executions that the filter matches. It connects when it is first polled, and
    /// resumes by itself.
    ///
    /// # Errors
    ///
    /// INVALID_FIELD for options that contradict each other.
    pub fn watch(&self, options: WatchOptions) -> Result<Watch> {
        Watch::new(self.clone(), options)
    }

    /// The values that are kept beside the snapshots: of one execution, or of the tenant.
    pub fn working_memory(&self, execution_id: Option<&str>) -> WorkingMemory {
        WorkingMemory::new(self.clone(), execution_id)
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client")
            .field("tenant", &self.tenant())
            .finish_non_exhaustive()
    }
}
