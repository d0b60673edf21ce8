//! The calls that compare, copy and remove snapshots of an execution.

use stillframe_proto::v1 as pb;

use crate::answers::{Diff, EntryDifference, Forked};
use crate::client::Client;
use crate::error::Result;
use crate::query::{self, Criteria, Selector};
use crate::requests::{ForkOptions, PruneOptions, request_id_of};
use crate::transport::snapshots;

/// The most entries of one page of DiffSnapshots, by the contract.
const DIFF_PAGE: u32 = 10_000;

impl Client {
    /// Compares two snapshots of one execution.
    ///
    /// # Errors
    ///
    /// EXECUTION_NOT_FOUND, SNAPSHOT_NOT_FOUND, INVALID_FIELD.
    pub async fn diff(&self, execution_id: &str, from: Selector, to: Selector) -> Result<Diff> {
        let mut request = pb::DiffSnapshotsRequest {
            tenant_id: self.owned_tenant(),
            execution_id: execution_id.to_owned(),
            from: Some(from.message()),
            to: to.optional(),
            page_size: DIFF_PAGE,
            page_token: String::new(),
        };
        let mut diff = Diff::default();
        loop {
            let send = snapshots!(diff_snapshots);
            let answer: pb::DiffSnapshotsResponse = self
                .transport()
                .unary(request.clone(), self.timeout(), send)
                .await?;
            diff.from_version = answer.from_version;
            diff.to_version = answer.to_version;
            diff.header_fields = answer.header_fields;
            diff.entries
                .extend(answer.entries.into_iter().map(EntryDifference::new));
            request.page_token = answer.next_page_token;
            if request.page_token.is_empty() {
                return Ok(diff);
            }
        }
    }

    /// Creates an execution from a snapshot of another.
    ///
    /// # Errors
    ///
    /// EXECUTION_NOT_FOUND, SNAPSHOT_NOT_FOUND, EXECUTION_EXISTS, QUOTA_EXCEEDED, INVALID_FIELD,
    /// REQUEST_ID_REUSED.
    pub async fn fork(
        &self,
        execution_id: &str,
        new_execution_id: &str,
        options: ForkOptions,
    ) -> Result<Forked> {
        let request = pb::ForkExecutionRequest {
            tenant_id: self.owned_tenant(),
            execution_id: execution_id.to_owned(),
            new_execution_id: new_execution_id.to_owned(),
            selector: options.selector.optional(),
            include_history: options.include_history,
            sequence_number: options.sequence_number,
            request_id: request_id_of(options.request_id),
        };
        let send = snapshots!(fork_execution);
        self.transport()
            .unary(request, self.timeout(), send)
            .await
            .map(Forked::new)
    }

    /// Deletes history of an execution, never its head, and returns how many snapshots it deleted.
    ///
    /// # Errors
    ///
    /// EXECUTION_NOT_FOUND, FENCED, INVALID_FIELD, REQUEST_ID_REUSED.
    pub async fn prune(&self, execution_id: &str, options: PruneOptions) -> Result<u64> {
        if options
            .labels
            .as_ref()
            .is_some_and(|labels| labels.is_empty())
        {
            return Err(query::empty("labels"));
        }
        let request = pb::DeleteSnapshotsRequest {
            tenant_id: self.owned_tenant(),
            execution_id: execution_id.to_owned(),
            versions: query::some("versions", &options.versions, |each| *each)?,
            snapshot_ids: query::some("snapshot_ids", &options.snapshot_ids, Clone::clone)?,
            criteria: options.criteria.as_ref().map(Criteria::message),
            labels: options.labels.unwrap_or_default().into_iter().collect(),
            all_history: options.all_history,
            writer_epoch: options.writer_epoch,
            request_id: request_id_of(options.request_id),
        };
        let send = snapshots!(delete_snapshots);
        let answer: pb::DeleteSnapshotsResponse = self
            .transport()
            .unary(request, self.timeout(), send)
            .await?;
        Ok(answer.deleted_count)
    }
}
