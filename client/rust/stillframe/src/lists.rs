//! The calls that list: heads, and history.

use stillframe_proto::v1 as pb;

use crate::answers::{MatchCount, Page};
use crate::client::Client;
use crate::error::Result;
use crate::listing::Listing;
use crate::query::{self, Criteria, Filter, Projection};
use crate::requests::{HistoryOptions, ListOptions};
use crate::stored::StoredSnapshot;
use crate::transport::snapshots;

impl Client {
    /// Lists the heads of the executions that the filter matches, in order of the bytes of their
    /// ids.
    pub fn list(&self, options: ListOptions) -> Listing<StoredSnapshot> {
        let client = self.clone();
        Listing::new(move |token| {
            let (client, options) = (client.clone(), options.clone());
            async move { client.list_page(&options, &token, false).await }
        })
    }

    /// One page of [`Client::list`]; the first has an empty token.
    ///
    /// # Errors
    ///
    /// INVALID_FIELD, PAGE_TOKEN_MISMATCH.
    pub async fn list_page(
        &self,
        options: &ListOptions,
        page_token: &str,
        include_count: bool,
    ) -> Result<Page<StoredSnapshot>> {
        let request = pb::ListExecutionsRequest {
            tenant_id: self.owned_tenant(),
            filter: options.filter.as_ref().map(Filter::message).transpose()?,
            view: query::view(options.full, &options.projection)?,
            projection: options.projection.as_ref().map(Projection::message),
            page_size: options.page_size,
            page_token: page_token.to_owned(),
            include_count,
            max_message_bytes: self.max_message_bytes(),
        };
        let send = snapshots!(list_executions);
        let answer: pb::ListExecutionsResponse = self
            .transport()
            .unary(request, self.timeout(), send)
            .await?;
        Ok(Page {
            items: answer
                .executions
                .into_iter()
                .map(|each| self.stored(each))
                .collect(),
            next_page_token: answer.next_page_token,
            count: answer.count.map(MatchCount::new),
        })
    }

    /// Lists snapshots, newest first: of one execution, or of every one that the filter matches.
    pub fn history(&self, options: HistoryOptions) -> Listing<StoredSnapshot> {
        let client = self.clone();
        Listing::new(move |token| {
            let (client, options) = (client.clone(), options.clone());
            async move { client.history_page(&options, &token).await }
        })
    }

    /// One page of [`Client::history`]; the first has an empty token.
    ///
    /// # Errors
    ///
    /// EXECUTION_NOT_FOUND, when the execution is given; INVALID_FIELD, PAGE_TOKEN_MISMATCH.
    pub async fn history_page(
        &self,
        options: &HistoryOptions,
        page_token: &str,
    ) -> Result<Page<StoredSnapshot>> {
        let request = pb::ListSnapshotsRequest {
            tenant_id: self.owned_tenant(),
            execution_id: options.execution_id.clone(),
            filter: options.filter.as_ref().map(Filter::message).transpose()?,
            criteria: options.criteria.as_ref().map(Criteria::message),
            labels: options.labels.clone().into_iter().collect(),
            view: query::view(options.full, &options.projection)?,
            projection: options.projection.as_ref().map(Projection::message),
            page_size: options.page_size,
            page_token: page_token.to_owned(),
            max_message_bytes: self.max_message_bytes(),
        };
        let send = snapshots!(list_snapshots);
        let answer: pb::ListSnapshotsResponse = self
            .transport()
            .unary(request, self.timeout(), send)
            .await?;
        Ok(Page {
            items: answer
                .snapshots
                .into_iter()
                .map(|each| self.stored(each))
                .collect(),
            next_page_token: answer.next_page_token,
            count: None,
        })
    }
}
